"""The page for Prometheus of a running product, whose server may read and bind only what it needs."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.worlds.browser import fetched
from tests.worlds.place import Place
from tests.worlds.product import Product
from tests.worlds.waiting import eventually

pytestmark = pytest.mark.e2e

Values = dict[tuple[str, str, str], float]


def scraped(product: Product) -> Values:
    """Return the samples by name and the values of two labels."""
    status, _, body = fetched(f"http://127.0.0.1:{product.settings['METRICS_PORT']}/metrics")
    assert status == 200
    return {
        (
            sample.name,
            sample.labels.get("role", sample.labels.get("kind", "")),
            sample.labels.get("engine", ""),
        ): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


@pytest.mark.costs(15, reason="a job runs, and the agent reports every ten seconds")
def test_a_job_and_its_container_are_in_the_metrics(product: Product, library: Place) -> None:
    library.put_text("metrics/a.txt", "Marie Curie was born in Warsaw, and moved to Paris in 1891.\n" * 1000)
    before = scraped(product)
    assert library.run("metrics/", "entities")["JobStatus"] == "COMPLETED"

    def grown(name: str, first: str, engine: str = "") -> float:
        key = (f"reading_room_{name}", first, engine)
        return scraped(product).get(key, 0.0) - before.get(key, 0.0)

    assert grown("job_documents_total", "entities-detection-job") == 1000
    eventually(lambda: grown("container_cpu_seconds_total", "job", "entities-en") > 0)
    found = scraped(product)
    assert found["reading_room_ready", "", ""] == 1
    assert found["reading_room_agent_turns_total", "", ""] > 0
    assert found["process_start_time_seconds", "", ""] > 1e9


def test_a_strangers_name_does_not_lead_to_the_metrics(product: Product) -> None:
    port = product.settings["METRICS_PORT"]
    status, _, body = fetched(f"http://127.0.0.1:{port}/metrics", Host=f"evil.example:{port}")
    assert status == 421
    assert b"reading_room" not in body

"""Scrapes: paths, methods, floods, slow and failing reads. And where the page may be served."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Gauge

from reading_room.aws.probes import Fault, Probes
from reading_room.hosts.listen_addresses import ListenAddress, ListenAddressError, listen_addresses
from reading_room.metrics.listen_address import metrics_address
from reading_room.metrics.page import MetricsPage, Read
from reading_room.settings import Settings


def page_of(registry: CollectorRegistry | None = None, seconds: float = 5.0, **reads: Read) -> MetricsPage:
    """Return a page with these reads, whose clock stands still."""
    return MetricsPage(registry or CollectorRegistry(), Probes(), reads, seconds, clock=lambda: 100.0)


def status(page: MetricsPage, method: str = "GET", path: str = "/metrics") -> int:
    """Return the status of an answer."""
    return asyncio.run(page.answer(method, path)).status


def test_only_the_page_is_served_and_only_to_readers() -> None:
    page = page_of()
    assert [status(page, method) for method in ("GET", "HEAD", "POST", "DELETE")] == [200, 200, 405, 405]
    assert [status(page, path=path) for path in ("/", "/metrics/", "/metricsx", "/_reading_room/ready")] == [404] * 4
    reply = asyncio.run(page.answer("GET", "/metrics"))
    assert dict(reply.headers)["content-type"].startswith("text/plain; version=0.0.4")


def test_a_flood_of_requests_is_one_scrape() -> None:
    reads: list[Mapping[str, Fault | None]] = []
    page = page_of(state=reads.append)

    async def flood() -> None:
        replies = await asyncio.gather(*(page.answer("GET", "/metrics") for _ in range(100)))
        assert {reply.status for reply in replies} == {200}

    asyncio.run(flood())
    assert len(reads) == 1


def test_a_scrape_that_hangs_is_answered_in_time_and_a_failing_read_spares_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    may_end = threading.Event()

    def hang(_: object) -> None:
        may_end.wait()

    page = page_of(seconds=0.01, state=hang)
    assert status(page) == 503
    may_end.set()
    registry = CollectorRegistry()
    gauge = Gauge("reading_room_ready", "Ready.", registry=registry)

    def fail(_: object) -> None:
        raise OSError(5, "Input/output error")

    reply = asyncio.run(page_of(registry, jobs=fail, state=lambda _: gauge.set(1)).answer("GET", "/metrics"))
    assert b"reading_room_ready 1.0" in reply.body
    assert "the metrics of jobs could not be read" in caplog.text


def test_metrics_are_off_by_default_and_on_loopback_otherwise() -> None:
    assert metrics_address(Settings()) is None
    assert metrics_address(Settings(metrics_port=9464)) == ListenAddress("127.0.0.1", 9464, secure=False)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"metrics_port": 4566}, "READING_ROOM_METRICS_PORT and --port are both 4566"),
        ({"metrics_port": 4567}, "READING_ROOM_METRICS_PORT and --console-port are both 4567"),
        ({"metrics_host": "0.0.0.0"}, "READING_ROOM_METRICS_HOST=0.0.0.0 can be reached from other machines"),
        (
            {"metrics_host": "192.0.2.1", "tls": "own", "uplink": "veth"},
            "READING_ROOM_METRICS_HOST=192.0.2.1 could be reached from VPCs through the uplink veth",
        ),
    ],
)
def test_an_address_that_is_taken_or_open_to_others_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ListenAddressError, match=says):
        metrics_address(Settings(**{"metrics_port": 9464, **given}))


def test_metrics_beyond_loopback_use_the_certificate_of_https(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, metrics_port=9464, metrics_host="192.0.2.1", tls="own")
    assert metrics_address(settings) == ListenAddress("192.0.2.1", 9464, secure=True)
    assert [address.secure for address in listen_addresses(settings)] == [False]

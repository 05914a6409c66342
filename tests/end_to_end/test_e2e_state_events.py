"""State events of a running product reach the web hook, whichever of its processes is killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reading_room.jobs.job import Phase
from tests.worlds.place import LIGHT, Place
from tests.worlds.processes import argv
from tests.worlds.product import Product, running_product
from tests.worlds.receiver import NO_CONTENT, SECRET, Receiver, key_file, receiver, states
from tests.worlds.waiting import eventually

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def server() -> Iterator[Receiver]:
    """The receiver of the web hook."""
    with receiver() as found:
        yield found


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, server: Receiver) -> Iterator[Product]:
    """A product that sends state events to the receiver."""
    folder = tmp_path_factory.mktemp("product")
    settings = {
        "EVENTS_WEBHOOK": server.url,
        "EVENTS_WEBHOOK_KEY": key_file(folder),
        "WEBHOOK_HOSTS": "127.0.0.1",
    }
    with running_product(folder, **settings) as found:
        yield found


@pytest.fixture(scope="module")
def place(product: Product) -> Place:
    """A network and data for jobs."""
    found = Place(product)
    found.put("in/", 1)
    return found


def await_events(server: Receiver, job: str, last: str) -> list[str]:
    """Wait for an event of a job, and return the statuses that came until then."""

    def came() -> list[str] | None:
        statuses = [status for each, status in states(server.came) if each == job]
        return statuses if last in statuses else None

    return eventually(came, what=f"{last} of {job}")


@pytest.mark.costs(30, reason="a product of its own, whose server is killed and started again")
def test_every_event_comes_in_order_although_serve_is_killed(product: Product, place: Place, server: Receiver) -> None:
    job = place.start("in/", LIGHT)
    place.kill_at(job, Phase.RUNNING, "serve")
    product.await_answer()
    place.wait(job)
    statuses = await_events(server, job, "COMPLETED")
    assert list(dict.fromkeys(statuses)) == ["SUBMITTED", "IN_PROGRESS", "COMPLETED"]
    assert all(each.is_signed_with(SECRET) for each in server.came)

    # The receiver is away when the next job ends, and serve is killed meanwhile.
    server.answer = b"HTTP/1.1 503 Later\r\n\r\n"
    server.came.clear()
    job = place.start("in/", LIGHT)
    place.wait(job)
    eventually(lambda: server.came, what="an attempt")
    product.kill("serve")
    server.came.clear()
    server.answer = NO_CONTENT
    product.await_answer()
    assert await_events(server, job, "COMPLETED") == ["SUBMITTED", "IN_PROGRESS", "COMPLETED"]


@pytest.mark.costs(5, reason="the processes of a product are looked at")
def test_the_key_is_known_to_no_other_process_and_to_no_file(product: Product, place: Place, server: Receiver) -> None:
    (sender,) = [pid for pid in product.processes() if "webhooks" in argv(pid)]
    status = Path(f"/proc/{sender}/status").read_text()
    assert "NoNewPrivs:\t1\n" in status
    secret = Path(product.settings["EVENTS_WEBHOOK_KEY"]).read_text().split()[1].encode()
    for pid in product.processes():
        for name in ("cmdline", "environ"):
            assert secret not in Path(f"/proc/{pid}/{name}").read_bytes()
    for path in product.data.rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes(), path
    assert secret.decode() not in product.log.read_text()
    assert server.url.rpartition("/")[2] == "hook"

"""The worker's client and the service's cluster endpoint over real connections."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reading_room.analysis.cluster.identity import fetch_identity
from reading_room.analysis.cluster.parts_client import PartsClient
from reading_room.analysis.cluster.service_client import ServiceClient
from reading_room.analysis.cutting import Part, Plan, Segment
from reading_room.analysis.part_work import PartResult
from reading_room.analysis.storage import JobFailure
from reading_room.dataplane.spec import ListenerLabel
from reading_room.hosts.listeners import VpcListeners
from reading_room.vpc.endpoints.resolver import Found
from tests.worlds.fronts import Fronted
from tests.worlds.part_requests import VPC, PartRequestsWorld
from tests.worlds.parts import FOLDER, JOB, digest_of
from tests.worlds.waiting import DEADLINE


class Nothing:
    """A dependency that these tests never use."""

    def look_up(self, vpc_id: str, name: str, kind: int) -> Found | None:
        raise AssertionError("nobody asks for names")

    async def __call__(self, *_: object) -> None:
        raise AssertionError("nobody calls an endpoint")


class Served:
    """The credentials address of a VPC, in its own thread. The first container calls from 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        self.world = PartRequestsWorld(folder, network="127.0.0", first=1)
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self._thread.start()
        assert self._ready.wait(DEADLINE)

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        nothing = Nothing()
        listeners = Fronted(
            VpcListeners(
                s3=nothing,
                api=nothing,
                resolver=nothing,
                credentials=self.world.credentials,
                certificate=lambda endpoint: "",
            ),
            VPC,
        )
        sock = socket.create_server(("127.0.0.1", 0))
        self.port = sock.getsockname()[1]
        label = ListenerLabel(VPC, "credentials", "127.0.0.1", self.port)
        await listeners.add(label, sock)
        self._ready.set()
        await self._over.wait()
        await listeners.close()

    def service(self, member: int = 0) -> ServiceClient:
        """Return the client of a container, which always calls from 127.0.0.1."""
        return ServiceClient(self.world.path(member), f"http://127.0.0.1:{self.port}", patience=1)

    def close(self) -> None:
        """Release everything."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._loop.close()
        self.world.database.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """An endpoint that containers can call."""
    served = Served(tmp_path)
    yield served
    served.close()


def plan(count: int) -> Plan:
    """Return a plan with this many parts of one object."""
    parts = [
        Part(number, (Segment(0, "a.txt", "in/a.txt", number * 100, number * 100 + 100, number * 10),), 100, 10)
        for number in range(count)
    ]
    return Plan(tuple(parts), count * 10)


def finished(number: int) -> PartResult:
    """The result of a part."""
    return PartResult(number, f"{FOLDER}/output/parts/1/{number}-0-5eed", 500, digest_of("lines"), 10, 1)


def test_a_container_fetches_its_identity(served: Served) -> None:
    identity = fetch_identity(served.service())
    assert "BEGIN CERTIFICATE" in identity.authority
    assert "BEGIN CERTIFICATE" in identity.certificate
    assert "PRIVATE KEY" in identity.key


def test_a_request_at_another_container_s_path_gets_nothing(served: Served) -> None:
    with pytest.raises(JobFailure, match="404") as failed:
        fetch_identity(served.service(member=1))
    assert failed.value.code == "CLUSTER_LOST"


def test_a_worker_without_certificates_reports_that_its_cluster_is_lost(served: Served) -> None:
    served.world.authorities.identity(JOB, 1, 0, 3)
    served.world.authorities.forget(JOB)
    with pytest.raises(JobFailure, match="409") as failed:
        fetch_identity(served.service())
    assert failed.value.code == "CLUSTER_LOST"


def test_parts_are_registered_finished_and_read(served: Served) -> None:
    client = PartsClient(served.service())
    states = client.register(plan(3))
    assert [(each.number, each.fence, each.done) for each in states] == [(0, 1, None), (1, 1, None), (2, 1, None)]
    assert client.finish(1, finished(1))
    assert client.finish(1, finished(1))
    assert not client.finish(9, finished(2))
    assert [each.done for each in client.states()] == [None, finished(1), None]


@pytest.mark.costs(0.2, reason="a plan of 5,000 parts is sent and stored")
def test_the_plan_of_a_large_job_is_accepted(served: Served) -> None:
    states = PartsClient(served.service()).register(plan(5_000))
    assert len(states) == 5_000


def test_the_address_that_counts_is_the_connections_own(served: Served) -> None:
    for source, status in (("127.0.0.1", 404), ("127.0.0.2", 200)):
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=DEADLINE, source_address=(source, 0))
        connection.request("GET", served.world.path(1), headers={"X-Forwarded-For": "127.0.0.2"})
        assert connection.getresponse().status == status
        connection.close()

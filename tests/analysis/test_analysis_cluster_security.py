"""Who may talk to a job's cluster, and where it listens: with real handshakes and the kernel's own tables."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import socket
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import distributed
import pytest
import tornado.ioloop

from reading_room.analysis.cluster.identity import Identity
from reading_room.analysis.cluster.security import configure, security_of
from reading_room.analysis.job_file import SCHEDULER_PORT, WORKER_PORT
from tests.worlds import wall_clock
from tests.worlds.analysis_cluster import Container, World
from tests.worlds.analysis_cluster_service import Authority, Service
from tests.worlds.waiting import DEADLINE, eventually

pytestmark = pytest.mark.timeout(300)


@pytest.mark.skipif(not wall_clock.can_be_moved(), reason="the clock of processes can be moved on x86-64 only")
def test_dask_measures_periods_by_the_clock_that_nobody_sets(tmp_path: Path) -> None:
    configure(tmp_path)
    with wall_clock.moved(tuple, 86_400):
        dask: list[Any] = [distributed.batched, distributed.scheduler]
        moments = [*(module.time() for module in dask), asyncio.run(_time_of_loop())]
    assert all(abs(moment - time.monotonic()) < 60 for moment in moments)


async def _time_of_loop() -> float:
    return tornado.ioloop.IOLoop.current().time()


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """A service with this job's certificate authority."""
    with Service() as service:
        yield service


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, service: Service) -> Iterator[World]:
    """A job that does not end: two containers with one document each."""
    with World(tmp_path_factory.mktemp("job"), service) as world:
        world.user["in", "doc"] = b"stay in 0 1\n" * 100
        world.start_all(world.job(), 2)
        eventually(lambda: world.works(0) and world.works(1))
        yield world


async def runs_code(address: str, identity: Identity) -> bool:
    """Whether a scheduler executes code for somebody with this identity."""
    make: Any = distributed.Client
    with tempfile.TemporaryDirectory() as scratch:
        configure(Path(scratch))
    async with make(
        address, security=security_of(identity), asynchronous=True, set_as_default=False, timeout=DEADLINE
    ) as client:
        return bool(await client.run_on_scheduler(os.getpid))


def test_a_container_of_the_job_can_have_code_executed(world: World, service: Service) -> None:
    assert service.authority is not None
    address = f"tls://{world.address(0)}:{SCHEDULER_PORT}"
    assert asyncio.run(runs_code(address, service.authority.identity(9)))


@pytest.mark.parametrize("port", [SCHEDULER_PORT, WORKER_PORT])
def test_a_container_of_another_job_is_refused(world: World, port: int) -> None:
    with pytest.raises(OSError):
        asyncio.run(runs_code(f"tls://{world.address(0)}:{port}", Authority().identity(1)))


def test_a_certificate_of_another_authority_is_useless_even_with_the_right_authority(
    world: World, service: Service
) -> None:
    assert service.authority is not None
    right, wrong = service.authority.identity(9), Authority().identity(9)
    mixed = dataclasses.replace(wrong, authority=right.authority)
    with pytest.raises(OSError):
        asyncio.run(runs_code(f"tls://{world.address(0)}:{SCHEDULER_PORT}", mixed))


@pytest.mark.parametrize(("member", "port"), [(0, SCHEDULER_PORT), (0, WORKER_PORT), (1, WORKER_PORT)])
def test_plain_connections_get_no_answer(world: World, member: int, port: int) -> None:
    heard = b""
    with socket.create_connection((world.address(member), port), timeout=DEADLINE) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nhost: cluster\r\n\r\n")
        with suppress(ConnectionResetError):
            heard = plain.recv(1 << 16)
    # At most a TLS alert.
    assert heard[:1] in (b"", b"\x15")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
@pytest.mark.parametrize(("member", "port"), [(0, SCHEDULER_PORT), (0, WORKER_PORT), (1, WORKER_PORT)])
def test_old_tls_is_refused(world: World, service: Service, member: int, port: int) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection((world.address(member), port), timeout=DEADLINE) as plain, pytest.raises(OSError):
        context.wrap_socket(plain)


@pytest.mark.costs(0.05, reason="the kernel's tables are read for three processes")
def test_nothing_listens_but_the_fixed_ports_and_the_loopback(world: World) -> None:
    first, member = world.started
    assert listeners(first, *first.children()) - {("127.0.0.1", 0)} == {
        (world.address(0), SCHEDULER_PORT),
        (world.address(0), WORKER_PORT),
    }
    assert listeners(member) - {("127.0.0.1", 0)} == {(world.address(1), WORKER_PORT)}


def test_no_key_is_in_arguments_or_environment_or_files(world: World) -> None:
    first, member = world.started
    for pid in (first.pid, member.pid, *first.children()):
        for name in ("cmdline", "environ"):
            assert b"PRIVATE KEY" not in Path(f"/proc/{pid}/{name}").read_bytes()
    for path in world.folder.rglob("*"):
        assert not path.is_file() or b"PRIVATE KEY" not in path.read_bytes()


@pytest.mark.costs(0.8, reason="the last test also ends the processes of this file's job")
def test_an_identity_is_shown_without_its_key() -> None:
    identity = Authority().identity(0)
    assert "PRIVATE KEY" in identity.key
    assert "PRIVATE KEY" not in repr(identity)


def listeners(container: Container, *more: int) -> set[tuple[str, int]]:
    """Return where the processes listen. Ports of the loopback address 127.0.0.1 are given as 0: any is allowed."""
    found: set[tuple[str, int]] = set()
    for pid in (container.pid, *more):
        inodes = set()
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            name = os.readlink(descriptor)
            if name.startswith("socket:["):
                inodes.add(name[8:-1])
        for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == "0A" and rest[5] in inodes:
                address = socket.inet_ntoa(bytes.fromhex(local.split(":")[0])[::-1])
                port = int(local.split(":")[1], 16)
                found.add((address, 0 if address == "127.0.0.1" else port))
        for line in Path(f"/proc/{pid}/net/tcp6").read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            assert not (state == "0A" and rest[5] in inodes), f"{pid} listens at {local}"
    return found

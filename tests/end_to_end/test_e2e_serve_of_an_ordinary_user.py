"""`serve` of an ordinary user, whose agent is a process of the same user: what it can see and reach.

A program takes the place of an attacker in `serve`: it drops its privileges with the same function, then attacks.
"""

from __future__ import annotations

import errno
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from reading_room import landlock
from reading_room.cli.own_namespaces import SYSTEM_FILES
from reading_room.cli.privileges import server_code_paths
from tests.worlds import ordinary_user
from tests.worlds.place import Place
from tests.worlds.processes import argv
from tests.worlds.product import STOP_SECONDS, Product

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.costs(25, reason="starts a separate product as another user, and runs a job in it"),
]

LIST = Path(__file__).resolve().parents[2] / "docs" / "attacks.md"
ATTACK = r"""
import json, os, socket, sys
from pathlib import Path
from reading_room.cli.privileges import drop_privileges
from reading_room.settings import Settings

told = json.loads(sys.argv[1])
data = told["data"]
drop_privileges(Settings.from_environment(data=Path(data), port=told["port"], console_port=0), bytes(32))

def error_of(action, *arguments):
    try:
        action(*arguments)
    except OSError as error:
        return error.errno
    return 0

def connect(family, address):
    with socket.socket(family) as client:
        client.connect(address)

def run(path):
    with open(path, "w") as file:
        file.write("#!/bin/sh\n")
        os.fchmod(file.fileno(), 0o700)
    os.execv(path, [path])

print(json.dumps({
    "processes": [number for number in range(1, 100_000) if os.path.exists(f"/proc/{number}")],
    "signals": [error_of(os.kill, pid, 0) for pid in told["processes"]],
    "everybody": error_of(os.kill, -1, 0),
    "there": [path for path in told["paths"] if os.path.exists(path)],
    "system": [error_of(Path(path).read_bytes) for path in told["system"]],
    "files": {path: error_of(Path(path).read_bytes) for path in told["files"]},
    "places": {path: error_of(Path(path, "probe").write_text, "x") for path in told["places"]},
    "own": error_of(Path(data, "probe").write_text, "x"),
    "link": error_of(os.symlink, "/etc/passwd", data + "/link"),
    "program": error_of(run, data + "/program"),
    "loopback": error_of(connect, socket.AF_INET, ("127.0.0.1", told["stranger"])),
    "abstract": error_of(connect, socket.AF_UNIX, told["abstract"]),
    "agent": error_of(connect, socket.AF_UNIX, told["agent"]),
}))
"""


class OrdinaryProduct(Product):
    """A product of an ordinary user, even if root runs the tests."""

    def launch_as(self, argv: Sequence[str], folder: Path | None = None, **more: str) -> subprocess.Popen[bytes]:
        return super().launch_as(as_ordinary_user(self, *argv), folder, **more)


def as_ordinary_user(product: Product, *argv: str) -> list[str]:
    return [sys.executable, ordinary_user.__file__, str(product.data.parent), *argv]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    found = OrdinaryProduct(tmp_path_factory.mktemp("product"), FRONTS="all")
    try:
        found.start()
        yield found
    finally:
        found.clear()


@pytest.fixture(scope="module")
def outcomes(product: Product) -> dict[str, Any]:
    """Make all attacks and return their outcomes."""
    assert product.up is not None
    letter = product.data.parent / "letter"
    letter.write_text("of the person who started it")
    letter.chmod(0o644)
    with socket.create_server(("127.0.0.1", 0)) as stranger, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0reading-room tests {os.getpid()}")
        abstract.listen()
        facts = {
            "data": str(product.data),
            "port": product.port,
            "agent": str(product.place.socket),
            "processes": [product.up.pid, product.child("agent"), product.holder().pid, product.child("serve")],
            "files": [str(path) for path in (letter, product.place.agent / "holder.json", product.place.lock)],
            "paths": [str(path) for path in _paths(product)],
            "system": [str(path) for path in SYSTEM_FILES if path.exists()],
            "places": [str(path) for path in ("/", "/usr", "/etc", "/tmp", product.state, *server_code_paths())],
            "stranger": stranger.getsockname()[1],
            "abstract": abstract.getsockname().decode(),
        }
        run = subprocess.run(
            as_ordinary_user(product, sys.executable, "-c", ATTACK, json.dumps(facts)),
            env={f"READING_ROOM_{name}": value for name, value in product.settings.items()},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def _paths(product: Product) -> Iterator[Path]:
    """Return paths of the product and of the machine that exist outside `serve`."""
    place = product.place
    yield from (product.data, place.socket, place.agent, place.lock, place.record, product.log)
    machine = [Path("/", name) for name in ("home", "root", "var", "run", "srv", "mnt", "sys", "etc/shadow")]
    ways = (product.data, *server_code_paths())
    yield from (path for path in machine if not any(way.is_relative_to(path) for way in ways))


def errno_with_landlock(version: int, number: int) -> int:
    """Return the errno of an action that Landlock refuses since a version, or 0 if the kernel's is older."""
    return number if landlock.version() >= version else 0


def test_serve_sees_no_other_process_and_can_signal_none(outcomes: dict[str, Any]) -> None:
    assert outcomes["processes"] == [1]
    assert set(outcomes["signals"]) == {errno.ESRCH}
    assert outcomes["everybody"] == errno.ESRCH


def test_serve_sees_its_data_and_the_agents_socket_and_no_other_files_of_its_user(
    product: Product, outcomes: dict[str, Any]
) -> None:
    assert outcomes["there"] == [str(product.data), str(product.place.socket)]
    assert set(outcomes["files"].values()) == {errno.ENOENT}
    assert outcomes["agent"] == 0
    assert set(outcomes["system"]) == {0}, "the files of /etc that the C library reads are available"


def test_serve_can_write_to_its_data_and_nowhere_else(outcomes: dict[str, Any]) -> None:
    assert outcomes["own"] == 0
    assert not [
        path for path, number in outcomes["places"].items() if number not in (errno.EROFS, errno.EACCES, errno.ENOENT)
    ]


def test_serve_can_create_neither_programs_nor_links(outcomes: dict[str, Any]) -> None:
    assert outcomes["program"] == errno.EACCES
    assert outcomes["link"] == errno.EPERM


def test_serve_cannot_connect_to_services_of_its_user(outcomes: dict[str, Any]) -> None:
    assert outcomes["loopback"] == errno_with_landlock(4, errno.EACCES)
    assert outcomes["abstract"] == errno_with_landlock(6, errno.EPERM)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can inspect a process that is not dumpable")
def test_the_running_serve_has_separate_namespaces(product: Product) -> None:
    serve, agent = product.child("serve"), product.child("agent")
    for kind in ("user", "mnt", "pid"):
        assert os.readlink(f"/proc/{serve}/ns/{kind}") not in {
            os.readlink(f"/proc/{other}/ns/{kind}") for other in (agent, os.getpid())
        }
    status = dict(line.split(":", 1) for line in Path(f"/proc/{serve}/status").read_text().splitlines())
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    assert status["NSpid"].split()[-1] == "1"
    assert product.up is not None
    guard = int(status["PPid"])
    assert guard != product.up.pid
    assert os.readlink(f"/proc/{guard}/ns/mnt") == os.readlink(f"/proc/{product.up.pid}/ns/mnt")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can inspect a process that is not dumpable")
def test_every_process_of_an_ordinary_user_has_a_filter_and_can_gain_no_privileges(product: Product) -> None:
    assert product.up is not None
    pids = [product.up.pid, product.holder().pid, product.child("agent"), product.child("serve")]
    for pid in pids:
        status = Path(f"/proc/{pid}/status").read_text()
        assert "\nNoNewPrivs:\t1\n" in status
        assert "\nSeccomp:\t2\n" in status


LISTED = {
    "signals-to-the-agent": ("processes", "signals", "everybody"),
    "files-of-the-user": ("there", "files"),
    "writing-beside-the-data": ("places", "own"),
    "a-program-in-the-data-folder": ("program",),
    "links-in-the-data-folder": ("link",),
    "services-on-loopback": ("loopback",),
    "abstract-sockets-of-the-user": ("abstract",),
    "the-way-to-the-agent": ("agent",),
}
"""The rows of docs/attacks.md, with the attempts for each."""


def test_every_attempt_is_on_the_list_and_vice_versa(outcomes: dict[str, Any]) -> None:
    text = LIST.read_text().partition("## From `serve` of an ordinary user")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE) == list(LISTED)
    assert {name for names in LISTED.values() for name in names} == set(outcomes) - {"system"}


def test_fronts_read_what_arrives_on_loopback_if_asked(product: Product) -> None:
    serve = product.child("serve")
    fronts = [pid for pid in product.processes() if argv(pid)[3:4] == ["reading_room.hosts.front.process"]]
    assert len(fronts) >= 2  # Of the APIs, and of the first VPC.
    assert serve not in fronts
    product.kill_processes(fronts)
    product.await_answer()
    assert product.child("serve") == serve


def test_jobs_run_and_the_product_stops_quickly_and_leaves_nothing(product: Product) -> None:
    # A holder that was killed is replaced, with further user ids for its containers.
    product.kill_processes([product.holder().pid])
    product.await_answer()
    place = Place(product)
    place.put("in/", 3)
    assert place.wait(place.start("in/"))["JobStatus"] == "COMPLETED"
    product.kill_processes([product.child("serve")])
    product.await_answer()
    assert product.stop() < STOP_SECONDS
    assert not {name: left for name, left in product.remains().items() if left}

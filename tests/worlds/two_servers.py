"""Two ``serve`` of one database, beside one agent or on two machines, which tests and measurements may kill."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest

from reading_room.cli import reading
from reading_room.cli.running import free_port
from reading_room.trail.chain import event_in, files_of
from tests.worlds import postgresql
from tests.worlds.machines import ADDRESSES, PORT, Machines
from tests.worlds.pages import blocks, page_of
from tests.worlds.processes import kill
from tests.worlds.product import Product
from tests.worlds.waiting import eventually

SECONDS = 240
OBJECTS = "objects"
"""The folder that all processes share."""
LEADS, FOLLOWS = "this process leads: it moves the jobs", "another process leads and moves the jobs"


class Patient(reading.Account):
    """Clients that retry as SDKs do, a little longer."""

    def client(self, service: str, attempts: int = 6) -> Any:
        """Return a client."""
        return super().client(service, attempts)


class TwoServers:
    """A product with its ``serve``, and a second ``serve`` of the same database and objects.

    The second one is beside the first one's agent, or on a machine of its own, which has no agent.
    """

    def __init__(self, folder: Path, first: Product, machines: Machines | None = None, machine: str = "") -> None:
        """``first`` has not been started. With ``machines``, it is on ``a``, and the second one on ``machine``."""
        self.first = first
        self.machines = machines
        self.machine = machine
        self.folder = folder
        self.data = first.beside = folder / "second"
        self.port = free_port()
        self.log = folder / "second.log"
        self.second: subprocess.Popen[bytes] | None = None

    def start_second(self) -> None:
        """Start the second ``serve``, and wait until it answers."""
        own = {"ROOT_KEY_FILE": str(self.first.place.root_key), "STATE": str(self.folder / "state")}
        if self.machines is None:
            own |= {"AGENT": str(self.first.place.socket)}
        else:
            own |= {"HOSTS_LISTEN": f"{ADDRESSES[self.machine]}:{PORT}"}
        settings = {f"READING_ROOM_{name}": value for name, value in (self.first.settings | own).items()}
        inside = [] if self.machines is None else self.machines.inside(self.machine)
        with self.log.open("ab") as sink:
            self.second = subprocess.Popen(
                [*inside, sys.executable, "-m", "reading_room", *self._typed()],
                env=os.environ | settings,
                stdin=subprocess.DEVNULL,
                stderr=sink,
                start_new_session=True,
            )
        eventually(lambda: self.says(self.port) == FOLLOWS, SECONDS, "the second serve")

    def _typed(self) -> list[str]:
        """Return the arguments of the page's command, with other places."""
        places = {"/srv/second": str(self.data), "4576": str(self.port)}
        (block,) = [each for each in blocks(page_of("operations/postgresql.md")) if "serve --data" in each.text]
        program, *words = shlex.split(block.text)
        assert program == "reading-room"
        return [places.get(word, word) for word in words]

    def at(self, port: int) -> AbstractContextManager[None]:
        """Make connections of this thread from the machine of the ``serve`` that has a port, during the block."""
        if self.machines is None:
            return nullcontext()
        return self.machines.entered(self.machine if port == self.port else "a")

    def says(self, port: int) -> str | None:
        """Return what a ``serve`` says of the leader; ``None`` if it does not answer."""
        with suppress(OSError), self.at(port):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_reading_room/ready", timeout=5) as page:
                    found = json.load(page)
            except urllib.error.HTTPError as error:
                found = json.load(error)
            return str(found["checks"]["leader"].get("says"))
        return None

    def leads(self, port: int) -> bool:
        """Return whether the ``serve`` at a port leads."""
        return self.says(port) == LEADS

    def kill_first(self) -> None:
        """``kill -9`` of the first ``serve``, which ``resume_first`` starts again."""
        assert self.first.up is not None
        # It would start its serve again, which would take its own lease at once.
        self.first.up.send_signal(signal.SIGSTOP)
        kill(self.first_serve())

    def resume_first(self) -> None:
        """Let ``up`` start the first ``serve`` again, and wait until it answers."""
        assert self.first.up is not None
        self.first.up.send_signal(signal.SIGCONT)
        eventually(lambda: self.says(self.first.port), SECONDS, "the first serve")

    def kill_second(self) -> None:
        """``kill -9`` of the second ``serve``."""
        assert self.second is not None
        self.second.kill()
        self.second.wait()

    def first_serve(self) -> int:
        """Return the process of the first ``serve``."""
        return self.first.child("serve")

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield the events of management in both trails."""
        for data in (self.first.data, self.data):
            for _, path in files_of(data / "trail", "management"):
                for line in path.read_bytes().splitlines():
                    if (event := event_in(line)) is not None:
                        yield event

    def verify_trail(self, data: Path) -> tuple[int, str]:
        """Verify the trail of a data folder; return the exit code, and what the command says."""
        run = subprocess.run(
            [sys.executable, "-m", "reading_room", "access", "verify-trail", "--data", str(data)],
            env=os.environ | {f"READING_ROOM_{name}": value for name, value in self.first.settings.items()},
            capture_output=True,
            text=True,
            check=False,
        )
        return run.returncode, run.stdout + run.stderr

    def clear(self) -> None:
        """End everything."""
        if self.second is not None and self.second.poll() is None:
            self.second.kill()
            self.second.wait()
        if self.first.up is not None:
            self.first.up.send_signal(signal.SIGCONT)
        if self.machines is None:  # Which end their products themselves.
            self.first.clear()


@contextmanager
def two_servers(folder: Path) -> Iterator[TwoServers]:
    """Yield two processes, of which the product's own leads. Skips the test if PostgreSQL is not installed."""
    with ExitStack() as stack:
        port = free_port()
        server = _database(stack, listen_addresses="127.0.0.1", port=str(port))
        url = f"postgresql+psycopg://{postgresql.USER}@127.0.0.1:{port}/{server.new()}"
        shared = {"DATABASE": url, "OBJECTS": f"files:{folder / OBJECTS}"}
        found = TwoServers(folder, Product(folder / "first", STANDBY="0", JOBS_AT_ONCE="1", **shared))
        (folder / "first").mkdir()
        stack.callback(found.clear)
        _make_objects(found)
        found.first.start()
        found.start_second()
        yield found


@contextmanager
def two_servers_and_hosts(
    folder: Path, hosts: Sequence[str] = ("b",), second: str = "c", **more: str
) -> Iterator[TwoServers]:
    """Yield two processes on machines of their own, and joined hosts. ``more`` are settings of all products.

    The product of machine ``a`` leads. The other one is on ``second``, without an agent. All reach the database,
    whatever happens to machines and between them.
    """
    with ExitStack() as stack:
        server = _database(stack)
        server.folder.chmod(0o711)  # Its socket is there.
        machines = Machines(folder, ("a", *hosts), bare=(second,), **more)
        stack.callback(machines.close)
        first = machines.products["a"]
        first.settings["DATABASE"] = f"postgresql+psycopg://{postgresql.USER}@/{server.new()}?host={server.folder}"
        first.settings["OBJECTS"] = f"files:{folder / OBJECTS}"
        found = TwoServers(folder, first, machines, second)
        stack.callback(found.clear)
        _make_objects(found)
        machines.start()
        # Before the hosts, which learn of both when they connect.
        found.start_second()
        for name in hosts:
            machines.join_host(name)
            machines.run_host(name)
        machines.await_leases()
        yield found


def _database(stack: ExitStack, **settings: str) -> postgresql.Server:
    """Start a database server, which ends with ``stack``."""
    programs = postgresql.programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: as root, scripts/setup unpacks it into .venv")
    server = postgresql.Server(programs, None, **settings)
    stack.callback(server.close)
    return server


def _make_objects(two: TwoServers) -> None:
    """Make the folder of the objects, which belongs to the user of every ``serve``."""
    objects = two.folder / OBJECTS
    objects.mkdir()
    if os.geteuid() == 0:
        owner = int(two.first.settings["SERVICE_UID"])
        os.chown(objects, owner, owner)

"""Two ``serve`` of one database beside one agent, which tests and measurements may kill."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from reading_room.cli import reading
from reading_room.cli.running import free_port
from reading_room.trail.chain import event_in, files_of
from tests.worlds import postgresql
from tests.worlds.pages import blocks, page_of
from tests.worlds.processes import argv, kill
from tests.worlds.product import Product
from tests.worlds.waiting import eventually

SECONDS = 240
LEADS, FOLLOWS = "this process leads: it moves the jobs", "another process leads and moves the jobs"


class Patient(reading.Account):
    """Clients that retry as SDKs do, a little longer."""

    def client(self, service: str, attempts: int = 6) -> Any:
        """Return a client."""
        return super().client(service, attempts)


class TwoServers:
    """A product with its ``serve``, and a second ``serve`` that uses the same database, objects and agent."""

    def __init__(self, folder: Path, url: str) -> None:
        objects = folder / "objects"
        objects.mkdir()
        shared = {"DATABASE": url, "OBJECTS": f"files:{objects}", "STANDBY": "0", "JOBS_AT_ONCE": "1"}
        self.first = Product(folder / "first", **shared)
        (folder / "first").mkdir()
        if os.geteuid() == 0:
            owner = int(self.first.settings["SERVICE_UID"])
            os.chown(objects, owner, owner)
        self.folder = folder
        self.data = folder / "second"
        self.port = free_port()
        self.second: subprocess.Popen[bytes] | None = None

    def start_second(self) -> None:
        """Start the second ``serve``, and wait until it answers."""
        own = {
            "AGENT": str(self.first.place.socket),
            "ROOT_KEY_FILE": str(self.first.place.root_key),
            "STATE": str(self.folder / "state"),
        }
        settings = {f"READING_ROOM_{name}": value for name, value in (self.first.settings | own).items()}
        with (self.folder / "second.log").open("ab") as sink:
            self.second = subprocess.Popen(
                [sys.executable, "-m", "reading_room", *self._typed()],
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

    def says(self, port: int) -> str | None:
        """Return what a ``serve`` says of the leader; ``None`` if it does not answer."""
        with suppress(OSError):
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
        kill(self._first_serve())

    def resume_first(self) -> None:
        """Let ``up`` start the first ``serve`` again, and wait until it answers."""
        assert self.first.up is not None
        self.first.up.send_signal(signal.SIGCONT)
        eventually(lambda: self.says(self.first.port), SECONDS, "the first serve")

    def _first_serve(self) -> int:
        data = str(self.first.data)
        found = [
            pid
            for pid in self.first.processes()
            if argv(pid)[1:4] == ["-m", "reading_room", "serve"] and data in argv(pid)
        ]
        return found[0]

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
        self.first.clear()


@contextmanager
def two_servers(folder: Path) -> Iterator[TwoServers]:
    """Yield two processes, of which the product's own leads. Skips the test if PostgreSQL is not installed."""
    programs = postgresql.programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: as root, scripts/setup unpacks it into .venv")
    port = free_port()
    with ExitStack() as stack:
        server = postgresql.Server(programs, listen_addresses="127.0.0.1", port=str(port))
        stack.callback(server.close)
        name = server.new()
        found = TwoServers(folder, f"postgresql+psycopg://{postgresql.USER}@127.0.0.1:{port}/{name}")
        stack.callback(found.clear)
        found.first.start()
        found.start_second()
        yield found

"""Two ``serve`` on one database and beside one agent: the leader is killed, and the other one goes on."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reading_room.cli import reading
from reading_room.cli.running import free_port
from reading_room.jobs.progress import LOG_GROUP
from reading_room.trail.chain import event_in, files_of
from tests.worlds import postgresql
from tests.worlds.balancer import balancing
from tests.worlds.pages import blocks, page_of
from tests.worlds.place import Place
from tests.worlds.processes import argv, kill
from tests.worlds.product import Product
from tests.worlds.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
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

    def first_serve(self) -> int:
        """Return the process of the first ``serve``, which has the data folder of the product."""
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

    def clear(self) -> None:
        """End everything."""
        if self.second is not None and self.second.poll() is None:
            self.second.kill()
            self.second.wait()
        if self.first.up is not None:
            self.first.up.send_signal(signal.SIGCONT)
        self.first.clear()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[TwoServers]:
    """Two processes, of which the product's own leads."""
    programs = postgresql.programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: as root, scripts/setup unpacks it into .venv")
    port = free_port()
    with ExitStack() as stack:
        server = postgresql.Server(programs, listen_addresses="127.0.0.1", port=str(port))
        stack.callback(server.close)
        name = server.new()
        found = TwoServers(tmp_path, f"postgresql+psycopg://{postgresql.USER}@127.0.0.1:{port}/{name}")
        stack.callback(found.clear)
        found.first.start()
        found.start_second()
        yield found


@contextmanager
def calling(account: reading.Account) -> Iterator[list[BaseException]]:
    """Make calls in a thread during the block; yield the errors that a client saw."""
    errors: list[BaseException] = []
    ended = threading.Event()

    def call() -> None:
        number = 0
        while not ended.wait(0.05):
            number += 1
            try:
                account.logs.create_log_group(logGroupName=f"/calls/{number}")
                account.s3.list_buckets()
            except account.logs.exceptions.ResourceAlreadyExistsException:
                pass  # The answer to the first attempt was lost.
            except BaseException as error:
                errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield errors
    finally:
        ended.set()
        thread.join()


@pytest.mark.costs(60, reason="a product starts, a second serve beside it, and jobs run one after the other")
def test_another_serve_goes_on_when_the_leader_is_killed(two: TwoServers) -> None:
    assert two.leads(two.first.port)
    with balancing([two.first.port, two.port]) as port:
        account = Patient(replace(two.first.endpoint(), url=f"http://127.0.0.1:{port}"))
        place = Place(two.first, account=account)
        place.log_flows()
        place.put("long/", 20_000)
        place.put("in/", 3)
        with calling(account) as errors:
            jobs = [place.start("long/")]
            eventually(lambda: place.describe(jobs[0])["JobStatus"] != "SUBMITTED", SECONDS)
            jobs.append(place.start("in/"))
            assert two.first.up is not None
            two.first.up.send_signal(signal.SIGSTOP)  # It would start its serve again, which would lead again.
            killed = time.monotonic()
            kill(two.first_serve())
            jobs.append(place.start("in/"))  # Nobody leads.
            eventually(lambda: two.leads(two.port), SECONDS, "the second serve leads")
            took = time.monotonic() - killed
            for job in jobs:
                eventually(lambda job=job: place.describe(job)["JobStatus"] in ("COMPLETED", "FAILED"), SECONDS)  # type: ignore[misc]
        assert errors == []
        assert [place.describe(job)["JobStatus"] for job in jobs] == ["COMPLETED"] * 3, (took, place.describe(jobs[0]))
        two.first.up.send_signal(signal.SIGCONT)
        eventually(lambda: two.says(two.first.port) == FOLLOWS, SECONDS)
        assert two.second is not None
        two.second.terminate()
        assert two.second.wait(30) == 0
        eventually(lambda: two.leads(two.first.port), SECONDS, "the first serve leads again")
        last = place.start("in/")
        eventually(lambda: place.describe(last)["JobStatus"] == "COMPLETED", SECONDS)
        check_once(two, place, [*jobs, last])


def check_once(two: TwoServers, place: Place, jobs: list[str]) -> None:
    """Check that the trail has each call, flow logs each record, and log streams each line exactly once."""
    ids = Counter(event["eventID"] for event in two.events())
    assert set(ids.values()) == {1}
    started = Counter(
        event["responseElements"]["jobId"]
        for event in two.events()
        if event["eventName"].startswith("Start") and event["eventName"].endswith("DetectionJob")
    )
    assert started.keys() == set(jobs)
    logs = place.account.logs
    for job in jobs:
        lines = logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=job, startFromHead=True)["events"]
        told = Counter((each["timestamp"], each["message"]) for each in lines)
        assert set(told.values()) == {1}, told
        assert sum("Released" in message for _, message in told) == 1
    records = Counter(
        event["message"]
        for stream in logs.describe_log_streams(logGroupName=place.flows)["logStreams"]
        for event in logs.get_log_events(
            logGroupName=place.flows, logStreamName=str(stream["logStreamName"]), startFromHead=True
        )["events"]
        if event["message"].split()[-1] == "OK"
    )
    assert records
    assert set(records.values()) == {1}

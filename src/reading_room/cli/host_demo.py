"""``reading-room host demo``: three hosts on this machine, a job on all of them, and the loss of one in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table

from reading_room.cli import reading
from reading_room.cli.demo import TEXTS, DemoError, expect
from reading_room.cli.folder import StartError
from reading_room.cli.host_namespaces import HostNamespaces, refuse_without_means
from reading_room.cli.jobs import print_story
from reading_room.cli.running import Endpoint, await_ready, require_weights, started
from reading_room.cli.screen import fail, plain
from reading_room.cli.screen import output as console
from reading_room.cli.texts import upload_folder
from reading_room.comprehend.tags import CONTAINERS_TAG
from reading_room.containers.limits import remove_directories
from reading_room.containers.record import Folder
from reading_room.installation import installation

ADDRESSES = {"a": "192.0.2.1", "b": "192.0.2.2", "c": "192.0.2.3"}
"""Of a documentation network. They exist only in the namespaces."""
FIRST, LOST = "a", "c"
LISTEN = f"{ADDRESSES[FIRST]}:4569"
HOSTS = ("local", "b", "c")
"""The names of the hosts: the first one always has this one."""
BUCKET = "demo-library"
SETTINGS = {
    # Short parts, so that a short input has many of them, and no more containers on a host than it has cores.
    "READING_ROOM_CONTAINER_INPUT_ENTITIES": "16000",
    "READING_ROOM_CORE_OVERCOMMIT": "1",
    # Three hosts would each keep engines loaded, in the memory of one machine.
    "READING_ROOM_STANDBY": "0",
}
SECONDS = 300.0
END_SECONDS = 20.0


def show() -> None:
    """Run the demo, and end everything that it started. Exits with 1 if a step fails."""
    began = time.monotonic()
    try:
        require_weights()
        refuse_without_means()
        # What was started is ended on SIGTERM, too.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with tempfile.TemporaryDirectory(prefix="reading-room-demo-") as folder, ExitStack() as stack:
            HostDemo(Path(folder), stack).run()
            with console.status("Ending all hosts"):
                stack.close()
    except (StartError, ClientError, BotoCoreError, TimeoutError, DemoError) as error:
        raise fail(str(error)) from None
    console.print(
        f"\n[green]Everything that was started has been stopped.[/] {time.monotonic() - began:.0f} s in all.\n"
        "To do the same with machines of your own: docs/hosts.md, From one host to three."
    )


class JoinedHost:
    """A host beside the first one: its folder, and its processes in namespaces of their own."""

    def __init__(self, name: str, folder: Path, machines: HostNamespaces) -> None:
        self.name = name
        self._data = folder / name
        self._state = folder / "state"
        self._log = folder / f"{name}.log"
        self._before = machines.command(name)
        self._environment = os.environ | SETTINGS | {"READING_ROOM_STATE": str(self._state)}
        self._process: subprocess.Popen[bytes] | None = None
        self._life = -1

    def _program(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "reading_room", "host", *words, "--data", str(self._data)]

    def join(self, token: str, zone: str) -> str:
        """Join the installation with a token, and return what the command says. Raises ``DemoError``."""
        done = subprocess.run(
            [*self._before, *self._program("join", "--name", self.name, "--zone", zone)],
            env=self._environment,
            input=token,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise DemoError(f"the host {self.name} could not join: {done.stderr.strip()}")
        return done.stdout.strip()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run its processes during the block, and remove what is left of it. Raises ``StartError``."""
        lifeline, self._life = os.pipe()
        # A namespace of process ids, so that one signal kills every process of the host at the same moment.
        own = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        try:
            with self._log.open("wb") as sink:
                self._process = subprocess.Popen(
                    [*self._before, *own, *self._program("run", "--lifeline", str(lifeline))],
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=sink,
                    pass_fds=(lifeline,),
                    start_new_session=True,
                )
        except BaseException:
            os.close(self._life)
            raise
        finally:
            os.close(lifeline)
        try:
            await_ready(self._process, self._log)
            yield
        finally:
            self._end(self._process)

    def kill(self) -> None:
        """``kill -9`` of every process of the host at once."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        os.close(self._life)  # Its processes end when nobody has the other end of their lifeline any more.
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # A host that was killed has left its containers' control groups, which its next agent would remove.
        records = installation(self._data, self._state).agent / "containers"
        for folder in Folder.all(records) if records.is_dir() else ():
            if (record := folder.read()) is not None:
                remove_directories(record.control_groups)


class HostDemo:
    """The steps, in order. Each checks what it claims and raises ``DemoError`` when it does not hold."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        """Use ``folder`` for everything; ``stack`` ends what is started."""
        self._folder = folder
        self._stack = stack
        self._hosts: dict[str, JoinedHost] = {}
        self._role = ""

    def run(self) -> None:
        """Start three hosts, and run the job twice."""
        console.rule("[bold]Three machines on this one")
        machines = HostNamespaces(ADDRESSES)
        self._stack.callback(machines.close)
        # The first host's APIs are at its loopback address.
        self._stack.enter_context(machines.entered(FIRST))
        self._start(machines)
        self._build()
        console.rule("[bold]The job in one container")
        expected = reading.archive_bytes(self._account, self._ended(self._job(1)))
        console.print(f"Its output.tar.gz has {len(expected):,} bytes.")
        console.rule("[bold]The same job on three hosts, and the loss of one")
        job = self._job(len(HOSTS))
        self._lose(job)
        properties = self._ended(job)
        lines = reading.story(self._account, job)
        print_story(lines)
        self._check(lines, reading.archive_bytes(self._account, properties), expected)

    def _start(self, machines: HostNamespaces) -> None:
        addresses = ", ".join(f"{name} {address}" for name, address in ADDRESSES.items())
        console.print(
            f"Three network namespaces stand for machines, and a bridge connects them: {addresses}.\n", soft_wrap=True
        )
        with console.status("Starting serve and an agent on the first host"):
            endpoint = self._stack.enter_context(
                started(
                    self._folder / FIRST,
                    0,
                    self._folder / f"{FIRST}.log",
                    self._folder / "state",
                    SETTINGS | {"READING_ROOM_HOSTS_LISTEN": LISTEN},
                    machines.command(FIRST),
                )
            )
        self._account = reading.Account(endpoint)
        self._calls = reading.JobCalls(self._account, "entities")
        self._room = self._account.client("reading-room")
        _say(f"on {FIRST}", f"READING_ROOM_HOSTS_LISTEN={LISTEN} reading-room up", _where(endpoint))
        zones = [zone["ZoneName"] for zone in self._account.ec2.describe_availability_zones()["AvailabilityZones"]]
        for name in ADDRESSES:
            if name != FIRST:
                self._join(JoinedHost(name, self._folder, machines), zones[1])
        with console.status("Waiting until each host has a lease, and packets between all of them are proven"):
            self._await_leases()
        table = Table(box=None, padding=(0, 2, 0, 0))
        for column in ("host", "zone", "address", "lease"):
            table.add_column(column)
        for each in self._room.describe_hosts()["Hosts"]:
            table.add_row(plain(each["Host"]), plain(each["Zone"]), plain(each["Underlay"]), "held")
        console.print(f"\non {FIRST}  [bold]reading-room host list[/]")
        console.print(table)

    def _join(self, host: JoinedHost, zone: str) -> None:
        token = self._room.create_host_token(ExpiresInSeconds=900)["Token"]
        _say(f"on {FIRST}", "reading-room host token", "a word that works once, for 15 minutes")
        said = host.join(token, zone)
        _say(f"on {host.name}", f"reading-room host join --name {host.name} --zone {zone}", said)
        with console.status(f"Starting the host {host.name}"):
            self._stack.enter_context(host.running())
        _say(f"on {host.name}", "reading-room host run", "an agent, and a link to serve; no database")
        self._hosts[host.name] = host

    def _await_leases(self) -> None:
        deadline = time.monotonic() + SECONDS
        while any("LeaseUntil" not in each for each in self._room.describe_hosts()["Hosts"]):
            _pause(deadline, "a host has no lease")

    def _build(self) -> None:
        account = self._account
        self._network = reading.build_network(account)
        reading.open_to_itself(account, self._network.group)
        account.s3.create_bucket(Bucket=BUCKET)
        self._role = reading.make_reader_role(account, "demo-reader", BUCKET)
        count = upload_folder(account, TEXTS, BUCKET, "speeches")
        console.print(
            f"\nOne VPC, {self._network.vpc}, with a subnet in the zone of the first host and one in that of the "
            f"others, and a bucket with {count} speeches.",
            soft_wrap=True,
        )

    def _job(self, containers: int) -> str:
        return self._calls.start(
            InputDataConfig={"S3Uri": f"s3://{BUCKET}/speeches/", "InputFormat": "ONE_DOC_PER_LINE"},
            OutputDataConfig={"S3Uri": f"s3://{BUCKET}/results/"},
            DataAccessRoleArn=self._role,
            VpcConfig=self._network.config(),
            Tags=[{"Key": CONTAINERS_TAG, "Value": str(containers)}],
        )

    def _ended(self, job: str) -> dict[str, Any]:
        with console.status("StartEntitiesDetectionJob"):
            properties = self._calls.wait(job, SECONDS)
        expect(properties, "COMPLETED")
        return properties

    def _lose(self, job: str) -> None:
        deadline = time.monotonic() + SECONDS
        with console.status("StartEntitiesDetectionJob in three containers"):
            while True:
                seen = self._room.describe_job_runs(JobIds=[job])["JobRuns"][0]
                done, total = seen["Documents"], seen.get("TotalDocuments", 0)
                if total and done >= total / 4:
                    break
                _pause(deadline, f"the job {job} has finished {done} documents")
        self._hosts[LOST].kill()
        console.print(
            f"After {done} of {total} documents, [red]kill -9[/] of every process of the host {LOST}. Its lease of 10 "
            "seconds must end before anything of it is given to another host.\n",
            soft_wrap=True,
        )

    def _check(self, lines: list[tuple[int, str]], found: bytes, expected: bytes) -> None:
        told = "\n".join(text for _, text in lines)
        if missing := [host for host in HOSTS if f"on host {host}" not in told]:
            raise DemoError(f"the job had no container on {', '.join(missing)}")
        if f"host {LOST} was lost" not in told:
            raise DemoError(f"the job ended before the loss of {LOST} was noticed")
        if found != expected:
            raise DemoError("the results of the two jobs differ")
        console.print(f"\n[green]The same {len(found):,} bytes[/] as from one container, without the host {LOST}.")


def _say(where: str, words: str, does: str) -> None:
    console.print(f"{where}  [bold]{plain(words)}[/]", soft_wrap=True)
    console.print(f"      {plain(does)}", soft_wrap=True)


def _where(endpoint: Endpoint) -> str:
    return f"AWS APIs at {endpoint.url}, there, and hosts may connect at {LISTEN}"


def _pause(deadline: float, otherwise: str) -> None:
    if time.monotonic() > deadline:
        raise TimeoutError(f"{otherwise} after {SECONDS:.0f} s")
    time.sleep(0.1)

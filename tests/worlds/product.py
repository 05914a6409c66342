"""A product that tests may kill: its processes by role, its resources on the machine, and what must not remain.

Each product runs with a range of user ids and in control groups of its own, or, for an ordinary user, in namespaces of
its own. So every process it ever started is found, even if its parent is gone, and products side by side do not
interfere.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from reading_room.agent import holder as holders
from reading_room.cli import reading
from reading_room.cli.root_key import read_root_key
from reading_room.cli.running import Endpoint, endpoint_of, free_port
from reading_room.containers.processes import start_time
from reading_room.containers.record import Folder, Record
from reading_room.database.engine import Database
from reading_room.database.opening import FILE
from reading_room.dataplane.rules import pair_proof
from reading_room.installation import Installation, installation
from reading_room.sealing import Sealer
from reading_room.settings import Settings
from reading_room.testing.user_ids import claim
from reading_room.trail.chain import event_in, files_of
from tests.worlds.leftovers import leftovers
from tests.worlds.postgresql import Rows, rows
from tests.worlds.processes import argv, kill, worker_below
from tests.worlds.slow_disk import SlowDisk
from tests.worlds.waiting import eventually

READY_SECONDS = 300.0
"""Many times what the slowest machine needs: with a load of 45 on two cores, a start can take more than a minute."""
STOP_SECONDS = 10.0
"""How many seconds the product takes at most after SIGTERM."""
CONTROLLERS = ("pids", "cpu", "memory")
NS_GET_PARENT = 0xB702
PINS = "/run/reading-room/netns"
"""Where the agent pins router namespaces, in the holder's view of the files."""

_taken: list[socket.socket] = []
"""The locks that reserve our numbers until this process ends."""


def own_number(kind: str, among: Sequence[int]) -> int:
    """Return a number of this kind that no other test process on this machine has, and reserve it.

    Runs go on side by side: with the same user ids, the end of one product would end the other one.
    """
    while True:
        number = secrets.choice(among)
        if (claimed := claim(f"{kind} {number}")) is not None:
            _taken.append(claimed)
            return number


class Product:
    """``reading-room up`` on a folder: started, killed and started again as needed."""

    def __init__(self, folder: Path, **environment: str) -> None:
        """Prepare a product below ``folder``; ``environment`` are more settings, ``JOBS_AT_ONCE="1"``."""
        self.data = folder / "data"
        self.state = folder / "state"
        self.log = folder / "log"
        self.port = free_port()
        self.console_port = 0
        """No console, unless a test is about it, because products run side by side."""
        number = own_number("user ids", range(100_000, 1_100_000, 1_000))
        self.uids = range(number, number + 900)
        own = {"SERVICE_UID": str(number), "CONTAINER_UID_FIRST": str(number + 1), "STATE": str(self.state)}
        # Large jobs in tests are meant to take time, so they run in one container, which needs no rule for its group.
        # Tests that share a product have an account each, and one of them may use all of it. Containers started ahead
        # load an engine, which most tests would never use.
        usual = {"CONTAINERS_PER_JOB": "1", "JOBS_PER_ACCOUNT": "4", "STANDBY": "0"}
        self.settings = own | usual | environment
        self.groups: list[Path] = []
        self.spaces: set[int] = set()
        """If not root: the user namespaces of its holders."""
        self.terminal: int | None = None
        """Where ``up`` prints other than to its log: the descriptor of a terminal."""
        self.disk: SlowDisk | None = None
        """What can make its disk slow, if it was set before the start."""
        self.beside: Path | None = None
        """The data folder of another ``serve`` with the same user, which is none of the product's processes."""
        self.up: subprocess.Popen[bytes] | None = None
        self.stdout: list[bytes] = []
        self._account: reading.Account | None = None

    @property
    def place(self) -> Installation:
        """The files of its privileged processes; nothing before its first start."""
        return installation(self.data, self.state) if self.data.is_dir() else Installation(self.state / "none")

    def read_settings(self) -> Settings:
        """Return the settings as its commands read them."""
        variables = {f"READING_ROOM_{name}": value for name, value in self.settings.items()}
        return Settings.from_environment(variables, data=self.data)

    def opened(self) -> Database:
        """Open its database with its root key, as ``reading-room accounts`` does."""
        return Database.open(self.data / FILE, sealer=Sealer(read_root_key(self.read_settings())))

    # Starting and ending

    def launch(self, *more: str) -> subprocess.Popen[bytes]:
        """Start ``up`` and return at once."""
        return self.launch_as(
            [sys.executable, "-m", "reading_room", "up", "--data", str(self.data), *self.ports(), *more]
        )

    def launch_as(self, argv: Sequence[str], folder: Path | None = None, **more: str) -> subprocess.Popen[bytes]:
        """Start ``up`` with another command, in a folder and with additional environment; return at once."""
        if os.geteuid() == 0 and not self.groups:
            self.groups = _make_groups()
        doors = " ".join(f"echo $$ > {group}/cgroup.procs;" for group in self.groups)
        environment = os.environ | more | {f"READING_ROOM_{name}": value for name, value in self.settings.items()}
        under = [] if self.disk is None else self.disk.under
        # If a worker of the test run is killed, it ends nothing itself; the kernel then ends the product.
        with self.log.open("ab") as sink:
            self.up = subprocess.Popen(
                ["/bin/sh", "-c", f'{doors} exec setpriv --pdeathsig TERM "$@"', "sh", *under, *argv],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=sink if self.terminal is None else self.terminal,
                env=environment,
                start_new_session=True,
            )
        self.stdout = []
        threading.Thread(target=self._read, args=(self.up, self.stdout), daemon=True).start()
        return self.up

    def ports(self) -> list[str]:
        """Return the options that keep its ports apart from those of other products."""
        return ["--port", str(self.port), "--console-port", str(self.console_port)]

    @staticmethod
    def _read(process: subprocess.Popen[bytes], lines: list[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as stream:
            lines.extend(stream)

    def start(self) -> Endpoint:
        """Start ``up`` and wait until it is ready."""
        self.launch()
        self.await_ready(f"http://127.0.0.1:{self.port}")
        return self.endpoint()

    def await_ready(self, url: str) -> None:
        """Wait until ``up`` reports that it answers at ``url``; if it ends instead, fail at once with its log."""
        process = self.up
        assert process is not None

        def ready() -> bool:
            code = process.poll()
            assert code is None, f"the product did not start (exit code {code}):\n{self.tail()}"
            return f"ready {url}\n".encode() in self.stdout

        try:
            eventually(ready, READY_SECONDS, "the ready line")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.tail()}") from None

    def endpoint(self) -> Endpoint:
        """The product's address, with the first administrator's key."""
        return endpoint_of(Settings.from_environment({}, data=self.data, port=self.port, state=self.state))

    def account(self) -> reading.Account:
        """Clients of the first administrator: the same ones while its key is the same."""
        endpoint = self.endpoint()
        if self._account is None or self._account.endpoint != endpoint:
            self._account = reading.Account(endpoint)
        return self._account

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """End the product with a signal to ``up``; return how many seconds it took. Its exit code must be 0."""
        assert self.up is not None
        began = time.monotonic()
        self.up.send_signal(number)
        code = self.up.wait(STOP_SECONDS + 20)
        assert code == 0, f"exit code {code}:\n{self.tail()}"
        return time.monotonic() - began

    def clear(self) -> None:
        """End whatever is left, at the end of a test; nothing is asserted."""
        if self.up is not None and self.up.poll() is None:
            self.up.terminate()
            try:
                self.up.wait(15)
            except subprocess.TimeoutExpired:
                pass
        for _ in range(200):
            left = self.processes()
            for pid in left:
                kill(pid)
            if not left:
                break
            time.sleep(0.05)
        for group in self.groups:
            for inner in [*sorted(path for path in group.iterdir() if path.is_dir()), group]:
                try:
                    inner.rmdir()
                except OSError:
                    pass  # The test that checks for leftovers reports it.

    def tail(self, lines: int = 40) -> str:
        """Return the end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    # Its processes

    def processes(self) -> list[int]:
        """Return every living process that it ever started: by control group, user id, settings, or as holder."""
        holder = holders.recorded(self.place.agent)
        found = {holder.pid} if holder is not None and holders.alive(holder) else set()
        mark = f"READING_ROOM_SERVICE_UID={self.settings['SERVICE_UID']}".encode()
        for path in Path("/proc").glob("[0-9]*"):
            try:
                words = (path / "cmdline").read_bytes().split(b"\0")
                if self.beside is not None and os.fsencode(self.beside) in words:
                    continue
                ours = os.fsencode(self.data) in words
                # For an ordinary user, the kernel hides the environment of a process that does not dump core.
                if ours or path.stat().st_uid in self.uids or mark in (path / "environ").read_bytes().split(b"\0"):
                    found.add(int(path.name))
            except OSError:
                continue  # The process has ended, or belongs to another user.
        if os.geteuid() != 0:
            spaces = {int(path.name): _user_space(path) for path in Path("/proc").glob("[0-9]*")}
            self.spaces |= {space for pid in found if (space := spaces.get(pid)) is not None}
            found |= {pid for pid, space in spaces.items() if space in self.spaces}
        for group in self.groups:
            for path in [group, *(path for path in group.iterdir() if path.is_dir())]:
                try:
                    found |= {int(line) for line in (path / "cgroup.procs").read_text().split()}
                except OSError:
                    continue  # A group that was removed between the two looks.
        return sorted(pid for pid in found if pid and start_time(pid) is not None)

    def child(self, role: str) -> int:
        """Return the process of ``serve`` or ``agent``; wait for one that is being restarted."""

        found = eventually(lambda: self.running_child(role), 15, f"a process of {role}")
        assert found is not None
        return found

    def running_child(self, role: str) -> int | None:
        """Return the process of a role, or ``None`` while there is none."""
        return next((pid for pid in self.processes() if argv(pid)[1:4] == ["-m", "reading_room", role]), None)

    def holder(self) -> holders.Holder:
        """Return the recorded holder."""
        found = holders.recorded(self.place.agent)
        assert found is not None
        return found

    def records(self) -> dict[str, Record | None]:
        """Return the agent's records of containers, by folder; ``None`` for an incomplete one."""
        place = self.place.agent / "containers"
        return {folder.path.name: folder.read() for folder in Folder.all(place)} if place.is_dir() else {}

    def workers(self) -> list[int]:
        """Return the processes that run engines, of jobs and started ahead, as the host numbers them."""
        launchers = [record.pid for record in self.records().values() if record and start_time(record.pid) is not None]
        return [worker for launcher in launchers if (worker := worker_below(launcher)) is not None]

    def victims(self, which: str) -> list[int]:
        """Return the processes to kill for a case: a role, ``services``, ``control`` or ``everything``."""
        assert self.up is not None
        up = self.up.pid
        match which:
            case "up":
                return [up]
            case "serve" | "agent":
                return [self.child(which)]
            case "holder":
                return [self.holder().pid]
            case "worker":
                return self.workers()
            case "services":
                return [up, self.child("serve"), self.child("agent")]
            case "control":
                return [up, self.child("serve"), self.child("agent"), self.holder().pid]
            case "everything":
                return [up, *(pid for pid in self.processes() if pid != up)]
        raise ValueError(which)

    def log_lines(self) -> list[dict[str, Any]]:
        """Return the lines of its log, which must all be JSON: it runs with ``LOG_FORMAT="json"``."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def kill(self, which: str) -> None:
        """``kill -9`` of a case's processes, one right after another; ``up`` is started again if it was among them."""
        pids = self.victims(which)
        self.kill_processes(pids)
        if self.up is not None and self.up.pid in pids:
            self.start()

    def kill_processes(self, pids: list[int]) -> None:
        """``kill -9`` of these processes, one right after another."""
        for pid in pids:
            kill(pid)
        if self.up is not None and self.up.pid in pids:
            self.up.wait(5)

    def await_answer(self, seconds: float = READY_SECONDS) -> reading.Account:
        """Wait until calls are answered again; return clients."""
        account = self.account()

        def answers() -> bool:
            assert self.up is not None
            assert self.up.poll() is None, f"up ended:\n{self.tail()}"
            try:
                account.s3.list_buckets()
            except Exception:
                return False
            return True

        eventually(answers, seconds, "an answer")
        return account

    # What it holds

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection | Rows]:
        """Open its database while it runs, without waiting for locks that a killed process cannot hold."""
        if url := self.settings.get("DATABASE"):
            with rows(url) as found:
                yield found
            return
        connection = sqlite3.connect(self.data / "db.sqlite", timeout=30, isolation_level=None)
        with closing(connection):
            yield connection

    def events(self, book: str, having: str = "") -> list[dict[str, Any]]:
        """Return the events in a book of the trail that contain a text, oldest first."""
        lines = [line for _, path in files_of(self.data / "trail", book) for line in path.read_bytes().splitlines()]
        wanted = having.encode()
        return [event for line in lines if wanted in line and (event := event_in(line)) is not None]

    def storage_events_of(self, job: str) -> list[dict[str, Any]]:
        """Return the trail's events of the calls that a job's containers made to S3, oldest first."""
        return [each for each in self.events("data", job) if each["userIdentity"].get("principalId", "").endswith(job)]

    def hosts(self) -> list[Product]:
        """Return the hosts of the installation: this one, and those that have joined."""
        return [self]

    def leftovers(self, account: str | None = None) -> dict[str, Any]:
        """Return what is left over, by name, in a running product with no job and no other interface.

        If an account is named, the resources of others are left out.
        """
        return leftovers(self, account)

    def remains(self) -> dict[str, Any]:
        """Return what is left over, by name, after the product's end."""
        return {
            "processes": {pid: argv(pid)[:6] for pid in self.processes()},
            "control groups": sorted(path.name for group in self.groups for path in group.iterdir() if path.is_dir()),
            # Records of jobs that ran remain, so that the next agent reports them as lost.
            "container folders": [
                name for name, record in self.records().items() if record is None or record.phase != "running"
            ],
            "holder's record": (self.place.agent / "holder.json").exists(),
            "socket": self.place.socket.exists(),
        }

    def links(self) -> list[str]:
        """Return the links to containers in the router namespaces of VPCs, ``VPC: link``, including unused ones.

        Those of the proof between hosts, which stay, are left out.
        """
        names = r"s|^ *\(e[0-9a-f]*\):.*|${n##*/}: \1|p"
        script = f'for n in {PINS}/*; do nsenter --net=$n cat /proc/net/dev | sed -n "{names}"; done'
        return [line for line in self.inside(script).splitlines() if not line.startswith(pair_proof.VPC_ID)]

    def inside(self, script: str) -> str:
        """Run a shell script in the holder's namespaces and return its output; empty without a holder."""
        holder = holders.recorded(self.place.agent)
        if holder is None or not holders.alive(holder):
            return ""
        argv = holders.enter_argv(holder, ["/bin/sh", "-c", script])
        return subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False).stdout


def _user_space(process: Path) -> int | None:
    """Return the outermost user namespace below this process's own that contains a process, or ``None``."""
    ours = os.stat("/proc/self/ns/user").st_ino
    inner = None
    with ExitStack() as opened:
        try:
            descriptor = os.open(process / "ns/user", os.O_RDONLY)
            opened.callback(os.close, descriptor)
            while (number := os.fstat(descriptor).st_ino) != ours:
                inner = number
                descriptor = fcntl.ioctl(descriptor, NS_GET_PARENT)
                opened.callback(os.close, descriptor)
        except OSError:
            return None  # The process has ended, or belongs to another user.
    return inner


def _make_groups() -> list[Path]:
    """Make a control group for the test in each hierarchy that limits containers."""
    membership = Path("/proc/self/cgroup").read_text().splitlines()
    paths = {name: path for _, names, path in (line.split(":", 2) for line in membership) for name in names.split(",")}
    root, name = Path("/sys/fs/cgroup"), f"chaos-{secrets.token_hex(4)}"
    unified = root / paths.get("", "/").lstrip("/")
    parents = [unified] if (root / "cgroup.controllers").exists() else []
    parents = parents or [root / each / paths[each].lstrip("/") for each in CONTROLLERS if each in paths]
    made: list[Path] = []
    for parent in parents:
        try:
            (parent / name).mkdir()
        except OSError:
            continue  # We must not change this hierarchy; the product will not use it either.
        made.append(parent / name)
    return made


@contextmanager
def running_product(folder: Path, **environment: str) -> Iterator[Product]:
    """A product that runs for the length of the block, and leaves nothing behind."""
    with _running(Product(folder, **environment)) as found:
        yield found


@contextmanager
def product_under_pressure(folder: Path, **environment: str) -> Iterator[Product]:
    """The same, with a disk that root's tests can make slow."""
    product = Product(folder, **environment)
    if os.geteuid() == 0:
        product.disk = SlowDisk(folder)
    with _running(product) as found:
        yield found


@contextmanager
def _running(product: Product) -> Iterator[Product]:
    try:
        product.start()
        yield product
    finally:
        product.clear()

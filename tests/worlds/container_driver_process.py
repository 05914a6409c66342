"""The container driver in a process of its own, inside a holder's namespaces, controlled over standard input.

Each line is ``{"call": NAME, ...}``; each answer is one line of JSON. This is the agent without network and server.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import reading_room
from reading_room.agent.view import make_traversable, own_filesystem, unnamed
from reading_room.analysis.job_file import JobFile, Location
from reading_room.analysis.kind import EngineName
from reading_room.containers import retries
from reading_room.containers.bubblewrap import PROGRAMS, BubblewrapDriver
from reading_room.containers.errors import ContainerError
from reading_room.containers.limits import ControlGroups
from reading_room.containers.namespaces import inside_network
from reading_room.containers.processes import worker_of
from reading_room.containers.sandbox import SHARED_MEMORY, TEMPORARY, USR, View, code_paths, make_view
from reading_room.containers.spec import ContainerSpec, ContainerState, Limits, RealtimeSpec
from reading_room.containers.users import container_users

LIMITS = Limits(memory_bytes=400_000_000, processes=32, cpus=1.0, seconds=600)
WATCHED_LIMITS = dataclasses.replace(LIMITS, memory_bytes=1_500_000_000, cpus=2.0)
WAY_OUT = """
link set lo up
link add eth0 type veth peer name peer
address add 10.0.0.5/24 dev eth0
link set eth0 up
link set peer up
neighbour add 10.0.0.1 lladdr 02:00:00:00:00:01 dev eth0 nud permanent
route add default via 10.0.0.1
"""
"""A network that accepts everything and answers nothing."""
EVERY_FRAME = 3
PROBE = Path(__file__).with_name("container_probe.py")
AUTHORITY = Path(__file__).with_name("authority.pem").read_text()
"""The certificate of an authority, which containers are told to trust. Nobody has its key."""


def spec(name: str, task: str, seconds: int = 600) -> ContainerSpec:
    place = Location("documents", task)
    job = JobFile("0" * 32, 1, "entities", "us-east-1", "en", place, "ONE_DOC_PER_LINE", place, 100_000)
    limits = dataclasses.replace(LIMITS, seconds=seconds)
    path = "/v2/credentials/secret-of-" + name
    return ContainerSpec(name, "vpc-0a", "eni-0a", "entities-en", job, path, limits)


def _files_of(place: Path) -> Iterator[Path]:
    """Yield the files of a file system, without those of file systems mounted below it.

    Files that Python compiles are left out too, if the product itself is installed there.
    """
    device = place.lstat().st_dev
    for folder, inner, names in os.walk(place):
        inner[:] = [each for each in inner if each != "__pycache__" and Path(folder, each).lstat().st_dev == device]
        yield from (file for name in names if (file := Path(folder, name)).lstat().st_dev == device)


def _shown(state: ContainerState) -> list[Any]:
    return [[type(message).__name__, dataclasses.asdict(message)] for message in state.messages]


class Process:
    """The calls, by name."""

    def __init__(self, state: Path, options: dict[str, Any]) -> None:
        # Keep visible what the next driver of this holder is started from.
        own = [Path(next(iter(reading_room.__path__))), Path(__file__)]
        make_traversable([*code_paths(), PROBE, *own], keep=[state])
        # The folder's name distinguishes the containers of this driver from others on this machine.
        program = {"job": (sys.executable, "-I", str(PROBE), str(state))} if options["probe"] else {}
        self.driver = BubblewrapDriver(
            state=state / "containers",
            view=self._view(Path("/run/reading-room-test")),
            users=container_users(60579, 100),
            region="eu-central-1",
            standby_limits=LIMITS,
            code=(*code_paths(), PROBE),
            programs={**PROGRAMS, **program},
            groups=ControlGroups.probe() if options["groups"] else ControlGroups(),
            # A test expects that nothing is left when the driver has ended, however busy the machine is.
            settle=60.0,
        )
        self.driver.adopt()
        self.sockets: dict[str, socket.socket] = {}
        self.witnesses: dict[str, socket.socket] = {}

    def _view(self, folder: Path) -> View:
        own_filesystem(folder)
        code = (USR, *code_paths(), PROBE)
        return dataclasses.replace(make_view(folder, AUTHORITY), sources=unnamed(code, folder / "code"))

    def standby(self, count: int) -> Any:
        self.driver.keep_standby({"entities-en": count})
        return [self.driver.standby().get("entities-en", 0), self.driver.problems()]

    def reserve(self, name: str, task: str, seconds: int = 600) -> Any:
        descriptor = self.driver.reserve(spec(name, task, seconds))
        return os.fstat(descriptor).st_ino

    def reserve_with(self, name: str, task: str, spare: int) -> Any:
        """Start a container with this many file descriptors to spare; return how many were lost if it fails."""
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        used = _descriptors()
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(used) + 1 + spare, before[1]))
        try:
            self.driver.reserve(spec(name, task))
        except (ContainerError, OSError):
            return len(_descriptors() - used)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        return None

    def on_full_disk(self, what: str, **arguments: Any) -> Any:
        """Make another call while no file can grow; return why it failed, if it did."""
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
        try:
            getattr(self, what)(**arguments)
        except (ContainerError, OSError) as error:
            return str(error)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        return None

    def start(self, name: str, task: str, seconds: int = 600) -> Any:
        self.driver.start(spec(name, task, seconds))

    def stop(self, name: str) -> Any:
        self.driver.stop(name)

    def remove(self, name: str) -> Any:
        self.driver.remove(name)

    def states(self) -> Any:
        return [
            {
                **dataclasses.asdict(state),
                "messages": [[type(m).__name__, dataclasses.asdict(m)] for m in state.messages],
            }
            for state in self.driver.states()
        ]

    def launchers(self) -> Any:
        folders = [folder for folder in self.driver.state.iterdir() if (folder / "record.json").exists()]
        return [json.loads((folder / "record.json").read_text()) for folder in folders]

    def freeze_pauses(self) -> Any:
        """From now on no pause passes, and no container lives long enough to be started again at once."""
        retries.STEADY_SECONDS = math.inf
        vars(retries)["time"] = SimpleNamespace(monotonic=lambda: 0.0)

    def realtime(self, ids: list[str], models: dict[str, str] | None = None) -> Any:
        """Have containers with these ids; ``models`` has the custom models of some."""
        of = models or {}
        wish = [RealtimeSpec(name, "000000000001", "dominant-language", of.get(name, "")) for name in ids]
        self.sockets |= self.driver.keep_realtime(wish)
        return list(self.driver.realtime())

    def ask(self, name: str, text: str) -> Any:
        with self.sockets[name].makefile("rwb") as stream:
            ready = json.loads(stream.readline())
            stream.write(json.dumps({"id": 1, "texts": [text]}).encode() + b"\n")
            stream.flush()
            return [ready, json.loads(stream.readline())]

    def watch(self, engines: list[EngineName]) -> Any:
        """Start a container of each engine, with an uplink and a capture on each of its devices, including loopback."""
        for engine in engines:
            wanted = dataclasses.replace(spec(engine, "watched"), engine=engine, limits=WATCHED_LIMITS)
            with inside_network(self.driver.reserve(wanted)):
                for kind in ("all", "default"):
                    # The kernel would send packets itself when a device comes up.
                    with suppress(FileNotFoundError):
                        Path(f"/proc/sys/net/ipv6/conf/{kind}/disable_ipv6").write_text("1")
                witness = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERY_FRAME))
                subprocess.run(["ip", "-batch", "-"], input=WAY_OUT, text=True, check=True)
            witness.setblocking(False)
            self.witnesses[engine] = witness

    def seen(self) -> Any:
        """Return what was captured since the last time, by engine, in hexadecimal."""
        found: dict[str, list[str]] = {}
        for engine, witness in self.witnesses.items():
            with suppress(BlockingIOError):
                while True:
                    packet = witness.recv(65_536)
                    found.setdefault(engine, []).append(packet.hex())
        return found

    def written(self) -> Any:
        """Return the files in the writable places of containers, by container."""
        found: dict[str, list[str]] = {}
        for record in self.launchers():
            for place in (TEMPORARY, SHARED_MEMORY):
                for file in _files_of(Path(f"/proc/{worker_of(record['pid'])}/root{place}")):
                    found.setdefault(record["container_id"], []).append(str(file))
        return found

    def close(self) -> Any:
        self.driver.close()

    def end_jobs(self) -> Any:
        self.driver.end_jobs()

    def end_all(self) -> Any:
        self.driver.end_all()


def _descriptors() -> set[int]:
    """Return the open descriptors, without opening one."""
    found = set()
    for number in range(256):
        with suppress(OSError):
            os.fstat(number)
            found.add(number)
    return found


def tell(answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    process = Process(Path(sys.argv[1]), json.loads(sys.argv[2]))
    tell("ready")
    for line in sys.stdin:
        members = json.loads(line)
        call = members.pop("call")
        try:
            answer = {"answer": getattr(process, call)(**members)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        tell(answer)


if __name__ == "__main__":
    main()

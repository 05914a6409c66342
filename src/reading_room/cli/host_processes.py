"""The processes of a host: started in order, watched, restarted, and ended together.

Every host has a holder, an agent, and a process without privileges that talks to the agent: ``serve`` on the first
host, a link on a joined one. A child that dies is started again. When the process that started them itself dies, in
whatever way, its children see their lifeline (a pipe) close and end. The agent ends the holder last. Until then they
lock the data folder, so that a new start waits.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reading_room.agent import holder as holders
from reading_room.cli.agent_config import runtime_folder, socket_path
from reading_room.cli.folder import StartError
from reading_room.cli.holder_starter import HolderStarter, running_holder
from reading_room.cli.options import command
from reading_room.cli.slirp import PROGRAM, Slirp
from reading_room.settings import Settings

log = logging.getLogger(__name__)

READY_SECONDS = 60.0
WORKING_SECONDS = 3600.0
"""How long a start that rewrites the database may take."""
STOP_SECONDS = 8.0
"""``up`` promises to be gone 10 s after SIGTERM."""
QUICK_DEATH_SECONDS = 2.0
RESTART_PAUSE_SECONDS = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
QUICK_DEATHS_AT_MOST = 8


@dataclass
class Child:
    """One supervised process: how to start it, and its state."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    quick_deaths: int = 0
    restart_at: float | None = field(default=None)

    def launch(self) -> None:
        """Start the process."""
        self.process = self.start()
        self.started = time.monotonic()
        self.restart_at = None

    def ended(self) -> bool:
        """Return whether the process was started and has ended."""
        return self.process is not None and self.process.poll() is not None

    def failed(self) -> bool:
        """Return whether the process has ended by itself, not by a signal."""
        code = None if self.process is None else self.process.poll()
        return code is not None and code >= 0


class HostProcesses:
    """The processes of one host, until a signal stops them."""

    def __init__(
        self, settings: Settings, say: Callable[[str], None], lock: int, starter: HolderStarter | None, server: str
    ) -> None:
        """``server`` is the name of the process that talks to the agent.

        ``lock`` is the descriptor that holds the data folder; every child keeps it open until it ends. Without root,
        ``starter`` is the process that starts the holder. Raises ``StartError``.
        """
        self._settings = settings
        self._say = say
        self._lock = lock
        self._starter = starter
        self._stopping = False
        self._stop_read, self._stop_write = os.pipe()
        self._lifeline, self._life = os.pipe()
        self._ready_read, self._ready_write = os.pipe()
        self._holder: holders.Holder | None = None
        self._agent = Child("agent", self._start_agent)
        self._server = Child(server, self._start_server)
        if settings.uplink == "veth" and os.geteuid() != 0:
            raise StartError("READING_ROOM_UPLINK=veth creates a device on this machine, which only root may do")
        self._slirp = Slirp(self._lifeline) if settings.uplink == PROGRAM else None

    def run(self) -> int:
        """Start everything, print ``ready`` to standard output, watch, and end everything. Returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        try:
            # An agent that was killed leaves its socket, which would look like an agent that is ready.
            socket_path(self._settings).unlink(missing_ok=True)
            self._server.launch()
            self._agent.launch()
            self._await_ready()
            if not self._stopping:
                self._tell_ready()
            while not self._stopping:
                for child in (self._agent, self._server):
                    self._tend(child)
                if self._slirp is not None and self._holder is not None:
                    self._slirp.tend(self._holder)
                self._tend_others()
                select.select([self._stop_read], [], [], 0.1)
            return 0
        finally:
            self._end()

    def _stop(self, *_: object) -> None:
        # Setting an event would take its lock, which the interrupted code may hold.
        self._stopping = True
        os.write(self._stop_write, b".")

    def _start_server(self) -> subprocess.Popen[bytes]:
        raise NotImplementedError

    def _tell_ready(self) -> None:
        """Say that everything is ready; called once."""
        raise NotImplementedError

    def _tend_others(self) -> None:
        """Look after what only this kind of host has; called again and again."""

    def _end_others(self) -> None:
        """End what only this kind of host has; called after the server has ended."""

    def _await_ready(self) -> None:
        """Wait until the server is ready, and until the agent has tested enforcement and waits for the server.

        Raises ``StartError`` if one of them ends by itself instead: without the agent no job would ever start. One that
        a signal ended is started again.
        """
        serving = False
        deadline = time.monotonic() + READY_SECONDS
        while not self._stopping:
            readable, _, _ = select.select([self._ready_read], [], [], 0.05)
            message = os.read(self._ready_read, 64) if readable else b""
            serving = serving or b"ready" in message
            if b"working" in message:
                self._say("The database of an earlier version is being upgraded; a large one takes minutes.")
                deadline += WORKING_SECONDS
            if serving and socket_path(self._settings).exists():
                return
            if self._server.failed():
                raise StartError(f"{self._server.name} ended before it was ready; its last lines above say why")
            if self._agent.failed():
                raise StartError(
                    f"the agent ended before it was ready; `{command(self._settings, 'doctor')}` says what it lacks"
                )
            for child in (self._agent, self._server):
                self._tend(child)
            if time.monotonic() > deadline:
                late = "the agent" if serving else self._server.name
                raise StartError(f"{late} was not ready within {READY_SECONDS:.0f} s; its last lines above say why")

    def _tend(self, child: Child) -> None:
        now = time.monotonic()
        if child is self._agent and self._holder is not None and not holders.alive(self._holder):
            self._end_orphan(child)
        if not child.ended():
            return
        if child.restart_at is None:
            assert child.process is not None
            child.quick_deaths = child.quick_deaths + 1 if now - child.started < QUICK_DEATH_SECONDS else 0
            if child.quick_deaths > QUICK_DEATHS_AT_MOST:
                raise StartError(f"{child.name} ended {child.quick_deaths} times in a row; its last lines say why")
            pause = RESTART_PAUSE_SECONDS[min(child.quick_deaths, len(RESTART_PAUSE_SECONDS) - 1)]
            log.warning("%s ended with %s: starting it again", child.name, child.process.returncode)
            child.restart_at = now + pause
        if now >= child.restart_at:
            child.launch()

    def _end_orphan(self, agent: Child) -> None:
        """End an agent whose holder is gone: its networks are in namespaces that nothing can enter again."""
        if agent.process is not None and agent.process.poll() is None:
            log.warning("the holder of the namespaces is gone: ending the agent to start over")
            agent.process.kill()
            agent.process.wait()

    def _common(self) -> list[str]:
        return [sys.executable, "-m", "reading_room"]

    def _environment(self) -> dict[str, str]:
        # A process that has dropped root, or is root only in a namespace, would look elsewhere.
        return os.environ | {"READING_ROOM_STATE": str(self._settings.state)}

    def _start_agent(self) -> subprocess.Popen[bytes]:
        self._holder = running_holder(self._settings, self._starter)
        argv = [*self._common(), "agent", "--data", str(self._settings.data), "--lifeline", str(self._lifeline)]
        return subprocess.Popen(
            holders.enter_argv(self._holder, argv),
            env=self._environment(),
            pass_fds=(self._lifeline, self._lock),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _end(self) -> None:
        """End the server first (it takes no more calls), then the agent (it ends containers), then the holder."""
        deadline = time.monotonic() + STOP_SECONDS
        for child in (self._server, self._agent):
            if child.process is not None and child.process.poll() is None:
                child.process.terminate()
        for child in (self._server, self._agent):
            if child.process is not None:
                try:
                    child.process.wait(max(0.1, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    log.warning("%s did not end in time and is killed", child.name)
                    child.process.kill()
                    child.process.wait()
        self._end_others()
        if self._slirp is not None:
            self._slirp.end()
        if self._holder is not None:
            holders.end(self._holder, runtime_folder(self._settings))
        if self._starter is not None:
            self._starter.end()
        for descriptor in (self._lifeline, self._life, self._ready_read, self._ready_write):
            os.close(descriptor)


def for_unprivileged(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an environment for ``serve`` or a link, without the user's own keys and sockets."""
    named = {"PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TERM", "COLUMNS", "NO_COLOR"}
    return {
        name: value
        for name, value in environment.items()
        if name in named or name.startswith(("READING_ROOM_", "PYTHON", "LC_"))
    }

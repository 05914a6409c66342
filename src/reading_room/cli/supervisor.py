"""``up``: the processes of the product, started in order, watched, restarted, and ended together.

    up ──┬── holder   owns the namespaces; one sleeping process, no code
         ├── agent    privileged, inside the holder's namespaces
         ├── serve    unprivileged: the APIs, S3, the database
         ├── trail-head, if the trail's head is sent somewhere
         ├── traces, if traces are
         └── slirp4netns, if it is the uplink

An ordinary user's holder is started by a further process, its starter. A child that dies is started again. When ``up``
itself dies, in whatever way, its children see their lifeline (a pipe) close and end. The agent ends the holder last.
Until then they lock the data folder, so that a new ``up`` waits.
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
from reading_room.cli.folder import StartError, take_certificate
from reading_room.cli.holder_starter import HolderStarter
from reading_room.cli.options import command
from reading_room.cli.ready_file import ReadyFile
from reading_room.cli.root_key import hand_over
from reading_room.cli.running import ready_facts
from reading_room.cli.screen import print_line
from reading_room.cli.side_process import SideProcess
from reading_room.cli.slirp import PROGRAM, Slirp
from reading_room.cli.traces import check_packages
from reading_room.cli.trail_head import check_destination
from reading_room.console.listen_address import console_url
from reading_room.hosts.listen_addresses import certificate_names, listen_addresses, local_address, own_authority
from reading_room.settings import Settings

log = logging.getLogger(__name__)

READY_SECONDS = 60.0
WORKING_SECONDS = 3600.0
"""How long a start that rewrites the database may take."""
STOP_SECONDS = 8.0
"""``up`` promises to be gone 10 s after SIGTERM."""
QUICK_DEATH_SECONDS = 2.0
CERTIFICATE_SECONDS = 1.0
"""How often the given certificate is checked for changes."""
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


class Supervisor:
    """Runs the product's processes until a signal stops it."""

    def __init__(
        self,
        settings: Settings,
        say: Callable[[str], None],
        lock: int,
        root_key: bytes,
        ready_file: ReadyFile | None = None,
        starter: HolderStarter | None = None,
    ) -> None:
        """``lock`` is the descriptor that holds the data folder; every child keeps it open until it ends.

        Without root, ``starter`` is the process that starts the holder.
        """
        self._settings = settings
        self._ready_file = ready_file
        self._starter = starter
        self._lock = lock
        self._root_key = root_key
        self._say = say
        self._stopping = False
        self._stop_read, self._stop_write = os.pipe()
        self._lifeline, self._life = os.pipe()
        self._ready_read, self._ready_write = os.pipe()
        self._holder: holders.Holder | None = None
        self._certificate_at, self._certificate_fault = 0.0, ""
        self._agent = Child("agent", self._start_agent)
        self._serve = Child("serve", self._start_serve)
        if settings.uplink == "veth" and os.geteuid() != 0:
            raise StartError("READING_ROOM_UPLINK=veth creates a device on this machine, which only root may do")
        self._slirp = Slirp(self._lifeline) if settings.uplink == PROGRAM else None
        self._head = self._traces = None
        if settings.trail_head:
            check_destination(settings)
            self._head = SideProcess("trail-head", settings, self._lifeline)
        if settings.traces:
            check_packages(settings)
            self._traces = SideProcess("traces", settings, self._lifeline)
        self._link: subprocess.Popen[bytes] | None = None
        """The process that prints the first sign-in link."""

    def run(self) -> int:
        """Start everything, print ``ready`` to standard output, watch, and end everything. Returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        try:
            # An agent that was killed leaves its socket, which would look like an agent that is ready.
            socket_path(self._settings).unlink(missing_ok=True)
            self._serve.launch()
            self._agent.launch()
            self._await_ready()
            if not self._stopping:
                if self._ready_file is not None:
                    self._ready_file.write(ready_facts(self._settings))
                print_line(f"ready {listen_addresses(self._settings)[0].url}")
                self._tell_of_console()
                self._tell_how_to_use_it()
            while not self._stopping:
                for child in (self._agent, self._serve):
                    self._tend(child)
                self._tend_certificate()
                if self._link is not None and self._link.poll() is not None:
                    self._link = None
                if self._slirp is not None and self._holder is not None:
                    self._slirp.tend(self._holder)
                if self._head is not None:
                    self._head.tend(_for_serve(self._environment()) | _for_trail_head(os.environ))
                if self._traces is not None:
                    self._traces.tend(_for_serve(self._environment()) | _certificates(os.environ))
                select.select([self._stop_read], [], [], 0.1)
            return 0
        finally:
            self._end()

    def _stop(self, *_: object) -> None:
        # Setting an event would take its lock, which the interrupted code may hold.
        self._stopping = True
        os.write(self._stop_write, b".")

    def _tell_of_console(self) -> None:
        url = console_url(self._settings)
        if url is None:
            return
        self._say(f"console URL {url}")
        # Anyone who has a link can sign in, so it must not be in a log. Creating it needs an SDK, for which this
        # process, which may run as root, has no other use.
        if sys.stderr.isatty():
            argv = [*self._common(), "console", "--link-only", *self._places()]
            self._link = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno(), start_new_session=True
            )

    def _tell_how_to_use_it(self) -> None:
        settings = self._settings
        credentials = settings.data / "credentials"
        self._say(f"\nThe first administrator's key is in {credentials} (profile default). In another terminal:\n")
        self._say(
            f"  export AWS_ENDPOINT_URL={local_address(settings).url} AWS_DEFAULT_REGION={settings.region}\n"
            f"  export AWS_SHARED_CREDENTIALS_FILE={credentials}"
        )
        secure = [listen_address.url for listen_address in listen_addresses(settings) if listen_address.secure]
        trusted = own_authority(settings)
        if trusted is not None:
            names = ", ".join(certificate_names(settings))
            self._say(f"  export AWS_CA_BUNDLE={trusted}   # for {' and '.join(secure)}, called by {names}")
        self._say("  aws sts get-caller-identity\n\nCtrl-C ends it.")

    def _await_ready(self) -> None:
        """Wait until the server takes calls, and until the agent has tested enforcement and waits for the server.

        Raises ``StartError`` if one of them ends instead: without the agent no job would ever start.
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
            if self._serve.ended():
                raise StartError("serve ended before it was ready; its last lines above say why")
            if self._agent.ended():
                raise StartError(
                    f"the agent ended before it was ready; `{command(self._settings, 'doctor')}` says what it lacks"
                )
            if time.monotonic() > deadline:
                late = "the agent" if serving else "serve"
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

    def _tend_certificate(self) -> None:
        """As root, copy the given certificate again when it changes: ``serve`` must not read its key."""
        now = time.monotonic()
        if not self._settings.tls_cert or os.geteuid() != 0 or now < self._certificate_at:
            return
        self._certificate_at = now + CERTIFICATE_SECONDS
        try:
            take_certificate(self._settings, self._root_key)
            self._certificate_fault = ""
        except StartError as error:
            if str(error) != self._certificate_fault:
                log.warning("%s; the previous certificate stays in use", error)
            self._certificate_fault = str(error)

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

    def _places(self) -> list[str]:
        """Return the options for folders, addresses and ports, which ``up`` may have been given as options too."""
        settings = self._settings
        return [
            "--data", str(settings.data), "--host", settings.host, "--port", str(settings.port),
            "--tls-port", str(settings.tls_port), "--tls-cert", settings.tls_cert, "--tls-key", settings.tls_key,
            "--console-port", str(settings.console_port),
        ]  # fmt: skip

    def _start_serve(self) -> subprocess.Popen[bytes]:
        key = hand_over(self._root_key)
        descriptors = (self._lifeline, self._ready_write, self._lock, key)
        pipes = ["--lifeline", str(self._lifeline), "--ready", str(self._ready_write), "--root-key", str(key)]
        argv = [*self._common(), "serve", *self._places(), *pipes]
        try:
            return subprocess.Popen(
                argv,
                env=_for_serve(self._environment()),
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            os.close(key)

    def _start_agent(self) -> subprocess.Popen[bytes]:
        runtime = runtime_folder(self._settings)
        start = holders.start if self._starter is None else self._starter.start
        self._holder = holders.adopt_or_start(runtime, os.geteuid() != 0, start)
        argv = [*self._common(), "agent", "--data", str(self._settings.data), "--lifeline", str(self._lifeline)]
        return subprocess.Popen(
            holders.enter_argv(self._holder, argv),
            env=self._environment(),
            pass_fds=(self._lifeline, self._lock),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _end(self) -> None:
        """End serve first (it takes no more calls), then the agent (it ends containers), then the holder."""
        deadline = time.monotonic() + STOP_SECONDS
        if self._ready_file is not None:
            self._ready_file.remove()
        if self._link is not None:
            self._link.kill()
            self._link.wait()
        for child in (self._serve, self._agent):
            if child.process is not None and child.process.poll() is None:
                child.process.terminate()
        for child in (self._serve, self._agent):
            if child.process is not None:
                try:
                    child.process.wait(max(0.1, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    log.warning("%s did not end in time and is killed", child.name)
                    child.process.kill()
                    child.process.wait()
        for beside in (self._head, self._traces, self._slirp):
            if beside is not None:
                beside.end()
        if self._holder is not None:
            holders.end(self._holder, runtime_folder(self._settings))
        if self._starter is not None:
            self._starter.end()
        for descriptor in (self._lifeline, self._life, self._ready_read, self._ready_write):
            os.close(descriptor)


def _for_trail_head(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an environment that name proxies and trusted certificates."""
    proxies = {name: value for name, value in environment.items() if name.lower().endswith("_proxy")}
    return proxies | _certificates(environment)


def _certificates(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an environment that name trusted certificates."""
    return {name: environment[name] for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if name in environment}


def _for_serve(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an environment for ``serve``, without the user's own keys and sockets."""
    named = {"PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TERM", "COLUMNS", "NO_COLOR"}
    return {
        name: value
        for name, value in environment.items()
        if name in named or name.startswith(("READING_ROOM_", "PYTHON", "LC_"))
    }

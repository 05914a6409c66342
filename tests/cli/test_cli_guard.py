"""The guard of an ordinary user's ``serve``: signals, its end, messages to systemd, and a given certificate."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reading_room.containers.processes import start_time
from tests.hosts.test_hosts_listen_addresses import pair
from tests.worlds.waiting import eventually

GUARDED = """
import ctypes, os, signal, sys
from pathlib import Path
from reading_room.cli import guard
from reading_room.cli.own_namespaces import hand_over
signal.pthread_sigmask(signal.SIG_BLOCK, guard.FORWARDED)
told, tell = os.pipe()
child = os.fork()
if child:
    key = hand_over(bytes(32))
    for descriptor in (told, key):
        os.set_inheritable(descriptor, True)
    os.close(tell)
    command = guard.argv(child, told, key, Path(sys.argv[2]), *sys.argv[3:])
    os.execv(command[0], command)
ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
signal.pthread_sigmask(signal.SIG_UNBLOCK, guard.FORWARDED)
exec(sys.argv[1])
"""
"""A program in the place of ``serve``; ``tell`` is where it says that it is ready."""

pytestmark = pytest.mark.costs(1, reason="two interpreters are started")


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a program with a guard; ``guarded(program, certificate, key)``."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str, certificate: str = "", key: str = "") -> subprocess.Popen[str]:
        arguments = [sys.executable, "-c", GUARDED, program, str(tmp_path), certificate, key]
        environment = os.environ | {"NOTIFY_SOCKET": str(tmp_path / "systemd")}
        started.append(subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


WITH_A_THREAD = """
import sys, threading
from pathlib import Path
from reading_room.cli.folder import StartError
from reading_room.cli.own_namespaces import enter
from reading_room.settings import Settings
threading.Thread(target=threading.Event().wait, daemon=True).start()
settings = Settings(data=Path(sys.argv[1], "data"), state=Path(sys.argv[1], "state"))
settings.data.mkdir()
try:
    enter(settings, [], bytes(32))
except StartError as error:
    sys.exit(str(error))
"""
"""A program that the kernel gives no user namespace, because it has two threads."""


def test_a_serve_without_namespaces_names_the_command_that_says_why(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITH_A_THREAD, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert f"doctor --data {tmp_path / 'data'}` says what the kernel lacks" in done.stderr


def test_it_ends_like_the_process_that_it_guards(guarded: Callable[..., subprocess.Popen[str]]) -> None:
    assert guarded("os._exit(0)").wait(30) == 0
    assert guarded("os._exit(7)").wait(30) == 7
    assert guarded("os.kill(os.getpid(), signal.SIGKILL)").wait(30) == -signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_forwards_signals(guarded: Callable[..., subprocess.Popen[str]], number: signal.Signals) -> None:
    process = guarded(
        f"signal.signal({int(number)}, lambda *_: os._exit(5)); print('set', flush=True)\nwhile True: signal.pause()"
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "set\n"
    process.send_signal(number)
    assert process.wait(30) == 5


def test_it_tells_systemd_when_the_guarded_process_is_ready(
    guarded: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "systemd"))
        systemd.settimeout(30)
        process = guarded("os.write(tell, b'ready'); signal.pause()")
        assert systemd.recv(64) == b"READY=1"
        assert start_time(process.pid) is not None


@pytest.mark.costs(3, reason="it looks at the certificate every second")
def test_a_new_certificate_is_copied(guarded: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    certificate, key = pair(tmp_path)
    guarded("signal.pause()", str(certificate), str(key))
    kept = tmp_path / "doors" / "given.pem"
    eventually(kept.exists)
    first = kept.read_bytes()
    pair(tmp_path, "other.example.com")
    eventually(lambda: kept.read_bytes() != first)

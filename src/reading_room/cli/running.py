"""A product that runs while a command needs it."""

from __future__ import annotations

import configparser
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from reading_room.agent.given import GivenRefused, read_given
from reading_room.analysis.trained import NO_WEIGHTS, WEIGHTS, path_of
from reading_room.cli.folder import StartError
from reading_room.cli.ready_file import Ready, read_ready
from reading_room.console.listen_address import console_url
from reading_room.hosts.listen_addresses import ListenAddress, ListenAddressError, local_address, own_authority
from reading_room.settings import Settings

READY_SECONDS = 60.0
_KEYS_LIMIT = 16 << 20
"""Bytes of the longest file of keys that is read: that of some hundred thousand accounts."""
_USUAL = re.compile(r"\S+ \S+ \S+ (DEBUG|INFO) ")
"""The beginning of a log line that explains no failure."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the APIs answer, and whose key to use."""

    url: str
    data: Path
    access_key_id: str
    secret_access_key: str
    region: str
    authority: str | None = None
    """The file of the authority to trust; ``None`` for those that the machine or ``AWS_CA_BUNDLE`` trusts."""
    state: Path | None = None
    """Where the privileged processes keep their files."""


def listening(settings: Settings) -> bool:
    """Return whether something answers at the configured address."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        listen_address = _listen_address(settings)
        return probe.connect_ex((listen_address.host, listen_address.port)) == 0


def _listen_address(settings: Settings) -> ListenAddress:
    try:
        return local_address(settings)
    except ListenAddressError as error:
        raise StartError(str(error)) from error


def endpoint_of(settings: Settings) -> Endpoint:
    """Return the running product's address and its first administrator's key.

    Raises ``StartError`` if the data folder has no key that this user can read. Root calls this too, and the server
    owns the data folder: only a plain file of the folder's owner is read.
    """
    listen_address, trusted = _listen_address(settings), own_authority(settings)
    path = settings.data / "credentials"
    parser = configparser.ConfigParser(interpolation=None)
    try:
        content = read_given(settings.data, path.name, settings.data.stat().st_uid, _KEYS_LIMIT)
        parser.read_string(content.decode())
        profile = parser["default"]
        return Endpoint(
            listen_address.url,
            settings.data,
            profile["aws_access_key_id"],
            profile["aws_secret_access_key"],
            settings.region,
            str(trusted) if listen_address.secure and trusted is not None else None,
            settings.state,
        )
    except OSError as error:
        says = f"{path} cannot be read ({error.strerror})"
    except GivenRefused as error:
        says = str(error)
    except (KeyError, UnicodeDecodeError, configparser.Error):
        says = f"{path} holds no key for the profile default"
    raise StartError(f"{says}: is --data the folder of the running product, and is this user its owner?")


def ready_facts(settings: Settings) -> Ready:
    """Return what the ready file of a product says that this process runs. Raises ``StartError``."""
    endpoint = endpoint_of(settings)
    return Ready(
        endpoint_url=endpoint.url,
        console_url=console_url(settings),
        region=endpoint.region,
        account=settings.account,
        access_key_id=endpoint.access_key_id,
        secret_access_key=endpoint.secret_access_key,
        credentials_file=str(settings.data / "credentials"),
        ca_bundle=endpoint.authority,
        pid=os.getpid(),
    )


def require_weights() -> None:
    """Raise ``StartError`` if the weights are not installed next to this command: then no job can analyse a text."""
    if path_of(WEIGHTS) is None:
        raise StartError(NO_WEIGHTS)


@contextmanager
def started(
    data: Path,
    port: int,
    log: Path,
    state: Path | None = None,
    more: Mapping[str, str] | None = None,
    before: Sequence[str] = (),
) -> Iterator[Endpoint]:
    """Run ``reading-room up`` on a folder and port while the block runs; its log goes to a file.

    Port 0 means any free port. ``state`` is another folder for the installation's record, if the data folder is only
    temporary; ``more`` are further variables of the environment, and ``before`` is the beginning of a command that runs
    it. There is no console, because its pages would end with the command. The product also ends if this process is
    killed. Raises ``StartError`` with the end of the log if the product does not become ready.
    """
    ready_file = log.with_name(f"{log.name}.ready")
    lifeline, life = os.pipe()
    places = ["--data", str(data), "--port", str(port), "--console-port", "0", "--ready-file", str(ready_file)]
    argv = [*before, sys.executable, "-m", "reading_room", "up", *places, "--lifeline", str(lifeline)]
    settings = Settings.from_environment(os.environ | (more or {}), data=data, port=port, state=state)
    environment = os.environ | (more or {}) | {"READING_ROOM_STATE": str(settings.state)}
    try:
        with log.open("wb") as sink:
            process = subprocess.Popen(
                argv,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=sink,
                stdin=subprocess.DEVNULL,
                pass_fds=(lifeline,),
                start_new_session=True,
            )
        try:
            await_ready(process, log)
            ready = read_ready(ready_file)
            yield Endpoint(
                ready.endpoint_url,
                data,
                ready.access_key_id,
                ready.secret_access_key,
                ready.region,
                ready.ca_bundle,
                settings.state,
            )
        finally:
            stop(process)
    finally:
        os.close(lifeline)
        os.close(life)


def stop(process: subprocess.Popen[bytes]) -> int:
    """End the product as a user would, and return its exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def free_port() -> int:
    """Return a free port below those that the kernel gives to clients, as a client might take one of those.

    Raises ``StartError`` after a hundred attempts.
    """
    for _ in range(100):
        port = 10_000 + secrets.randbelow(22_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise StartError("no free port was found on 127.0.0.1: name one with --port")


def await_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a process prints that it is ready. Raises ``StartError`` with the end of its log if it does not."""
    assert process.stdout is not None
    stream = process.stdout
    ready = threading.Event()

    def read() -> None:
        for line in stream:
            if line.startswith(b"ready "):
                ready.set()

    threading.Thread(target=read, daemon=True).start()
    deadline = time.monotonic() + READY_SECONDS
    while not ready.wait(0.02):
        if process.poll() is not None or time.monotonic() > deadline:
            raise StartError(f"the product did not start:\n{reasons(log.read_text(errors='replace'))}")


def reasons(log: str) -> str:
    """Return the last lines of a log that is not of level DEBUG or INFO, or of any level if there is no such line."""
    lines = log.splitlines()
    told = [line for line in lines if not _USUAL.match(line)]
    return "\n".join((told or lines)[-15:])


def host_address() -> str:
    """Return an address of this machine that is not loopback, or a documentation address if it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Connecting a datagram socket sends nothing: it asks the kernel which source address it would use.
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "192.0.2.2"

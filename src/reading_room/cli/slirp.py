"""slirp4netns: the uplink's way outside without root, and the process that provides it.

The program runs in the network namespace of ``up``, where it opens ordinary sockets, and makes a device in the uplink
namespace. That namespace exists while any VPC has an internet gateway, and so does the program. The agent finds the
device and configures it.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import time
from pathlib import Path

from reading_room.agent.holder import Holder
from reading_room.cli.folder import StartError

log = logging.getLogger(__name__)

PROGRAM = "slirp4netns"
TUNNEL = Path("/dev/net/tun")
PIN = "uplink/uplink"
"""The uplink namespace's pin in the holder's public folder."""
DEVICE, MTU = "tap0", 1500
PAUSE_SECONDS = 1.0


class Slirp:
    """Keeps one slirp4netns running while the uplink namespace exists."""

    def __init__(self, lifeline: int, pause_seconds: float = PAUSE_SECONDS) -> None:
        """``lifeline`` is a descriptor of a pipe; the program ends when the other end closes. Raises ``StartError``.

        Two starts are at least ``pause_seconds`` apart.
        """
        program = shutil.which(PROGRAM)
        if program is None:
            raise StartError(f"READING_ROOM_UPLINK={PROGRAM}: there is no such program; install the package {PROGRAM}")
        if not os.access(TUNNEL, os.R_OK | os.W_OK):
            raise StartError(
                f"READING_ROOM_UPLINK={PROGRAM}: {TUNNEL} cannot be opened by this user; make it 0666, as root"
            )
        self._program = program
        self._lifeline = lifeline
        self._pause_seconds = pause_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._namespace = 0
        self._tried = 0.0

    @property
    def running(self) -> bool:
        """Whether the program runs."""
        return self._process is not None and self._process.poll() is None

    def tend(self, holder: Holder) -> None:
        """Start the program if the uplink namespace has none, and end it if the namespace was replaced."""
        pin = holder.public_dir / PIN
        namespace = self._identity(pin, holder)
        if self._process is not None and (self._process.poll() is not None or namespace != self._namespace):
            if namespace == self._namespace:
                log.warning("%s ended with %s: starting it again", PROGRAM, self._process.returncode)
            self.end()
        if self._process is None and namespace and time.monotonic() - self._tried > self._pause_seconds:
            self._tried, self._namespace = time.monotonic(), namespace
            self._process = subprocess.Popen(
                self._arguments(pin, holder),
                pass_fds=(self._lifeline,),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _identity(self, pin: Path, holder: Holder) -> int:
        """Return the inode of the pinned namespace, 0 if there is none: an empty file is not pinned yet."""
        try:
            found = pin.stat()
            return found.st_ino if found.st_dev == os.stat(f"/proc/{holder.pid}/ns/net").st_dev else 0
        except OSError:
            return 0

    def _arguments(self, pin: Path, holder: Holder) -> list[str]:
        rootless = [f"--userns-path=/proc/{holder.pid}/ns/user"] if holder.rootless else []
        # A VPC must not reach the host's loopback or its resolver.
        return [
            self._program, "--netns-type=path", *rootless, f"--mtu={MTU}", f"--exit-fd={self._lifeline}",
            "--disable-host-loopback", "--disable-dns", str(pin), DEVICE,
        ]  # fmt: skip

    def end(self) -> None:
        """End the program, if it runs."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            self._process.wait()
            self._process = None

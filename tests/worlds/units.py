"""The product without ``up``: holder, agent and serve as separate processes, started and stopped as systemd does."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from reading_room.cli.running import Endpoint
from tests.worlds.cluster import SMALL_PARTS
from tests.worlds.product import STOP_SECONDS, Product

UNITS = Path(__file__).resolve().parents[2] / "packaging" / "systemd"
COMMANDS = {"holder": ["holder"], "agent": ["agent", "--join"], "serve": ["serve"], "link": ["link"]}
FIRST, JOINED = ("holder", "agent", "serve"), ("holder", "agent", "link")
"""The units of a host with ``serve``, and of one that has joined it."""


def unit(name: str) -> dict[str, list[str]]:
    """Return the settings of a unit file, each with all its values."""
    found: dict[str, list[str]] = {}
    for line in (UNITS / f"reading-room-{name}.service").read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def restrict(name: str) -> list[str]:
    """Return a command prefix that restricts a process like its unit, as far as root can outside systemd."""
    if os.geteuid() != 0 or name in ("serve", "link"):
        return []  # As root, they change to their user id themselves. No unit starts them as root.
    settings = unit(name)
    assert settings["NoNewPrivileges"] == ["yes"]
    kept = ",".join(
        "+" + each.removeprefix("CAP_").lower() for each in " ".join(settings["CapabilityBoundingSet"]).split()
    )
    return ["/usr/bin/setpriv", "--no-new-privs", f"--bounding-set=-all,{kept}", "--"]


class Units(Product):
    """The product without ``up``."""

    def __init__(
        self, folder: Path, names: Sequence[str] = FIRST, before: Sequence[str] = (), **environment: str
    ) -> None:
        """``names`` are the units, and ``before`` is the beginning of each command; see ``Product``."""
        # Parts are small, so that a job uses its storage repeatedly.
        super().__init__(folder, **SMALL_PARTS | environment)
        self.names = names
        self._before = before
        self.units: dict[str, subprocess.Popen[bytes]] = {}
        self.folder = folder
        self.python = sys.executable

    def start_unit(self, name: str) -> None:
        """Start a unit, and wait until it is ready if it notifies systemd."""
        environment = os.environ | {f"READING_ROOM_{key}": value for key, value in self.settings.items()}
        more = self.ports() if name == "serve" else []
        program = [self.python, "-m", "reading_room", *COMMANDS[name], "--data", str(self.data), *more]
        argv = [*self._before, *restrict(name), *program]
        # Not in this folder, because the path of a socket there could be too long.
        with (
            tempfile.TemporaryDirectory() as notified,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd,
            self.log.open("ab") as sink,
        ):
            address = Path(notified, "notify")
            systemd.bind(str(address))
            for path, mode in ((address.parent, 0o755), (address, 0o777)):  # Any user's unit may notify.
                path.chmod(mode)
            systemd.settimeout(60)
            if unit(name)["Type"] == ["notify"]:
                environment["NOTIFY_SOCKET"] = str(address)
            self.units[name] = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stderr=sink, env=environment, start_new_session=True
            )
            if "NOTIFY_SOCKET" in environment:
                try:
                    assert systemd.recv(64) == b"READY=1"
                except TimeoutError:
                    raise AssertionError(f"{name} was not ready:\n{self.tail()}") from None

    def start(self) -> Endpoint:
        """Start all units of a host with ``serve``, in systemd's order."""
        self.start_units()
        return self.endpoint()

    def start_units(self) -> None:
        """Start all units, in systemd's order."""
        for name in self.names:
            self.start_unit(name)
        self.up = self.units["holder"]

    def stop_unit(self, name: str) -> None:
        """Stop a unit as systemd does, with a signal to its main process."""
        process = self.units.pop(name)
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS + 5) == 0, self.tail()

    def clear(self) -> None:
        """End all remaining processes."""
        for name in reversed(list(self.units)):
            self.units[name].terminate()
            self.units[name].wait(20)
        super().clear()

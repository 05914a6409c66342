"""The product without ``up``: holder, agent and serve as separate processes, started and stopped as systemd does."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from reading_room.cli.running import Endpoint
from tests.worlds.cluster import SMALL_PARTS
from tests.worlds.product import STOP_SECONDS, Product

UNITS = Path(__file__).resolve().parents[2] / "packaging" / "systemd"
COMMANDS = {"holder": ["holder"], "agent": ["agent", "--join"], "serve": ["serve"]}


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
    if os.geteuid() != 0 or name == "serve":
        return []  # As root, serve changes to its user id itself. No unit starts it as root.
    settings = unit(name)
    assert settings["NoNewPrivileges"] == ["yes"]
    kept = ",".join(
        "+" + each.removeprefix("CAP_").lower() for each in " ".join(settings["CapabilityBoundingSet"]).split()
    )
    return ["/usr/bin/setpriv", "--no-new-privs", f"--bounding-set=-all,{kept}", "--"]


class Units(Product):
    """The product without ``up``."""

    def __init__(self, folder: Path) -> None:
        # Parts are small, so that a job uses its storage repeatedly.
        super().__init__(folder, **SMALL_PARTS)
        self.units: dict[str, subprocess.Popen[bytes]] = {}
        self.folder = folder
        self.python = sys.executable

    def start_unit(self, name: str) -> None:
        """Start a unit, and wait until it is ready if it notifies systemd."""
        environment = os.environ | {f"READING_ROOM_{key}": value for key, value in self.settings.items()}
        more = self.ports() if name == "serve" else []
        argv = [*restrict(name), self.python, "-m", "reading_room", *COMMANDS[name], "--data", str(self.data), *more]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd, self.log.open("ab") as sink:
            # The address is abstract, because the path of a socket in this folder could be too long.
            address = f"\0reading-room-{os.getpid()}-{name}"
            systemd.bind(address)
            systemd.settimeout(60)
            if unit(name)["Type"] == ["notify"]:
                environment["NOTIFY_SOCKET"] = "@" + address[1:]
            self.units[name] = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stderr=sink, env=environment, start_new_session=True
            )
            if "NOTIFY_SOCKET" in environment:
                try:
                    assert systemd.recv(64) == b"READY=1"
                except TimeoutError:
                    raise AssertionError(f"{name} was not ready:\n{self.tail()}") from None

    def start(self) -> Endpoint:
        """Start all units, in systemd's order."""
        for name in COMMANDS:
            self.start_unit(name)
        self.up = self.units["holder"]
        return self.endpoint()

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

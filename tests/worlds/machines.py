"""Machines on one, in each of which a product's processes run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from reading_room.cli.host_namespaces import HostNamespaces
from tests.worlds.product import Product
from tests.worlds.waiting import eventually

ADDRESSES = {"a": "192.0.2.1", "b": "192.0.2.2"}
PLAIN_ADDRESSES = {"a": "198.51.100.1", "b": "198.51.100.2"}
"""In the network of packets between hosts that are not encrypted."""
ZONES = {"b": "us-east-1b"}
"""That in which the other one joins. Machine ``a`` is in the first one."""
PORT = 4569
"""Where hosts connect. No other process has this port in a namespace of the test."""


class Machines:
    """Machine ``a`` runs ``up``, and the others are to join it."""

    def __init__(self, folder: Path, given: Mapping[str, str], plain: bool) -> None:
        """Make the machines; nothing runs there yet. ``given`` are settings of all products.

        With ``plain``, packets between hosts are not encrypted, and have a network of their own.
        """
        self._machines = HostNamespaces(ADDRESSES)
        self._underlay = HostNamespaces(PLAIN_ADDRESSES) if plain else None
        self.products: dict[str, Product] = {}
        for name in ADDRESSES:
            (folder / name).mkdir()
            settings = {"HOSTS_LISTEN": f"{ADDRESSES['a']}:{PORT}"} if name == "a" else {}
            if self._underlay is not None:
                settings["UNDERLAY"] = f"plain:{self._underlay.path(name)}"
                settings |= {"HOSTS_UNDERLAY": PLAIN_ADDRESSES["a"]} if name == "a" else {}
            self.products[name] = Product(folder / name, **settings, **given)

    def inside(self, name: str) -> list[str]:
        """Return the beginning of a command that runs on a machine."""
        return self._machines.command(name)

    def _on(self, name: str) -> list[str]:
        """Return the beginning of a command of the product on a machine."""
        return [*self.inside(name), sys.executable, "-m", "reading_room"]

    def start(self) -> None:
        """Start ``up`` on machine ``a``."""
        product = self.products["a"]
        product.launch_as([*self._on("a"), "up", "--data", str(product.data), *product.ports()])
        product.await_ready(f"http://127.0.0.1:{product.port}")

    def run_host(self, name: str = "b") -> None:
        """Start ``host run`` on a machine that has joined."""
        product = self.products[name]
        process = product.launch_as([*self._on(name), "host", "run", "--data", str(product.data)])
        eventually(lambda: product.stdout or process.poll() is not None, what="the line that says that it is ready")
        assert product.stdout == [f"ready {name}\n".encode()], product.tail()

    def join(self) -> None:
        """Start ``up``, let all other machines join, start them, and wait until all have a lease."""
        self.start()
        for name in [name for name in self.products if name != "a"]:
            self.join_host(name)
            self.run_host(name)
        self.await_leases()

    def join_host(self, name: str = "b") -> None:
        """Let a machine join the installation of machine ``a``."""
        token = self.command("a", "host", "token")
        underlay = [] if self._underlay is None else ["--underlay", PLAIN_ADDRESSES[name]]
        self.command(name, "host", "join", "--name", name, "--zone", ZONES[name], *underlay, given=token)

    def await_leases(self) -> None:
        """Wait until all hosts have a lease."""
        eventually(self.all_leased, what="leases of all hosts")

    def all_leased(self) -> bool:
        """Return whether every host has a lease."""
        return self.leases() == {"local" if name == "a" else name: "held" for name in self.products}

    def leases(self) -> dict[str, str]:
        """Return what ``host list`` says of the lease of each host that was ever leased one."""
        rows = [line.split() for line in self.command("a", "host", "list").splitlines()[1:]]
        return {row[1]: row[8] for row in rows if len(row) > 8}

    def kill(self, name: str) -> None:
        """``kill -9`` of every process of a machine."""
        product = self.products[name]
        assert product.up is not None
        product.kill_processes([product.up.pid, *product.processes()])

    def entered(self, name: str) -> AbstractContextManager[None]:
        """Make connections of this thread from a machine during the block."""
        return self._machines.entered(name)

    def command(self, name: str, *words: str, given: str = "") -> str:
        """Run a command on a machine, with an input; return its output."""
        product = self.products[name]
        port = ["--port", str(product.port)] if name == "a" else []
        run = subprocess.run(
            [
                *self._machines.command(name),
                sys.executable,
                "-m",
                "reading_room",
                *words,
                "--data",
                str(product.data),
                *port,
            ],
            env=os.environ | {f"READING_ROOM_{key}": value for key, value in product.settings.items()},
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    def close(self) -> None:
        """End everything, and remove the machines."""
        for product in self.products.values():
            product.clear()
        self._machines.close()
        if self._underlay is not None:
            self._underlay.close()


@contextmanager
def two_machines(folder: Path, given: Mapping[str, str], plain: bool = False) -> Iterator[Machines]:
    """Make two machines for a while, with these settings; see ``Machines``."""
    machines = Machines(folder, given, plain)
    try:
        yield machines
    finally:
        machines.close()

"""Machines on one, in each of which a product's processes run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

from reading_room.cli.host_namespaces import HostNamespaces
from reading_room.containers.record import Record
from tests.worlds.product import Product
from tests.worlds.waiting import eventually

ADDRESSES = {"a": "192.0.2.1", "b": "192.0.2.2", "c": "192.0.2.3", "d": "192.0.2.4"}
ZONES = {"b": "us-east-1b", "c": "us-east-1b"}
"""Those in which the others join. Machine ``a`` is in the first one."""
PORT = 4569
"""Where hosts connect. No other process has this port in a namespace of the test."""
PLAIN = {"a": "198.51.100.1", "b": "198.51.100.2", "c": "198.51.100.3"}
"""Addresses of an underlay without encryption, which has a namespace of its own on each machine."""


class FirstHost(Product):
    """The product of machine ``a``, whose jobs have containers on other machines, too.

    Its calls are answered on that machine alone: a test enters it first.
    """

    def __init__(self, folder: Path, machines: Machines, **environment: str) -> None:
        super().__init__(folder, **environment)
        self._machines = machines

    def launch(self, *more: str) -> subprocess.Popen[bytes]:
        """Start ``up`` on its machine, and return at once."""
        return self._machines.launch("a", *more)

    def hosts(self) -> list[Product]:
        """Return the hosts of the installation."""
        return list(self._machines.products.values())

    def records(self) -> dict[str, Record | None]:
        """Return the records of the containers of all hosts."""
        found = [Product.records(host) for host in self.hosts()]
        return {folder: record for records in found for folder, record in records.items()}


class Machines:
    """Machine ``a`` runs ``up``, and the others are to join it."""

    def __init__(
        self, folder: Path, names: Sequence[str] = ("a", "b"), *, bare: Sequence[str] = (), **more: str
    ) -> None:
        """Make the machines; nothing runs there yet. ``more`` are settings of all products, which ``bare`` ones lack.

        With ``UNDERLAY="plain"``, packets between hosts are not encrypted.
        """
        plain = more.get("UNDERLAY") == "plain"
        self._machines = HostNamespaces({name: ADDRESSES[name] for name in (*names, *bare)})
        self._plain = HostNamespaces({name: PLAIN[name] for name in names}, self._machines) if plain else None
        self.products: dict[str, Product] = {}
        for name in names:
            (folder / name).mkdir()
            settings = dict(more)
            if self._plain is not None:
                settings["UNDERLAY"] = f"plain:{self._plain.path(name)}"
            if name == "a":
                settings["HOSTS_LISTEN"] = f"{ADDRESSES['a']}:{PORT}"
                settings["HOSTS_UNDERLAY"] = (PLAIN if plain else ADDRESSES)["a"]
                self.products["a"] = FirstHost(folder / "a", self, **settings)
            else:
                self.products[name] = Product(folder / name, **settings)

    @property
    def switch(self) -> int:
        """The namespace of the bridge, where tests may add rules and listen."""
        return self._machines.switch

    def on_switch(self, script: str, given: str = "") -> None:
        """Run a shell script in the namespace of the bridge."""
        enter = ["nsenter", f"--net=/proc/{os.getpid()}/fd/{self.switch}", "sh", "-ec", script]
        subprocess.run(enter, input=given, text=True, check=True)

    def ports(self, name: str) -> list[str]:
        """Return the ports of the bridge that lead to a machine."""
        return [each.port(name) for each in (self._machines, self._plain) if each is not None]

    def inside(self, name: str) -> list[str]:
        """Return the beginning of a command that runs on a machine."""
        return self._machines.command(name)

    def launch(self, name: str, *more: str) -> subprocess.Popen[bytes]:
        """Start ``up`` on machine ``a``, or ``host run`` on one that has joined; return at once."""
        product = self.products[name]
        command = ["up", *product.ports(), *more] if name == "a" else ["host", "run"]
        program = [sys.executable, "-m", "reading_room", *command, "--data", str(product.data)]
        return product.launch_as([*self.inside(name), *program])

    def run_host(self, name: str = "b") -> None:
        """Start ``host run`` on a machine that has joined."""
        product, process = self.products[name], self.launch(name)
        eventually(lambda: product.stdout or process.poll() is not None, what="the line that says that it is ready")
        assert product.stdout == [f"ready {name}\n".encode()], product.tail()

    def join(self) -> None:
        """Start ``up``, let all other machines join, start them, and wait until all have a lease."""
        self.start()
        for name in [name for name in self.products if name != "a"]:
            self.join_host(name)
            self.run_host(name)
        self.await_leases()

    def start(self) -> None:
        """Start ``up`` on machine ``a``."""
        self.products["a"].start()

    def join_host(self, name: str = "b") -> None:
        """Let a machine join the installation of machine ``a``."""
        token = self.command("a", "host", "token")
        underlay = ["--underlay", PLAIN[name]] if self._plain is not None else []
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

    def pause(self, name: str) -> list[int]:
        """Stop every process of a machine (SIGSTOP), also those that others start meanwhile; return them."""
        product, stopped = self.products[name], set[int]()
        while new := set(product.processes()) - stopped:
            self.stop(new)
            stopped |= new
        return sorted(stopped)

    @staticmethod
    def stop(pids: Iterable[int]) -> None:
        """Stop processes (SIGSTOP)."""
        _signal(pids, signal.SIGSTOP)

    @staticmethod
    def resume(stopped: Iterable[int]) -> None:
        """Let stopped processes go on."""
        _signal(stopped, signal.SIGCONT)

    def entered(self, name: str) -> AbstractContextManager[None]:
        """Make connections of this thread from a machine during the block."""
        return self._machines.entered(name)

    def command(self, name: str, *words: str, given: str = "") -> str:
        """Run a command on a machine, with an input; return its output."""
        product = self.products[name]
        port = ["--port", str(product.port)] if name == "a" else []
        run = subprocess.run(
            [*self.inside(name), sys.executable, "-m", "reading_room", *words, "--data", str(product.data), *port],
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
        if self._plain is not None:
            self._plain.close()
        self._machines.close()


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


@contextmanager
def two_machines(folder: Path, **more: str) -> Iterator[Machines]:
    """Make two machines for a while."""
    with several_machines(folder, ("a", "b"), **more) as found:
        yield found


@contextmanager
def several_machines(folder: Path, names: Sequence[str], **more: str) -> Iterator[Machines]:
    """Make machines for a while."""
    machines = Machines(folder, names, **more)
    try:
        yield machines
    finally:
        machines.close()


@contextmanager
def product_on_hosts(folder: Path, **environment: str) -> Iterator[Product]:
    """Yield a running product: on one host, or on as many as ``READING_ROOM_TEST_HOSTS`` says, at most three.

    On several hosts, containers are spread over them, and the calling thread is on the first one for the length of the
    block.
    """
    hosts = int(os.environ.get("READING_ROOM_TEST_HOSTS", "1"))
    console_port = int(environment.pop("CONSOLE_PORT", "0"))
    with ExitStack() as stack:
        if hosts == 1:
            found = Product(folder, **environment)
            stack.callback(found.clear)
            found.console_port = console_port
            found.start()
        else:
            machines = stack.enter_context(several_machines(folder, tuple(ADDRESSES)[:hosts], **environment))
            found = machines.products["a"]
            found.console_port = console_port
            machines.join()
            stack.enter_context(machines.entered("a"))
        yield found

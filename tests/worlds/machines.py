"""Machines on one: network namespaces that a bridge connects, in each of which a product's processes run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from reading_room.dataplane.linux import namespaces, rtnetlink
from reading_room.dataplane.linux.rtnetlink import RouteSocket
from tests.worlds.product import Product
from tests.worlds.waiting import eventually

ADDRESSES = {"a": "192.0.2.1", "b": "192.0.2.2", "c": "192.0.2.3"}
ZONES = {"b": "us-east-1b", "c": "us-east-1b"}
"""Those in which the others join. Machine ``a`` is in the first one."""
PORT = 4569
"""Where hosts connect. No other process has this port in a namespace of the test."""
MTU, WIRE = 1500, 77


class Machines:
    """Machine ``a`` runs ``up``, and the others are to join it."""

    def __init__(self, folder: Path, names: Sequence[str] = ("a", "b"), **more: str) -> None:
        """Make the machines; nothing runs there yet. ``more`` are settings of all products."""
        self._namespaces = {name: namespaces.new_namespace() for name in names}
        self._wire()
        self.products: dict[str, Product] = {}
        for name in names:
            (folder / name).mkdir()
            settings = {"HOSTS_LISTEN": f"{ADDRESSES['a']}:{PORT}"} if name == "a" else {}
            self.products[name] = Product(folder / name, **settings, **more)

    def _wire(self) -> None:
        self._switch = switch = namespaces.new_namespace()
        commands = ["ip link add bridge0 type bridge", "ip link set bridge0 up"]
        for number, (name, descriptor) in enumerate(self._namespaces.items(), 1):
            with namespaces.inside(descriptor):
                opened = RouteSocket()
            macs = (f"02:00:00:00:0b:{number:02}", f"02:00:00:00:0c:{number:02}")
            opened.batch([rtnetlink.create_veth("under0", WIRE, MTU, switch, *macs, f"to-{name}")])
            for device in ("lo", "under0"):
                opened.batch([rtnetlink.set_up(opened.index_of(device), device)])
            opened.batch([rtnetlink.add_address(opened.index_of("under0"), ADDRESSES[name], 24)])
            opened.close()
            commands.append(f"ip link set to-{name} master bridge0 up")
        enter = ["nsenter", f"--net=/proc/{os.getpid()}/fd/{switch}", "sh", "-ec", "; ".join(commands)]
        subprocess.run(enter, check=True)

    def inside(self, name: str) -> list[str]:
        """Return the beginning of a command that runs on a machine."""
        enter = ["nsenter", f"--net=/proc/{os.getpid()}/fd/{self._namespaces[name]}"]
        folder = Path(sys.prefix, "wireguard/usr/bin")  # Where scripts/setup unpacks wireguard-go.
        if shutil.which("wireguard-go") is not None or not folder.is_dir():
            return enter
        mount = 'mount -t overlay -o lowerdir="$1":/usr/sbin programs /usr/sbin && shift && exec "$@"'
        return [*enter, "unshare", "--mount", "sh", "-c", mount, "sh", str(folder)]

    def start(self) -> None:
        """Start ``up`` on machine ``a``."""
        product = self.products["a"]
        command = [sys.executable, "-m", "reading_room", "up", "--data", str(product.data), *product.ports()]
        product.launch_as([*self.inside("a"), *command])
        product.await_ready(f"http://127.0.0.1:{product.port}")

    def run_host(self, name: str = "b") -> None:
        """Start ``host run`` on a machine that has joined."""
        product = self.products[name]
        command = [sys.executable, "-m", "reading_room", "host", "run", "--data", str(product.data)]
        process = product.launch_as([*self.inside(name), *command])
        eventually(lambda: product.stdout or process.poll() is not None, what="the line that says that it is ready")
        assert product.stdout == [f"ready {name}\n".encode()], product.tail()

    def join(self) -> None:
        """Start ``up``, let all other machines join, start them, and wait until all have a lease."""
        self.start()
        for name in [name for name in self.products if name != "a"]:
            token = self.command("a", "host", "token")
            self.command(name, "host", "join", "--name", name, "--zone", ZONES[name], given=token)
            self.run_host(name)
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

    @contextmanager
    def entered(self, name: str) -> Iterator[None]:
        """Make connections of this thread from a machine during the block."""
        with namespaces.inside(self._namespaces[name]):
            yield

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
        for descriptor in (self._switch, *self._namespaces.values()):
            os.close(descriptor)


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

"""Two machines on one: network namespaces with a wire between them, in each of which a product's processes run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reading_room.dataplane.linux import namespaces, rtnetlink
from reading_room.dataplane.linux.rtnetlink import RouteSocket
from tests.worlds.product import Product
from tests.worlds.waiting import eventually

ADDRESSES = {"a": "192.0.2.1", "b": "192.0.2.2"}
PORT = 4569
"""Where hosts connect. No other process has this port in a namespace of the test."""
MTU, WIRE = 1500, 77


class Machines:
    """Machine ``a`` runs ``up``, and machine ``b`` is to join it."""

    def __init__(self, folder: Path, **more: str) -> None:
        """Make both machines; nothing runs there yet. ``more`` are settings of both products."""
        self._namespaces = {name: namespaces.new_namespace() for name in ADDRESSES}
        self._wire()
        self.products: dict[str, Product] = {}
        for name in ADDRESSES:
            (folder / name).mkdir()
            settings = {"HOSTS_LISTEN": f"{ADDRESSES['a']}:{PORT}"} if name == "a" else {}
            self.products[name] = Product(folder / name, **settings, **more)

    def _wire(self) -> None:
        sockets = {}
        for name, descriptor in self._namespaces.items():
            with namespaces.inside(descriptor):
                sockets[name] = RouteSocket()
        there = self._namespaces["b"]
        macs = ("02:00:00:00:0b:02", "02:00:00:00:0b:01")
        sockets["a"].batch([rtnetlink.create_veth("under0", WIRE, MTU, there, *macs, "under0")])
        for name, opened in sockets.items():
            for device in ("lo", "under0"):
                opened.batch([rtnetlink.set_up(opened.index_of(device), device)])
            opened.batch([rtnetlink.add_address(opened.index_of("under0"), ADDRESSES[name], 24)])
        for opened in sockets.values():
            opened.wait_until_it_sends("under0")
            opened.close()

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

    def run_host(self) -> None:
        """Start ``host run`` on machine ``b``, which has joined."""
        product = self.products["b"]
        command = [sys.executable, "-m", "reading_room", "host", "run", "--data", str(product.data)]
        process = product.launch_as([*self.inside("b"), *command])
        eventually(lambda: product.stdout or process.poll() is not None, what="the line that says that it is ready")
        assert product.stdout == [b"ready b\n"], product.tail()

    def join(self) -> None:
        """Start ``up``, let machine ``b`` join in the second zone, start it, and wait until both have a lease."""
        self.start()
        token = self.command("a", "host", "token")
        self.command("b", "host", "join", "--name", "b", "--zone", "us-east-1b", given=token)
        self.run_host()
        eventually(lambda: self.leases() == {"local": "held", "b": "held"}, what="two leases")

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
        for descriptor in self._namespaces.values():
            os.close(descriptor)


@contextmanager
def two_machines(folder: Path, **more: str) -> Iterator[Machines]:
    """Make two machines for a while."""
    machines = Machines(folder, **more)
    try:
        yield machines
    finally:
        machines.close()

"""Machines on one: network namespaces that a bridge connects, in which processes of different hosts run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from reading_room.cli.folder import StartError
from reading_room.dataplane.linux import namespaces, rtnetlink
from reading_room.dataplane.linux.rtnetlink import RouteSocket
from reading_room.dataplane.linux.wireguard import KernelDevice

WIREGUARD = "wireguard-go"
_PROGRAMS = ("ip", "nsenter", "unshare")
_DEVICE, _INDEX, _MTU, _PREFIX = "under0", 77, 1500, 24


def unpacked_wireguard() -> Path | None:
    """Return the folder into which ``make setup`` unpacked wireguard-go; ``None`` if it did not."""
    folder = Path(sys.prefix, "wireguard/usr/bin")
    return folder if os.access(folder / WIREGUARD, os.X_OK) else None


def refuse_without_means() -> None:
    """Raise ``StartError`` with one sentence if this machine cannot run several hosts."""
    if os.geteuid() != 0:
        raise StartError("only root can make the network namespaces that stand for machines: run this as root")
    if missing := [name for name in _PROGRAMS if shutil.which(name) is None]:
        raise StartError(f"{', '.join(missing)} missing: install Debian's packages iproute2 and util-linux")
    if shutil.which(WIREGUARD) is not None or unpacked_wireguard() is not None:
        return
    try:
        KernelDevice().close()
    except OSError:
        raise StartError(
            "packets between hosts are encrypted by WireGuard, which this kernel does not have: install the Debian "
            f"package {WIREGUARD}"
        ) from None


class HostNamespaces:
    """A namespace with an address for each machine, and a bridge between all of them. Nothing else is changed."""

    def __init__(self, addresses: Mapping[str, str], beside: HostNamespaces | None = None) -> None:
        """Make them: ``addresses`` has the IPv4 address of each machine, all of one network of 24 bits.

        With ``beside``, they are connected to the bridge of those.
        """
        self.addresses = dict(addresses)
        self._opened: dict[str, int] = {}
        self._second = beside is not None
        self.switch: int = namespaces.new_namespace() if beside is None else os.dup(beside.switch)
        """The namespace of the bridge, which this process has open."""
        try:
            for name in addresses:
                self._opened[name] = namespaces.new_namespace()
            self._connect()
        except BaseException:
            self.close()
            raise

    def _connect(self) -> None:
        commands = [] if self._second else ["ip link add bridge0 type bridge", "ip link set bridge0 up"]
        for number, (name, descriptor) in enumerate(self._opened.items(), 1):
            with namespaces.inside(descriptor):
                opened = RouteSocket()
            kind = 2 * self._second
            macs = (f"02:00:00:00:{kind:02}:{number:02}", f"02:00:00:00:{kind + 1:02}:{number:02}")
            opened.batch([rtnetlink.create_veth(_DEVICE, _INDEX, _MTU, self.switch, *macs, self.port(name))])
            for device in ("lo", _DEVICE):
                opened.batch([rtnetlink.set_up(opened.index_of(device), device)])
            opened.batch([rtnetlink.add_address(opened.index_of(_DEVICE), self.addresses[name], _PREFIX)])
            opened.close()
            commands.append(f"ip link set {self.port(name)} master bridge0 up")
        enter = ["nsenter", f"--net={_path(self.switch)}", "sh", "-ec", "; ".join(commands)]
        subprocess.run(enter, check=True)

    def port(self, name: str) -> str:
        """Return the name of the bridge's port that leads to a machine."""
        return f"{'second' if self._second else 'to'}-{name}"

    def path(self, name: str) -> str:
        """Return the path of a machine's network namespace, for as long as this process has it open."""
        return _path(self._opened[name])

    def command(self, name: str) -> list[str]:
        """Return the beginning of a command that runs on a machine, where wireguard-go is found."""
        enter = ["nsenter", f"--net={self.path(name)}"]
        folder = unpacked_wireguard()
        if shutil.which(WIREGUARD) is not None or folder is None:
            return enter
        mount = 'mount -t overlay -o lowerdir="$1":/usr/sbin programs /usr/sbin && shift && exec "$@"'
        return [*enter, "unshare", "--mount", "sh", "-c", mount, "sh", str(folder)]

    @contextmanager
    def entered(self, name: str) -> Iterator[None]:
        """Make connections of this thread, and of threads that it starts, from a machine during the block."""
        with namespaces.inside(self._opened[name]):
            yield

    def close(self) -> None:
        """Let them go: the kernel removes each with its last process."""
        for descriptor in (self.switch, *self._opened.values()):
            os.close(descriptor)


def _path(descriptor: int) -> str:
    return f"/proc/{os.getpid()}/fd/{descriptor}"

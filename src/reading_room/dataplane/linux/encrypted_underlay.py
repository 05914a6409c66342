"""The underlay inside WireGuard: a namespace of the agent's own, in which tunnels end, with one WireGuard device.

Encrypted packets are sent and received in another namespace, usually the machine's, where nothing else is changed.
The kernel's WireGuard is used if it has one, else the program wireguard-go, which outlives the agent.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from reading_room.dataplane.linux import namespaces, offloads, rtnetlink
from reading_room.dataplane.linux.netlink import NetlinkError
from reading_room.dataplane.linux.open_namespace import FIRST_INDEX
from reading_room.dataplane.linux.rtnetlink import FoundLink, RouteSocket
from reading_room.dataplane.linux.underlay_namespace import UnderlayNamespace
from reading_room.dataplane.linux.wireguard import KernelDevice, ProgramDevice, WireGuardDevice, open_tun, public_key_of
from reading_room.dataplane.rules.encryption import (
    DEVICE,
    INNER_PREFIX,
    Peer,
    WireGuardError,
    carried_mtu,
    changes,
    inner_address,
    key_text,
    peers,
)
from reading_room.dataplane.spec import Underlay


class Program(Protocol):
    """Runs wireguard-go."""

    def start(self, device: int, control: int, outside: int) -> None:
        """Start it, after ending an earlier one. Raises ``OSError`` if it is missing or cannot run.

        ``device`` and ``control`` are open descriptors: its device, and the socket at which it is configured.
        ``outside`` is the network namespace of its encrypted packets.
        """
        ...

    def running(self) -> bool:
        """Return whether the one that was started last, perhaps by an earlier agent, still runs."""
        ...

    def end(self) -> None:
        """End it, if it runs."""
        ...


@dataclass(frozen=True, slots=True)
class Encryption:
    """What the encryption of the underlay needs.

    ``outside`` is the file of the network namespace of the encrypted packets, ``private`` this host's key of 32 bytes.
    The program's socket is in ``folder``, which only this process may enter.
    """

    outside: Path
    private: bytes = field(repr=False)
    program: Program
    folder: Path


class EncryptedUnderlay(UnderlayNamespace):
    """The namespace inside the encryption."""

    def __init__(self, descriptor: int, encryption: Encryption, *, segmentation: bool = False) -> None:
        """Open the sockets, and take over ``descriptor``; see ``OpenNamespace``. ``segmentation`` is for the device."""
        self._private = encryption.private
        self._program = encryption.program
        self._at_program = ProgramDevice(encryption.folder)
        self.outside = -1
        self._device: WireGuardDevice | None = None
        self._put: tuple[Peer, ...] = ()
        self._kept: Underlay | None = None
        super().__init__(descriptor, segmentation=segmentation)
        try:
            self.outside = os.open(encryption.outside, os.O_RDONLY | os.O_CLOEXEC)
        except BaseException:
            self.close()
            raise

    def lost(self) -> bool:
        """Return whether the device must be arranged again, because somebody changed it or its program ended."""
        ended = self._device is self._at_program and not self._program.running()
        if self._kept is not None and (self._drain_events() or ended):
            self._kept = None
            return True
        return False

    def arrange(self, underlay: Underlay) -> None:
        """Give the device this host's key, port and address, and the other hosts as peers. Raises ``OSError``."""
        if underlay == self._kept:
            return
        public = key_text(public_key_of(self._private))
        if underlay.here.key != public:
            raise WireGuardError(f"the key that other hosts know of this host is not its own, which is {public}")
        device, index = self._open()
        found = device.read()
        change = changes(found, self._private, underlay.here.port, peers(underlay), self._put)
        if change:
            device.change(change)
        self._put = peers(underlay)
        if not self.segmentation:
            # The device would merge packets, also those inside tunnels, which would then be counted as one.
            with namespaces.inside(self.descriptor):
                offloads.switch_off(DEVICE)
        requests = [
            rtnetlink.set_mtu(index, DEVICE, carried_mtu(underlay)),
            rtnetlink.add_address(index, inner_address(underlay.here.number), INNER_PREFIX),
            rtnetlink.set_up(index, DEVICE),
        ]
        self.routes.batch(requests)
        self._drain_events()  # Later ones are changes by others.
        self._kept = underlay

    def remove(self) -> None:
        """End the program, if there is one; the namespace and its devices end with their last descriptor."""
        self._program.end()

    def close(self) -> None:
        """Close every descriptor; the namespace, its device and the program stay."""
        if isinstance(self._device, KernelDevice):
            self._device.close()
        super().close()
        if self.outside >= 0:
            os.close(self.outside)
            self.outside = -1

    def _open(self) -> tuple[WireGuardDevice, int]:
        """Return the device, a new one if there is none that works, and its index."""
        link = next((each for each in self.routes.links() if each.name == DEVICE), None)
        if link is not None and self._device is None:
            self._device = self._opened(link)
        elif link is None or (self._device is self._at_program and not self._program.running()):
            self._device = None
        if link is not None and self._device is None:
            with suppress(NetlinkError):
                self.routes.batch([rtnetlink.delete_link(link.index, DEVICE)])
        if self._device is None:
            self._put = ()
            self._device = self._made()
        return self._device, self.routes.index_of(DEVICE)

    def _opened(self, link: FoundLink) -> WireGuardDevice | None:
        """Return an earlier agent's device, if it still works."""
        if link.kind == "wireguard":
            return self._in_kernel()
        return self._at_program if link.kind == "tun" and self._program.running() else None

    def _in_kernel(self) -> KernelDevice:
        with namespaces.inside(self.descriptor):
            return KernelDevice()

    def _made(self) -> WireGuardDevice:
        with namespaces.inside(self.outside):
            outside = RouteSocket()
        try:
            outside.batch([rtnetlink.create_wireguard(DEVICE, FIRST_INDEX, self.descriptor)])
        except NetlinkError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise
        else:
            return self._in_kernel()
        finally:
            outside.close()
        self._program.end()
        device = open_tun(self.descriptor)
        try:
            # The program tells from its device's state whether to send anything.
            self.routes.batch([rtnetlink.set_up(self.routes.index_of(DEVICE), DEVICE)])
            with self._at_program.listen() as control:
                self._program.start(device, control.fileno(), self.outside)
        finally:
            os.close(device)
        return self._at_program

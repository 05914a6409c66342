"""The only place where a plan becomes the kernel's state: routers are looked at here, and steps carried out.

Any step may be the last before a ``kill -9``. Each is ordered so that what it leaves half done is recognized: a pin
without a namespace is swept away, a link gets its alias last and one without is deleted, rules that nobody remembers
are made anew.
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from reading_room.dataplane.linux import libnftables, namespaces, offloads, rtnetlink, sysctl
from reading_room.dataplane.linux.connections import LISTEN, Connection
from reading_room.dataplane.linux.conntrack import Entry
from reading_room.dataplane.linux.flows import FlowCollector
from reading_room.dataplane.linux.host import CONTAINER_DEVICE, LinkConfig
from reading_room.dataplane.linux.namespaces import PinBoard
from reading_room.dataplane.linux.plan import (
    ApplyRuleset,
    ChangeAddresses,
    ChangeBlackholes,
    CloseListener,
    CreateLink,
    CreateNamespace,
    CutConnections,
    DeleteLink,
    DeleteNamespace,
    ForgetFlows,
    OpenListener,
    Step,
)
from reading_room.dataplane.linux.router import Router
from reading_room.dataplane.linux.rtnetlink import LOOPBACK, RT_TABLE_MAIN, RouteSocket
from reading_room.dataplane.spec import LOCAL_ENDPOINT_ADDRESS, ListenerLabel

BACKLOG = 1024
READY_SECONDS = 2.0


class Kernel:
    """The router namespaces of this host, pinned on one board."""

    def __init__(self, pins: Path, flows: FlowCollector) -> None:
        """Take over every router namespace pinned under ``pins``. Raises as ``Router`` does."""
        libnftables.prepare()
        self.board = PinBoard(pins)
        self.flows = flows
        self.routers: dict[str, Router] = {}
        try:
            for name in self.board.names():
                self.routers[name] = Router(name, name, self.board.open(name))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close every descriptor; pinned namespaces stay."""
        for router in self.routers.values():
            router.close()
        self.routers.clear()

    def apply(self, step: Step, containers: Mapping[str, int]) -> None:
        """Carry one step out; ``containers`` are the namespaces of containers by id.

        Raises ``OSError`` (netlink's with the request in words), ``RulesetError``, ``SettingError`` or
        ``LibraryMissingError``.
        """
        if isinstance(step, CreateNamespace):
            self._create_namespace(step)
            return
        router = self.routers[step.vpc_id]
        router.touched()
        match step:
            case DeleteNamespace():
                self._delete_namespace(router)
            case ChangeAddresses(add=add, remove=remove):
                router.routes.batch(
                    [rtnetlink.delete_address(LOOPBACK, each) for each in remove]
                    + [rtnetlink.add_address(LOOPBACK, each) for each in add]
                )
            case ChangeBlackholes(add=add, remove=remove):
                router.routes.batch(
                    [rtnetlink.add_route(RT_TABLE_MAIN, "blackhole", each) for each in add]
                    + [rtnetlink.delete_route(RT_TABLE_MAIN, "blackhole", each) for each in remove]
                )
            case ApplyRuleset(transactions=transactions, ruleset=ruleset):
                router.apply_rules(transactions, ruleset)
            case CreateLink(link=link):
                create_link(router, link, containers[link.container_id])
            case DeleteLink():
                self.delete_links([step])
            case ForgetFlows():
                self.forget([step])
            case OpenListener(label=label):
                router.listeners[label] = open_listener(router, label)
            case CloseListener(label=label):
                router.listeners.pop(label).close()
                cut(router, lambda each: (each.address, each.port) == (label.address, label.port))
            case CutConnections(port=port, keep=keep):
                self._cut_endpoint(router, port, frozenset(keep))

    def _create_namespace(self, step: CreateNamespace) -> None:
        descriptor = self.board.create(step.namespace)
        try:
            self.routers[step.vpc_id] = Router(step.vpc_id, step.namespace, descriptor)
        except BaseException:
            self.board.remove(step.namespace)
            raise

    def _delete_namespace(self, router: Router) -> None:
        """Unpin. Whoever still has a listener's copy keeps the namespace alive, so nothing may be left in it."""
        cut(router, lambda each: True)
        self.flows.unwatch(router.vpc_id)
        del self.routers[router.vpc_id]
        router.close()
        self.board.remove(router.namespace)

    def delete_links(self, steps: Sequence[DeleteLink]) -> None:
        """Carry out deletions in one VPC together; raises as ``apply`` does."""
        router = self.routers[steps[0].vpc_id]
        router.touched()
        router.routes.batch(rtnetlink.delete_links({step.name: router.indexes[step.name] for step in steps}))
        for step in steps:
            router.containers.pop(step.interface_id, None)

    def forget(self, steps: Sequence[ForgetFlows]) -> None:
        """Carry out ``ForgetFlows`` of several addresses of one VPC together; raises as ``apply`` does."""
        router = self.routers[steps[0].vpc_id]
        gone = {step.address for step in steps}
        cut(router, lambda each: each.peer in gone)
        forget(
            router,
            lambda each: not gone.isdisjoint((each.original.source, each.original.destination, each.reply.source)),
        )
        self.flows.flush(router.vpc_id, router.descriptor)

    def _cut_endpoint(self, router: Router, port: int, keep: frozenset[str]) -> None:
        """End accepted connections first: the reset that tells the peer still needs the translation."""
        cut(router, lambda each: (each.address, each.port) == (LOCAL_ENDPOINT_ADDRESS, port) and each.peer not in keep)
        forget(
            router,
            lambda each: (
                (each.reply.source, each.reply.source_port) == (LOCAL_ENDPOINT_ADDRESS, port)
                and each.original.source not in keep
            ),
        )


def forget(router: Router, unwanted: Callable[[Entry], bool]) -> None:
    """Delete tracked connections; their last counts go to whoever watches for ends."""
    if router.conntrack.count():
        router.conntrack.delete([each for each in router.conntrack.entries(zero=False) if unwanted(each)])


def cut(router: Router, unwanted: Callable[[Connection], bool]) -> None:
    """End TCP connections that the router's namespace accepted, listening sockets excepted.

    A kernel built without ``CONFIG_INET_DIAG_DESTROY`` cannot; there the connection is dead all the same once its
    conntrack entry is gone, because packets from the middle of an untracked connection are invalid, and the server
    closes it when it learns that the listener went.
    """
    try:
        router.connections.cut(lambda each: each.state != LISTEN and unwanted(each))
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise


def router_mac(mac: str) -> str:
    """Return the hardware address of a link's router end: the container's with one bit of the first byte flipped."""
    raw = bytearray(rtnetlink.mac_bytes(mac))
    raw[0] ^= 0x40
    return raw.hex(":")


def create_link(router: Router, link: LinkConfig, container: int) -> None:
    """Make an interface: both ends, addresses, routes; the alias comes last and says that all is there.

    Both ends know each other's hardware address for good, so no packet waits for ARP. On failure the pair is deleted.
    """
    index = router.new_index()
    mac = router_mac(link.mac)
    with namespaces.inside(container):
        sysctl.forbid_ipv6_of_new_links()
    router.routes.batch([rtnetlink.create_veth(link.name, index, link.mtu, container, link.mac, mac, CONTAINER_DEVICE)])
    try:
        with namespaces.inside(container):
            offloads.switch_off(CONTAINER_DEVICE)
            inner = RouteSocket()
        try:
            device = inner.index_of(CONTAINER_DEVICE)
            inner.batch(
                [
                    rtnetlink.set_up(LOOPBACK, "lo"),
                    rtnetlink.set_up(device, CONTAINER_DEVICE),
                    rtnetlink.add_address(device, link.address),
                    rtnetlink.add_neighbour(device, link.gateway, mac),
                    rtnetlink.add_route(RT_TABLE_MAIN, "unicast", "0.0.0.0/0", device, link.gateway, onlink=True),
                ]
            )
            with namespaces.inside(router.descriptor):
                offloads.switch_off(link.name)
            router.routes.batch(
                [
                    rtnetlink.set_up(index, link.name),
                    rtnetlink.add_neighbour(index, link.address, link.mac),
                    rtnetlink.add_route(RT_TABLE_MAIN, "unicast", f"{link.address}/32", index),
                ]
            )
            _wait_until_it_sends(inner, CONTAINER_DEVICE)
        finally:
            inner.close()
        router.routes.batch([rtnetlink.set_up(index, link.name, link.interface_id)])
    except BaseException:
        router.routes.batch([rtnetlink.delete_link(index, link.name)])
        raise
    router.indexes[link.name] = index
    router.containers[link.interface_id] = link.container_id


def _wait_until_it_sends(inner: RouteSocket, name: str) -> None:
    """Wait until the container's end, which came up before its peer, really transmits.

    It learns of its carrier from a kernel work queue, and drops what it should send until then: a first SYN or its
    answer would be lost, and the connection a second late. Asking for the link makes recent kernels do that work now.
    """
    limit = time.monotonic() + READY_SECONDS
    while not inner.transmits(name):
        if time.monotonic() > limit:
            raise OSError(errno.ETIMEDOUT, f"{name} has no carrier {READY_SECONDS} s after both its ends were set up")
        time.sleep(0.001)


def open_listener(router: Router, label: ListenerLabel) -> socket.socket:
    """Open the socket of a label inside the router's namespace.

    A server that outlived an earlier agent may still hold the socket opened then. Nobody serves that one for us any
    more, so it is ended: this agent's is the one that counts.
    """
    with namespaces.inside(router.descriptor):
        stream = label.kind != "resolver-udp"
        kind = (socket.SOCK_STREAM if stream else socket.SOCK_DGRAM) | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        opened = socket.socket(socket.AF_INET, kind)
        try:
            # For UDP this lets the newest of two sockets have the datagrams.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                opened.bind((label.address, label.port))
                if stream:
                    opened.listen(BACKLOG)
            except OSError as error:
                if error.errno != errno.EADDRINUSE or not stream:
                    raise
                router.connections.cut(
                    lambda each: each.state == LISTEN and (each.address, each.port) == (label.address, label.port)
                )
                opened.close()
                opened = socket.socket(socket.AF_INET, kind)
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                opened.bind((label.address, label.port))
                opened.listen(BACKLOG)
        except OSError as error:
            opened.close()
            raise OSError(
                error.errno, f"open {label.kind} at {label.address}:{label.port}: {error.strerror}"
            ) from error
    return opened


def tracked_sources(router: Router) -> set[str]:
    """Return every address that began, or received, a tracked connection between interfaces."""
    if not router.conntrack.count():
        return set()
    return {each.original.source for each in router.conntrack.entries(zero=False)}

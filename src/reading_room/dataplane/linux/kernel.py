"""The kernel's side of routers' plans: their steps are carried out here, and nowhere else.

Any step may be the last before a ``kill -9``. So a step that was interrupted can be recognized later: a pin without a
namespace is removed, a link gets its alias last and is deleted if it has none, and unknown rules are replaced.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from reading_room.dataplane.linux import libnftables, namespaces, offloads, rtnetlink
from reading_room.dataplane.linux.change_notes import ChangeNotes
from reading_room.dataplane.linux.connections import Connection
from reading_room.dataplane.linux.encrypted_underlay import EncryptedUnderlay, Encryption
from reading_room.dataplane.linux.flows import FlowCollector
from reading_room.dataplane.linux.links import (
    add_secondary,
    create_link,
    create_uplink,
    remove_secondary,
    table_route,
)
from reading_room.dataplane.linux.listeners import cut, forget, open_listener
from reading_room.dataplane.linux.namespaces import PinBoard
from reading_room.dataplane.linux.router import Router
from reading_room.dataplane.linux.rtnetlink import LOOPBACK, RT_TABLE_MAIN
from reading_room.dataplane.linux.tunnels import add_by_tunnel, create_tunnel, finish_tunnel, remove_by_tunnel
from reading_room.dataplane.linux.underlay_namespace import NAME as UNDERLAY
from reading_room.dataplane.linux.underlay_namespace import UnderlayNamespace
from reading_room.dataplane.linux.uplink_namespace import NAME as UPLINK
from reading_room.dataplane.linux.uplink_namespace import UplinkNamespace, rule_request
from reading_room.dataplane.rules.host import UPLINK_DEVICE, Tunnel
from reading_room.dataplane.rules.steps import (
    AddByTunnel,
    AddSecondary,
    ApplyRuleset,
    ChangeAddresses,
    ChangeBlackholes,
    ChangePolicyRules,
    ChangeTableRoutes,
    CloseListener,
    CreateLink,
    CreateNamespace,
    CreateTunnel,
    CreateUplink,
    CutConnections,
    DeleteLink,
    DeleteNamespace,
    DeleteTunnel,
    DeleteUplink,
    ForgetFlows,
    ForgetTranslations,
    LeadThrough,
    OpenListener,
    RemoveByTunnel,
    RemoveSecondary,
    RemoveStray,
    Step,
)
from reading_room.dataplane.rules.translations import Explained
from reading_room.dataplane.rules.uplink import Outside
from reading_room.dataplane.spec import LOCAL_ENDPOINT_ADDRESS

UNSEEN = (ApplyRuleset, ForgetFlows, ForgetTranslations, OpenListener, CloseListener, CutConnections)
"""Steps that do not change anything that ``Router.look`` reads."""


def kind_of_run(step: Step) -> type:
    """Return the same type for successive steps that ``Kernel.apply_run`` can carry out together."""
    return ForgetFlows if isinstance(step, CutConnections) else type(step)


class Kernel:
    """The namespaces of this host: its routers, pinned on one board, and the uplink namespace on another."""

    def __init__(
        self,
        pins: Path,
        flows: FlowCollector,
        outside: Outside | None = None,
        beyond: int | None = None,
        *,
        underlay: int | Encryption | None = None,
        segmentation: bool = False,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        """Open every router namespace pinned under ``pins``, and the uplink namespace. Raises as ``Router`` does.

        ``outside`` is what lies beyond the uplink namespace. ``beyond`` is a descriptor of the namespace that a veth
        pair leads to, ``underlay`` one of the namespace that carries the packets between hosts, unless they are
        encrypted; this object closes both. ``segmentation`` is for new links (see ``Router``), ``pause`` for cuts (see
        ``cut``).
        """
        libnftables.prepare()
        self.board = PinBoard(pins / "netns")
        self._uplink_board = PinBoard(pins / "uplink")
        self._underlay_board = PinBoard(pins / "underlay")
        self._notes = ChangeNotes(pins / "changes")
        self.flows = flows
        self.outside = outside
        self._beyond = beyond
        self._segmentation = segmentation
        self._cut = partial(cut, pause=pause)
        self._computes_checksums = False
        self.routers: dict[str, Router] = {}
        self.uplink: UplinkNamespace | None = None
        self.underlay: UnderlayNamespace | None = None
        self.encryption: Encryption | None = None
        try:
            if isinstance(underlay, Encryption):
                self.encryption = underlay
                if UNDERLAY in self._underlay_board.names():
                    opened = self._underlay_board.open(UNDERLAY)
                    self.underlay = EncryptedUnderlay(opened, underlay, segmentation=segmentation)
            elif underlay is not None:
                self.underlay = UnderlayNamespace(underlay, segmentation=segmentation)
            for name in self.board.names():
                self.routers[name] = Router(name, name, self.board.open(name), segmentation=segmentation)
            if UPLINK in self._uplink_board.names():
                self.uplink = UplinkNamespace(self._uplink_board.open(UPLINK), outside, beyond)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close every descriptor; pinned namespaces stay."""
        for router in self.routers.values():
            router.close()
        self.routers.clear()
        if self.uplink is not None:
            self.uplink.close()
            self.uplink = None
        if self.underlay is not None:
            self.underlay.close()
            self.underlay = None
        if self._beyond is not None:
            os.close(self._beyond)
            self._beyond = None

    def open_uplink(self) -> UplinkNamespace:
        """Return the uplink namespace; create and pin it if there is none. Raises as ``Router`` does."""
        if self.uplink is None:
            descriptor = self._uplink_board.create(UPLINK)
            try:
                self.uplink = UplinkNamespace(descriptor, self.outside, self._beyond)
            except BaseException:
                self._uplink_board.remove(UPLINK)
                raise
        return self.uplink

    def remove_uplink(self) -> None:
        """Remove the uplink namespace, if there is one, and with it every wire to it."""
        if self.uplink is not None:
            self.uplink.disconnect()
            self.uplink.close()
            self.uplink = None
            self._uplink_board.remove(UPLINK)

    def open_underlay(self) -> UnderlayNamespace | None:
        """Return the namespace where tunnels end; create and pin it if it is inside the encryption.

        Return ``None`` without an underlay. Raises as ``Router`` does.
        """
        if self.underlay is None and self.encryption is not None:
            descriptor = self._underlay_board.create(UNDERLAY)
            try:
                self.underlay = EncryptedUnderlay(descriptor, self.encryption, segmentation=self._segmentation)
            except BaseException:
                self._underlay_board.remove(UNDERLAY)
                raise
        return self.underlay

    def underlay_lost(self) -> bool:
        """Return whether the encryption must be arranged again."""
        return isinstance(self.underlay, EncryptedUnderlay) and self.underlay.lost()

    def remove_underlay(self) -> None:
        """Remove the namespace inside the encryption, if there is one, and the program that encrypts."""
        if isinstance(self.underlay, EncryptedUnderlay):
            self.underlay.remove()
            self.underlay.close()
            self.underlay = None
            self._underlay_board.remove(UNDERLAY)

    def pins_lost(self) -> list[str]:
        """Pin namespaces again that somebody unpinned, and unpin those that are not ours; return a sentence for each.

        A namespace that this process holds open outlives its pin, but not this process.
        """
        found = []
        for board, held in (
            (self.board, self._open_routers()),
            (self._uplink_board, self._open_uplink()),
            (self._underlay_board, self._inside_encryption()),
        ):
            names = set(board.names())
            for name in held.keys() - names:
                board.pin(name, held[name])
                found.append(f"{name}: the pin of its namespace was gone")
            for name in names - held.keys():
                board.remove(name)
                found.append(f"{name}: a namespace was pinned that is not ours")
        return found

    def _open_routers(self) -> dict[str, int]:
        return {name: router.descriptor for name, router in self.routers.items()}

    def _open_uplink(self) -> dict[str, int]:
        return {} if self.uplink is None else {UPLINK: self.uplink.descriptor}

    def _inside_encryption(self) -> dict[str, int]:
        return {UNDERLAY: self.underlay.descriptor} if isinstance(self.underlay, EncryptedUnderlay) else {}

    def apply(self, step: Step, containers: Mapping[str, int]) -> None:
        """Carry out one step; ``containers`` are the containers' network namespaces by container id.

        Raises ``OSError`` (for netlink with the request in words), ``RulesetError``, ``SettingError`` or
        ``LibraryMissingError``.
        """
        if isinstance(step, CreateNamespace):
            self._create_namespace(step)
            return
        router = self.routers[step.vpc_id]
        if not isinstance(step, UNSEEN):
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
                with self._notes.under_way(step.vpc_id, transactions):
                    router.apply_rules(transactions, ruleset)
            case CreateLink(link=link):
                create_link(router, link, containers[link.container_id])
            case DeleteLink():
                self._delete_links([step])
            case AddSecondary(link=link, addresses=addresses):
                add_secondary(router, link, addresses, containers[link.container_id])
            case RemoveSecondary(link=link, addresses=addresses):
                remove_secondary(router, link, addresses, containers.get(link.container_id))
            case CreateUplink():
                create_uplink(router, self.open_uplink())
            case DeleteUplink():
                index = router.indexes.pop(UPLINK_DEVICE, None)
                if index is not None:
                    router.routes.batch([rtnetlink.delete_link(index, UPLINK_DEVICE)])
            case CreateTunnel(tunnel=tunnel):
                self._create_tunnel(router, tunnel)
            case DeleteTunnel(device=device):
                router.routes.batch([rtnetlink.delete_link(router.indexes.pop(device), device)])
            case AddByTunnel(device=device, hosts=hosts, routes=led_away):
                add_by_tunnel(router.routes, router.indexes[device], hosts, led_away)
            case RemoveByTunnel(device=device, hosts=hosts, routes=led_away):
                remove_by_tunnel(router.routes, router.indexes[device], hosts, led_away)
            case ChangeTableRoutes(add=new, remove=old):
                router.routes.batch([table_route(router, each, gone=True) for each in old])
                router.routes.batch([table_route(router, each) for each in new])
            case LeadThrough(add=led):
                router.routes.batch([table_route(router, each) for each in led if each.device in router.indexes])
            case ChangePolicyRules(add=come, remove=gone):
                router.routes.batch([*map(rule_request, come), *(rule_request(each, gone=True) for each in gone)])
            case RemoveStray(stray=stray):
                router.routes.batch([rtnetlink.delete_found(stray.kind, stray.body, stray.what)])
            case ForgetFlows() | CutConnections():
                self._end_flows([step])
            case ForgetTranslations(translations=translations):
                explained = Explained(translations)
                forget(router, lambda each: not explained(each))
            case OpenListener(label=label):
                router.listeners[label] = open_listener(router, label)
            case CloseListener(label=label):
                router.listeners.pop(label).close()
                self._cut(router, lambda each: (each.address, each.port) == (label.address, label.port))

    def apply_run(self, steps: Sequence[Step], containers: Mapping[str, int]) -> None:
        """Carry out steps of one ``kind_of_run`` in one VPC, together if that is faster; raises as ``apply`` does."""
        deletions = [step for step in steps if isinstance(step, DeleteLink)]
        if deletions:
            self._delete_links(deletions)
        elif any(isinstance(step, ForgetFlows | CutConnections) for step in steps):
            self._end_flows(steps)
        else:
            for step in steps:
                self.apply(step, containers)

    def _create_namespace(self, step: CreateNamespace) -> None:
        descriptor = self.board.create(step.namespace)
        try:
            self.routers[step.vpc_id] = Router(step.vpc_id, step.namespace, descriptor, segmentation=self._segmentation)
        except BaseException:
            self.board.remove(step.namespace)
            raise

    def _create_tunnel(self, router: Router, tunnel: Tunnel) -> None:
        if self.underlay is None:
            raise OSError(errno.ENETUNREACH, "this host has no underlay, so it cannot reach the VPC's other hosts")
        index = router.new_index()
        create_tunnel(self.underlay.routes, index, router.descriptor, tunnel)
        try:
            with namespaces.inside(router.descriptor):
                if not router.segmentation:
                    offloads.switch_off(tunnel.device)
                if self._computes_checksums:
                    offloads.switch_checksums_off(tunnel.device)
            finish_tunnel(router.routes, index, tunnel, router.vpc_id)
        except BaseException:
            router.routes.batch([rtnetlink.delete_link(index, tunnel.device)])
            raise
        router.indexes[tunnel.device] = index

    def compute_checksums(self) -> None:
        """Compute the checksums of packets in tunnels, now and from now on, instead of leaving them to devices."""
        self._computes_checksums = True
        for router in self.routers.values():
            for device in [name for name in router.indexes if name.startswith("vx")]:
                with namespaces.inside(router.descriptor):
                    offloads.switch_checksums_off(device)

    def remember_checksums(self, vpc_id: str) -> None:
        """Compute checksums if an earlier agent did so for the tunnel of this VPC."""
        router = self.routers[vpc_id]
        for device in [name for name in router.indexes if name.startswith("vx") and not self._computes_checksums]:
            with namespaces.inside(router.descriptor):
                found = offloads.computes_checksums(device)
            if found:
                self.compute_checksums()

    def carrier(self) -> int:
        """Return a descriptor of the namespace that carries what is sent to other hosts, encrypted or not."""
        if self.underlay is None:
            raise OSError(errno.ENETUNREACH, "this host has no underlay, so it cannot reach other hosts")
        return self.underlay.outside if isinstance(self.underlay, EncryptedUnderlay) else self.underlay.descriptor

    def renew(self, seconds: int) -> None:
        """Let the packets of every VPC pass for so many seconds from now on. Raises ``RulesetError`` or ``OSError``."""
        for router in self.routers.values():
            router.renew(seconds)

    def _delete_namespace(self, router: Router) -> None:
        """Unpin the namespace. A process with a copy of a listener keeps it alive, so leave no connection in it."""
        self._cut(router, lambda each: True)
        self.flows.unwatch(router.vpc_id)
        del self.routers[router.vpc_id]
        router.close()
        self.board.remove(router.namespace)
        self._notes.forget(router.vpc_id)

    def _delete_links(self, steps: Sequence[DeleteLink]) -> None:
        """Delete links of one VPC together; raises as ``apply`` does."""
        router = self.routers[steps[0].vpc_id]
        router.touched()
        router.routes.batch(rtnetlink.delete_links({step.name: router.indexes[step.name] for step in steps}))
        for step in steps:
            router.containers.pop(step.interface_id, None)

    def _end_flows(self, steps: Sequence[Step]) -> None:
        """Forget the flows of addresses, and cut connections at ports, of one VPC together; raises as ``apply`` does.

        Accepted connections end first, because the reset to the peer still needs the translation and the entry. The
        owner of a connection comes from its tracked entry, since the listener may see a public address as its peer.
        Reading tracked entries makes the kernel walk through the whole machine's table, which takes 10 ms of a
        processor, so it is done once for all steps. What the steps end cannot come back meanwhile: the new rules are
        in force.
        """
        router = self.routers[steps[0].vpc_id]
        gone = {step.address for step in steps if isinstance(step, ForgetFlows)}
        keep = {step.port: frozenset(step.keep) for step in steps if isinstance(step, CutConnections)}
        if gone:
            self._cut(router, lambda each: each.peer in gone)
        tracked = list(router.conntrack.entries(zero=False)) if router.conntrack.count() else []

        def concerned(address: str, port: int) -> bool:
            return address == LOCAL_ENDPOINT_ADDRESS and port in keep

        owners = {
            (each.reply.source_port, each.reply.destination, each.reply.destination_port): each.original.source
            for each in tracked
            if concerned(each.reply.source, each.reply.source_port)
        }

        def unwanted(each: Connection) -> bool:
            owner = owners.get((each.port, each.peer, each.peer_port), each.peer)
            return concerned(each.address, each.port) and owner not in keep[each.port]

        if keep:
            self._cut(router, unwanted)
        ended = [
            each
            for each in tracked
            if not gone.isdisjoint(
                (each.original.source, each.original.destination, each.reply.source, each.reply.destination)
            )
            or (
                concerned(each.reply.source, each.reply.source_port)
                and each.original.source not in keep[each.reply.source_port]
            )
        ]
        if ended:
            router.conntrack.delete(ended)
        if gone:
            self.flows.flush(router.vpc_id, router.descriptor)

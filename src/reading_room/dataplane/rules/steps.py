"""What exists on a host, and the steps to what should, as values. Each step has its reason.

``plan.py`` returns the steps, and ``kernel.py`` carries them out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from reading_room.dataplane.rules.host import (
    EndpointReach,
    LinkConfig,
    Translation,
    Tunnel,
    TunnelHost,
    TunnelRoute,
)
from reading_room.dataplane.rules.nftables import Ruleset
from reading_room.dataplane.rules.uplink import BUILT_IN_RULES, PolicyRule, TableRoute
from reading_room.dataplane.spec import ListenerLabel

Thing = TypeVar("Thing")


def compare(wanted: Sequence[Thing], there: Sequence[Thing]) -> tuple[tuple[Thing, ...], tuple[Thing, ...]]:
    """Return what to add and what to remove, each in its original order."""
    add = tuple(each for each in wanted if each not in there)
    return add, tuple(each for each in there if each not in wanted)


# The observed state


@dataclass(frozen=True, slots=True)
class ObservedLink:
    """The router end of a veth pair, as the kernel has it.

    ``interface_id`` is its alias, ``address`` that of its /32 route (empty if there is none). Only the driver that
    created the link knows ``container_id``; it is ``None`` if the link was adopted after a restart.
    """

    name: str
    interface_id: str
    address: str
    container_id: str | None = None
    secondary: tuple[str, ...] = ()
    """Further addresses with a route to this link, sorted."""


@dataclass(frozen=True, slots=True)
class Stray:
    """A route, address or policy rule that is not ours: a description, and the request that deletes it."""

    what: str
    kind: int
    """The netlink request's type."""
    body: bytes


@dataclass(frozen=True, slots=True)
class ObservedRouter:
    """A router namespace that exists."""

    vpc_id: str
    namespace: str
    addresses: tuple[str, ...] = ()
    blackholes: tuple[str, ...] = ()
    links: tuple[ObservedLink, ...] = ()
    listeners: tuple[ListenerLabel, ...] = ()
    """The sockets that this process holds open. After a restart there are none."""
    ruleset: Ruleset | None = None
    """The kernel's ruleset (the generation id is that of our last transaction); ``None`` if it is unknown."""
    reach: tuple[EndpointReach, ...] | None = None
    """As realized last; ``None`` if it is unknown."""
    translations: tuple[Translation, ...] | None = ()
    """As realized last; ``None`` if they are unknown."""
    uplink: bool | None = None
    """Whether the uplink's wire works; ``None`` if there is none."""
    routes: tuple[TableRoute, ...] = ()
    rules: tuple[PolicyRule, ...] = BUILT_IN_RULES
    strays: tuple[Stray, ...] = ()
    tunnel: Tunnel | None = None
    """The VXLAN device as the kernel has it. One that is not complete has no MAC address here."""


@dataclass(frozen=True, slots=True)
class ObservedHost:
    """Every router namespace that exists, even if no VPC wants it."""

    routers: tuple[ObservedRouter, ...] = ()


# Steps


@dataclass(frozen=True, slots=True)
class CreateNamespace:
    """Create and pin a router namespace, set its sysctls, and bring ``lo`` up."""

    vpc_id: str
    namespace: str
    reason: str


@dataclass(frozen=True, slots=True)
class DeleteNamespace:
    """Unpin a router namespace. Its links and listeners are gone already."""

    vpc_id: str
    namespace: str
    reason: str


@dataclass(frozen=True, slots=True)
class ChangeAddresses:
    """Add and remove /32 addresses on ``lo``."""

    vpc_id: str
    add: tuple[str, ...]
    remove: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class ChangeBlackholes:
    """Add and remove blackhole routes of the main table."""

    vpc_id: str
    add: tuple[str, ...]
    remove: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class ApplyRuleset:
    """Run the transactions in order; then the kernel has ``ruleset``. A failed one ends the VPC's steps."""

    vpc_id: str
    transactions: tuple[str, ...]
    ruleset: Ruleset
    reason: str


@dataclass(frozen=True, slots=True)
class CreateLink:
    """Create the veth pair with both its ends and its routes."""

    vpc_id: str
    link: LinkConfig
    reason: str


@dataclass(frozen=True, slots=True)
class DeleteLink:
    """Remove a veth pair by its router end."""

    vpc_id: str
    name: str
    interface_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class AddSecondary:
    """Add addresses to an existing link: first in the container's namespace, then the routes to them."""

    vpc_id: str
    link: LinkConfig
    addresses: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class RemoveSecondary:
    """Remove addresses from an existing link: first the routes to them, then in the container's namespace."""

    vpc_id: str
    link: LinkConfig
    addresses: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class CreateUplink:
    """Create the wire to the uplink namespace, which exists already."""

    vpc_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class DeleteUplink:
    """Remove the wire to the uplink namespace."""

    vpc_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class CreateTunnel:
    """Create the VPC's VXLAN device, without hosts and routes."""

    vpc_id: str
    tunnel: Tunnel
    reason: str


@dataclass(frozen=True, slots=True)
class DeleteTunnel:
    """Remove the VPC's VXLAN device, and with it its routes."""

    vpc_id: str
    device: str
    reason: str


@dataclass(frozen=True, slots=True)
class AddByTunnel:
    """Add other hosts to a tunnel, then routes to their addresses."""

    vpc_id: str
    device: str
    hosts: tuple[TunnelHost, ...]
    routes: tuple[TunnelRoute, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class RemoveByTunnel:
    """Remove routes by a tunnel, then other hosts from it."""

    vpc_id: str
    device: str
    hosts: tuple[TunnelHost, ...]
    routes: tuple[TunnelRoute, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class ChangeTableRoutes:
    """Add and remove routes of our own tables."""

    vpc_id: str
    add: tuple[TableRoute, ...]
    remove: tuple[TableRoute, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class LeadThrough:
    """Add routes by links to interfaces that receive packets for other addresses. Routes without a link are skipped."""

    vpc_id: str
    add: tuple[TableRoute, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class ChangePolicyRules:
    """Add and remove policy rules."""

    vpc_id: str
    add: tuple[PolicyRule, ...]
    remove: tuple[PolicyRule, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class RemoveStray:
    """Remove something that somebody else put into the namespace."""

    vpc_id: str
    stray: Stray
    reason: str


@dataclass(frozen=True, slots=True)
class ForgetFlows:
    """Report the flows of an address, then delete its conntrack entries and destroy its connections.

    This step comes after the address's link is gone, so that its next owner gets a clean address.
    """

    vpc_id: str
    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class ForgetTranslations:
    """End the tracked flows whose translation is not among ``translations`` (see ``host.Translation``)."""

    vpc_id: str
    translations: tuple[Translation, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class OpenListener:
    """Open a listening socket inside the router namespace."""

    label: ListenerLabel
    reason: str

    @property
    def vpc_id(self) -> str:
        """Return the VPC whose namespace it is opened in."""
        return self.label.vpc_id


@dataclass(frozen=True, slots=True)
class CloseListener:
    """Close a listening socket."""

    label: ListenerLabel
    reason: str

    @property
    def vpc_id(self) -> str:
        """Return the VPC whose namespace it was opened in."""
        return self.label.vpc_id


@dataclass(frozen=True, slots=True)
class CutConnections:
    """End connections that were accepted at a port of ``LOCAL_ENDPOINT_ADDRESS``, except those from ``keep``.

    ``keep`` are the addresses that opened the connections, whatever the listener sees. Both the socket and the
    conntrack entry go, so that neither side can use the connection any more.
    """

    vpc_id: str
    port: int
    keep: tuple[str, ...]
    reason: str


Step = (
    CreateNamespace
    | DeleteNamespace
    | ChangeAddresses
    | ChangeBlackholes
    | ApplyRuleset
    | CreateLink
    | DeleteLink
    | AddSecondary
    | RemoveSecondary
    | CreateUplink
    | DeleteUplink
    | CreateTunnel
    | DeleteTunnel
    | AddByTunnel
    | RemoveByTunnel
    | ChangeTableRoutes
    | LeadThrough
    | ChangePolicyRules
    | RemoveStray
    | ForgetFlows
    | ForgetTranslations
    | OpenListener
    | CloseListener
    | CutConnections
)


def describe(step: Step) -> str:
    """Return a step in one line: its type, its subject and its reason."""
    names = ("interface_id", "link", "label", "address", "add", "remove", "port", "device", "hosts", "routes")
    about = [getattr(step, name, None) for name in names]
    shown = [each.interface_id if isinstance(each, LinkConfig) else str(each) for each in about if each]
    return f"{type(step).__name__} {' '.join(shown)[:300]}: {step.reason}"

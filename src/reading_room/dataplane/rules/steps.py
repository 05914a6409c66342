"""What is, and the steps to what should be: values, each step with its reason.

``plan.py`` makes the steps, ``kernel.py`` carries them out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from reading_room.dataplane.rules.host import EndpointReach, LinkConfig, Translation
from reading_room.dataplane.rules.nftables import Ruleset
from reading_room.dataplane.rules.uplink import BUILT_IN_RULES, PolicyRule, TableRoute
from reading_room.dataplane.spec import ListenerLabel

Thing = TypeVar("Thing")


def compare(wanted: Sequence[Thing], there: Sequence[Thing]) -> tuple[tuple[Thing, ...], tuple[Thing, ...]]:
    """Return what is to be added and what is to be removed, each in its order."""
    add = tuple(each for each in wanted if each not in there)
    return add, tuple(each for each in there if each not in wanted)


# What is


@dataclass(frozen=True, slots=True)
class ObservedLink:
    """A veth's router end, as the kernel tells.

    ``interface_id`` is its alias, ``address`` that of its /32 route (empty: there is none). ``container_id`` is known
    only to the driver that made the link; ``None`` where it was adopted after a restart.
    """

    name: str
    interface_id: str
    address: str
    container_id: str | None = None
    secondary: tuple[str, ...] = ()
    """Further addresses with a route to it, sorted."""


@dataclass(frozen=True, slots=True)
class Stray:
    """A route, address or policy rule that nobody of us made: in words, and as the request that deletes it."""

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
    """The sockets that this process holds open; none after a restart."""
    ruleset: Ruleset | None = None
    """What the kernel has for certain (generation id as after our last transaction); ``None`` where nobody knows."""
    reach: tuple[EndpointReach, ...] | None = None
    """As realized last; ``None`` where nobody knows."""
    translations: tuple[Translation, ...] | None = ()
    """As realized last; ``None`` where nobody knows."""
    uplink: bool | None = None
    """Whether the uplink's wire works; ``None`` where there is none."""
    routes: tuple[TableRoute, ...] = ()
    rules: tuple[PolicyRule, ...] = BUILT_IN_RULES
    strays: tuple[Stray, ...] = ()


@dataclass(frozen=True, slots=True)
class ObservedHost:
    """Every router namespace that exists, those that no VPC wants included."""

    routers: tuple[ObservedRouter, ...] = ()


# Steps


@dataclass(frozen=True, slots=True)
class CreateNamespace:
    """Make and pin a router namespace, set its sysctls, bring ``lo`` up."""

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
    """Run the transactions in order; afterwards the kernel has ``ruleset``. One that fails ends the VPC's steps."""

    vpc_id: str
    transactions: tuple[str, ...]
    ruleset: Ruleset
    reason: str


@dataclass(frozen=True, slots=True)
class CreateLink:
    """Make the veth pair, both its ends, and its route."""

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
    """Give a link that stays further addresses: in the container's namespace, then by routes to it."""

    vpc_id: str
    link: LinkConfig
    addresses: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class RemoveSecondary:
    """Take further addresses away from a link that stays: the routes to it, then in the container's namespace."""

    vpc_id: str
    link: LinkConfig
    addresses: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class CreateUplink:
    """Make the wire to the uplink namespace, which exists already."""

    vpc_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class DeleteUplink:
    """Remove the wire to the uplink namespace."""

    vpc_id: str
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
    """Add routes by links, to interfaces that take packets for others. One whose link is not there is left out."""

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
    """Take away what somebody else put into the namespace."""

    vpc_id: str
    stray: Stray
    reason: str


@dataclass(frozen=True, slots=True)
class ForgetFlows:
    """Report what is known of an address's flows, then delete its conntrack entries and destroy its connections.

    Comes after the address's link is gone, so that the address is clean for its next owner.
    """

    vpc_id: str
    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class ForgetTranslations:
    """End the tracked flows whose address is translated as none of the translations says (``host.Translation``)."""

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
    """End connections accepted at a port of ``LOCAL_ENDPOINT_ADDRESS`` except those of the sources to ``keep``.

    A source is the address that began the connection, whatever the listener sees. Both the socket and the conntrack
    entry go, so that neither side can use the connection any more.
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
    names = ("interface_id", "link", "label", "address", "add", "remove", "port")
    about = [getattr(step, name, None) for name in names]
    shown = [each.interface_id if isinstance(each, LinkConfig) else str(each) for each in about if each]
    return f"{type(step).__name__} {' '.join(shown)[:300]}: {step.reason}"

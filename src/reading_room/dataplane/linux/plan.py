"""From what is to what should be: an ordered list of steps, each a value with its reason. Pure.

``kernel.py`` reads an ``ObservedHost`` and carries the steps out, in order, VPC by VPC; where a step of a VPC fails it
leaves out the VPC's later steps and goes on with the next VPC. Any prefix of a plan leaves a safe network: a ruleset
is in force before the links that it judges exist, and links go before the rules that judged them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reading_room.dataplane.linux.host import EndpointReach, HostConfig, LinkConfig, RouterConfig
from reading_room.dataplane.linux.nftables import Ruleset
from reading_room.dataplane.linux.transactions import creation, differences
from reading_room.dataplane.spec import ListenerLabel

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
class ForgetFlows:
    """Report what is known of an address's flows, then delete its conntrack entries and destroy its connections.

    Comes after the address's link is gone, so that the address is clean for its next owner.
    """

    vpc_id: str
    address: str
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

    Both the socket and the conntrack entry go, so that neither side can use the connection any more.
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
    | ForgetFlows
    | OpenListener
    | CloseListener
    | CutConnections
)


def plan(desired: HostConfig, observed: ObservedHost) -> tuple[Step, ...]:
    """Return the steps from ``observed`` to ``desired``; none where they agree. Unwanted VPCs go first."""
    wanted = {router.vpc_id: router for router in desired.routers}
    present = {router.vpc_id: router for router in observed.routers}
    steps: list[Step] = []
    for vpc_id, there in present.items():
        if vpc_id not in wanted:
            steps += _removal(there)
    for vpc_id, router in wanted.items():
        steps += plan_router(router, present.get(vpc_id))
    return tuple(steps)


def plan_router(desired: RouterConfig, observed: ObservedRouter | None) -> tuple[Step, ...]:
    """Return the steps for one VPC; ``observed`` is ``None`` where its namespace does not exist."""
    if observed is not None and observed.namespace != desired.namespace:
        return (*_removal(observed), *plan_router(desired, None))
    if observed is None:
        first: list[Step] = [CreateNamespace(desired.vpc_id, desired.namespace, "the VPC has no router here")]
        observed = ObservedRouter(desired.vpc_id, desired.namespace, reach=())
        return (*first, *_changes(desired, observed))
    return tuple(_changes(desired, observed))


def _changes(desired: RouterConfig, observed: ObservedRouter) -> Iterator[Step]:
    vpc_id = desired.vpc_id
    kept, unwanted = _compare_links(desired, observed)
    for link, why in unwanted:
        yield DeleteLink(vpc_id, link.name, link.interface_id, why)
    if observed.ruleset is None:
        why = "nobody knows what the table in force says"
        yield ApplyRuleset(vpc_id, creation(desired.ruleset), desired.ruleset, why)
    elif transactions := differences(observed.ruleset, desired.ruleset):
        yield ApplyRuleset(vpc_id, transactions, desired.ruleset, "groups, routes, endpoints or interfaces changed")
    for address in sorted({link.address for link, _ in unwanted if link.address}):
        yield ForgetFlows(vpc_id, address, "its interface is gone")
    for label in observed.listeners:
        if label not in desired.listeners:
            yield CloseListener(label, f"no {label.kind} is wanted at {label.address}:{label.port}")
    yield from _cuts(desired, observed)
    add, remove = _compare(desired.addresses, observed.addresses)
    if add or remove:
        yield ChangeAddresses(vpc_id, add, remove, "the router's addresses follow subnets and DNS support")
    add, remove = _compare(desired.blackholes, observed.blackholes)
    if add or remove:
        yield ChangeBlackholes(vpc_id, add, remove, "what no interface takes is dropped in silence")
    for wanted in desired.links:
        if wanted.interface_id not in kept:
            yield CreateLink(vpc_id, wanted, "the interface has no wire")
    for label in desired.listeners:
        if label not in observed.listeners:
            yield OpenListener(label, f"{label.kind} is not served yet")


def _removal(observed: ObservedRouter) -> list[Step]:
    vpc_id, why = observed.vpc_id, "the VPC is not wanted here"
    steps: list[Step] = [DeleteLink(vpc_id, link.name, link.interface_id, why) for link in observed.links]
    steps += [ForgetFlows(vpc_id, link.address, why) for link in observed.links if link.address]
    steps += [CloseListener(label, why) for label in observed.listeners]
    ports = sorted({port for reach in observed.reach or () for port in reach.ports})
    steps += [CutConnections(vpc_id, port, (), why) for port in ports]
    return [*steps, DeleteNamespace(vpc_id, observed.namespace, why)]


def _compare(wanted: tuple[str, ...], there: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    add = tuple(each for each in wanted if each not in there)
    return add, tuple(each for each in there if each not in wanted)


def _compare_links(desired: RouterConfig, observed: ObservedRouter) -> tuple[set[str], list[tuple[ObservedLink, str]]]:
    """Return the ids of the interfaces whose link stays, and the links that go, each with why."""
    wanted = {link.interface_id: link for link in desired.links}
    kept: set[str] = set()
    unwanted: list[tuple[ObservedLink, str]] = []
    for link in observed.links:
        wish = wanted.get(link.interface_id)
        if wish is None:
            unwanted.append((link, "no interface is wanted behind it"))
        elif (link.name, link.address) != (wish.name, wish.address):
            unwanted.append((link, "its name or address is not the interface's"))
        elif link.container_id not in (None, wish.container_id):
            unwanted.append((link, "the interface belongs to another container now"))
        else:
            kept.add(link.interface_id)
    return kept, unwanted


def _cuts(desired: RouterConfig, observed: ObservedRouter) -> Iterator[Step]:
    """Yield a cut for every endpoint port where a source lost its way, or where nobody knows whether one did."""
    before = None if observed.reach is None else _ways(observed.reach)
    after = _ways(desired.reach)
    for port in sorted(set(before or ()) | set(after)):
        now = after.get(port, {})
        if before is None:
            yield CutConnections(
                desired.vpc_id, port, tuple(now), "connections from before a restart must have a route"
            )
            continue
        then = before.get(port, {})
        keep = tuple(source for source, networks in now.items() if then.get(source, networks) == networks)
        if any(now.get(source) != networks for source, networks in then.items()):
            yield CutConnections(desired.vpc_id, port, keep, "the endpoint, its route or the source is gone")


def _ways(reach: tuple[EndpointReach, ...]) -> dict[int, dict[str, tuple[str, ...]]]:
    """Return the sources of every endpoint port, each with the networks by which it gets there."""
    ways: dict[int, dict[str, tuple[str, ...]]] = {}
    for each in reach:
        for port in each.ports:
            ways.setdefault(port, {}).update(dict.fromkeys(each.sources, each.networks))
    return ways

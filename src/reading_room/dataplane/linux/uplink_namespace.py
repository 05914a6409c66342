"""The host's uplink namespace, held open, and the steps of its plan, carried out in the kernel."""

from __future__ import annotations

from reading_room.dataplane.linux import namespaces, rtnetlink, sysctl
from reading_room.dataplane.linux.netlink import Request
from reading_room.dataplane.linux.open_namespace import OpenNamespace
from reading_room.dataplane.linux.rtnetlink import (
    RT_TABLE_MAIN,
    RTPROT_STATIC,
    FoundLink,
    RouteSocket,
)
from reading_room.dataplane.rules.steps import Stray
from reading_room.dataplane.rules.uplink import ROUTER_HOP, ROUTER_MAC, UPLINK_MTU, VETH_PEER, Outside, PolicyRule
from reading_room.dataplane.rules.uplink_plan import (
    MakeOutside,
    ObservedUplink,
    PublicRoute,
    ReadyOutside,
    UplinkPolicy,
    UplinkRoutes,
    UplinkRules,
    UplinkStep,
    UplinkStray,
)

NAME = "uplink"
DEFAULT = "0.0.0.0/0"
OUTSIDE_INDEX = 500
OUTER_MAC, INNER_MAC = "02:00:00:00:fd:01", "02:00:00:00:fd:02"


class UplinkNamespace(OpenNamespace[ObservedUplink]):
    """The uplink namespace and everything this process holds open in it.

    ``beyond`` is the namespace for the far end of a veth pair; the caller closes it.
    """

    def __init__(self, descriptor: int, outside: Outside | None, beyond: int | None) -> None:
        """Prepare the namespace and open its sockets; see ``OpenNamespace``."""
        self.outside = outside
        self._beyond = beyond
        self._indexes: dict[str, int] = {}
        super().__init__(NAME, descriptor, sysctl.prepare_uplink)

    def look(self) -> ObservedUplink:
        """Read links, addresses, routes and policy rules."""
        found = {link.index: link for link in self.routes.links()}
        self._indexes = {link.name: link.index for link in found.values()}
        named = self.outside.device if self.outside is not None else ""
        outer = next((link for link in found.values() if link.name == named), None)
        strays: list[Stray] = []
        addressed = False
        for there in self.routes.addresses():
            if outer is not None and self.outside is not None and there.link == outer.index:
                addressed = addressed or there.address == self.outside.address
            elif not there.address.startswith("127."):
                what = f"the address {there.address}/{there.length}"
                strays.append(Stray(what, rtnetlink.DELADDR, there.body))
        wires = {link.index: link for link in found.values() if link.kind == "veth" and link is not outer}
        known = {link for link, address, _mac in self.routes.neighbours() if address == ROUTER_HOP}
        routes, routed = [], False
        for route in self.routes.routes():
            ours = (route.table, route.kind, route.protocol) == (RT_TABLE_MAIN, "unicast", RTPROT_STATIC)
            if ours and route.link in wires and route.gateway == ROUTER_HOP:
                if route.link in known:
                    routes.append(PublicRoute(route.destination.removesuffix("/32"), wires[route.link].name))
            elif ours and outer is not None and route.link == outer.index and route.destination == DEFAULT:
                routed = True
            else:
                what = f"the {route.kind} route to {route.destination} (table {route.table})"
                strays.append(Stray(what, rtnetlink.DELROUTE, route.body))
        rules, others = self._policy_rules()
        strays += others
        return ObservedUplink(
            wires=tuple(sorted((link.name, link.alias) for link in wires.values() if _works(link))),
            routes=tuple(sorted(routes)),
            outside=outer is not None,
            ready=outer is not None and outer.up and addressed and routed,
            rules=tuple(sorted(rules)),
            ruleset=self.ruleset,
            strays=tuple(strays),
        )

    def apply(self, step: UplinkStep) -> None:
        """Carry out one step. Raises ``OSError`` or ``RulesetError``."""
        self.touched()
        match step:
            case UplinkStray(stray=stray):
                self.routes.batch([rtnetlink.delete_found(stray.kind, stray.body, stray.what)])
            case UplinkRules(transactions=transactions, ruleset=ruleset):
                self.apply_rules(transactions, ruleset)
            case UplinkPolicy(add=add, remove=remove):
                self.routes.batch([*map(rule_request, add), *(rule_request(each, gone=True) for each in remove)])
            case UplinkRoutes(add=add, remove=remove):
                requests = [self._route(each, gone=True) for each in remove if each.device in self._indexes]
                for each in add:
                    hop = rtnetlink.add_neighbour(self._indexes[each.device], ROUTER_HOP, ROUTER_MAC)
                    requests += [hop, self._route(each)]
                self.routes.batch(requests)
            case MakeOutside(outside=outside):
                self._make_outside(outside)
            case ReadyOutside(outside=outside):
                self._ready_outside(outside)

    def disconnect(self) -> None:
        """Delete the veth pair to the outside now. With the namespace it would go later, and its name is needed."""
        if self.outside is not None and self.outside.made_here:
            self.routes.batch([rtnetlink.delete_link(OUTSIDE_INDEX, self.outside.device)])

    def _route(self, route: PublicRoute, *, gone: bool = False) -> Request:
        index, destination = self._indexes[route.device], f"{route.address}/32"
        if gone:
            return rtnetlink.delete_route(RT_TABLE_MAIN, "unicast", destination, index)
        return rtnetlink.add_route(RT_TABLE_MAIN, "unicast", destination, index, ROUTER_HOP, onlink=True)

    def _make_outside(self, outside: Outside) -> None:
        """Create the veth pair, and set up its far end with the gateway's address."""
        if self._beyond is None:
            raise OSError("the uplink has no namespace to lead to")
        self.routes.batch(
            [
                rtnetlink.create_veth(
                    outside.device, OUTSIDE_INDEX, UPLINK_MTU, self._beyond, OUTER_MAC, INNER_MAC, VETH_PEER
                )
            ]
        )
        with namespaces.inside(self._beyond):
            far = RouteSocket()
        try:
            index = far.index_of(VETH_PEER)
            far.batch(
                [
                    rtnetlink.set_up(index, VETH_PEER),
                    rtnetlink.add_address(index, outside.gateway, 30),
                ]
            )
            self._ready_outside(outside)
            far.wait_until_it_sends(VETH_PEER)
            self.routes.wait_until_it_sends(outside.device)
        finally:
            far.close()

    def _ready_outside(self, outside: Outside) -> None:
        index = self.routes.index_of(outside.device)
        self.routes.batch(
            [
                rtnetlink.set_up(index, outside.device),
                rtnetlink.add_address(index, outside.address),
                rtnetlink.add_route(RT_TABLE_MAIN, "unicast", DEFAULT, index, outside.gateway, onlink=True),
            ]
        )


def _works(link: FoundLink) -> bool:
    return link.up and link.carrier


def rule_request(rule: PolicyRule, *, gone: bool = False) -> Request:
    """Return the request that adds a policy rule or, if ``gone``, deletes it."""
    make = rtnetlink.delete_rule if gone else rtnetlink.add_rule
    return make(rule.preference, rule.table or None, rule.mark, from_here=rule.from_here)


def finish_wire(uplink: UplinkNamespace, device: str, vpc_id: str) -> None:
    """Set up the uplink's end of a new wire; the alias is set last and names its VPC."""
    index = uplink.routes.index_of(device)
    uplink.routes.batch(
        [
            rtnetlink.set_up(index, device),
            rtnetlink.add_neighbour(index, ROUTER_HOP, ROUTER_MAC),
            rtnetlink.set_up(index, device, vpc_id),
        ]
    )
    uplink.touched()

"""The owner of each address, for flow logs: interfaces with a wire, interface endpoints, NAT gateways. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reading_room.dataplane.rules.host import RouterConfig
from reading_room.dataplane.spec import Interface, Vpc


@dataclass(slots=True)
class Places:
    """Which interface each address and each link (by index) belongs to, and which addresses are the router's own.

    ``gateways`` maps the public and private addresses that NAT gateways give to packets to the gateways' interfaces.
    ``takers`` maps marks to the interfaces that receive packets for other addresses. ``silent`` are the router's own
    addresses.
    """

    interfaces: dict[str, Interface] = field(default_factory=dict)
    devices: dict[int, Interface] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    gateways: dict[str, Interface] = field(default_factory=dict)
    takers: dict[int, Interface] = field(default_factory=dict)

    def logged(self) -> set[tuple[str, str]]:
        """Return the address and id of every interface whose flows are reported."""
        known = (*self.interfaces.items(), *self.gateways.items())
        return {(address, each.interface_id) for address, each in known if each.logged}


def places(vpc: Vpc, config: RouterConfig, indexes: Mapping[str, int]) -> Places:
    """Return the places of a VPC; ``indexes`` maps the names of existing links to their indexes."""
    by_id = {each.interface_id: each for each in vpc.interfaces}
    found = Places(silent=frozenset(config.addresses))
    for link in config.links:
        interface = by_id[link.interface_id]
        found.interfaces.update(dict.fromkeys(interface.addresses, interface))
        if link.name in indexes:
            found.devices[indexes[link.name]] = interface
        found.takers.update({each.number: interface for each in config.through if each.device == link.name})
    for interface in vpc.interfaces:
        if interface.address in config.endpoint_addresses:
            found.interfaces.update(dict.fromkeys(interface.addresses, interface))
    for gateway in vpc.nat_gateways:
        owner = by_id.get(gateway.interface_id)
        if owner is not None:
            found.gateways.update(dict.fromkeys((*gateway.private, *gateway.public), owner))
    return found

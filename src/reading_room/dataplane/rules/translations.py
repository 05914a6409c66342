"""Which tracked flows may continue when addresses, gateways or routes change. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network

from reading_room.dataplane.rules.host import RouterConfig, Translation
from reading_room.dataplane.rules.tracked_flows import Entry
from reading_room.dataplane.rules.uplink import ANYWHERE
from reading_room.dataplane.spec import LOCAL_ENDPOINT_ADDRESS


def _within(networks: Iterable[str]) -> Callable[[str], bool]:
    """Return a function that tests whether an address is in one of the networks."""
    parsed = [IPv4Network(each) for each in networks]
    spans = [(int(each[0]), int(each[-1])) for each in parsed]

    def within(address: str) -> bool:
        number = int(IPv4Address(address))
        return any(first <= number <= last for first, last in spans)

    return within


class Explained:
    """Tests whether a tracked flow has one of the current translations.

    A flow whose addresses are not translated, or only by an endpoint, always passes the test, unless a route led it to
    an interface or to the host of the internet gateway: then the route must still exist.
    """

    def __init__(self, translations: Iterable[Translation]) -> None:
        """Prepare the translations."""
        translations = tuple(translations)
        self._ways = [
            (frozenset(each.sources), _within(each.networks), frozenset(each.addresses)) for each in translations
        ]
        self._led = [(each.mark, frozenset(each.sources), _within(each.networks)) for each in translations if each.mark]
        self._led_in = {(each.mark, to) for each in translations if each.mark and each.inbound for to in each.sources}
        self._inbound = {
            (public, private)
            for each in translations
            if each.inbound
            for public in each.addresses
            for private in each.sources
        }

    def __call__(self, entry: Entry) -> bool:
        """Return whether the flow may continue."""
        there, back = entry.original, entry.reply
        if entry.mark:
            return (entry.mark, there.destination) in self._led_in or any(
                entry.mark == mark and there.source in sources and within(there.destination)
                for mark, sources, within in self._led
            )
        source_changed = back.destination != there.source
        if source_changed and not any(
            there.source in sources and back.destination in addresses and within(there.destination)
            for sources, within, addresses in self._ways
        ):
            return False
        destination_changed = there.destination != back.source and back.source != LOCAL_ENDPOINT_ADDRESS
        return not destination_changed or (there.destination, back.source) in self._inbound


def own_addresses(config: RouterConfig) -> Callable[[Entry], set[str]]:
    """Return a function that returns the VPC's own addresses among the two ends of a flow."""
    within = _within(each for each in config.blackholes if each != ANYWHERE)

    def mine(entry: Entry) -> set[str]:
        return {address for address in (entry.original.source, entry.reply.source) if within(address)}

    return mine

"""The namespace that carries the packets between hosts, held open. Only its firewall rules are ours."""

from __future__ import annotations

import logging

from reading_room.dataplane.linux import namespaces, offloads
from reading_room.dataplane.linux.open_namespace import OpenNamespace
from reading_room.dataplane.rules.transactions import creation, differences
from reading_room.dataplane.rules.underlay import underlay_rules
from reading_room.dataplane.spec import Underlay

_log = logging.getLogger(__name__)

NAME = "underlay"


class UnderlayNamespace(OpenNamespace[None]):
    """The underlay's namespace. Tunnels are created in it, and only known hosts reach it."""

    def __init__(self, descriptor: int, *, segmentation: bool = False) -> None:
        """Open the sockets; see ``OpenNamespace``. No host is known yet. ``segmentation`` is that of ``Router``."""
        self.segmentation = segmentation
        super().__init__(NAME, descriptor, _leave_settings)

    def look(self) -> None:
        """Read nothing: whoever made the namespace gives it links, addresses and routes."""

    def admit(self, underlay: Underlay | None) -> None:
        """Let the hosts of ``underlay`` in, and nobody else. Raises ``RulesetError`` or ``OSError``."""
        wanted, known = underlay_rules(underlay), self.ruleset
        if known is not None and self.generation() != self._generation:
            known = None
        if known != wanted:
            self.apply_rules(creation(wanted) if known is None else differences(known, wanted), wanted)
            if underlay is not None and not self.segmentation:
                self._warn_of_merging(underlay.here.underlay)

    def _warn_of_merging(self, address: str) -> None:
        """Log if the device with this address merges packets. It also does so inside tunnels, before they are counted.

        The device is not ours, so it keeps its setting.
        """
        index = next((each.link for each in self.routes.addresses() if each.address == address), 0)
        name = next((each.name for each in self.routes.links() if each.index == index), "")
        with namespaces.inside(self.descriptor):
            if name and offloads.merges(name):
                message = "%s merges packets, so flow logs count fewer than other hosts send: ethtool -K %s gro off"
                _log.warning(message, name, name)


def _leave_settings() -> None:
    """Change no kernel setting of a namespace that is not ours."""

"""The namespace that carries the packets between hosts, held open. Only its firewall rules are ours."""

from __future__ import annotations

from reading_room.dataplane.linux.open_namespace import OpenNamespace
from reading_room.dataplane.rules.transactions import creation, differences
from reading_room.dataplane.rules.underlay import underlay_rules
from reading_room.dataplane.spec import Underlay

NAME = "underlay"


class UnderlayNamespace(OpenNamespace[None]):
    """The underlay's namespace. Tunnels are created in it, and only known hosts reach it."""

    def __init__(self, descriptor: int) -> None:
        """Open the sockets; see ``OpenNamespace``. No host is known yet."""
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


def _leave_settings() -> None:
    """Change no kernel setting of a namespace that is not ours."""

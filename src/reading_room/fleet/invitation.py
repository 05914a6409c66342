"""What ``reading-room host token`` prints: where to join, whom to trust there, and the proof that one may."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field

from reading_room.fleet.errors import HostRefused, NoInvitation

_PLACE = re.compile(r"([0-9.]{7,15}|\[[0-9a-fA-F:.]{2,45}\]):([0-9]{1,5})", re.ASCII)
_FORM = re.compile(r"reading-room-host://([^/]{9,53})/([0-9a-f]{64})/([0-9A-Za-z_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Invitation:
    """The address of ``serve`` for hosts, the fingerprint of the authority for hosts, and the secret of a token."""

    address: str
    port: int
    fingerprint: str
    secret: str = field(repr=False)

    @classmethod
    def to(cls, place: str, fingerprint: str, secret: str) -> Invitation:
        """Return an invitation to ``ADDRESS:PORT``; an IPv6 address is in brackets.

        Raises ``HostRefused`` if that is no place that another machine can connect to.
        """
        found = _PLACE.fullmatch(place)
        try:
            address = ipaddress.ip_address(found[1].strip("[]")) if found else None
        except ValueError:
            address = None
        if found is None or address is None or address.is_unspecified or not 0 < int(found[2]) < 1 << 16:
            raise HostRefused(
                "address for hosts", place, "it is one address and port to connect to, such as 10.0.0.1:4569"
            )
        return cls(str(address), int(found[2]), fingerprint, secret)

    @property
    def place(self) -> str:
        """The address with its port."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    @property
    def text(self) -> str:
        """The invitation in one word, which is a secret."""
        return f"reading-room-host://{self.place}/{self.fingerprint}/{self.secret}"


def parse(text: str) -> Invitation:
    """Read an invitation. Raises ``NoInvitation``, whose message does not repeat the text."""
    found = _FORM.fullmatch(text.strip())
    try:
        if found is not None:
            return Invitation.to(found[1], found[2], found[3])
    except HostRefused:
        pass
    raise NoInvitation

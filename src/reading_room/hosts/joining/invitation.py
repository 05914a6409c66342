"""What ``reading-room host token`` prints: where to join, whom to trust there, and the proof that one may."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field

from reading_room.hosts.joining.errors import JoinError

_FORM = re.compile(r"reading-room-host://([0-9.]{7,15}):([0-9]{1,5})/([0-9a-f]{64})/([0-9A-Za-z_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Invitation:
    """The address of ``serve`` for hosts, the fingerprint of the authority for hosts, and the secret of a token."""

    address: str
    port: int
    fingerprint: str
    secret: str = field(repr=False)

    @property
    def place(self) -> str:
        """The address with its port."""
        return f"{self.address}:{self.port}"

    @property
    def text(self) -> str:
        """The invitation in one word, which is a secret."""
        return f"reading-room-host://{self.place}/{self.fingerprint}/{self.secret}"


def parse(text: str) -> Invitation:
    """Read an invitation. Raises ``JoinError``, whose message does not repeat the text."""
    found = _FORM.fullmatch(text.strip())
    if found is not None:
        try:
            address = str(ipaddress.IPv4Address(found[1]))
        except ValueError:
            address = ""
        if address and 0 < int(found[2]) < 1 << 16:
            return Invitation(address, int(found[2]), found[3], found[4])
    raise JoinError(
        "this is not a token as `reading-room host token` prints it: copy the whole line, which begins with "
        "reading-room-host://"
    )

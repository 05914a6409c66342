"""The comparison of a new host's clock with the server's."""

from __future__ import annotations

from reading_room.hosts.joining.errors import JoinError

SECONDS = 60.0
"""The most by which they may differ. Later differences harm no lease, but logs and flow records would have wrong times,
and S3 refuses signatures that are 15 minutes old."""


def check_clock(host: float, server: float) -> None:
    """Raise ``JoinError`` if two clocks differ too much. Both are seconds since 1970."""
    ahead = host - server
    if abs(ahead) > SECONDS:
        raise JoinError(
            f"The clock of this host is {abs(ahead):,.0f} s {'ahead of' if ahead > 0 else 'behind'} the server's, and "
            f"{SECONDS:.0f} s are the most: set both by NTP, and join again."
        )

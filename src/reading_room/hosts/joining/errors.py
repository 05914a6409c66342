"""Why a host has not joined, for the person who types the command."""

from __future__ import annotations

from reading_room.fleet.errors import HostError


class JoinError(HostError):
    """The host has not joined; the message is a sentence that says why and what to change."""

"""The failures that a driver reports instead of ending, and their explanation for the operator."""

from __future__ import annotations

from reading_room.dataplane.linux.libnftables import LibraryMissingError, RulesetError
from reading_room.dataplane.linux.sysctl import SettingError

FAILURES = (OSError, RulesetError, SettingError, LibraryMissingError)
"""The exceptions that a step may raise. Any other exception is a bug in this program and ends the agent."""


def explain(error: BaseException) -> str:
    """Describe a failure in one line, with the remedy if its type is enough to tell."""
    if isinstance(error, RulesetError):
        return f"the kernel refused a change of the firewall rules: {' '.join(error.message.split())[:500]}"
    if isinstance(error, PermissionError):
        return (
            f"{error}: the agent needs CAP_NET_ADMIN and CAP_SYS_ADMIN in its own namespaces (see reading-room doctor)"
        )
    return str(error)

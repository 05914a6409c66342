"""The checks in a response: each once, in the order of the steps of a call and its job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from reading_room.extension.checks.changes import Change

CheckName = Literal[
    "Request",
    "Caller",
    "PassRole",
    "Role",
    "RoleNetworkActions",
    "Network",
    "Addresses",
    "DNS",
    "Route",
    "SecurityGroups",
    "Containers",
    "Input",
    "Output",
    "Model",
    "BucketPolicy",
    "EndpointPolicy",
]
NAMES: tuple[CheckName, ...] = get_args(CheckName)
Status = Literal["PASSED", "FAILED", "WARNING", "SKIPPED"]


@dataclass(frozen=True, slots=True)
class Check:
    """The result for one step. Texts that do not apply are empty."""

    status: Status
    message: str
    remedy: str = ""
    command: str = ""
    resource_id: str = ""
    changes: tuple[Change, ...] = ()
    """Calls that add what is missing; empty if adding is not enough."""


def passed(message: str, resource_id: str = "") -> Check:
    """Return the check of a step that would succeed."""
    return Check("PASSED", message, resource_id=resource_id)


def failed(
    message: str, remedy: str = "", command: str = "", resource_id: str = "", changes: Sequence[Change] = ()
) -> Check:
    """Return the check of a step that would fail."""
    return Check("FAILED", message, remedy, command, resource_id, tuple(changes))


def warned(
    message: str, remedy: str = "", command: str = "", resource_id: str = "", changes: Sequence[Change] = ()
) -> Check:
    """Return the check of a step that would succeed, with a warning."""
    return Check("WARNING", message, remedy, command, resource_id, tuple(changes))


def skipped(message: str) -> Check:
    """Return the check of a step that was not checked; the message says why."""
    return Check("SKIPPED", message)


class Report:
    """Collects checks, keeping the first one for each step."""

    def __init__(self) -> None:
        self._checks: dict[CheckName, Check] = {}

    def add(self, name: CheckName, check: Check) -> bool:
        """Add a check; return whether the step would succeed."""
        self._checks.setdefault(name, check)
        return check.status in ("PASSED", "WARNING")

    def skip(self, names: Iterable[CheckName], message: str) -> None:
        """Add a check for each of the steps that were not checked."""
        for name in names:
            self.add(name, skipped(message))

    def structures(self) -> list[dict[str, Any]]:
        """Return the API's structures for all checks. Raises ``KeyError`` for a step without a check."""
        return [_structure(name, self._checks[name]) for name in NAMES]


def _structure(name: CheckName, check: Check) -> dict[str, Any]:
    members = {
        "Name": name,
        "Status": check.status,
        "Message": check.message,
        "Remedy": check.remedy,
        "Command": check.command,
        "ResourceId": check.resource_id,
        "Changes": [change.structure() for change in check.changes],
    }
    return {member: value for member, value in members.items() if value}

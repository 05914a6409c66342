"""The checks of one answer: each of them once, in the order in which a call and its job meet the steps."""

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
    """What one step comes to. Texts are empty where there is nothing to say."""

    status: Status
    message: str
    remedy: str = ""
    command: str = ""
    resource_id: str = ""
    changes: tuple[Change, ...] = ()
    """Calls that add what is missing; none where adding is not enough."""


def passed(message: str, resource_id: str = "") -> Check:
    """Return the check of a step that nothing stands in the way of."""
    return Check("PASSED", message, resource_id=resource_id)


def failed(
    message: str, remedy: str = "", command: str = "", resource_id: str = "", changes: Sequence[Change] = ()
) -> Check:
    """Return the check of a step at which the call or the job would fail."""
    return Check("FAILED", message, remedy, command, resource_id, tuple(changes))


def warned(
    message: str, remedy: str = "", command: str = "", resource_id: str = "", changes: Sequence[Change] = ()
) -> Check:
    """Return the check of a step that would be taken, with something that its owner should know."""
    return Check("WARNING", message, remedy, command, resource_id, tuple(changes))


def skipped(message: str) -> Check:
    """Return the check of a step that was not looked at; the message says why."""
    return Check("SKIPPED", message)


class Report:
    """Collects checks. A step that is told twice keeps the first."""

    def __init__(self) -> None:
        self._checks: dict[CheckName, Check] = {}

    def tell(self, name: CheckName, check: Check) -> bool:
        """Add a check; return whether the step can be taken."""
        self._checks.setdefault(name, check)
        return check.status in ("PASSED", "WARNING")

    def skip(self, names: Iterable[CheckName], message: str) -> None:
        """Say of steps that were not looked at why not."""
        for name in names:
            self.tell(name, skipped(message))

    def structures(self) -> list[dict[str, Any]]:
        """Return every check as the API shows it. Raises ``KeyError`` for a step that nobody told."""
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

"""The parts of a job as the service knows them: which are finished, and which this container may finish.

Each claim raises a part's fence, a number. A container that presents an older fence has lost the part to another one,
and its result does not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reading_room.analysis.cluster.service_client import Answer, ServiceClient, refused
from reading_room.analysis.cutting import Plan
from reading_room.analysis.part_work import PartResult


@dataclass(frozen=True, slots=True)
class PartState:
    """A part, with its result once it is finished."""

    number: int
    fence: int
    done: PartResult | None


class PartsClient:
    """The calls about the parts of one attempt. Each of them raises ``JobFailure``: ``CLUSTER_LOST``."""

    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    def register(self, plan: Plan) -> list[PartState]:
        """Register how the input is cut, claim the unfinished parts, and return every part in order."""
        parts = [[part.bytes, part.documents] for part in plan.parts]
        return _states(self._service.post("/parts", {"Digest": plan.digest(), "Parts": parts}))

    def finish(self, fence: int, result: PartResult) -> bool:
        """Report a finished part. Return ``False`` if another container has it; then delete the result."""
        answer = self._service.post(
            f"/parts/{result.number}",
            {
                "Fence": fence,
                "Key": result.key,
                "Size": result.size,
                "Sha256": result.sha256,
                "Documents": result.documents,
                "Errors": result.errors,
                "Characters": result.characters,
                "Units": result.units,
            },
        )
        if answer.status == 409 and answer.members.get("code") == "Fenced":
            return False
        if answer.status != 200:
            raise refused(answer, f"part {result.number}")
        return True

    def states(self) -> list[PartState]:
        """Return the current state of every part, in order."""
        return _states(self._service.get("/parts"))


def _states(answer: Answer) -> list[PartState]:
    if answer.status != 200:
        raise refused(answer, "the parts of this job")
    try:
        return [_state(part) for part in answer.members["Parts"]]
    except (KeyError, TypeError) as error:
        raise refused(answer, "the parts of this job in a known form") from error


def _state(part: dict[str, Any]) -> PartState:
    number, done = int(part["Number"]), part["Done"]
    result = None
    if done is not None:
        result = PartResult(
            number,
            done["Key"],
            done["Size"],
            done["Sha256"],
            done["Documents"],
            done["Errors"],
            characters=done["Characters"],
            units=done["Units"],
        )
    return PartState(number, int(part["Fence"]), result)

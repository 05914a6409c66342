"""Explaining a request: what ``reading-room access explain`` tells the operator, for the account that made it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.extension.errors import ResourceNotFoundException
from reading_room.extension.explanations import EndpointOwner, call_structure, denial_structure, is_of
from reading_room.trail.recording import Trail
from reading_room.trail.requests import with_request_id

MEGABYTES = 64
"""How much of each book is looked through: about a third of a second of one core."""
MOST = 100
"""Denials that one answer has: a job may have been denied the same thing again and again."""


class ExplainRequestOperations:
    """Reads the trail for explanations."""

    def __init__(self, trail: Trail, endpoint_owner: EndpointOwner, days: int) -> None:
        """``days`` is how long the trail is kept."""
        self._trail = trail
        self._endpoint_owner = endpoint_owner
        self._days = days

    @operation("reading-room", "ExplainRequest")
    def explain_request(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ExplainRequest, for the requests of the caller's own account."""
        request_id: str = request["RequestId"]
        # Whoever asks right after the request expects to find it.
        self._trail.flush()
        folder, most = self._trail.folder, MEGABYTES << 20
        calls = [
            call_structure(event)
            for book in ("management", "data")
            for event in with_request_id(folder, book, request_id, most)
            if event.get("recipientAccountId") == call.account
            and event["userIdentity"].get("accountId") == call.account
        ]
        denials = [
            denial_structure(denial, call.account, self._endpoint_owner)
            for denial in with_request_id(folder, "denials", request_id, most)
            if is_of(denial, call.account)
        ]
        if not calls and not denials:
            raise ResourceNotFoundException(request_id, call.account, self._days, MEGABYTES)
        return {"RequestId": request_id, "Calls": calls[:MOST], "Denials": denials[:MOST]}

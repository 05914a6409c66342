"""Explanations of a request for the account that made it, like those of ``reading-room access explain``."""

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
"""How much of each book is searched, which takes a third of a second on one core."""
MOST = 100
"""Denials per response, since a job may have been denied the same action repeatedly."""


class ExplainRequestOperations:
    """Explains requests from the trail."""

    def __init__(self, trail: Trail, endpoint_owner: EndpointOwner, days: int) -> None:
        """``days`` is how long the trail is kept."""
        self._trail = trail
        self._endpoint_owner = endpoint_owner
        self._days = days

    @operation("reading-room", "ExplainRequest")
    def explain_request(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ExplainRequest, for requests of the caller's own account."""
        request_id: str = request["RequestId"]
        # A client that asks right after the request expects to find it.
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

"""Explicit denies for operations that authorize themselves by other permissions."""

from __future__ import annotations

from reading_room.aws.call import Call
from reading_room.clock import Clock
from reading_room.iam.authorizer import PolicyAuthorizer, request_context
from reading_room.iam.errors import AccessDeniedException
from reading_room.iam.policy.evaluate import Request, decide


def refuse_denied(authorizer: PolicyAuthorizer, call: Call, clock: Clock) -> None:
    """Raise ``AccessDeniedException`` if a policy of the caller explicitly denies the operation."""
    context = request_context(
        call.path, principal=call.principal, now=clock(), region=call.region, user_agent=call.user_agent
    )
    full = {**context, **authorizer.tags_of(call.principal)}
    request = Request(call.principal, f"{call.service}:{call.operation}", ("*",), call.account, full)
    decision = decide(request, authorizer.policies_of(call.principal))
    if decision.outcome == "explicitDeny":
        authorizer.denied(call.request_id, decision)
        raise AccessDeniedException(decision.message())

"""The bond between a job's credentials and the job: they are good on the job's own network interfaces and nowhere else.

A bound session says so in its token, and so does every session that is made of it. Which job is behind a request is
read from the tables at that moment: from the VPC whose router accepted the connection, and the sender's address there.
So a job may use its credentials by every interface that it has now, an address by itself proves nothing, and with the
job's end they are worth nothing.

AWS has no such bond; where somebody writes one as a policy (``aws:VpcSourceIp``), the refusal is an explicit deny, and
so it is here: the bond is the statement of a session policy that asks for a key which only the tables can give.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection

from reading_room.aws.call import NetworkPath, Principal
from reading_room.aws.operations import ContextValues
from reading_room.iam.policy.document import parse
from reading_room.iam.policy.evaluate import AttachedPolicy, Decision, Request, decide

SOURCE_JOB = "reading-room:SourceJob"
"""The condition key of the statement. No other policy's condition finds it, for no request has it."""
_MARK = re.compile(r"job-([0-9a-f]{32})\.")
"""What the token of a bound session begins with. No other token has a full stop."""

JobsBehind = Callable[[NetworkPath], Collection[str]]
"""Returns the ids of the jobs that may have sent what came by a path: none, one, or those that a NAT gateway hides."""


def mark_of(job_id: str) -> str:
    """Return what the token of a session that is bound to a job begins with."""
    mark = f"job-{job_id}."
    if not _MARK.fullmatch(mark):
        raise ValueError(f"not the id of a job: {job_id!r}")
    return mark


def bond_of(session_token: str) -> str | None:
    """Return the id of the job that a session is bound to, by its stored token; ``None`` for one that is not bound."""
    found = _MARK.match(session_token)
    return None if found is None else found[1]


def _nobody(path: NetworkPath) -> Collection[str]:
    """Know no job, so that what is bound to one is refused."""
    return ()


class Bonds:
    """Refuses what is done with bound credentials from elsewhere. Blocking: it may read the database."""

    def __init__(self, jobs_behind: JobsBehind = _nobody, *, enforced: bool = True) -> None:
        """Without ``enforced`` nothing is refused; sessions are marked all the same."""
        self._jobs_behind = jobs_behind
        self._enforced = enforced

    def hold(self, principal: Principal, path: NetworkPath) -> bool:
        """Say whether a caller may use its credentials on a path."""
        job = principal.bound_to
        return job is None or not self._enforced or job in self._jobs_behind(path)


def denial(principal: Principal, action: str, resource: str, context: ContextValues) -> Decision:
    """Return the decision against a bound caller that asks from elsewhere."""
    assert principal.bound_to is not None
    request = Request(principal, action, (resource,), principal.account, context)
    return decide(request, [_policy(principal.bound_to)])


def _policy(job: str) -> AttachedPolicy:
    statement = {
        "Sid": "OnlyFromTheJob",
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"StringNotEquals": {SOURCE_JOB: job}},
    }
    policy = parse(json.dumps({"Version": "2012-10-17", "Statement": [statement]}), "session")
    name = f"by which the credentials are bound to job {job} (READING_ROOM_CREDENTIALS_BOUND)"
    return AttachedPolicy("session", policy, name)

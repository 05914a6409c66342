"""The bond of a job's credentials to the job: they are valid only on the job's own network interfaces.

The token of a bound session is marked, and so is that of every session derived from it. The job behind a request is
looked up in the tables at that moment, by the VPC whose router accepted the connection and the sender's address there.
So a job can use its credentials through every interface that it has now, an address alone proves nothing, and the
credentials are useless once the job ends.

AWS has no such bond. Someone who writes one as a policy (``aws:VpcSourceIp``) gets an explicit deny, and so it is here:
the bond is a statement of a session policy, with a condition key that no request has.
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
"""The condition key of the statement. No request has it, so the conditions of other policies cannot match it."""
_MARK = re.compile(r"job-([0-9a-f]{32})\.")
"""The prefix of a bound session's token. Other tokens contain no full stop."""

JobsBehind = Callable[[NetworkPath], Collection[str]]
"""Returns the ids of the jobs that may have sent a request on a path: none, one, or all those behind a NAT gateway."""


def mark_of(job_id: str) -> str:
    """Return the token prefix of sessions bound to a job."""
    mark = f"job-{job_id}."
    if not _MARK.fullmatch(mark):
        raise ValueError(f"not the id of a job: {job_id!r}")
    return mark


def bond_of(session_token: str) -> str | None:
    """Return the id of the job that a session is bound to, from its stored token, or ``None`` if it is not bound."""
    found = _MARK.match(session_token)
    return None if found is None else found[1]


def _no_jobs(path: NetworkPath) -> Collection[str]:
    """Find no job, so that all bound credentials are refused."""
    return ()


class Bonds:
    """Refuses requests that use bound credentials from elsewhere. Blocking: it may read the database."""

    def __init__(self, jobs_behind: JobsBehind = _no_jobs, *, enforced: bool = True) -> None:
        """If ``enforced`` is false, nothing is refused; sessions are marked all the same."""
        self._jobs_behind = jobs_behind
        self._enforced = enforced

    def hold(self, principal: Principal, path: NetworkPath) -> bool:
        """Return whether a caller may use its credentials on a path."""
        job = principal.bound_to
        return job is None or not self._enforced or job in self._jobs_behind(path)


def denial(principal: Principal, action: str, resource: str, context: ContextValues) -> Decision:
    """Return the decision that denies a request of a bound caller from elsewhere."""
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
    name = f"that binds the credentials to job {job} (READING_ROOM_CREDENTIALS_BOUND)"
    return AttachedPolicy("session", policy, name)

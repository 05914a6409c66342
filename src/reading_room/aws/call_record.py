"""What the trail is handed of each call: its facts as they were, by reference, at the moment when it has ended.

Declared here so that the servers need nothing of ``trail``, which takes the records. Taking one must be quick and must
not raise: it happens on the way of every call.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reading_room.aws.call import Call, NetworkPath, Principal
from reading_room.aws.errors import AwsError

_READING = (
    "Get", "List", "Describe", "Head", "Lookup", "Filter", "Search", "Simulate", "Decode", "Detect", "BatchDetect",
    "Contains", "Classify", "Test", "Check", "Explain", "Generate", "AssumeRole", "Select", "Preflight",
)  # fmt: skip
"""How operations begin that change nothing; the sessions that STS gives out count as reading, as in CloudTrail."""
_GIVING = frozenset({"AssumeRole", "GetSessionToken", "GetFederationToken"})


@dataclass(frozen=True, slots=True)
class S3Details:
    """What only requests of S3 have."""

    bucket: str | None
    key: str | None
    owner: str | None
    """The account of the bucket; ``None`` where nothing of the call was allowed."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    signature_version: str | None = None
    """``SigV4`` or ``SigV2``; ``None`` for an anonymous request."""
    presigned: bool = False
    received: int = 0
    """Bytes of the request's body."""
    sent: int = 0
    """Bytes of the answer's body."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call that ended, well or not."""

    service: str
    """botocore's name, or what the client called it where there is no such service here."""
    operation: str
    request_id: str
    ended_at: dt.datetime
    region: str
    path: NetworkPath
    principal: Principal | None
    """``None`` for a request whose signature proved nobody."""
    access_key_id: str | None
    user_agent: str
    parameters: Mapping[str, Any] | None = None
    output: Mapping[str, Any] | None = None
    """Of calls that change something; what was only read is in nobody's trail."""
    error: AwsError | None = None
    host: str | None = None
    """The ``Host`` header."""
    tls_version: str | None = None
    s3: S3Details | None = None
    size: int = 0
    """Bytes of the request, by which the trail bounds what waits in memory."""

    @property
    def is_noise(self) -> bool:
        """Whether it proved nobody and was refused, or was a browser's question beforehand: anybody can make these.

        What a bucket's policy allows everybody is none, even if it failed for another reason.
        """
        if self.principal is not None and self.principal.kind != "anonymous":
            return False
        denied = self.error is not None and self.error.code == "AccessDenied"
        return denied or (self.error is not None if self.s3 is None else self.s3.owner is None)


Recorder = Callable[[CallRecord], None]
Gate = Callable[[str, str, str], None]
"""Asked before a call of a service and operation is made for an account, empty for nobody's and the service's own.

Raises ``AwsError`` where the call could not be recorded."""


def forget(record: CallRecord) -> None:
    """Keep no trail: for tests, and for a table of operations that serves nobody."""


def let_in(service: str, operation: str, account: str) -> None:
    """Let every call in: where none is recorded."""


def reads_only(operation: str) -> bool:
    """Say whether an operation changes nothing, by its name."""
    return operation.startswith(_READING)


def keeps_answer(operation: str) -> bool:
    """Say whether the answer belongs in the trail: of what changes something, and of what gives out credentials."""
    return not reads_only(operation) or operation in _GIVING


def record_of(
    call: Call, ended_at: dt.datetime, output: Mapping[str, Any] | None = None, error: AwsError | None = None
) -> CallRecord:
    """Return the record of a call that came from no socket: one of a service itself."""
    return CallRecord(
        service=call.service,
        operation=call.operation,
        request_id=call.request_id,
        ended_at=ended_at,
        region=call.region,
        path=call.path,
        principal=call.principal,
        access_key_id=call.access_key_id,
        user_agent=call.user_agent,
        parameters=call.parameters,
        output=output if keeps_answer(call.operation) else None,
        error=error,
    )

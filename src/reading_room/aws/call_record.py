"""The record of a call that the trail gets when the call has ended. It refers to the call's own values.

It is declared here so that the servers need nothing of ``trail``, which takes the records. Taking a record must be
quick and must not raise, because every call does it.
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
"""The first words of operations that change nothing. Giving out sessions of STS counts as reading, as in CloudTrail."""
_READING_ONES = frozenset({"Encrypt", "Decrypt", "ReEncrypt", "Sign", "Verify", "VerifyMac"})
"""Operations of KMS that change nothing, and have no such first word."""
_GIVING = frozenset({"AssumeRole", "GetSessionToken", "GetFederationToken"})


@dataclass(frozen=True, slots=True)
class S3Details:
    """The fields that only requests of S3 have."""

    bucket: str | None
    key: str | None
    owner: str | None
    """The account of the bucket; ``None`` if nothing in the request was allowed."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    signature_version: str | None = None
    """``SigV4`` or ``SigV2``; ``None`` for an anonymous request."""
    presigned: bool = False
    received: int = 0
    """Bytes of the request's body."""
    sent: int = 0
    """Bytes of the response's body."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A call that ended, successfully or not."""

    service: str
    """botocore's name, or the client's name for a service that is not served here."""
    operation: str
    request_id: str
    ended_at: dt.datetime
    region: str
    path: NetworkPath
    principal: Principal | None
    """``None`` for a request that was not authenticated."""
    access_key_id: str | None
    user_agent: str
    parameters: Mapping[str, Any] | None = None
    output: Mapping[str, Any] | None = None
    """For calls that change something. The trail does not have the output of calls that only read."""
    error: AwsError | None = None
    host: str | None = None
    """The ``Host`` header."""
    tls_version: str | None = None
    s3: S3Details | None = None
    size: int = 0
    """Bytes of the request, with which the trail limits the memory of waiting records."""
    seconds: float = 0.0
    """How long it took."""
    job_id: str | None = None
    """The job for which the product itself made the call."""
    keys: tuple[str, ...] = ()
    """The ARNs of the KMS keys of a successful call."""

    @property
    def is_noise(self) -> bool:
        """Whether anybody could have made the call: an anonymous call that was refused, or a preflight request.

        An anonymous call that a bucket's policy allows is no noise, even if it failed for another reason.
        """
        if self.principal is not None and self.principal.kind != "anonymous":
            return False
        denied = self.error is not None and self.error.code == "AccessDenied"
        return denied or (self.error is not None if self.s3 is None else self.s3.owner is None)


Recorder = Callable[[CallRecord], None]
Gate = Callable[[str, str, str], None]
"""Called with service, operation and account before a call is made. The account is empty for anonymous calls and for
those of the product itself. Raises ``AwsError`` if the call could not be recorded."""


def forget(record: CallRecord) -> None:
    """Keep no trail, for tests and for a table of operations that serves no clients."""


def let_in(service: str, operation: str, account: str) -> None:
    """Admit every call, for use without a trail."""


def reads_only(operation: str) -> bool:
    """Say whether the name of an operation is that of one that changes nothing."""
    return operation.startswith(_READING) or operation in _READING_ONES


def records_output(operation: str) -> bool:
    """Say whether the trail has the output of an operation: it changes something or gives out credentials."""
    return not reads_only(operation) or operation in _GIVING


def keys_of(service: str, output: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the ARNs of the keys in the output of a call of KMS."""
    if service != "kms" or not output:
        return ()
    found = (output.get("SourceKeyId"), output.get("KeyId"), output.get("KeyMetadata", {}).get("Arn"))
    return tuple(dict.fromkeys(arn for arn in found if arn is not None))


def record_of(
    call: Call,
    ended_at: dt.datetime,
    output: Mapping[str, Any] | None = None,
    error: AwsError | None = None,
    seconds: float = 0.0,
) -> CallRecord:
    """Return the record of a call that the product itself made."""
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
        output=output if records_output(call.operation) else None,
        error=error,
        seconds=seconds,
        job_id=call.job_id,
        keys=keys_of(call.service, output),
    )

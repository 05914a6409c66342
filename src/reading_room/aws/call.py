"""A request on its way through the wire: each step makes a fuller, frozen value of the one before.

``IncomingRequest`` → ``SignedRequest`` → ``OperationRequest`` → ``Call`` → ``Reply``. A step in the wrong order does
not type-check. S3 has values of its own after the first (``s3/call.py``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:  # The fronts import this module, and have no use for botocore.
    from botocore.model import OperationModel

    from reading_room.aws.models import ServedService


@dataclass(frozen=True, slots=True)
class NetworkPath:
    """The origin of a connection. These are facts of the accepting socket, never of anything that the client sent.

    For a connection through a VPC endpoint, ``vpc_id``, ``vpc_endpoint_id`` and ``vpc_source_ip`` are set and
    ``source_ip`` is ``None``. For any other connection it is the other way round.
    """

    source_ip: str | None = None
    secure: bool = False
    vpc_id: str | None = None
    vpc_endpoint_id: str | None = None
    vpc_source_ip: str | None = None
    router_vpc_id: str | None = None
    """The VPC whose router accepted a connection to a service's public address. No condition key uses it."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of an operation.

    ``arn`` is the caller's own ARN: ``arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`` for a session,
    ``arn:aws:sts::ACCOUNT:federated-user/NAME`` for a federated user. ``user_id`` is the value of ``aws:userid``:
    ``AIDA…``, ``AROA…:SESSION``, ``ACCOUNT:NAME`` for a federated user, or the account for its root. The credentials of
    GetSessionToken make the caller the user itself, with ``token_issued_at``.
    """

    kind: Literal["root", "user", "session", "federated", "service", "anonymous"]
    account: str
    arn: str
    user_id: str
    user_name: str | None = None
    role_arn: str | None = None
    service_name: str | None = None
    token_issued_at: dt.datetime | None = None
    session_policy: str | None = None
    """JSON text of the policy given to AssumeRole or GetFederationToken, which limits the session."""
    session_policy_arns: tuple[str, ...] = ()
    """Managed policies that limit the session together with ``session_policy``."""
    session_tags: tuple[tuple[str, str], ...] = ()
    """Key and value of each tag of the session, including inherited ones."""
    transitive_tag_keys: tuple[str, ...] = ()
    """The keys of the tags that a role assumed with this session inherits."""
    source_identity: str | None = None
    issuer_arn: str | None = None
    """For a federated user: the ARN of the user who requested the credentials."""
    issuer_id: str | None = None
    """For a federated user: the unique id of that user, whose policies apply."""
    signed_in: bool = False
    """For a user: whether the credentials come from a sign-in. They allow everything that the user may do."""
    bound_to: str | None = None
    """For a session: the id of the job that the credentials belong to. Only its interfaces may use them."""


ANONYMOUS = Principal(kind="anonymous", account="anonymous", arn="anonymous", user_id="anonymous")


@dataclass(frozen=True, slots=True)
class IncomingRequest:
    """An HTTP request as it arrived, not decoded and not verified."""

    method: str
    raw_path: str
    """The path as sent, still percent-encoded, without the query."""
    query_string: str
    headers: tuple[tuple[str, str], ...]
    """In order of arrival, names in lower case."""
    body: bytes
    path: NetworkPath
    request_id: str
    received_at: dt.datetime

    def header(self, name: str) -> str | None:
        """Return the first value of a header (``name`` in lower case), or ``None``."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request whose signature was verified, with the principal that it proves.

    An unsigned request for an operation that needs no signature is anonymous, and has no key.
    """

    request: IncomingRequest
    principal: Principal
    access_key_id: str | None


@dataclass(frozen=True, slots=True)
class OperationRequest(SignedRequest):
    """A signed request for an operation that the model of the service has."""

    service: ServedService
    operation: OperationModel


@dataclass(frozen=True, slots=True)
class Call:
    """One AWS operation with parsed and validated parameters."""

    service: str
    """The botocore service name: ``ec2``, ``iam``, ``sts``, ``comprehend``, ``logs``."""
    operation: str
    parameters: Mapping[str, Any]
    principal: Principal
    account: str
    region: str
    path: NetworkPath
    request_id: str
    access_key_id: str | None = None
    """``None`` for calls that the product itself makes as a role session."""
    user_agent: str = ""
    job_id: str | None = None
    """The job for which the product itself makes the call."""
    trace: str | None = None
    """The id of the trace that the call begins, if it is recorded."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)

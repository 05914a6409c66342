"""Temporary credentials: their session policies and tags, and how they are created.

AWS source: "AssumeRole" and "GetFederationToken", STS API reference; "Passing session tags in AWS STS", IAM user guide.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import secrets
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from reading_room.aws.call import Principal
from reading_room.iam.bonds import mark_of
from reading_room.iam.credentials import new_key
from reading_room.iam.errors import (
    DuplicateSessionTags,
    InheritedTagConflict,
    PackedPolicyTooLarge,
    TransitiveTagWithoutTag,
    UnknownSessionPolicy,
)
from reading_room.iam.inline_policies import check_document
from reading_room.iam.managed_policies import document_of
from reading_room.iam.tables import TemporaryKey

SESSION_POLICY_LIMIT = 2048
"""Characters of a session's policy and policy ARNs together; also bytes of its policies and tags, packed."""
TOKEN_LIMIT = 4096
"""The maximum length of a session token in bytes."""
_TOKEN_BYTES = 256
_KEPT_AFTER_EXPIRY = dt.timedelta(days=1)
"""How long an expired token is refused as expired rather than as unknown."""


@dataclass(frozen=True, slots=True)
class SessionCredentials:
    """Temporary credentials. Their ``repr`` contains no secret."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    issued_at: dt.datetime
    expires_at: dt.datetime


@dataclass(frozen=True, slots=True)
class SessionAttributes:
    """The session policies and tags of a session. Managed policies are kept as ARNs and read at each use."""

    policy: str | None = None
    policy_arns: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    transitive_tag_keys: tuple[str, ...] = ()

    @property
    def packed_percent(self) -> int | None:
        """The packed size in percent of the limit, or ``None`` if there are neither policies nor tags."""
        if not (self.policy or self.policy_arns or self.tags):
            return None
        # AWS's packed format is not published; the compressed size grows in a similar way.
        packed = zlib.compress(json.dumps([self.policy, self.policy_arns, self.tags]).encode(), 9)
        return -(-len(packed) * 100 // SESSION_POLICY_LIMIT)


def read_attributes(request: Mapping[str, Any]) -> SessionAttributes:
    """Return the session policies and tags in the parameters of a call.

    Raises ``MalformedPolicyDocument``, ``PackedPolicyTooLarge``, ``DuplicateSessionTags`` and
    ``TransitiveTagWithoutTag``.
    """
    policy = request.get("Policy")
    if policy is not None:
        check_document(policy, "session")
    arns = tuple(entry["arn"] for entry in request.get("PolicyArns") or () if "arn" in entry)
    plain = len(policy or "") + sum(map(len, arns))
    if plain > SESSION_POLICY_LIMIT:
        raise PackedPolicyTooLarge(plain * 100 // SESSION_POLICY_LIMIT)
    tags = tuple((tag["Key"], tag["Value"]) for tag in request.get("Tags") or ())
    keys = {key.lower() for key, _ in tags}
    if len(keys) < len(tags):
        raise DuplicateSessionTags
    transitive = tuple(dict.fromkeys(request.get("TransitiveTagKeys") or ()))
    if not {key.lower() for key in transitive} <= keys:
        raise TransitiveTagWithoutTag
    attributes = SessionAttributes(policy, arns, tags, transitive)
    check_size(attributes)
    return attributes


def check_size(attributes: SessionAttributes) -> None:
    """Raise ``PackedPolicyTooLarge`` if a session's policies and tags are too large."""
    percent = attributes.packed_percent
    if percent is not None and percent > 100:
        raise PackedPolicyTooLarge(percent)


def with_inherited_tags(attributes: SessionAttributes, caller: Principal) -> SessionAttributes:
    """Add the transitive tags of the caller's own session. Raises ``InheritedTagConflict``."""
    keys = {key.lower() for key in caller.transitive_tag_keys}
    if not keys.isdisjoint(key.lower() for key, _ in attributes.tags):
        raise InheritedTagConflict
    inherited = tuple((key, value) for key, value in caller.session_tags if key.lower() in keys)
    whole = replace(
        attributes,
        tags=(*inherited, *attributes.tags),
        transitive_tag_keys=(*caller.transitive_tag_keys, *attributes.transitive_tag_keys),
    )
    check_size(whole)
    return whole


def check_managed(session: Session, policy_arns: Sequence[str], account: str) -> None:
    """Raise ``UnknownSessionPolicy`` for a managed policy that does not exist in the session's account."""
    for arn in policy_arns:
        if document_of(session, arn, account) is None:
            raise UnknownSessionPolicy(arn)


def store(
    session: Session,
    row: TemporaryKey,
    attributes: SessionAttributes,
    *,
    seconds: int,
    now: dt.datetime,
    token_size: int = 0,
    bound_to: str | None = None,
) -> SessionCredentials:
    """Store a new row with a new key, a token of at least ``token_size`` bytes, and policies and tags.

    ``bound_to`` is the only job that can use it; the token is marked with it. Old rows of the same table are deleted.
    """
    table = type(row)
    session.execute(delete(table).where(table.expires_at < now - _KEPT_AFTER_EXPIRY))
    key = new_key("ASIA")
    row.access_key_id = key.access_key_id
    row.secret_access_key = key.secret_access_key
    length = max(_TOKEN_BYTES, token_size)
    mark = "" if bound_to is None else mark_of(bound_to)
    row.session_token = (mark + base64.b64encode(secrets.token_bytes(length)).decode())[:length]
    row.policy = attributes.policy
    row.policy_arns = json.dumps(attributes.policy_arns)
    row.tags = json.dumps([{"Key": name, "Value": value} for name, value in attributes.tags])
    row.issued_at = now
    row.expires_at = now + dt.timedelta(seconds=seconds)
    session.add(row)
    session.flush()
    return SessionCredentials(
        row.access_key_id, row.secret_access_key, row.session_token, row.issued_at, row.expires_at
    )

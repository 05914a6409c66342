"""The policy of a browser's form: its signer, its expiration, and its conditions on the fields of the form.

A site signs a policy once and serves it in an HTML form. Anybody who has the form may upload what the policy allows.

AWS source: "Browser-based uploads using POST", S3 API reference.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reading_room.aws.protocols.scalars import read_timestamp
from reading_room.aws.session_tokens import check_session_token
from reading_room.aws.signature_dialects import DIALECTS, Dialect, Mismatch
from reading_room.aws.sigv4 import UNSIGNED_PAYLOAD, CredentialSource, Scope, Verified, find, signing_key
from reading_room.s3.errors import InvalidArgument
from reading_room.s3.form_errors import FormNotAllowed, InvalidPolicyDocument

ALGORITHM = "AWS4-HMAC-SHA256"
_NOT_IN_POLICY = frozenset({"x-amz-signature", "file", "policy", "awsaccesskeyid", "signature", "bucket"})
_V4_FIELDS = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature")
_SIGNATURES = frozenset({"x-amz-signature", "signature", "x-amz-credential", "awsaccesskeyid"})

Fields = Mapping[str, str]
"""The form's fields before the file, names in lower case."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: ``eq`` or ``starts-with`` on a field."""

    operator: str
    field: str
    value: str

    def holds(self, fields: Fields) -> bool:
        """Say whether the condition holds. A missing field counts as empty."""
        found = fields.get(self.field, "")
        if self.operator == "eq":
            return found == self.value
        # Every member of a list of content types must begin with the value.
        values = found.split(",") if self.field == "content-type" else [found]
        return all(value.strip().startswith(self.value) for value in values)

    def __str__(self) -> str:
        return json.dumps([self.operator, f"${self.field}", self.value])


@dataclass(frozen=True, slots=True)
class PostPolicy:
    """A parsed policy. ``length`` is the range of the file's size in bytes, both ends included."""

    expiration: dt.datetime
    conditions: tuple[Condition, ...]
    length: tuple[int, int] | None = None

    @classmethod
    def parse(cls, encoded: str) -> PostPolicy:
        """Read a policy in base64. Raises ``InvalidPolicyDocument``."""
        try:
            document = json.loads(base64.b64decode(encoded, validate=True))
        except (binascii.Error, ValueError, RecursionError):
            raise InvalidPolicyDocument("Invalid JSON.") from None
        if not isinstance(document, dict) or not isinstance(document.get("expiration"), str):
            raise InvalidPolicyDocument("Policy missing expiration.")
        try:
            expiration = read_timestamp(document["expiration"])
        except ValueError:
            raise InvalidPolicyDocument(f"Invalid 'expiration' value: '{document['expiration']}'") from None
        if unknown := sorted(document.keys() - {"expiration", "conditions"}):
            raise InvalidPolicyDocument(f"Unexpected: '{unknown[0]}'")
        listed = document.get("conditions")
        if not isinstance(listed, list):
            raise InvalidPolicyDocument("Policy missing conditions.")
        conditions: list[Condition] = []
        length: tuple[int, int] | None = None
        for entry in listed:
            if isinstance(entry, list) and entry and entry[0] == "content-length-range":
                length = _range(entry)
            else:
                conditions += _conditions(entry)
        return cls(expiration, tuple(conditions), length)

    def check(self, fields: Fields, bucket: str, now: dt.datetime) -> None:
        """Raise ``FormNotAllowed`` if the policy has expired, or does not allow every field."""
        if now >= self.expiration:
            raise FormNotAllowed("Policy expired.")
        given = {**fields, "bucket": bucket}
        for condition in self.conditions:
            if not condition.holds(given):
                raise FormNotAllowed(f"Policy Condition failed: {condition}")
        covered = {condition.field for condition in self.conditions} | _NOT_IN_POLICY
        extra = sorted(name for name in fields if name not in covered and not name.startswith("x-ignore-"))
        if extra:
            raise FormNotAllowed(f"Extra input fields: {extra[0]}")


def _conditions(entry: Any) -> list[Condition]:
    if isinstance(entry, dict) and entry and all(isinstance(value, str) for value in entry.values()):
        return [Condition("eq", name.lower(), value) for name, value in entry.items()]
    if isinstance(entry, list) and len(entry) == 3 and all(isinstance(part, str) for part in entry):
        operator, field, value = entry
        if operator.lower() in ("eq", "starts-with") and field.startswith("$"):
            return [Condition(operator.lower(), field[1:].lower(), value)]
    raise InvalidPolicyDocument(f"Invalid Condition: {json.dumps(entry)[:256]}")


def _range(entry: Sequence[Any]) -> tuple[int, int]:
    # Some clients send the numbers as strings.
    numbers = [int(part) for part in entry[1:] if str(part).isascii() and str(part).isdigit() and len(str(part)) < 16]
    if len(entry) != 3 or len(numbers) != 2:
        raise InvalidPolicyDocument(f"Invalid content-length-range: {json.dumps(entry)[:256]}")
    return numbers[0], numbers[1]


def verify_form(fields: Fields, source: CredentialSource, now: dt.datetime, region: str) -> Verified | None:
    """Return the verified signer of a form's policy, or ``None`` for an unsigned form.

    Raises S3's errors for a missing or wrong signature, an unknown key, a wrong token and a wrong credential scope.
    """
    if not _SIGNATURES & fields.keys():
        if "policy" in fields:
            raise _missing("AWSAccessKeyId")
        return None
    if "policy" not in fields:
        raise _missing("policy")
    dialect = DIALECTS["rest-xml"]
    is_v4 = "x-amz-signature" in fields or "x-amz-credential" in fields
    names = _V4_FIELDS if is_v4 else ("AWSAccessKeyId", "signature")
    for name in names:
        if not fields.get(name.lower()):
            raise _missing(name)
    access_key_id, scope = _scope(fields, region, dialect) if is_v4 else (fields["awsaccesskeyid"], Scope("", "", "s3"))
    credential = find(source, access_key_id, dialect)
    policy, secret = fields["policy"].encode(), credential.secret_access_key
    if is_v4:
        key = signing_key(secret, scope.date, scope.region, scope.service)
        expected = hmac.new(key, policy, hashlib.sha256).hexdigest()
    else:
        expected = base64.b64encode(hmac.new(secret.encode(), policy, hashlib.sha1).digest()).decode()
    given = fields["x-amz-signature" if is_v4 else "signature"]
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise dialect.mismatch(Mismatch(access_key_id, given, fields["policy"], ""))
    token = fields.get("x-amz-security-token")
    check_session_token(token, credential.session_token, credential.expires_at, now, "rest-xml")
    return Verified(
        principal=credential.principal,
        access_key_id=access_key_id,
        signature=given,
        signing_key=b"",
        scope=scope,
        amz_date=fields["x-amz-date"] if is_v4 else "",
        payload_hash=UNSIGNED_PAYLOAD,
        presigned=True,
        signed_headers=frozenset(),
    )


def _scope(fields: Fields, region: str, dialect: Dialect) -> tuple[str, Scope]:
    """Return the access key id and the scope of a form signed with Version 4."""
    if fields["x-amz-algorithm"] != ALGORITHM:
        raise dialect.malformed(f'X-Amz-Algorithm only supports "{ALGORITHM}"', True)
    parts = fields["x-amz-credential"].split("/")
    if len(parts) != 5 or parts[4] != "aws4_request" or not parts[0]:
        raise dialect.malformed(
            "the Credential is mal-formed; expecting '<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request'.", True
        )
    try:
        date = dt.datetime.strptime(fields["x-amz-date"], "%Y%m%dT%H%M%SZ").strftime("%Y%m%d")
    except ValueError:
        raise dialect.malformed("X-Amz-Date must be of the form yyyyMMdd'T'HHmmss'Z'", True) from None
    scope = Scope(parts[1], parts[2], parts[3])
    found = {"region": (scope.region, region), "service": (scope.service, "s3"), "date": (scope.date, date)}
    for part, (named, expected) in found.items():
        if named != expected:
            raise dialect.wrong_scope(part, named, expected, False)
    return parts[0], scope


def _missing(name: str) -> InvalidArgument:
    return InvalidArgument(
        name,
        "",
        f"Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields.",
    )

"""Documents and headers with which clients set access control lists and lifecycle rules."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from reading_room.aws.errors import AwsError
from reading_room.aws.models import operation_model
from reading_room.aws.protocols import rest_xml
from reading_room.s3.access_list_requests import MOST_GRANTS, grants_to_put
from reading_room.s3.access_lists import GROUPS, PERMISSIONS, as_document, as_policy, canonical_id, loaded, stored
from reading_room.s3.lifecycle_configuration import shown_rules, stored_rules
from reading_room.s3.lifecycle_rules import Calendar, Subject, lifecycle_of

OWNER = "111122223333"
KNOWN = frozenset({canonical_id(OWNER), canonical_id("444455556666")})
NOW = dt.datetime(2026, 12, 1, 12, tzinfo=dt.UTC)


def _parsed(operation: str, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> dict[str, Any] | None:
    model = operation_model("s3", operation)
    assert model is not None
    try:
        return rest_xml.parse(model, rest_xml.RequestParts({"Bucket": "b"}, (), headers, body))
    except AwsError:
        return None


def s3_access_list(data: bytes) -> None:
    """A header with grants, a line feed, and a document: known grantees with known permissions, or an error."""
    header, _, body = data.partition(b"\n")
    headers = (("x-amz-grant-read", header.decode("latin-1")),) if header else ()
    parameters = _parsed("PutBucketAcl", body, headers)
    if parameters is None:
        return
    try:
        grants = grants_to_put(parameters, "bucket", OWNER, OWNER, KNOWN.__contains__)
    except AwsError:
        return
    assert len(grants) <= MOST_GRANTS
    assert all(grant.grantee in KNOWN | GROUPS and grant.permission in PERMISSIONS for grant in grants)
    assert loaded(json.loads(json.dumps(stored(grants)))) == grants
    assert len(as_document(OWNER, grants)["Grants"]) == len(grants)
    policy = as_policy(grants, "bucket", "b", "of b")
    assert (policy is None) == (not grants)
    if policy is not None:
        assert all(statement.effect == "Allow" and statement.principals for statement in policy.policy.statements)


def s3_lifecycle(data: bytes) -> None:
    """A lifecycle configuration: rules that act on nothing before its time, or an error."""
    parameters = _parsed("PutBucketLifecycleConfiguration", data)
    if parameters is None:
        return
    try:
        rules = stored_rules(parameters.get("LifecycleConfiguration", {}).get("Rules", []))
    except AwsError:
        return
    rules = json.loads(json.dumps(rules))
    assert len(shown_rules(rules)) == len(rules)
    lifecycle = lifecycle_of(rules, Calendar())
    expiry = lifecycle.expiry(Subject("logs/k", 200_000, {"k": "v"}, NOW))
    dated = any(rule.expiration is not None and rule.expiration.date is not None for rule in lifecycle.rules)
    assert expiry is None or dated or expiry.at > NOW + dt.timedelta(days=1)
    assert not lifecycle.noncurrent_expired(Subject("logs/k", 200_000, {}, NOW), 0, NOW + dt.timedelta(days=1))
    aborted = lifecycle.abortion("logs/k", NOW)
    assert aborted is None or aborted.at > NOW + dt.timedelta(days=1)

"""Whom a statement names, and how directly: what that means beside identity and session policies."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from reading_room.aws.call import ANONYMOUS, Principal
from reading_room.iam.policy.document import PolicyDocumentError, parse
from reading_room.iam.policy.evaluate import AttachedPolicy, Request, decide
from reading_room.iam.policy.principals import canonical_user_id, parse_principals

ACCOUNT, OTHER = "111122223333", "444455556666"
ALICE = Principal("user", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/alice", "AIDAEXAMPLEUSER000001", user_name="alice")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"
READER = Principal(
    "session", ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/s", "AROAEXAMPLEROLE000001:s", role_arn=ROLE
)
VISITOR = Principal(
    "federated",
    ACCOUNT,
    f"arn:aws:sts::{ACCOUNT}:federated-user/visitor",
    f"{ACCOUNT}:visitor",
    issuer_arn=ALICE.arn,
    issuer_id=ALICE.user_id,
)
ROOT = Principal("root", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
SERVICE = Principal("service", "", "comprehend.amazonaws.com", "x", service_name="comprehend.amazonaws.com")
OBJECT = "arn:aws:s3:::corpus/a"


@pytest.mark.parametrize(
    ("element", "grants"),
    [
        pytest.param("*", dict.fromkeys(range(6), "everyone"), id="everybody"),
        pytest.param({"AWS": "*"}, dict.fromkeys(range(6), "everyone"), id="everybody of AWS"),
        pytest.param({"AWS": ACCOUNT}, dict.fromkeys(range(4), "account"), id="the account"),
        pytest.param({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, dict.fromkeys(range(4), "account"), id="its root's ARN"),
        pytest.param({"CanonicalUser": canonical_user_id(ACCOUNT)}, dict.fromkeys(range(4), "account"), id="its S3 id"),
        pytest.param({"CanonicalUser": canonical_user_id(OTHER)}, {}, id="another account's S3 id"),
        pytest.param({"AWS": OTHER}, {}, id="another account"),
        pytest.param({"AWS": ALICE.arn}, {0: "user", 2: "role"}, id="a user, and by it whom it federates"),
        pytest.param({"AWS": ALICE.user_id}, {0: "user", 2: "role"}, id="a user's unique id"),
        pytest.param({"AWS": ROLE}, {1: "role"}, id="a role"),
        pytest.param({"AWS": "AROAEXAMPLEROLE000001"}, {1: "role"}, id="a role's unique id"),
        pytest.param({"AWS": READER.arn}, {1: "session"}, id="one session"),
        pytest.param({"AWS": VISITOR.arn}, {2: "session"}, id="a federated user"),
        pytest.param({"Service": "comprehend.amazonaws.com"}, {5: "service"}, id="a service"),
        pytest.param({"Federated": "cognito-identity.amazonaws.com"}, {}, id="an identity provider"),
        pytest.param({"AWS": [OTHER, ALICE.arn], "Service": "ec2.amazonaws.com"}, {0: "user", 2: "role"}, id="a list"),
    ],
)
def test_an_element_names_a_caller_as_directly_as_it_says(element: object, grants: dict[int, str]) -> None:
    callers = (ALICE, READER, VISITOR, ROOT, ANONYMOUS, SERVICE)
    principals = parse_principals(element)
    assert {number: grant for number, caller in enumerate(callers) if (grant := principals.grant_to(caller))} == grants


@pytest.mark.parametrize(
    ("listed", "spared"),
    [
        ([ALICE.arn, f"arn:aws:iam::{ACCOUNT}:root"], {ALICE, ROOT}),
        ([ALICE.arn], set()),
        ([f"arn:aws:iam::{ACCOUNT}:root"], {ROOT}),
        ([READER.arn, ROLE, ACCOUNT], {READER, ROOT}),
        ([ROLE, ACCOUNT], {ROOT}),
        ([VISITOR.arn, ALICE.arn, ACCOUNT], {VISITOR, ALICE, ROOT}),
        ([VISITOR.arn, ACCOUNT], {ROOT}),
    ],
)
def test_a_deny_for_all_but_the_named_spares_who_is_named_in_full(listed: list[str], spared: set[Principal]) -> None:
    principals = parse_principals({"AWS": listed}, inverted=True)
    callers = {ALICE, READER, VISITOR, ROOT}
    assert {caller for caller in callers if principals.grant_to(caller) is None} == spared


def _policy(kind: Any, use: Any, **entry: Any) -> AttachedPolicy:
    text = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", **entry}})
    return AttachedPolicy(kind, parse(text, use), kind)


@pytest.mark.parametrize(
    ("named", "narrow", "wide"),
    [
        pytest.param(VISITOR.arn, True, True, id="the federated user itself"),
        pytest.param(ALICE.arn, False, True, id="the user that federates"),
        pytest.param(ACCOUNT, False, True, id="the account"),
    ],
)
def test_a_grant_to_a_federated_user_itself_is_not_narrowed_by_its_session_policy(
    named: str, narrow: bool, wide: bool
) -> None:
    bucket = _policy("resource", "bucket", Principal={"AWS": named}, Resource=OBJECT)
    own = _policy("identity", "inline", Resource="*")
    for resource, expected in (("arn:aws:s3:::elsewhere/*", narrow), ("*", wide)):
        session = _policy("session", "session", Resource=resource)
        request = Request(VISITOR, "s3:GetObject", (OBJECT,), ACCOUNT)
        assert decide(request, [own, session, bucket]).allowed is expected


def test_a_deny_to_the_user_binds_whom_it_federates() -> None:
    deny = _policy("resource", "bucket", Effect="Deny", Principal={"AWS": ALICE.arn}, Resource=OBJECT)
    own = _policy("identity", "inline", Resource="*")
    session = _policy("session", "session", Resource="*")
    request = Request(VISITOR, "s3:GetObject", (OBJECT,), ACCOUNT)
    assert decide(request, [own, session]).allowed
    assert decide(request, [own, session, deny]).outcome == "explicitDeny"
    stranger = replace(VISITOR, issuer_arn=f"arn:aws:iam::{ACCOUNT}:user/bob", issuer_id="AIDAEXAMPLEUSER000002")
    assert decide(replace(request, principal=stranger), [own, session, deny]).allowed


def test_a_canonical_user_stands_in_bucket_policies_only() -> None:
    entry = {"Effect": "Allow", "Principal": {"CanonicalUser": canonical_user_id(ACCOUNT)}, "Action": "s3:GetObject"}
    parse(json.dumps({"Statement": {**entry, "Resource": OBJECT}}), "bucket")
    for text, use in (
        (json.dumps({"Statement": {**entry, "Resource": OBJECT}}), "endpoint"),
        (json.dumps({"Statement": {**entry, "Action": "sts:AssumeRole"}}), "trust"),
    ):
        with pytest.raises(PolicyDocumentError, match="Invalid principal in policy"):
            parse(text, use)

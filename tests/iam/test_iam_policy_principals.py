"""The principals that a statement names, how directly, and the effect in combination with other policies."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from reading_room.aws.call import ANONYMOUS, Principal
from reading_room.iam.policy.document import PolicyDocumentError, parse
from reading_room.iam.policy.evaluate import AttachedPolicy, Request, decide
from reading_room.iam.policy.principals import PrincipalError, Principals, canonical_user_id, parse_principals

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
        pytest.param({"AWS": ALICE.arn}, {0: "user", 2: "role"}, id="a user, and its federated users"),
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
def test_an_element_names_callers_with_the_expected_directness(element: object, grants: dict[int, str]) -> None:
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
def test_not_principal_exempts_only_fully_named_callers(listed: list[str], spared: set[Principal]) -> None:
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
def test_a_direct_grant_to_a_federated_user_is_not_limited_by_its_session_policy(
    named: str, narrow: bool, wide: bool
) -> None:
    bucket = _policy("resource", "bucket", Principal={"AWS": named}, Resource=OBJECT)
    own = _policy("identity", "inline", Resource="*")
    for resource, expected in (("arn:aws:s3:::elsewhere/*", narrow), ("*", wide)):
        session = _policy("session", "session", Resource=resource)
        request = Request(VISITOR, "s3:GetObject", (OBJECT,), ACCOUNT)
        assert decide(request, [own, session, bucket]).allowed is expected


def test_a_deny_of_a_user_applies_to_its_federated_users() -> None:
    deny = _policy("resource", "bucket", Effect="Deny", Principal={"AWS": ALICE.arn}, Resource=OBJECT)
    own = _policy("identity", "inline", Resource="*")
    session = _policy("session", "session", Resource="*")
    request = Request(VISITOR, "s3:GetObject", (OBJECT,), ACCOUNT)
    assert decide(request, [own, session]).allowed
    assert decide(request, [own, session, deny]).outcome == "explicitDeny"
    stranger = replace(VISITOR, issuer_arn=f"arn:aws:iam::{ACCOUNT}:user/bob", issuer_id="AIDAEXAMPLEUSER000002")
    assert decide(replace(request, principal=stranger), [own, session, deny]).allowed


def test_a_canonical_user_is_valid_only_in_bucket_policies() -> None:
    entry = {"Effect": "Allow", "Principal": {"CanonicalUser": canonical_user_id(ACCOUNT)}, "Action": "s3:GetObject"}
    parse(json.dumps({"Statement": {**entry, "Resource": OBJECT}}), "bucket")
    for text, use in (
        (json.dumps({"Statement": {**entry, "Resource": OBJECT}}), "endpoint"),
        (json.dumps({"Statement": {**entry, "Action": "sts:AssumeRole"}}), "trust"),
    ):
        with pytest.raises(PolicyDocumentError, match="Invalid principal in policy"):
            parse(text, use)


@pytest.mark.parametrize(
    ("element", "message"),
    [
        ("ann", "ann"),
        ([], "[]"),
        ({}, "{}"),
        ({"AWS": []}, '"AWS"'),
        ({"AWS": 7}, '"AWS":7'),
        ({"AWS": [ALICE.arn, None]}, '"AWS":None'),
        ({"AWS": "11112222333"}, '"AWS":"11112222333"'),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:group/x"}, f'"AWS":"arn:aws:iam::{ACCOUNT}:group/x"'),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/*"}, f'"AWS":"arn:aws:iam::{ACCOUNT}:user/*"'),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:roots"}, f'"AWS":"arn:aws:iam::{ACCOUNT}:roots"'),
        ({"AWS": "AIDAEXAMPLE"}, '"AWS":"AIDAEXAMPLE"'),
        ({"Service": "*"}, '"Service":"*"'),
        ({"Service": "comprehend"}, '"Service":"comprehend"'),
        ({"CanonicalUser": "0" * 63}, f'"CanonicalUser":"{"0" * 63}"'),
        ({"Somebody": "x"}, '"Somebody":"x"'),
    ],
)
def test_an_invalid_principal_is_reported(element: object, message: str) -> None:
    with pytest.raises(PrincipalError) as caught:
        parse_principals(element)
    assert caught.value.args[0] == message


def test_an_element_is_parsed_by_kind() -> None:
    element = {
        "AWS": [
            "*",
            ACCOUNT,
            f"arn:aws:iam::{OTHER}:root",
            ALICE.arn,
            READER.arn,
            VISITOR.arn,
            "AIDAEXAMPLEUSER000001",
        ],
        "Service": "ec2.amazonaws.com",
        "Federated": ["cognito-identity.amazonaws.com", "accounts.google.com"],
        "CanonicalUser": "0" * 64,
    }
    assert parse_principals(element, inverted=True) == Principals(
        everyone=True,
        accounts=frozenset({ACCOUNT, OTHER}),
        arns=frozenset({ALICE.arn, READER.arn, VISITOR.arn}),
        unique_ids=frozenset({"AIDAEXAMPLEUSER000001"}),
        services=frozenset({"ec2.amazonaws.com"}),
        federated=frozenset({"cognito-identity.amazonaws.com", "accounts.google.com"}),
        canonical_users=frozenset({"0" * 64}),
        inverted=True,
    )
    assert parse_principals("*") == Principals(everyone=True, bare_star=True)


def test_not_principal_with_everyone_denies_no_one() -> None:
    principals = parse_principals({"AWS": "*"}, inverted=True)
    assert [principals.grant_to(caller) for caller in (ALICE, READER, ROOT, ANONYMOUS, SERVICE)] == [None] * 5
    services = parse_principals({"Service": "comprehend.amazonaws.com", "AWS": ACCOUNT}, inverted=True)
    assert [services.grant_to(caller) for caller in (SERVICE, ANONYMOUS, ROOT)] == [None, "everyone", None]


def test_in_a_gateway_endpoints_policy_an_account_means_its_root_user() -> None:
    account = parse_principals({"AWS": ACCOUNT})
    assert [account.grant_to(caller, account_means_root=True) for caller in (ALICE, READER, ROOT)] == [
        None,
        None,
        "account",
    ]

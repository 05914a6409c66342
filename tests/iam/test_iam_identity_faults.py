"""IAM's messages for invalid identity policies: AWS's messages, in AWS's order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reading_room.iam.policy.document import PolicyDocumentError, parse


def statement(**changes: Any) -> str:
    """Return a policy with one statement and changed elements; ``None`` omits an element."""
    entry = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **changes}
    return json.dumps({"Version": "2012-10-17", "Statement": [{k: v for k, v in entry.items() if v is not None}]})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Action": "GetObject"}, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
        ({"Action": "s3:Get:Object"}, "Actions/Condition can contain only one colon."),
        ({"Action": "*:GetObject"}, "Vendor * is not valid"),
        ({"Action": ""}, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
        ({"Action": "a a:GetObject"}, "Vendor a a is not valid"),
        ({"Action": ["s3:GetObject"], "NotAction": []}, "Syntax errors in policy."),
        ({"Effect": "Perhaps"}, "Syntax errors in policy."),
        ({"Effect": 1}, "Syntax errors in policy."),
        ({"Effect": "allow"}, "The policy failed legacy parsing"),
        ({"Condition": {"DateLessThan": {"aws:CurrentTime": "tomorrow"}}}, "The policy failed legacy parsing"),
        ({"Condition": {"DateLessThan": {"aws:EpochTime": str(2**63)}}}, "The policy failed legacy parsing"),
        ({"Condition": {"DateLessThan": {"aws:CurrentTime": {}}}}, "Syntax errors in policy."),
        ({"Condition": {"Like": {"aws:userid": "x"}}}, "Syntax errors in policy."),
        ({"Condition": {"ForAnyValue::StringEquals": {"aws:userid": "x"}}}, "Syntax errors in policy."),
        (
            {"Sid": "not allowed"},
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression "
            "[0-9A-Za-z]*",
        ),
        ({"Resource": ""}, 'Resource  must be in ARN format or "*".'),
        ({"Resource": "arn:aws"}, "Resource vendor must be fully qualified and cannot contain regexes."),
        ({"Resource": "arn:aws:s3::corpus"}, "The policy failed legacy parsing"),
        ({"Resource": ["arn:aws::::corpus"]}, "The policy failed legacy parsing"),
        ({"Resource": "aws:s3:::corpus"}, 'Partition "s3" is not valid for resource "arn:s3:::corpus:*".'),
        ({"Resource": "a:b"}, 'Partition "b" is not valid for resource "arn:b:*:*:*:*".'),
        ({"Resource": "a:b:c:d:e:f:g"}, 'Partition "b" is not valid for resource "arn:b:c:d:e:f:g".'),
        (
            {"Resource": ["arn:azure:s3:::b", "arn:azure:s3:::a"]},
            'Partition "azure" is not valid for resource "arn:azure:s3:::a".',
        ),
        (
            {"Resource": "arn:aws:s3:us-east-1::corpus"},
            "Resource arn:aws:s3:us-east-1::corpus can not contain region information.",
        ),
        (
            {"Resource": "arn:aws:iam:*:111122223333:role/a"},
            "IAM resource arn:aws:iam:*:111122223333:role/a cannot contain region information.",
        ),
        (
            {"Resource": "arn:aws:iam::111122223333:reader"},
            'IAM resource path must either be "*", root, or start with user/, federated-user/, role/, group/, '
            "instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, "
            "access-report/.",
        ),
        ({"Resource": "corpus"}, 'Resource corpus must be in ARN format or "*".'),
        (
            {"Resource": "arn:aws:s*:::corpus"},
            "Resource vendor must be fully qualified and cannot contain regexes.",
        ),
        (
            {"Resource": "arn:azure:s3:::corpus"},
            'Partition "azure" is not valid for resource "arn:azure:s3:::corpus".',
        ),
        ({"Principal": "*"}, "Policy document should not specify a principal."),
    ],
)
def test_faults_of_identity_policies_have_awss_messages(changes: dict[str, Any], message: str) -> None:
    for use in ("managed", "inline", "session"):
        with pytest.raises(PolicyDocumentError) as refusal:
            parse(statement(**changes), use, new=True)
        assert str(refusal.value) == message


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"Condition": {"StringEqualsIfExists": {"userid": "x"}}}, id="a condition key without a vendor"),
        pytest.param({"Action": "s3: Get Object"}, id="an action that no service has"),
        pytest.param({"Action": "s3.files:GetObject"}, id="a vendor with a dot"),
        pytest.param({"Condition": {"DateLessThan": {"aws:EpochTime": "-5"}}}, id="a moment before 1970"),
        pytest.param({"Resource": "arn:aws:s3:us-east-1:111122223333:accesspoint/a"}, id="an access point"),
        pytest.param({"Resource": "arn:aws:iam::111122223333:root"}, id="a root user"),
    ],
)
def test_documents_that_aws_accepts_are_accepted(changes: dict[str, Any]) -> None:
    parse(statement(**changes), "managed", new=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"Resource": "arn:aws:iam::111122223333:reader"},
        {"Resource": "arn:aws:s3:us-east-1::corpus"},
        {"Resource": "arn:aws::::corpus"},
        {"Condition": {"DateLessThan": {"aws:EpochTime": str(2**63)}}},
    ],
)
def test_policies_stored_by_earlier_versions_can_still_be_parsed(changes: dict[str, Any]) -> None:
    """A policy that cannot be parsed denies everything."""
    parse(statement(**changes), "inline")
    with pytest.raises(PolicyDocumentError):
        parse(statement(**changes), "inline", new=True)


@pytest.mark.parametrize(
    ("effect", "element", "means"),
    [
        ("Allow", "Resource", False),
        ("Deny", "Resource", True),
        ("Allow", "NotResource", True),
        ("Deny", "NotResource", False),
    ],
)
def test_an_incomplete_arn_allows_nothing_and_denies_everything(effect: str, element: str, means: bool) -> None:
    """AWS accepts it without documenting its meaning."""
    text = statement(**{"Effect": effect, "Resource": None, element: "arn:aws:s3"})
    (found,) = parse(text, "managed", new=True).statements
    assert found.resources[0].matches("arn:aws:s3:::corpus/in.txt", {}) is means
    assert not found.resources[0].matches("arn:aws:ec2:us-east-1:111122223333:vpc/vpc-1", {})


def test_empty_sids_are_not_duplicates() -> None:
    entry = {"Sid": "", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    parse(json.dumps({"Version": "2012-10-17", "Statement": [entry, entry]}), "managed")


def test_faults_are_reported_in_awss_order() -> None:
    """From faults of the whole to faults of a part; fixing one reveals the next."""
    entry: dict[str, Any] = {"Sid": "A", "Effect": "perhaps", "Principal": "*"}
    document: dict[str, Any] = {"Statement": [entry, {**entry, "Effect": "Allow"}]}
    repairs: list[tuple[str, Any]] = [
        ("Syntax errors in policy.", lambda: entry.update(Effect="allow")),
        ("Policy document must be version 2012-10-17 or greater.", lambda: document.update(Version="2012-10-17")),
        ("The policy failed legacy parsing", lambda: entry.update(Effect="Allow")),
        ("Statement IDs (SID) in a single policy must be unique.", lambda: entry.update(Sid="B")),
        (
            "Policy statement must contain actions.",
            lambda: [each.update(Action="GetObject") for each in document["Statement"]] + [entry.update(Resource="x")],
        ),
        ('Resource x must be in ARN format or "*".', lambda: entry.update(Resource="*")),
        (
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
            lambda: [each.update(Action="s3:GetObject") for each in document["Statement"]],
        ),
        (
            "Policy statement must contain resources.",
            lambda: [each.update(Resource="*") for each in document["Statement"]],
        ),
        (
            "Policy document should not specify a principal.",
            lambda: [each.pop("Principal") for each in document["Statement"]],
        ),
    ]
    for message, repair in repairs:
        with pytest.raises(PolicyDocumentError) as refusal:
            parse(json.dumps(document), "managed")
        assert str(refusal.value) == message
        repair()
    parse(json.dumps(document), "managed")

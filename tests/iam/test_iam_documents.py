"""What each service answers to a policy document: the checked-in table, then the corners of the grammar."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reading_room.iam.policy.bucket import S3Target, parse_bucket_policy
from reading_room.iam.policy.document import PolicyDocumentError, PolicyUse, parse

TABLE: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "iam_cases.json").read_text())
USES: dict[str, PolicyUse] = {
    "iam:CreatePolicy": "managed",
    "iam:PutRolePolicy": "inline",
    "iam:CreateRole (trust)": "trust",
    "ec2:CreateVpcEndpoint": "endpoint",
    "ec2:ModifyVpcEndpoint": "endpoint",
}
S3_ACTIONS: dict[str, S3Target] = {
    need["action"]: need["on"] if need["on"] in ("bucket", "*") else "object"
    for row in TABLE["s3_operation_actions"]
    for need in row["requires"]
}


def text_of(case: dict[str, Any]) -> str:
    if "policy_text" in case:
        return str(case["policy_text"])
    entry = TABLE["policies"][case["policy_ref"]]
    return str(entry["text"]) if "text" in entry else json.dumps(entry["document"])


def take(case: dict[str, Any]) -> None:
    if case["operation"] == "s3:PutBucketPolicy":
        parse_bucket_policy(text_of(case), "corpus-in", S3_ACTIONS, lambda arn: "NoSuch" not in arn)
    else:
        parse(text_of(case), USES[case["operation"]])


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in TABLE["validation_cases"]])
def test_a_document_is_taken_or_refused_as_the_table_says(case: dict[str, Any]) -> None:
    if case["expect"]["valid"]:
        take(case)
        return
    with pytest.raises(PolicyDocumentError) as refusal:
        take(case)
    if case["expect"]["message"] is not None:
        assert str(refusal.value) == case["expect"]["message"]
    elif "back to back" in case["title"]:
        assert str(refusal.value).startswith("The Policy Document is not valid. Syntax error at position (")


def statement(**changes: Any) -> str:
    entry = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **changes}
    return json.dumps({"Version": "2012-10-17", "Statement": [{k: v for k, v in entry.items() if v is not None}]})


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}', id="a key that stands twice"),
        pytest.param("[]", id="a list"),
        pytest.param("null", id="null"),
        pytest.param("", id="nothing"),
        pytest.param("[" * 100_000, id="a hundred thousand brackets"),
        pytest.param(statement(Action=[]), id="an empty list of actions"),
        pytest.param(statement(Action=[1]), id="an action that is a number"),
        pytest.param(statement(action="s3:*"), id="an element in lower case"),
        pytest.param(statement(Resource={"a": 1}), id="a resource that is an object"),
        pytest.param(statement(Resource="arn:aws:s*:::x"), id="a vendor with a star"),
        pytest.param(statement(Sid="not allowed"), id="a Sid with a blank"),
        pytest.param(statement(Condition={"StringEqual": {"aws:userid": "x"}}), id="an unknown operator"),
        pytest.param(statement(Condition={"StringEquals": "x"}), id="an operator without keys"),
        pytest.param(statement(Condition={"StringEquals": {"aws:userid": []}}), id="a key without values"),
        pytest.param(statement(Condition={"StringEquals": {"aws:userid": None}}), id="a key with null"),
        pytest.param(statement(Condition={"NumericEquals": {"s3:max-keys": "many"}}), id="a number that is none"),
        pytest.param(statement(Condition={"NumericEquals": {"s3:max-keys": "NaN"}}), id="not a number"),
        pytest.param(statement(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/33"}}), id="a prefix of 33 bits"),
        pytest.param(statement(Condition={"DateLessThan": {"aws:CurrentTime": "tomorrow"}}), id="a date that is none"),
        pytest.param(statement(Condition={"Bool": {"aws:SecureTransport": "maybe"}}), id="a boolean that is none"),
        pytest.param(statement(Condition={"Null": {"aws:userid": "x"}}), id="Null with a word"),
    ],
)
def test_a_broken_identity_policy_is_refused(text: str) -> None:
    with pytest.raises(PolicyDocumentError):
        parse(text, "inline")


@pytest.mark.parametrize(
    "principal",
    ["alice", {"AWS": "arn:aws:iam::111122223333:user/al*"}, {"AWS": []}, {"AWS": 7}, {"Service": "comprehend"}, {}],
)
def test_a_principal_that_is_none_or_has_a_partial_wildcard_is_refused(principal: object) -> None:
    with pytest.raises(PolicyDocumentError, match="Invalid principal in policy"):
        parse(statement(Principal=principal), "bucket")


def test_an_allow_for_everybody_but_the_named_is_refused() -> None:
    with pytest.raises(PolicyDocumentError, match="NotPrincipal"):
        parse(statement(NotPrincipal={"AWS": "111122223333"}), "bucket")


def test_a_trust_policy_may_name_newer_actions_and_wildcards() -> None:
    for action in ("sts:TagSession", ["sts:AssumeRole", "sts:SetSourceIdentity"], "sts:*"):
        parse(statement(Resource=None, Principal={"AWS": "111122223333"}, Action=action), "trust")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Action": "GetObject"}, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
        ({"Action": "s3:Get:Object"}, "Actions/Condition can contain only one colon."),
        ({"Action": "*:GetObject"}, "Vendor * is not valid"),
        (
            {"Condition": {"StringEquals": {"userid": "x"}}},
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
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
def test_an_identity_policys_fault_is_told_in_awss_words(changes: dict[str, Any], message: str) -> None:
    for use in ("managed", "inline", "session"):
        with pytest.raises(PolicyDocumentError) as refusal:
            parse(statement(**changes), use)
        assert str(refusal.value) == message


def test_faults_are_told_in_awss_order() -> None:
    """From what is wrong with the whole to what is wrong with a part; each repaired fault shows the next."""
    entry: dict[str, Any] = {"Sid": "A", "Effect": "allow", "Principal": "*"}
    document: dict[str, Any] = {"Statement": [entry, {**entry, "Effect": "Allow"}]}
    repairs: list[tuple[str, Any]] = [
        ("Policy document must be version 2012-10-17 or greater.", lambda: document.update(Version="2012-10-17")),
        ("The policy failed legacy parsing", lambda: entry.update(Effect="Allow")),
        ("Statement IDs (SID) in a single policy must be unique.", lambda: entry.update(Sid="B")),
        (
            "Policy statement must contain actions.",
            lambda: [each.update(Action="GetObject") for each in document["Statement"]],
        ),
        (
            "Policy statement must contain resources.",
            lambda: [each.update(Resource="corpus") for each in document["Statement"]],
        ),
        (
            'Resource corpus must be in ARN format or "*".',
            lambda: [each.update(Resource="*") for each in document["Statement"]],
        ),
        (
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
            lambda: [each.update(Action="s3:GetObject") for each in document["Statement"]],
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

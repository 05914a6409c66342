"""Explanations of denials: the closest statement, and why it did not match."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from reading_room.aws.call import Principal
from reading_room.iam.policy.document import PolicyUse, parse
from reading_room.iam.policy.evaluate import AttachedPolicy, PolicyKind, Request, decide
from reading_room.iam.policy.explain import explain

ACCOUNT = "111122223333"
ALICE = Principal("user", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/alice", "AIDAEXAMPLEUSER000001")
REQUEST = Request(
    ALICE,
    "s3:GetObject",
    ("arn:aws:s3:::corpus/a",),
    ACCOUNT,
    {"aws:SourceVpce": ("vpce-9",), "aws:SecureTransport": ("true",)},
)


def policy(kind: PolicyKind, *entries: dict[str, Any], name: str = "'mine'") -> AttachedPolicy:
    uses: dict[str, PolicyUse] = {"resource": "bucket", "endpoint": "endpoint"}
    defaults: dict[str, Any] = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    statements = [{**defaults, **entry} for entry in entries]
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return AttachedPolicy(kind, parse(text, uses.get(kind, "inline")), name)


def test_a_failed_condition_is_reported_with_expected_and_actual_values() -> None:
    conditions = {
        "StringEquals": {"aws:SourceVpce": ["vpce-1", "vpce-2"]},
        "Bool": {"aws:SecureTransport": "true"},
        "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
    }
    explanation = explain(REQUEST, [policy("identity", {"Sid": "OnlyThere", "Condition": conditions})])
    assert explanation.decision.outcome == "implicitDeny"
    (closest,) = explanation.closest
    assert (closest.sid, closest.kind, closest.policy) == ("OnlyThere", "identity", "'mine'")
    assert [(each.operator, each.key, each.wanted, each.actual) for each in closest.mismatches] == [
        ("StringEquals", "aws:sourcevpce", ("vpce-1", "vpce-2"), ("vpce-9",)),
        ("IpAddress", "aws:sourceip", ("10.0.0.0/8",), ()),
    ]
    assert [each.holds for each in closest.conditions] == [False, True, False]
    assert explanation.lines()[-1] == (
        "closest: Allow by statement 'OnlyThere' of identity policy 'mine': Condition StringEquals on aws:sourcevpce "
        "wants vpce-1, vpce-2, the request's is vpce-9; Condition IpAddress on aws:sourceip wants 10.0.0.0/8, the "
        "request's is absent"
    )


def test_a_statement_about_the_action_is_closer_than_one_about_another() -> None:
    far = {"Sid": "Other", "Action": "ec2:*"}
    near = {
        "Sid": "Near",
        "Resource": "arn:aws:s3:::other/*",
        "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}},
    }
    explanation = explain(REQUEST, [policy("identity", far, near)])
    assert [story.sid for story in explanation.closest] == ["Near"]
    assert [mismatch.element for mismatch in explanation.closest[0].mismatches] == ["Resource", "Condition"]
    assert explanation.closest[0].mismatches[0].actual == ("arn:aws:s3:::corpus/a",)


def test_an_explicit_deny_shows_the_statement_as_written_and_the_conditions_that_held() -> None:
    deny = {
        "Sid": "NotThere",
        "Effect": "Deny",
        "NotAction": "iam:*",
        "NotResource": "arn:aws:s3:::logs/*",
        "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}},
    }
    own = policy("identity", {})
    statement = {**deny, "Action": None}
    del statement["Action"]
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    explanation = explain(REQUEST, [own, AttachedPolicy("boundary", parse(text, "inline"), "limit")])
    (story,) = explanation.deciding
    assert (story.kind, story.effect, story.matched, story.mismatches) == ("boundary", "Deny", True, ())
    assert dict(story.document) == statement
    assert explanation.closest == ()
    assert [(each.key, each.holds) for each in story.conditions] == [("aws:sourcevpce", True)]


def test_a_missing_allow_of_the_endpoint_shows_only_its_statements() -> None:
    endpoint = policy("endpoint", {"Sid": "Put", "Principal": "*", "Action": "s3:PutObject"}, name="vpce-9")
    explanation = explain(REQUEST, [policy("identity", {}), endpoint])
    (story,) = explanation.closest
    assert (story.kind, story.sid) == ("endpoint", "Put")
    assert str(story.mismatches[0]) == "Action is s3:PutObject, the request's is s3:GetObject"


def test_a_principal_mismatch_is_reported() -> None:
    bob = f"arn:aws:iam::{ACCOUNT}:user/bob"
    bucket = policy("resource", {"Principal": {"AWS": bob}, "Resource": "arn:aws:s3:::corpus/*"})
    (story,) = explain(REQUEST, [bucket]).closest
    assert story.mismatches[0].wanted == (f"AWS {bob}",)
    assert story.mismatches[0].actual == (ALICE.arn,)


def test_without_policies_no_statement_is_closest() -> None:
    explanation = explain(REQUEST, [])
    assert explanation.closest == ()
    assert "no identity-based policy allows it" in explanation.lines()[1]


def test_the_denied_resource_is_explained() -> None:
    two = replace(REQUEST, resources=("arn:aws:s3:::corpus/a", "arn:aws:s3:::secret/b"))
    explanation = explain(two, [policy("identity", {"Resource": "arn:aws:s3:::corpus/*"})])
    assert explanation.closest[0].resource == "arn:aws:s3:::secret/b"


def test_an_explanation_is_json() -> None:
    numeric = {"Sid": "Few", "Condition": {"NumericLessThan": {"s3:max-keys": 10}}}
    document = explain(REQUEST, [policy("identity", numeric)]).to_document()
    stored = json.loads(json.dumps(document))
    assert stored["outcome"] == "implicitDeny"
    assert stored["statements"][0]["mismatches"][0]["key"] == "s3:max-keys"
    assert stored["statements"][0]["document"]["Sid"] == "Few"


def test_only_a_denial_has_evidence() -> None:
    policies = [policy("identity", {"Action": "ec2:*"})]
    denied = decide(REQUEST, policies)
    assert denied.evidence is not None
    assert explain(denied.evidence.request, denied.evidence.policies).decision == denied
    assert decide(REQUEST, [policy("identity", {})]).evidence is None

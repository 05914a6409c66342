"""Each service's response to policy documents: the table in the repository, then corner cases of the grammar."""

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
def test_documents_are_accepted_or_refused_as_in_the_table(case: dict[str, Any]) -> None:
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
def test_an_invalid_principal_or_partial_wildcard_is_refused(principal: object) -> None:
    with pytest.raises(PolicyDocumentError, match="Invalid principal in policy"):
        parse(statement(Principal=principal), "bucket")


def test_an_allow_with_not_principal_is_refused() -> None:
    with pytest.raises(PolicyDocumentError, match="NotPrincipal"):
        parse(statement(NotPrincipal={"AWS": "111122223333"}), "bucket")


def test_a_trust_policy_can_have_newer_actions_and_wildcards() -> None:
    for action in ("sts:TagSession", ["sts:AssumeRole", "sts:SetSourceIdentity"], "sts:*"):
        parse(statement(Resource=None, Principal={"AWS": "111122223333"}, Action=action), "trust")


def without(*names: str, **changes: Any) -> dict[str, Any]:
    """Return a statement of a bucket or endpoint policy without some elements."""
    entry = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::corpus/*"}
    return {name: value for name, value in {**entry, **changes}.items() if name not in names}


@pytest.mark.parametrize(
    ("document", "bucket", "others"),
    [
        ({"statement": []}, "Unknown field statement", None),
        ({}, "Missing required field Statement", None),
        ({"Version": "2020-01-01"}, "Missing required field Statement", None),
        ({"Version": "2020-01-01", "Statement": without()}, "The policy must contain a valid version string", None),
        ({"Id": 5, "Statement": without()}, "Id must be a string", None),
        ({"Statement": "x"}, "Statement must be an object or a list of objects", None),
        ({"Statement": [without(), "x"]}, "Statement must be an object or a list of objects", None),
        ({"Statement": []}, "Could not parse the policy: Statement is empty!", None),
        ({"Statement": without(Extra=1)}, "Unknown field Extra", None),
        ({"Statement": without(NotAction="x")}, "Action and NotAction may not stand in one statement", None),
        ({"Statement": without(NotResource="x")}, "Resource and NotResource may not stand in one statement", None),
        ({"Statement": without(NotPrincipal="x")}, "Principal and NotPrincipal may not stand in one statement", None),
        ({"Statement": without("Effect")}, "Missing required field Effect", None),
        ({"Statement": without(Sid=5)}, "Sid must be a string of letters and digits", None),
        (
            {"Statement": without(Sid="a\n")},
            "Sid must be a string of letters and digits",
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression "
            "[0-9A-Za-z]*",
        ),
        (
            {"Statement": without(Action="")},
            "Action must be a string or a list of strings",
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        ({"Statement": without("Action", NotAction=5)}, "NotAction must be a string or a list of strings", None),
        ({"Statement": without(Effect="Maybe")}, "Invalid effect: Maybe", None),
        (
            {"Statement": without("Principal", NotPrincipal="*")},
            "NotPrincipal is supported with the effect Deny only",
            "Policy document should not specify a principal.",
        ),
        (
            {"Statement": without(Condition={"Bool": {}, "X": {"aws:y": "z"}})},
            "Invalid Condition: unknown condition operator X",
            None,
        ),
    ],
)
def test_s3_and_ec2_report_an_invalid_structure(document: dict[str, Any], bucket: str, others: str | None) -> None:
    text = json.dumps(document)
    for use, expected in (
        ("bucket", bucket),
        ("endpoint", f"The Policy Document is not valid. {bucket}"),
        ("inline", others or "Syntax errors in policy."),
    ):
        with pytest.raises(PolicyDocumentError) as refusal:
            parse(text, use)
        assert str(refusal.value) == expected


@pytest.mark.parametrize(
    ("use", "entry", "expected"),
    [
        ("bucket", without("Principal"), "Missing required field Principal"),
        ("bucket", without("Action"), "Missing required field Action"),
        ("bucket", without("Resource"), "Missing required field Resource"),
        ("bucket", without(Action=[]), "Missing required field Action"),
        ("bucket", without(Resource="corpus"), "Policy has invalid resource"),
        ("bucket", without(Principal="ann"), "Invalid principal in policy"),
        ("endpoint", without("Principal"), "The Policy Document is not valid. Missing required field Principal"),
        ("endpoint", without("Action"), "The Policy Document is not valid. Missing required field Action"),
        ("endpoint", without("Resource"), "The Policy Document is not valid. Missing required field Resource"),
        ("endpoint", without(Resource="corpus"), "The Policy Document is not valid. Resource corpus is not an ARN"),
        ("endpoint", without(Principal="ann"), "Invalid principal in policy: ann"),
        (
            "endpoint",
            without(Principal={"CanonicalUser": "0" * 64}),
            'Invalid principal in policy: "CanonicalUser"',
        ),
        ("trust", without(), "Has prohibited field Resource."),
        ("trust", without("Resource", NotResource="*"), "Has prohibited field NotResource."),
        ("trust", without("Resource", "Action"), "Policy statement must contain actions."),
        ("trust", without("Resource", "Principal", Action="sts:AssumeRole"), "Missing required field Principal"),
        (
            "trust",
            without("Resource", Action="sts:AssumeRole"),
            'AssumeRolepolicy contained an invalid principal: "STAR":"*".',
        ),
        ("trust", without("Resource", Action="sts:AssumeRole", probe="x"), "Unknown field probe"),
        ("trust", without("Resource", "Effect", Action="sts:AssumeRole"), "Missing required field Effect"),
        (
            "trust",
            without("Resource", Action=["sts:AssumeRole", "s3:GetObject"]),
            "Trust Policy statement actions can only be sts:AssumeRole, sts:AssumeRoleWithSAML,  "
            "and sts:AssumeRoleWithWebIdentity",
        ),
    ],
)
def test_missing_elements_are_reported_with_awss_messages(use: PolicyUse, entry: dict[str, Any], expected: str) -> None:
    with pytest.raises(PolicyDocumentError) as refusal:
        parse(json.dumps({"Version": "2012-10-17", "Statement": entry}), use)
    assert str(refusal.value) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"statement": []}, "Unknown field statement"),
        ({"Version": "2012-10-17"}, "Missing required field Statement"),
        ({"Version": "2012", "Statement": []}, "Syntax errors in policy."),
    ],
)
def test_an_invalid_trust_policy_structure_is_reported_with_awss_message(
    document: dict[str, Any], expected: str
) -> None:
    with pytest.raises(PolicyDocumentError) as refusal:
        parse(json.dumps(document), "trust")
    assert str(refusal.value) == expected


def test_not_forms_replace_the_negated_elements() -> None:
    entry = without("Principal", "Action", "Resource", Effect="Deny", NotAction="s3:*", NotResource="*")
    for use in ("bucket", "endpoint"):
        (only,) = parse(json.dumps({"Statement": {**entry, "NotPrincipal": {"AWS": "1" * 12}}}), use).statements
        assert (only.not_action, only.not_resource) == (True, True)
        assert only.principals is not None
        assert only.principals.inverted
        assert not only.covers("s3:getobject")
        assert only.covers("ec2:createvpc")


def test_each_use_has_its_message_for_invalid_json() -> None:
    expected = {
        "managed": "Syntax errors in policy.",
        "inline": "Syntax errors in policy.",
        "session": "Syntax errors in policy.",
        "trust": "This policy contains invalid Json",
        "bucket": "This policy contains invalid Json",
        "endpoint": "The Policy Document is not valid. Syntax error at position (2,1)",
    }
    for use, message in expected.items():
        with pytest.raises(PolicyDocumentError) as refusal:
            parse("{\n", use)
        assert str(refusal.value) == message
    with pytest.raises(PolicyDocumentError) as refusal:
        parse(" {}", "bucket")
    assert str(refusal.value) == "Policies must be valid JSON and the first byte must be '{'"
    with pytest.raises(PolicyDocumentError) as refusal:
        parse('{"a": NaN}', "endpoint")
    assert str(refusal.value) == "The Policy Document is not valid."


def test_a_deeply_nested_document_is_refused() -> None:
    """A condition's value is on the sixth of eight levels; the message shows how far the document was parsed."""
    for lists, expected in ((3, "Missing required field Principal"), (4, "This policy contains invalid Json")):
        value: object = "x"
        for _ in range(lists):
            value = [value]
        with pytest.raises(PolicyDocumentError) as refusal:
            parse(statement(Condition={"StringEquals": {"aws:userid": value}}), "bucket")
        assert str(refusal.value) == expected


def test_an_endpoint_policy_has_a_maximum_length() -> None:
    text = json.dumps({"Statement": without()})
    parse(text + " " * (20_480 - len(text)), "endpoint")
    with pytest.raises(PolicyDocumentError, match=r"It has 20481 characters, and at most 20480 are allowed"):
        parse(text + " " * (20_481 - len(text)), "endpoint")


def test_control_characters_in_messages_are_replaced() -> None:
    assert str(PolicyDocumentError("a\x00b\nc")) == "a?b?c"


def test_a_statement_is_named_by_its_sid_or_number() -> None:
    found = parse(json.dumps({"Statement": [without(), without(Sid="Read"), without(Sid="")]}), "bucket")
    assert [each.name for each in found.statements] == ["statement 1", "statement 'Read'", "statement 3"]
    assert [each.sid for each in found.statements] == [None, "Read", None]
    assert found.version == "2008-10-17"


def test_statements_covering_an_action_are_found_in_any_case_and_after_many_others() -> None:
    found = parse(json.dumps({"Statement": [without(), without(Action="s3:Put*"), without(Action="*")]}), "bucket")
    assert [each.name for each in found.covering("S3:getobject")] == ["statement 1", "statement 3"]
    for number in range(1000):
        assert [each.name for each in found.covering(f"ec2:Action{number}")] == ["statement 3"]
    assert [each.name for each in found.covering("S3:getobject")] == ["statement 1", "statement 3"]

"""The findings about a document before it is used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reading_room.iam.policy.document import PolicyUse, parse
from reading_room.iam.policy.lint import lint, merged

POLICIES: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "iam_cases.json").read_text())["policies"]
GUIDE: str = POLICIES["seed-linux-repos-deny"]["text"]


def document(*entries: dict[str, Any], version: str | None = "2012-10-17") -> str:
    defaults: dict[str, Any] = {"Effect": "Allow", "Resource": "*"}
    statements = [{**defaults, **({} if "NotAction" in entry else {"Action": "s3:*"}), **entry} for entry in entries]
    return json.dumps({**({} if version is None else {"Version": version}), "Statement": statements})


def test_the_guides_two_documents_get_awss_error_the_reason_and_one_document() -> None:
    answer, reason, rest = lint(GUIDE, "endpoint")
    assert answer == (
        "refused: AWS answers InvalidPolicyDocument: The Policy Document is not valid. Syntax error at position (18,1)"
    )
    assert reason.startswith("the text holds 2 consecutive JSON documents.")
    text = merged(GUIDE)
    assert text is not None
    assert [statement.sid for statement in parse(text, "endpoint").statements] == [
        "AmazonLinuxAMIRepositoryAccess",
        "AmazonLinux2AMIRepositoryAccess",
    ]
    assert rest.startswith("merged into one document: nothing is allowed: every statement is a Deny")


def test_the_merged_document_of_the_guide_has_no_findings() -> None:
    assert lint(json.dumps(POLICIES["endpoint-merged"]["document"]), "endpoint") == []


@pytest.mark.parametrize(
    ("use", "code"),
    [
        ("managed", "MalformedPolicyDocument"),
        ("inline", "MalformedPolicyDocument"),
        ("session", "MalformedPolicyDocument"),
        ("trust", "MalformedPolicyDocument"),
        ("bucket", "MalformedPolicy"),
        ("endpoint", "InvalidPolicyDocument"),
    ],
)
def test_a_refusal_has_the_error_code_of_the_service(use: PolicyUse, code: str) -> None:
    (finding,) = lint("{", use)
    assert finding.startswith(f"refused: AWS answers {code}: ")


def test_one_document_or_none_is_not_merged() -> None:
    for text in ("", "{}", document({}), "[1] [2]", "{} nonsense", "{}" + "[" * 100_000):
        assert merged(text) is None


def test_merging_makes_sids_unique() -> None:
    text = merged(document({"Sid": "Read"}) * 2)
    assert text is not None
    assert [statement.sid for statement in parse(text, "inline").statements] == ["Read", "Read2"]


def test_documents_with_different_versions_and_variables_are_not_merged() -> None:
    old = document({"Resource": "arn:aws:s3:::home/${aws:username}"}, version=None)
    assert merged(old + document({})) is None
    assert merged(document({}, version=None) + document({})) is not None
    assert "different versions" in lint(old + document({}), "inline")[-1]


@pytest.mark.parametrize(
    ("text", "use", "words"),
    [
        pytest.param(document({"NotAction": "iam:*"}), "inline", "Allow with NotAction", id="NotAction"),
        pytest.param(
            document({"Resource": "arn:aws:s3:::${aws:username}/*"}, version=None), "inline", "no variables", id="2008"
        ),
        pytest.param(
            document(
                {"Resource": "arn:aws:s3:::b/*", "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}}
            ),
            "inline",
            "also true of a request without the key",
            id="ForAllValues",
        ),
        pytest.param(
            document({"Resource": "arn:aws:iam::${aws:PrincipalAccount}:role/r"}),
            "inline",
            "before the last part",
            id="an early variable",
        ),
        pytest.param(
            document({"Resource": "arn:aws:s3"}),
            "managed",
            "lacks the last parts of an ARN",
            id="a short resource",
        ),
        pytest.param(
            document({"Condition": {"StringEquals": {"userid": "x"}}}),
            "inline",
            "uses a key that no request has",
            id="a condition key without a vendor",
        ),
        pytest.param(
            document({"Effect": "Deny", "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}}),
            "inline",
            "denies every request without the key",
            id="a negated path key",
        ),
        pytest.param(document({"Effect": "Deny"}), "session", "nothing is allowed", id="a session that allows nothing"),
    ],
)
def test_unintended_but_valid_policies_get_a_warning(text: str, use: PolicyUse, words: str) -> None:
    (finding,) = lint(text, use)
    assert words in finding


def test_an_ordinary_policy_has_no_findings() -> None:
    assert lint(document({"Action": ["s3:GetObject", "s3:ListBucket"]}), "managed") == []

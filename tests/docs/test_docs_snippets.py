"""What pages show apart from commands is right as well: policies are accepted, results have the API's members."""

from __future__ import annotations

import csv
import json
from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, Shape, StructureShape

from reading_room.aws.models import service_model
from reading_room.iam.policy import lint
from reading_room.iam.policy.document import PolicyUse
from tests.worlds.pages import Block, blocks, name_of, pages

ALL = [block for path in pages() for block in blocks(path)]
ANSWER = "reading-room-api.md"
"""The page whose JSON shows an answer. All other JSON shows policies."""
POLICIES = [block for block in ALL if block.language == "json" and block.page != ANSWER]
RESULTS = {
    "kinds/classification.md": "ClassifyDocument",
    "kinds/dominant-language.md": "DetectDominantLanguage",
    "kinds/entities.md": "DetectEntities",
    "kinds/key-phrases.md": "DetectKeyPhrases",
    "kinds/sentiment.md": "DetectSentiment",
    "kinds/syntax.md": "DetectSyntax",
    "kinds/targeted-sentiment.md": "DetectTargetedSentiment",
}
"""For a kind, the operation whose answer resembles a line of its results."""
OF_A_LINE = {"File", "Line"}


def document(block: Block) -> dict[str, Any]:
    """Return the policy in a block, which may show only statements, one after another."""
    found = json.loads(f"[{block.text}]")
    whole = found[0] if "Statement" in found[0] else {"Version": "2012-10-17", "Statement": found}
    assert isinstance(whole, dict)
    return whole


def use_of(policy: dict[str, Any]) -> PolicyUse:
    """Return the use of a policy, according to its statements."""
    statements = policy["Statement"]
    if any("sts:AssumeRole" in statement["Action"] for statement in statements):
        return "trust"
    if "Principal" not in statements[0]:
        return "managed"
    return "endpoint" if any(statement["Principal"] == "*" for statement in statements) else "bucket"


@pytest.mark.parametrize("block", POLICIES, ids=str)
def test_each_policy_that_is_shown_is_accepted(block: Block) -> None:
    """By the reader that PutRolePolicy and the others use. Advice about it is the page's task."""
    policy = document(block)
    refused = [each for each in lint.lint(json.dumps(policy), use_of(policy)) if each.startswith("refused")]
    assert refused == []


@pytest.mark.parametrize("page", RESULTS)
def test_each_line_of_results_has_the_members_of_the_api(page: str) -> None:
    """According to botocore's model of Comprehend, with the file and the line that a job adds."""
    model = botocore.session.get_session().get_service_model("comprehend")
    lines = [json.loads(block.text) for block in ALL if block.page == page and block.text.startswith("{")]
    assert lines
    for line in lines:
        members = {name: value for name, value in line.items() if name not in OF_A_LINE}
        assert foreign(members, model.operation_model(RESULTS[page]).output_shape) == []


def test_the_recall_profile_that_is_shown_has_the_members_of_the_api() -> None:
    """According to the model of the service ``reading-room``, as it is installed."""
    shown = [json.loads(block.text) for block in ALL if block.language == "json" and block.page == ANSWER]
    operation = service_model("reading-room").operation_model("DescribePiiProfile")
    assert [foreign(each, operation.output_shape) for each in shown] == [[]]


def foreign(value: Any, shape: Shape | None) -> list[str]:
    """Return the members that a shape does not have, at any depth."""
    if isinstance(shape, StructureShape):
        inner = [
            name for each, part in value.items() if each in shape.members for name in foreign(part, shape.members[each])
        ]
        return [each for each in value if each not in shape.members] + inner
    if isinstance(shape, ListShape):
        return [name for part in value for name in foreign(part, shape.member)]
    return []


def test_each_table_that_is_shown_has_rows_of_its_columns() -> None:
    """Examples of CSV: training data, and the results of a topics job."""
    shown = [
        block for block in ALL if block.language == "csv" or (block.page == "kinds/topics.md" and not block.commands)
    ]
    assert len(shown) >= 4
    for block in shown:
        rows = list(csv.reader(block.text.splitlines()))
        assert len(rows) > 1, block
        assert len({len(row) for row in rows}) == 1, block


def test_an_unknown_member_is_found() -> None:
    """The comparison can fail."""
    shape = (
        botocore.session.get_session().get_service_model("comprehend").operation_model("DetectEntities").output_shape
    )
    assert foreign({"Entities": [{"Text": "a", "Kind": "PERSON"}], "Mood": 1}, shape) == ["Mood", "Kind"]
    assert {name_of(path) for path in pages()} >= set(RESULTS)

"""The page about state events: its commands, and the event that it shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reading_room.cli import reading
from tests.worlds.pages import blocks, page_of
from tests.worlds.product import Product
from tests.worlds.shells import by_default, steps_of, wrong_in

PAGE = "events.md"


def block(language: str, containing: str) -> str:
    """Return the block of the page in a language that contains a text."""
    (found,) = (each.text for each in blocks(page_of(PAGE)) if each.language == language and containing in each.text)
    return found


def test_the_event_of_the_page_has_the_members_of_real_ones() -> None:
    event = json.loads(block("jsonl", "COMPLETED"))
    assert list(event) == [
        *("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail")
    ]
    assert list(event["detail"]) == ["Sequence", "Status", "JobId", "JobName", "JobType"]


@pytest.mark.e2e
@pytest.mark.costs(6, reason="the commands of the page are typed")
def test_the_commands_of_the_page_show_events(product: Product, tmp_path: Path) -> None:
    happened(product.account(), "events")
    steps = steps_of("events", PAGE)
    assert len(steps) == 1
    wrong = wrong_in(steps, product, tmp_path, more=by_default(product))
    assert not wrong, "\n\n".join(wrong)


def happened(account: reading.Account, bucket: str) -> None:
    """Submit a job that fails, because its bucket does not exist."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "comprehend.amazonaws.com"}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = account.iam.create_role(RoleName=f"of-{bucket}", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    account.comprehend.start_entities_detection_job(
        InputDataConfig={"S3Uri": f"s3://{bucket}-in/"},
        OutputDataConfig={"S3Uri": f"s3://{bucket}-out/"},
        DataAccessRoleArn=role,
        LanguageCode="en",
    )

"""The page about state events: its commands, and its receiver, which verifies what is really sent."""

from __future__ import annotations

import base64
import datetime as dt
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reading_room.cli import reading
from reading_room.settings import Settings
from reading_room.state_events.sender_socket import Post, Posted
from reading_room.state_events.webhook import read_key, webhook_of
from tests.worlds.pages import blocks, page_of
from tests.worlds.product import Product
from tests.worlds.receiver import SECRET, key_file, receiver
from tests.worlds.shells import by_default, steps_of, wrong_in

PAGE = "events.md"


def block(language: str, containing: str) -> str:
    """Return the block of the page in a language that contains a text."""
    (found,) = (each.text for each in blocks(page_of(PAGE)) if each.language == language and containing in each.text)
    return found


def test_the_receiver_of_the_page_accepts_what_is_sent_and_nothing_else(tmp_path: Path) -> None:
    source = block("python", "def is_genuine").replace('"SECRET"', repr(base64.b64encode(SECRET).decode()))
    lines = [line for line in source.partition("\n\n\n")[2].splitlines() if line]
    assert len(lines) <= 10
    page: dict[str, Any] = {}
    exec(compile(source, PAGE, "exec"), page)  # noqa: S102 # the page's own code
    is_genuine = page["is_genuine"]
    with receiver() as server:
        settings = Settings(events_webhook=server.url, events_webhook_key=key_file(tmp_path), webhook_hosts="127.0.0.1")
        now = dt.datetime.now(dt.UTC)
        for moment in (now, now - dt.timedelta(minutes=6)):
            webhook = webhook_of(settings, lambda moment=moment: moment)  # type: ignore[misc]
            assert webhook.send(Post("an-id", '{"detail":{}}')) == Posted()
    genuine, old = server.came
    assert is_genuine(genuine.headers, genuine.body)
    assert not is_genuine(old.headers, old.body), "it could be replayed"
    assert not is_genuine(genuine.headers, genuine.body + b" ")
    assert not is_genuine(genuine.headers | {"webhook-id": "other"}, genuine.body)
    assert not is_genuine(genuine.headers | {"webhook-key-id": "second"}, genuine.body)


def test_the_key_of_the_page_can_be_read(tmp_path: Path) -> None:
    first = block("sh", "whsec_").splitlines()[0]
    subprocess.run(["/bin/sh", "-c", first], cwd=tmp_path, check=True)
    assert read_key(str(tmp_path / "webhook-key")).key_id == "first"


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
    assert len(steps) == 3
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

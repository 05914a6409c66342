"""What becomes of a job whose endpoint allows the guide's seven actions, and what when one of them is missing."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reading_room.cli import reading

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "endpoint-actions.md"
ROWS = dict(re.findall(r"^\| `(s3:\w+)` \| (\w+ \| (?:`\w+`)?)", PAGE.read_text(), re.MULTILINE))
NEEDED = ("s3:GetObject", "s3:PutObject", "s3:ListBucket")
PART = 8 << 20
"""Bytes from which the SDK writes an object in parts."""


@pytest.fixture(scope="module")
def place(make_library: Callable[..., Any]) -> Any:
    """A library with a small input, and one that is large enough for its output to be tried first."""
    library = make_library("10.19.0.0/16")
    library.put("small/a.txt", "Marie Curie moved to Paris.\nThe baker heats the oven.\n")
    library.put("large/a.txt", f"{'The weather is fine today in Paris. ' * 2_500}\n" * 13)
    return library


@pytest.fixture
def allow(place: Any) -> Iterator[Callable[..., None]]:
    """Give the endpoint a policy of so many actions; afterwards it has the guide's again."""

    def modify(*actions: str) -> None:
        place.account.ec2.modify_vpc_endpoint(
            VpcEndpointId=place.network.endpoint, PolicyDocument=reading.endpoint_policy(actions)
        )

    yield modify
    modify(*reading.ENDPOINT_ACTIONS)


def run(place: Any, kind: str, prefix: str) -> dict[str, Any]:
    """Run a job of a kind to its end, with results of its own."""
    calls = reading.JobCalls(place.account, kind)
    job = calls.start(
        InputDataConfig={"S3Uri": f"s3://{place.bucket}/{prefix}"},
        OutputDataConfig={"S3Uri": f"s3://{place.bucket}/results/"},
        DataAccessRoleArn=place.role,
        VpcConfig=place.network.config(),
    )
    return calls.wait(job, seconds=300)


def written(place: Any, properties: dict[str, Any]) -> list[str]:
    """Return the objects that a job wrote."""
    prefix = properties["OutputDataConfig"]["S3Uri"].partition(place.bucket + "/")[2].removesuffix("output.tar.gz")
    listed = place.account.s3.list_objects_v2(Bucket=place.bucket, Prefix=prefix)
    return [entry["Key"].removeprefix(prefix) for entry in listed.get("Contents", ())]


def unfinished(place: Any) -> list[str]:
    """Return the uploads that nobody completed or aborted."""
    return [entry["Key"] for entry in place.account.s3.list_multipart_uploads(Bucket=place.bucket).get("Uploads", ())]


def test_the_page_has_a_row_for_each_of_the_seven_actions() -> None:
    assert set(ROWS) == set(reading.ENDPOINT_ACTIONS)
    assert {action for action, result in ROWS.items() if "FAILED" in result} == set(NEEDED)


# Kinds that read document by document differ in their engine only; topics have a program of their own.
@pytest.mark.parametrize(
    ("kind", "size"), [("dominant-language", "small"), ("dominant-language", "large"), ("topics", "small")]
)
@pytest.mark.parametrize("action", reading.ENDPOINT_ACTIONS)
def test_an_endpoint_without_one_action_gives_the_documented_result(
    place: Any, allow: Callable[..., None], action: str, kind: str, size: str
) -> None:
    allow(*(other for other in reading.ENDPOINT_ACTIONS if other != action))
    properties = run(place, kind, f"{size}/")
    status, _, code = ROWS[action].partition(" | ")
    assert properties["JobStatus"] == status, properties
    if status == "FAILED":
        message = properties["Message"]
        assert message.startswith(f"{code.strip('`')}: "), message
        assert action in message
        assert place.network.endpoint in message
        assert written(place, properties) == []
    else:
        assert written(place, properties) == ["output.tar.gz"]
    assert unfinished(place) == []
    assert place.interfaces() == []


def test_an_output_above_the_threshold_is_written_in_parts_with_the_actions_that_are_used(
    place: Any, allow: Callable[..., None]
) -> None:
    # A policy that allows more than these three, the guide's seven, allows no less.
    chance = random.Random(7)
    letters = string.ascii_letters + string.digits

    def name() -> str:
        # One word that no compression makes much shorter, and that the results repeat.
        return "M" + "".join(chance.choices(letters, k=5_000))

    place.put("names/a.txt", "".join(f"Angela {name()} lives in Paris.\n" for _ in range(5_000)))
    allow(*NEEDED)
    properties = run(place, "entities", "names/")
    assert properties["JobStatus"] == "COMPLETED", properties
    key = properties["OutputDataConfig"]["S3Uri"].partition(place.bucket + "/")[2]
    head = place.account.s3.head_object(Bucket=place.bucket, Key=key)
    assert head["ContentLength"] > PART
    assert re.search(r"-[2-9]\"$", head["ETag"]), f"not written in parts: {head['ETag']}"
    assert sum(1 for _ in reading.results(place.account, properties)) == 5_000
    assert unfinished(place) == []

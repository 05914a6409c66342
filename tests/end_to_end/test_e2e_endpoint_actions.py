"""The result of a job whose endpoint allows the guide's seven actions, or lacks one of them."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reading_room.cli import reading
from tests.worlds.place import Place

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "endpoint-actions.md"
ROWS = {
    action: (status, code)
    for action, status, code in re.findall(r"^\| `(s3:\w+)` \| (\w+) \| (?:`(\w+)`)?", PAGE.read_text(), re.MULTILINE)
}
NEEDED = ("s3:GetObject", "s3:PutObject", "s3:ListBucket")
WITHOUT = [
    *(pytest.param([action], id=action) for action in NEEDED),
    pytest.param([action for action in reading.ENDPOINT_ACTIONS if action not in NEEDED], id="all the others"),
]
"""Each needed action is missing once. The others are missing all together, which covers policies with some of them."""
PART = 8 << 20
"""The size in bytes from which the SDK writes an object in parts."""


@pytest.fixture(scope="module")
def place(make_library: Callable[..., Place]) -> Place:
    """A place with a small input, and one that is so large that the job tests its output location first."""
    library = make_library("10.19.0.0/16")
    library.put_text("small/a.txt", "Marie Curie moved to Paris.\nThe baker heats the oven.\n")
    library.put_text("large/a.txt", f"{'The weather is fine today in Paris. ' * 2_500}\n" * 13)
    return library


@pytest.fixture
def allow(place: Place) -> Iterator[Callable[..., None]]:
    """Yield a function that sets the actions of the endpoint's policy; restore the guide's policy afterwards."""
    yield place.allow
    place.allow(*reading.ENDPOINT_ACTIONS)


def written(place: Place, properties: dict[str, Any]) -> list[str]:
    """Return the objects that a job wrote."""
    prefix = properties["OutputDataConfig"]["S3Uri"].partition(place.bucket + "/")[2].removesuffix("output.tar.gz")
    listed = place.account.s3.list_objects_v2(Bucket=place.bucket, Prefix=prefix)
    return [entry["Key"].removeprefix(prefix) for entry in listed.get("Contents", ())]


def unfinished(place: Place) -> list[str]:
    """Return the uploads that were neither completed nor aborted."""
    return [entry["Key"] for entry in place.account.s3.list_multipart_uploads(Bucket=place.bucket).get("Uploads", ())]


def test_the_page_has_a_row_for_each_action() -> None:
    assert set(ROWS) == set(reading.ENDPOINT_ACTIONS)
    assert {action for action, result in ROWS.items() if result[0] == "FAILED"} == set(NEEDED)


# Kinds that read one document at a time differ only in their engine. Topics have a separate program.
@pytest.mark.parametrize(
    ("kind", "size"), [("dominant-language", "small"), ("dominant-language", "large"), ("topics", "small")]
)
@pytest.mark.parametrize("missing", WITHOUT)
def test_an_endpoint_without_one_action_gives_the_documented_result(
    place: Place, allow: Callable[..., None], missing: list[str], kind: str, size: str
) -> None:
    allow(*(action for action in reading.ENDPOINT_ACTIONS if action not in missing))
    properties = place.run(f"{size}/", kind)
    ((status, code),) = {ROWS[action] for action in missing}
    assert properties["JobStatus"] == status, properties
    if status == "FAILED":
        message = properties["Message"]
        assert message.startswith(f"{code}: "), message
        assert missing[0] in message
        assert place.endpoint in message
        assert written(place, properties) == []
    else:
        assert written(place, properties) == ["output.tar.gz"]
    assert unfinished(place) == []
    assert place.interfaces() == []


def test_a_large_output_is_written_in_parts_with_the_needed_actions_alone(
    place: Place, allow: Callable[..., None]
) -> None:
    # If these three actions suffice, so do the guide's seven.
    chance = random.Random(7)
    letters = string.ascii_letters + string.digits

    def name() -> str:
        # A word that does not compress well, and that the results contain.
        return "M" + "".join(chance.choices(letters, k=10_000))

    lines = [" ".join(f"Angela {name()} lives in Paris." for _ in range(20)) for _ in range(64)]
    place.put_text("names/a.txt", "\n".join(lines))
    allow(*NEEDED)
    properties = place.run("names/", "entities")
    assert properties["JobStatus"] == "COMPLETED", properties
    key = properties["OutputDataConfig"]["S3Uri"].partition(place.bucket + "/")[2]
    head = place.account.s3.head_object(Bucket=place.bucket, Key=key)
    assert head["ContentLength"] > PART
    assert re.search(r"-[2-9]\"$", head["ETag"]), f"not written in parts: {head['ETag']}"
    assert sum(1 for _ in reading.results(place.account, properties)) == 64
    assert unfinished(place) == []

"""Jobs for events in a VPC, from boto3 to the objects of their folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from reading_room.analysis.event_types import EVENT_TYPES
from reading_room.cli import reading
from reading_room.comprehend.tags import CONTAINERS_TAG
from tests.worlds.place import Place

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

DEAL = "Harbor Steel Inc. acquired Lakeside Foundry LLC for $40 million on March 3, 2021."
SPLIT = "Harbor Steel Inc. announced a 1-for-10 reverse stock split."
QUIET = "The committee meets on Monday in the small room."


@pytest.fixture(scope="module")
def library(make_library: Callable[..., Place]) -> Place:
    """Return a place whose jobs may run in several containers."""
    found = make_library()
    reading.open_to_itself(found.account, found.network.group)
    return found


def lines(library: Place, properties: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the lines of each object of a job's folder, by its name."""
    bucket, _, key = properties["OutputDataConfig"]["S3Uri"].removeprefix("s3://").partition("/")
    assert key.endswith("/output/")
    keys = list(reading.objects_below(library.account, bucket, key))
    bodies = {each: library.account.s3.get_object(Bucket=bucket, Key=each)["Body"].read().decode() for each in keys}
    return {each[len(key) :]: [json.loads(line) for line in body.splitlines()] for each, body in bodies.items()}


@pytest.mark.parametrize("containers", ["1", "2"])
def test_the_events_of_each_file_are_in_an_object_of_its_own(library: Place, containers: str) -> None:
    for number in range(3):
        library.put_text(f"deals-{containers}/{number}.txt", f"{DEAL}\n{QUIET}\n{SPLIT}\n" * 20)
    tags = [{"Key": CONTAINERS_TAG, "Value": containers}]
    properties = library.run(f"deals-{containers}/", "events", Tags=tags)
    assert properties["JobStatus"] == "COMPLETED", properties
    assert properties["TargetEventTypes"] == list(EVENT_TYPES)
    found = lines(library, properties)
    assert set(found) == {"0.txt.out", "1.txt.out", "2.txt.out"}
    for name, of_file in found.items():
        assert [line["File"] for line in of_file] == [name.removesuffix(".out")] * 60
        assert [line["Line"] for line in of_file] == list(range(60))
        kinds = [[event["Type"] for event in line["Events"]] for line in of_file[:3]]
        assert kinds == [["CORPORATE_ACQUISITION"], [], ["STOCK_SPLIT"]]
        (event,) = of_file[0]["Events"]
        for trigger in event["Triggers"]:
            assert DEAL[trigger["BeginOffset"] : trigger["EndOffset"]] == trigger["Text"]
        names = [entity["Mentions"][0]["Text"] for entity in of_file[0]["Entities"]]
        roles = {argument["Role"]: names[argument["EntityIndex"]] for argument in event["Arguments"]}
        assert roles["INVESTEE"] == "Lakeside Foundry LLC"
    # The tag that takes the place of VpcConfig led the job into the VPC.
    assert any(subnet in library.story(properties["JobId"]) for subnet in library.network.subnets)
    assert library.interfaces() == []


def test_only_the_types_that_a_job_names_are_written(library: Place) -> None:
    library.put_text("some/a.txt", f"{DEAL} {SPLIT}\n")
    properties = library.run("some/", "events", TargetEventTypes=["STOCK_SPLIT"])
    assert properties["JobStatus"] == "COMPLETED", properties
    ((line,),) = lines(library, properties).values()
    assert [event["Type"] for event in line["Events"]] == ["STOCK_SPLIT"]
    assert "$40 million" not in json.dumps(line)

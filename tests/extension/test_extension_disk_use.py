"""GetDiskUse: what an account's data takes, by kind."""

from __future__ import annotations

import pytest

from reading_room.comprehend.tables import ModelRow
from reading_room.logs import streams
from reading_room.logs.streams import EVENT_OVERHEAD, NewEvent, milliseconds
from reading_room.vpc.tables import FlowLog
from tests.worlds.extension import ACCOUNT, OTHER_ACCOUNT, REGION, ExtensionWorld, allow, refusal

pytestmark = pytest.mark.costs(0.4, reason="the whole product is made, with a network, a bucket and a role")


def log(world: ExtensionWorld, group: str, text: str) -> None:
    """Store an event in a log group."""
    now = milliseconds(world.now)
    with world.database.transaction() as session:
        streams.append(session, ACCOUNT, REGION, group, "one", [NewEvent(now, text)], now)


def flow_log(world: ExtensionWorld, group: str) -> None:
    """Make a row of a flow log that delivers to a log group."""
    with world.database.transaction() as session:
        session.add(
            FlowLog(
                flow_log_id="fl-1",
                account=ACCOUNT,
                resource_type="VPC",
                resource_id=world.vpc,
                traffic_type="ALL",
                destination_type="cloud-watch-logs",
                log_group_name=group,
                log_format="",
                created_at=world.now,
            )
        )


def model(world: ExtensionWorld, size: int) -> None:
    """Train a classifier, as far as its size is concerned."""
    arn = world.client("comprehend").create_document_classifier(**world.training())["DocumentClassifierArn"]
    with world.database.transaction() as session:
        session.get_one(ModelRow, arn).artifact_size = size


def test_each_kind_is_told_with_its_limit(world: ExtensionWorld) -> None:
    log(world, "/flow", "records")
    log(world, "/other", "text")
    flow_log(world, "/flow")
    model(world, 1000)
    stored = sum(each["Size"] for each in world.client("s3").list_objects_v2(Bucket="papers")["Contents"])
    uses = {each["Kind"]: each for each in world.room().get_disk_use()["DiskUse"]}
    assert {kind: each["Bytes"] for kind, each in uses.items()} == {
        "OBJECTS": stored,
        "MODELS": 1000,
        "LOG_EVENTS": 2 * EVENT_OVERHEAD + len("recordstext"),
        "FLOW_RECORDS": EVENT_OVERHEAD + len("records"),
    }
    assert {kind for kind, each in uses.items() if "Limit" in each} == {"OBJECTS", "LOG_EVENTS"}
    stranger = world.user("stranger", allow("reading-room:GetDiskUse"), account=OTHER_ACCOUNT)
    assert {each["Bytes"] for each in world.room(stranger).get_disk_use()["DiskUse"]} == {0}
    nobody = world.user("nobody")
    assert refusal(world.room(nobody).get_disk_use)[0] == "AccessDeniedException"

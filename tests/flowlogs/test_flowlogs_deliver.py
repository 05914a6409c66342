"""Delivery to log groups and buckets, with the role's and the service's permissions."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from reading_room.dataplane.spec import FlowEvent
from reading_room.iam import inline_policies, roles
from reading_room.logs import streams
from reading_room.logs.tables import LogGroup
from reading_room.vpc.tables import (
    NetworkInterface,
)
from tests.worlds.flows import ACCOUNT, TRUST, WRITE, FlowWorld
from tests.worlds.full_disk import files_of_at_most


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FlowWorld]:
    world = FlowWorld(tmp_path)
    yield world
    world.database.close()


def test_a_window_is_delivered_to_a_stream_of_its_interface(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    world.send()
    assert world.pass_time(59) == 0
    assert world.pass_time(1) == 1
    (message,) = world.delivered()["eni-1-all"]
    assert message.startswith(f"2 {ACCOUNT} eni-1 10.0.1.5 52.216.0.10 40000 443 6 10 5000 ")
    assert world.status() == ("SUCCESS", None)


def test_a_deleted_interface_is_delivered_at_the_next_turn(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    world.send()
    with world.database.transaction() as session:
        session.execute(delete(NetworkInterface))
    assert world.pass_time(1) == 1
    world.send(packets=1, bytes=40)
    assert world.pass_time(1) == 1
    assert len(world.delivered()["eni-1-all"]) == 2
    assert world.pass_time(60) == 0
    assert world.measured("delivered", destination="cloud-watch-logs") == 2
    assert world.measured("late") == 1


def test_a_short_lived_interface_between_two_refreshes_is_recorded(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.pass_time(1)
    world.interface()
    world.set_status("available")
    world.send()
    world.delivery.interface_deleted("eni-1")
    assert world.pass_time(1) == 1


def test_packets_reported_after_the_deletion_are_in_the_same_window(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    world.delivery.interfaces_seen({"eni-1"})
    with world.database.transaction() as session:
        session.execute(delete(NetworkInterface))
    world.send()
    assert world.pass_time(0.5) == 0
    world.send()
    world.delivery.interface_deleted("eni-1")
    assert world.pass_time(1) == 1


def test_stopping_the_product_delivers_open_windows(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    world.send()
    assert world.delivery.close(world.now) == 1


def test_an_announced_deletion_is_delivered_once(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    world.send()
    world.delivery.interface_deleted("eni-1")
    with world.database.transaction() as session:
        session.execute(delete(NetworkInterface))
    assert world.pass_time(1) == 1
    assert world.pass_time(1) == 0


def test_a_missing_role_or_permission_fails_the_delivery_with_a_status(world: FlowWorld) -> None:
    world.flow_log()
    world.interface()
    world.send()
    assert world.pass_time(60) == 0
    assert world.status() == ("FAILED", "Access error")
    world.role(policy=None)
    assert world.pass_time(60) == 0
    assert world.status() == ("FAILED", "Access error")
    assert world.delivered() == {}
    with world.database.transaction() as session:
        assert session.scalar(select(LogGroup)) is None
        role = roles.get(session, ACCOUNT, "FlowLogs")
        inline_policies.put(session, "role", role.unique_id, role.name, "write", WRITE)
    assert world.pass_time(60) == 1
    assert world.status() == ("SUCCESS", None)


def test_a_role_that_trusts_the_service_for_another_account_only_is_refused(world: FlowWorld) -> None:
    world.flow_log()
    world.interface()
    with world.database.transaction() as session:
        trust = TRUST.replace(ACCOUNT, "444455556666")
        roles.create(session, ACCOUNT, "FlowLogs", trust, world.now)
    world.send()
    world.pass_time(60)
    assert world.status() == ("FAILED", "Access error")
    assert world.measured("dropped", reason="access") == 1
    assert world.measured("delivered", destination="cloud-watch-logs") is None


def test_one_role_session_serves_many_deliveries(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    for _ in range(3):
        world.pass_time(60)
    with world.database.reading() as session:
        assert session.connection().exec_driver_sql("select count(*) from iam_role_sessions").scalar() == 1


def test_a_start_after_a_crash_delivers_skipdata(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    world.send()
    world.delivery = world.start()
    world.pass_time(60)
    assert [message.split()[-1] for message in world.delivered()["eni-1-all"]] == ["SKIPDATA"]


def test_windows_survive_a_crash_and_unknown_traffic_is_skipdata(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    world.send()
    world.pass_time(10)
    world.send(packets=1, bytes=40)
    world.delivery = world.start()
    world.send(packets=2, bytes=100)
    world.pass_time(50)
    record, skipped = world.delivered()["eni-1-all"]
    assert record.split()[8:10] == ["12", "5100"], "only what came after the last keeping is lost"
    assert skipped.split()[-1] == "SKIPDATA"
    world.delivery = world.start()
    world.pass_time(60)
    assert [message.split()[-1] for message in world.delivered()["eni-1-all"]] == ["OK", "SKIPDATA", "SKIPDATA"]


def test_delivered_windows_are_not_saved(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    world.send()
    world.pass_time(10)
    assert world.keep.stat().st_mode & 0o777 == 0o600
    assert world.delivery.close(world.now) == 1
    assert not world.keep.exists()


def test_on_a_full_disk_windows_are_delivered_and_never_twice(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    world.send()
    world.pass_time(10)
    assert world.keep.exists()
    world.send(packets=100, bytes=5000)
    with files_of_at_most(0):
        world.delivery.turn(world.now + dt.timedelta(seconds=10))
    # What was saved before may be delivered next, and a start after a crash would deliver it again.
    assert not world.keep.exists()
    world.pass_time(20)
    assert world.keep.exists(), "with room, open windows are saved again"
    assert world.pass_time(30) == 1


def test_an_unreadable_file_of_windows_loses_only_these(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    world.keep.write_text("[[1]")
    world.delivery = world.start()
    world.send()
    assert world.pass_time(60) == 2


def test_an_agent_that_took_over_causes_skipdata(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    world.send()
    world.delivery.interrupted("local")
    world.pass_time(60)
    assert [message.split()[-1] for message in world.delivered()["eni-1-all"]] == ["OK", "SKIPDATA"]


def test_an_unused_interface_is_not_recorded(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    world.set_status("available")
    assert world.pass_time(60) == 0


@pytest.mark.costs(0.2, reason="ten thousand flows are delivered")
def test_ten_thousand_flows_are_delivered_quickly(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    at = world.now.timestamp()
    world.delivery.record(
        [
            FlowEvent("vpc-1", "eni-1", "egress", "10.0.1.5", "52.216.0.10", port, 443, 6, 1, 40, at, at, "ACCEPT")
            for port in range(10_000)
        ]
    )
    begun = time.process_time()
    assert world.pass_time(60) == 10_000
    assert time.process_time() - begun < 2
    with world.database.reading() as session:
        group = streams.get_group(session, ACCOUNT, "/flow")
        (stream,) = streams.streams(session, group)
        assert stream.stored_bytes > 10_000 * 60

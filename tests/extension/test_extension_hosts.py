"""The hosts of the installation: only its operator makes tokens, changes hosts and removes them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reading_room.fleet import authority, hosts, invitation, tokens
from reading_room.fleet.tables import HostRow
from reading_room.jobs.tables import JobContainerRow
from tests.worlds.extension import ExtensionWorld, allow, refusal
from tests.worlds.fleet import ZONES, new_host

pytestmark = pytest.mark.costs(0.2, reason="the whole product is made, with a network, a bucket and a role")
SOON = dt.datetime(2099, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[ExtensionWorld]:
    """A product that hosts can join."""
    with closing(ExtensionWorld(tmp_path, hosts_listen="10.0.0.1:4569")) as world:
        yield world


def joined(room: ExtensionWorld, place: int = 2, **more: Any) -> None:
    """Let a host join."""
    with room.database.transaction() as session:
        row = hosts.admit(session, new_host(f"h{place}", place), ZONES, room.now)
        for name, value in more.items():
            setattr(row, name, value)


def rows(room: ExtensionWorld) -> list[HostRow]:
    """Return every host."""
    with room.database.reading() as session:
        return hosts.every(session)


def test_a_token_names_the_address_the_authority_and_its_end(room: ExtensionWorld) -> None:
    before = dt.datetime.now(dt.UTC)
    made = room.room().create_host_token(ExpiresInSeconds=120)
    found = invitation.parse(made["Token"])
    with room.database.transaction() as session:
        assert found.fingerprint == authority.of_installation(session, room.now).fingerprint
        tokens.use(session, found.secret, "h2", "0" * 64, dt.datetime.now(dt.UTC))
    assert found.place == "10.0.0.1:4569"
    assert dt.timedelta(0) <= made["ExpiresAt"] - before - dt.timedelta(seconds=119) <= dt.timedelta(seconds=60)


def test_a_token_is_not_in_the_trail_and_the_call_is(room: ExtensionWorld) -> None:
    secret = invitation.parse(room.room().create_host_token()["Token"]).secret
    room.product.access.trail.close()
    lines = "".join(path.read_text() for path in room.folder.glob("trail/**/*.jsonl"))
    assert "CreateHostToken" in lines
    assert secret not in lines


def test_without_a_listener_for_hosts_there_are_no_tokens(tmp_path: Path) -> None:
    with closing(ExtensionWorld(tmp_path)) as world:
        code, message = refusal(world.room().create_host_token)
        assert code == "HostsOffException"
        assert "READING_ROOM_HOSTS_LISTEN" in message


def test_hosts_are_described_in_the_order_of_their_numbers(room: ExtensionWorld) -> None:
    assert room.room().describe_hosts()["Hosts"] == []
    joined(room, 3)
    joined(room, 2, seen_at=room.now, lease_until=SOON, labels={"disk": "ssd"})
    first, second = room.room().describe_hosts()["Hosts"]
    assert [first["Host"], second["Host"]] == ["h3", "h2"]
    assert "LeaseUntil" not in first
    assert second["LeaseUntil"] == SOON
    assert {name: second[name] for name in ("Number", "State", "Zone", "Underlay", "Mtu", "Labels")} == {
        "Number": 2,
        "State": "ACTIVE",
        "Zone": "us-east-1a",
        "Underlay": "10.0.0.2",
        "Mtu": 1500,
        "Labels": {"disk": "ssd"},
    }


def test_a_host_is_drained_labelled_and_removed(room: ExtensionWorld) -> None:
    joined(room, lease_until=SOON, labels={"rack": "7"})
    code, message = refusal(lambda: room.room().remove_host(Host="h2"))
    assert (code, "drain it first" in message) == ("HostRefusedException", True)
    changed = room.room().update_host(
        Host="h2", State="DRAINING", Cores=2, MemoryBytes=1 << 30, Labels={"disk": "ssd"}, RemoveLabels=["rack"]
    )["Host"]
    assert [changed[name] for name in ("State", "Cores", "MemoryBytes", "Labels")] == [
        "DRAINING",
        2,
        1 << 30,
        {"disk": "ssd"},
    ]
    assert room.room().update_host(Host="h2", Zone="us-east-1f")["Host"]["Zone"] == "us-east-1f"
    assert room.room().remove_host(Host="h2") == {"Removed": False, "ResponseMetadata": ANY}
    assert [row.state for row in rows(room)] == ["leaving"]
    joined(room, 3)
    assert room.room().remove_host(Host="h3")["Removed"]
    assert [row.host for row in rows(room)] == ["h2"]


class _Any:
    """Equals everything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


ANY = _Any()


def test_the_zone_of_a_host_with_containers_stays(room: ExtensionWorld) -> None:
    job = room.client("comprehend").start_entities_detection_job(**room.request())["JobId"]
    for _ in range(3):
        room.product.jobs.controller.turn()
    joined(room, state="draining")
    with room.database.transaction() as session:
        for row in session.query(JobContainerRow).filter_by(job_id=job):
            row.host = "h2"
    code, message = refusal(lambda: room.room().update_host(Host="h2", Zone="us-east-1b"))
    assert code == "HostRefusedException"
    assert "has 1 containers of jobs" in message
    assert [row.zone for row in rows(room)] == ["us-east-1a"]


def test_a_running_job_says_on_which_host_each_container_is_if_there_are_several(room: ExtensionWorld) -> None:
    job = room.client("comprehend").start_entities_detection_job(**room.request())["JobId"]
    for _ in range(3):
        room.product.jobs.controller.turn()

    def container() -> Any:
        return room.room().describe_job_runs(JobIds=[job])["JobRuns"][0]["Containers"][0]

    assert "Host" not in container()
    joined(room)
    assert container()["Host"] == "local"
    with room.database.transaction() as session:
        for row in session.query(JobContainerRow).filter_by(job_id=job):
            row.host = "h2"
    assert container()["Host"] == "h2"


@pytest.mark.parametrize(
    ("operation", "given"), [("update_host", {"State": "DRAINING"}), ("remove_host", {})], ids=["update", "remove"]
)
def test_an_unknown_host_is_named(room: ExtensionWorld, operation: str, given: dict[str, str]) -> None:
    code, message = refusal(lambda: getattr(room.room(), operation)(Host="h9", **given))
    assert code == "HostNotFoundException"
    assert "no host h9" in message


def test_only_the_first_account_may_call_them_and_needs_a_policy(room: ExtensionWorld) -> None:
    joined(room)
    stranger = room.room(room.user("stranger", allow("*"), account="444455556666"))
    nobody = room.room(room.user("nobody"))
    for call in (
        lambda caller: caller.create_host_token(),
        lambda caller: caller.describe_hosts(),
        lambda caller: caller.update_host(Host="h2", State="DRAINING"),
        lambda caller: caller.remove_host(Host="h2"),
    ):
        assert refusal(lambda call=call: call(stranger))[0] == "NotOperatorException"
        assert refusal(lambda call=call: call(nobody))[0] == "AccessDeniedException"
    assert [row.state for row in rows(room)] == ["active"]

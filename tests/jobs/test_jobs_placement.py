"""On which host each container of a job runs, or why the job must wait."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.jobs.placement import Attempt, ContainerSize, Host, MustWait, Preference, place, places_left

A, B, C = "us-east-1a", "us-east-1b", "us-east-1c"
GB = 1_000_000_000
SIZE = ContainerSize(memory=2 * GB, cpus=1.0, overcommit=2.0)


def attempt(containers: int = 1, job: str = "j", **more: object) -> Attempt:
    return Attempt(job, tuple(f"{job}-{n}" for n in range(containers)), "entities-en", **more)  # type: ignore[arg-type]


def homes(found: dict[str, dict[str, Host] | MustWait], job: str = "j") -> list[str]:
    chosen = found[job]
    assert isinstance(chosen, dict), chosen
    return [host.host for host in chosen.values()]


def reason(found: dict[str, dict[str, Host] | MustWait], job: str = "j") -> str:
    waits = found[job]
    assert isinstance(waits, MustWait), waits
    return waits.reason


def test_a_job_s_containers_are_spread_over_hosts_or_packed() -> None:
    hosts = (Host("a", A, 3), Host("b", A, 2))
    assert homes(place([attempt(4)], hosts, "spread")) == ["a", "a", "b", "a"]
    assert homes(place([attempt(4)], hosts, "pack")) == ["b", "b", "a", "a"]


def test_a_container_is_placed_near_a_loaded_engine() -> None:
    hosts = (Host("a", A, 9), Host("b", A, 2, loaded={"entities-en": 1}), Host("c", A, 1, loaded={"topics": 1}))
    assert homes(place([attempt(2)], hosts, "spread")) == ["b", "a"]


def test_a_container_runs_in_the_zone_of_its_subnet() -> None:
    hosts = (Host("a", A, 9), Host("b", B, 1), Host("c", C, 1))
    assert homes(place([attempt(1, zones={B: 5})], hosts, "spread")) == ["b"]
    assert homes(place([attempt(3, zones={A: 1, B: 5})], hosts, "spread")) == ["a", "b", "b"], "one address in a"


def test_a_job_waits_for_room_and_its_further_containers_share_what_there_is() -> None:
    hosts = (Host("a", A, 1), Host("b", A, 0), Host("c", B, 9))
    found = place([attempt(4, zones={A: 9}), attempt(1, "k", zones={A: 9})], hosts, "spread")
    assert Counter(homes(found)) == {"a": 3, "b": 1}
    assert reason(found, "k") == (
        "no host in us-east-1a has room for another container now: a and b run as many as they can"
    )
    assert homes(place([attempt(1, zones={A: 9}, more=True)], (Host("a", A, -2),), "spread")) == ["a"]


def test_a_job_waits_for_hosts_that_take_no_containers_and_not_for_hosts_that_do_not_exist() -> None:
    hosts = (Host("a", A, 9), Host("b", B, 9, closed="is being drained"), Host("c", B, 9, closed="is lost"))
    closed = place([attempt(1, zones={B: 5})], hosts, "spread")["j"]
    assert closed == MustWait("no host in us-east-1b takes new containers: b is being drained and c is lost")
    missing = place([attempt(1, zones={C: 5})], hosts, "spread")["j"]
    assert missing == MustWait(
        "no host is in us-east-1c, where the job's subnets are (the hosts are in us-east-1a and us-east-1b): name a "
        "subnet in a zone with a host, or add a host there",
        forever=True,
    )


@pytest.mark.parametrize(
    ("containers", "starting", "left"),
    [(0, 0, 4), (3, 0, 4), (3, 1, 3), (6, 2, 2), (8, 0, 0), (9, 9, 0)],
)
def test_the_room_of_a_host(containers: int, starting: int, left: int) -> None:
    assert places_left(4, 40 * GB, 8 * GB, SIZE, containers, starting) == left


def test_an_empty_host_always_has_room_for_one() -> None:
    assert places_left(1, GB, 0, SIZE, 0, 0) == 1


HOSTS = st.lists(
    st.builds(
        Host,
        host=st.uuids().map(str),
        zone=st.sampled_from([A, B, C]),
        room=st.integers(-2, 4),
        closed=st.sampled_from(["", "", "is being drained"]),
        loaded=st.dictionaries(st.just("entities-en"), st.integers(0, 2)),
    ),
    max_size=5,
    unique_by=lambda host: host.host,
)
ZONES = st.none() | st.dictionaries(st.sampled_from([A, B, C]), st.integers(0, 6))


@given(
    hosts=HOSTS,
    given_attempts=st.lists(st.tuples(st.integers(1, 6), ZONES, st.booleans()), max_size=4),
    preference=st.sampled_from(["spread", "pack"]),
)
def test_containers_run_only_where_they_may_and_wait_only_if_they_must(
    hosts: list[Host], given_attempts: list[tuple[int, dict[str, int] | None, bool]], preference: Preference
) -> None:
    attempts = [attempt(n, f"j{i}", zones=zones, more=more) for i, (n, zones, more) in enumerate(given_attempts)]
    found = place(attempts, hosts, preference)
    assert found == place(attempts, hosts, preference)
    assert list(found) == [each.key for each in attempts]
    room = {host.host: host.room for host in hosts}
    for each in attempts:
        able = [h for h in hosts if not h.closed and (each.zones is None or each.zones.get(h.zone, 0) > 0)]
        chosen = found[each.key]
        if isinstance(chosen, MustWait):
            assert not able or (not each.more and all(room[host.host] <= 0 for host in able))
            assert chosen.reason
            continue
        assert tuple(chosen) == each.containers
        assert {host.host for host in chosen.values()} <= {host.host for host in able}
        first = next(iter(chosen.values()))
        assert each.more or room[first.host] > 0
        for host in chosen.values():
            if room[host.host] <= 0 and each.zones is None:
                assert all(room[other.host] <= 0 for other in able), "it shares a host although another has room"
            room[host.host] -= 1

"""What every driver of placement must do. Each clause is a function of two empty hosts, in two zones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from reading_room.jobs.placement import Attempt, MustWait, Placed
from tests.worlds.placement import ROOM, A, B, Bed, attempt, homes

C = "us-east-1c"
Clause = Callable[[Bed], None]


def has_home(found: Placed) -> bool:
    return bool(homes(found))


def waits(found: Placed) -> bool:
    """Return whether the job waits for room, and says so."""
    chosen = found["j"]
    return isinstance(chosen, MustWait) and any(each in chosen.reason for each in ("has room", "Resources"))


def fill(bed: Bed) -> list[str]:
    """Run as many containers as there is room for; return their names."""
    given = [attempt(job=f"full{n}") for n in range(2 * ROOM)]
    found = bed.place(given, lambda found: all(homes(found, each.key) for each in given))
    bed.begin(found)
    names = [name for each in given for name in each.containers]
    assert sorted(name for chosen in found.values() if isinstance(chosen, dict) for name in chosen) == names
    return names


def a_container_gets_a_host_and_the_same_one_if_asked_again(bed: Bed) -> None:
    first = bed.place([attempt()], has_home)
    assert homes(first).total() == 1
    assert bed.place([attempt()], has_home) == first


def a_container_runs_in_a_zone_of_its_subnets(bed: Bed) -> None:
    wanted = [attempt(2, zones={B: 9}), attempt(job="k", zones={A: 9})]
    found = bed.place(wanted, lambda found: bool(homes(found) and homes(found, "k")))
    assert (homes(found), homes(found, "k")) == (Counter(b=2), Counter(a=1))


def a_zone_gets_no_more_containers_than_it_has_addresses(bed: Bed) -> None:
    assert homes(bed.place([attempt(3, zones={A: 1, B: 9})], has_home)) == Counter(a=1, b=2)


def a_host_that_takes_nothing_gets_nothing(bed: Bed) -> None:
    bed.close("a")
    assert homes(bed.place([attempt(2)], has_home)) == Counter(b=2)
    bed.close("b", "has no lease: it does not answer")
    (waiting,) = bed.place([attempt(job="k")], lambda found: isinstance(found["k"], MustWait)).values()
    assert waiting == MustWait(
        "no host takes new containers: a is being drained and b has no lease: it does not answer"
    )


def a_zone_without_hosts_is_not_waited_for(bed: Bed) -> None:
    (waiting,) = bed.place([attempt(zones={C: 9})], lambda found: True).values()
    assert isinstance(waiting, MustWait)
    assert waiting.forever
    assert "no host is in us-east-1c" in waiting.reason


def the_containers_of_a_job_may_be_on_several_hosts(bed: Bed) -> None:
    assert homes(bed.place([attempt(2 * ROOM)], has_home)) == Counter(a=ROOM, b=ROOM)


def a_job_waits_for_room_says_so_and_begins_when_there_is_some(bed: Bed) -> None:
    running = fill(bed)
    for _ in range(2):
        assert waits(bed.place([attempt()], waits))
    bed.end(running[-1])
    assert homes(bed.place([attempt()], has_home)).total() == 1


def all_containers_of_a_job_get_a_host_or_none_does(bed: Bed) -> None:
    running = fill(bed)
    found = bed.place([attempt(2)], waits)
    assert waits(found)
    for each in running[:2]:
        bed.end(each)
    found = bed.place([attempt(2)], has_home)
    assert isinstance(found["j"], dict)
    assert tuple(found["j"]) == ("j-0", "j-1")


def the_job_that_waits_longest_is_first(bed: Bed) -> None:
    running = fill(bed)
    both: Sequence[Attempt] = [attempt(), attempt(job="k")]
    bed.place(both, waits)
    bed.end(running[0])
    found = bed.place(both, has_home)
    assert (homes(found).total(), homes(found, "k").total()) == (1, 0)


def a_container_that_replaces_a_lost_one_is_placed_alone(bed: Bed) -> None:
    bed.begin(bed.place([attempt()], has_home))
    found = bed.place([Attempt("j-7", ("j-7",), "entities-en", more=True)], lambda found: bool(homes(found, "j-7")))
    assert homes(found, "j-7").total() == 1


CONTRACT: tuple[Clause, ...] = (
    a_container_gets_a_host_and_the_same_one_if_asked_again,
    a_container_runs_in_a_zone_of_its_subnets,
    a_zone_gets_no_more_containers_than_it_has_addresses,
    a_host_that_takes_nothing_gets_nothing,
    a_zone_without_hosts_is_not_waited_for,
    the_containers_of_a_job_may_be_on_several_hosts,
    a_job_waits_for_room_says_so_and_begins_when_there_is_some,
    all_containers_of_a_job_get_a_host_or_none_does,
    the_job_that_waits_longest_is_first,
    a_container_that_replaces_a_lost_one_is_placed_alone,
)

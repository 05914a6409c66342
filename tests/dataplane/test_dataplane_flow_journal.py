"""Counts of flows survive the process that counted them, until the server has them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.dataplane.linux.flow_counts import Key, Tallies
from reading_room.dataplane.linux.flow_journal import Journal
from reading_room.dataplane.rules.flow_places import Places
from reading_room.dataplane.spec import Interface
from tests.worlds.full_disk import files_of_at_most

INTERFACE = Interface("eni-1", "subnet-1", "10.0.1.5", "02:00:00:00:00:01", ("sg-1",), "c", True, ("10.0.1.6",))


def key(port: int) -> Key:
    return ("vpc-1", "eni-1", "egress", "10.0.1.5", "10.0.1.9", port, 443, 6, "ACCEPT", "", "")


def counts(tallies: Tallies) -> dict[int, tuple[int, int]]:
    return {event.source_port: (event.packets, event.bytes) for event in tallies.drain()}


def test_unconfirmed_counts_are_counted_by_the_next_process(tmp_path: Path) -> None:
    first = Tallies(Journal(tmp_path))
    first.add(key(1), 2, 100, 5.0, 6.0)
    first.write()
    first.add(key(1), 1, 50, 4.0, 7.0, 2)
    first.write()
    first.add(key(2), 1, 40, 8.0, 8.0)
    second = Tallies(Journal(tmp_path))
    (event,) = second.drain()
    assert (event.packets, event.bytes, event.start, event.end, event.tcp_flags) == (3, 150, 4.0, 7.0, 2)


def test_confirmed_counts_are_not_returned_again_but_later_ones_are(tmp_path: Path) -> None:
    first = Tallies(Journal(tmp_path))
    first.add(key(1), 1, 40, 1.0, 1.0)
    assert counts(first) == {1: (1, 40)}
    confirmed = first.forgetting()
    first.add(key(2), 1, 41, 1.0, 1.0)
    assert counts(first) == {2: (1, 41)}
    first.add(key(3), 1, 42, 1.0, 1.0)
    first.write()
    confirmed()
    second = Tallies(Journal(tmp_path))
    assert counts(second) == {2: (1, 41), 3: (1, 42)}
    second.forgetting()()
    assert counts(Tallies(Journal(tmp_path))) == {}


def test_a_batch_cut_off_by_the_end_of_the_process_is_left_out(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write([(*key(1), 1, 40, 1.0, 1.0, 0)])
    journal.write([(*key(2), 1, 40, 1.0, 1.0, 0)])
    (segment,) = tmp_path.glob("*.counts")
    segment.write_bytes(segment.read_bytes()[:-5])
    assert counts(Tallies(Journal(tmp_path))) == {1: (1, 40)}


def test_the_oldest_segments_go_when_there_are_too_many_bytes(tmp_path: Path) -> None:
    tallies = Tallies(Journal(tmp_path, most=500))
    for port in range(20):
        tallies.add(key(port), 1, 40, 1.0, 1.0)
        tallies.drain()
    left = counts(Tallies(Journal(tmp_path)))
    assert 0 < len(left) < 20
    assert max(left) == 19


def test_places_are_read_back_as_far_as_they_are_logged(tmp_path: Path) -> None:
    quiet = Interface("eni-2", "subnet-1", "10.0.1.7", "02:00:00:00:00:02", (), "d")
    places = Places(
        {"10.0.1.5": INTERFACE, "10.0.1.6": INTERFACE, "10.0.1.7": quiet},
        {7: INTERFACE, 8: quiet},
        frozenset({"10.0.1.1"}),
        {"192.0.2.1": INTERFACE},
    )
    Journal(tmp_path).keep_places("vpc-1", places)
    journal = Journal(tmp_path)
    assert journal.places("vpc-1") == Places(
        {"10.0.1.5": INTERFACE, "10.0.1.6": INTERFACE}, {7: INTERFACE}, places.silent, places.gateways
    )
    assert journal.places("vpc-2") is None
    journal.forget_places("vpc-1")
    assert journal.places("vpc-1") is None


@given(st.lists(st.one_of(st.tuples(st.integers(0, 5), st.integers(1, 99)), st.sampled_from(["drain", "tell", "die"]))))
def test_every_packet_is_reported_exactly_once_whenever_the_process_ends(steps: list[object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder))
        tallies = Tallies(journal)
        sent = confirmed = waiting = 0
        for step in [*steps, "drain", "tell"]:
            if isinstance(step, tuple):
                port, packets = step
                tallies.add(key(port), packets, packets, 1.0, 1.0)
                tallies.write()
                sent += packets
            elif step == "drain":
                waiting += sum(event.packets for event in tallies.drain())
            elif step == "tell":
                tallies.forgetting()()
                confirmed, waiting = confirmed + waiting, 0
            else:
                journal.close()
                journal = Journal(Path(folder))
                tallies = Tallies(journal)
                waiting = 0
        journal.close()
        assert confirmed == sent


def test_counts_that_a_full_disk_does_not_take_are_written_later_and_none_is_lost(tmp_path: Path) -> None:
    tallies = Tallies(Journal(tmp_path))
    tallies.add(key(1), 1, 40, 1.0, 1.0)
    tallies.write()
    tallies.add(key(2), 1, 41, 1.0, 1.0)
    with files_of_at_most(sum(path.stat().st_size for path in tmp_path.iterdir()) + 10), pytest.raises(OSError):
        tallies.write()
    tallies.write()
    assert counts(Tallies(Journal(tmp_path))) == {1: (1, 40), 2: (1, 41)}

"""The trail's files: complete, ordered, bounded and chained, also after crashes, full disks and tampering."""

from __future__ import annotations

import datetime as dt
import json
import os
import stat
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reading_room.trail.chain import ChainBroken, backwards, event_in, files_of, path_of, verify
from reading_room.trail.journal import Journal, Limits
from reading_room.trail.kept_heads import NoHeads
from reading_room.trail.recording import Trail
from tests.worlds.threads import refuse_first_starts
from tests.worlds.trail import NOON, Clock, record
from tests.worlds.waiting import DEADLINE
from tests.worlds.work import calls


def plain(item: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield one event for an item; raise for the item ``bad``."""
    if item == "bad":
        raise ValueError(item)
    yield "management", {"item": item}


def events(folder: Path, book: str = "management") -> list[dict[str, Any]]:
    """Return the events of a book, oldest first."""
    found = []
    for _, path in files_of(folder, book):
        for line in path.read_bytes().splitlines():
            event = event_in(line)
            assert event is not None
            found.append(event)
    return found


def write(folder: Path, *items: str, clock: Clock | None = None) -> None:
    """Write items with a new journal, and close it."""
    journal = Journal(folder, plain, clock or Clock(), 90)
    for item in items:
        journal.hand_over(item, 10)
    journal.close()


def test_events_are_written_in_order_to_a_private_file(tmp_path: Path) -> None:
    write(tmp_path / "trail", *(str(number) for number in range(500)))
    assert [event["item"] for event in events(tmp_path / "trail")] == [str(number) for number in range(500)]
    assert stat.S_IMODE((tmp_path / "trail").stat().st_mode) == 0o700
    path = path_of(tmp_path / "trail", "management", NOON.date())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_is_created_before_the_first_event(tmp_path: Path) -> None:
    Journal(tmp_path / "trail", plain, Clock(), 90).close()
    assert list(tmp_path.iterdir()) == []


def test_flush_waits_for_earlier_items(tmp_path: Path) -> None:
    journal = Journal(tmp_path, plain, Clock(), 90)
    for number in range(100):
        journal.hand_over(str(number), 10)
        assert journal.flush()
        assert len(events(tmp_path)) == number + 1
    journal.close()


def test_no_event_of_many_threads_is_lost(tmp_path: Path) -> None:
    journal = Journal(tmp_path, plain, Clock(), 90)

    def call(name: str) -> None:
        for number in range(200):
            journal.hand_over(f"{name}-{number}", 10)

    threads = [threading.Thread(target=call, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    assert len({event["item"] for event in events(tmp_path)}) == 1600
    assert verify(tmp_path, "management").lines == 1600


def test_the_chain_continues_after_a_restart_and_from_day_to_day(tmp_path: Path) -> None:
    clock = Clock()
    write(tmp_path, "a", "b", clock=clock)
    write(tmp_path, "c", clock=clock)
    clock.now += dt.timedelta(days=1)
    write(tmp_path, "d", clock=clock)
    journal = Journal(tmp_path, plain, clock, 90)
    journal.hand_over("e", 1)
    assert journal.flush()
    clock.now += dt.timedelta(days=1)
    journal.hand_over("f", 1)
    journal.close()
    assert len(files_of(tmp_path, "management")) == 3
    found = verify(tmp_path, "management")
    assert (found.lines, found.torn, found.first_day) == (6, 0, NOON.date())


def test_files_beyond_the_retention_time_are_deleted(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(5):
        journal = Journal(tmp_path, plain, clock, 2)
        journal.hand_over("x", 1)
        journal.close()
        clock.now += dt.timedelta(days=1)
    assert [day.day for day, _ in files_of(tmp_path, "management")] == [3, 4, 5]
    assert verify(tmp_path, "management").lines == 3


@pytest.mark.parametrize("change", ["edit", "delete", "insert", "swap"])
def test_a_change_in_the_middle_is_found(tmp_path: Path, change: str) -> None:
    write(tmp_path, *"abcde")
    path = path_of(tmp_path, "management", NOON.date())
    lines = path.read_bytes().splitlines(keepends=True)
    match change:
        case "edit":
            lines[2] = lines[2].replace(b'"c"', b'"x"')
        case "delete":
            del lines[2]
        case "insert":
            lines.insert(2, lines[1])
        case "swap":
            lines[1], lines[2] = lines[2], lines[1]
    path.write_bytes(b"".join(lines))
    with pytest.raises(ChainBroken) as raised:
        verify(tmp_path, "management")
    assert path.name in str(raised.value)


def test_missing_last_lines_are_found_only_with_a_recorded_digest(tmp_path: Path) -> None:
    write(tmp_path, *"abc")
    noted = verify(tmp_path, "management").last_digest
    assert verify(tmp_path, "management", {noted}).found == {noted}
    path = path_of(tmp_path, "management", NOON.date())
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert not verify(tmp_path, "management", {noted}).found


def test_a_truncated_line_is_kept_reported_and_followed(tmp_path: Path) -> None:
    write(tmp_path, "a", "b")
    path = path_of(tmp_path, "management", NOON.date())
    with path.open("ab") as file:
        file.write(b'{"previous":"0123')
    write(tmp_path, "c")
    found = verify(tmp_path, "management")
    assert (found.lines, found.torn) == (4, 1)


def test_an_item_that_cannot_be_converted_is_counted_in_the_trail(tmp_path: Path) -> None:
    write(tmp_path, "a", "bad", "b")
    found = events(tmp_path)
    assert [event.get("item") for event in found] == ["a", "b", None]
    assert found[2]["eventName"] == "EventsLost"
    assert found[2]["serviceEventDetails"] == {"lost": 1}


def test_waiting_items_are_bounded_and_lost_ones_counted(tmp_path: Path) -> None:
    journal = Journal(tmp_path, plain, Clock(), 90, limits=Limits(items=10, batch_seconds=60))
    for number in range(25):
        journal.hand_over(str(number), 1)
    journal.close()
    found = events(tmp_path)
    assert [event.get("item") for event in found[:10]] == [str(number) for number in range(10)]
    assert found[10]["serviceEventDetails"] == {"lost": 15}


def test_waiting_bytes_are_bounded(tmp_path: Path) -> None:
    journal = Journal(tmp_path, plain, Clock(), 90, limits=Limits(bytes=100, batch_seconds=60))
    for _ in range(3):
        journal.hand_over("big", 50)
    journal.close()
    assert events(tmp_path)[-1]["serviceEventDetails"] == {"lost": 1}


def test_a_full_book_deletes_its_oldest_days_and_then_refuses_events(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    for day in range(4):
        journal = Journal(tmp_path, plain, clock, 90, most=3500)
        for number in range(10):
            journal.hand_over(f"{day}-{number}", 1)
        journal.close()
        clock.now += dt.timedelta(days=1)
    assert [day.day for day, _ in files_of(tmp_path, "management")] == [2, 3, 4]
    assert verify(tmp_path, "management").lines == 30
    journal = Journal(tmp_path, plain, clock, 90, most=3500)
    for number in range(60):
        journal.hand_over(f"flood-{number}", 1)
        journal.flush()
    journal.close()
    assert [day.day for day, _ in files_of(tmp_path, "management")] == [5]
    kept = [event["item"] for event in events(tmp_path)]
    assert kept == [f"flood-{number}" for number in range(len(kept))]
    assert 20 < len(kept) < 40
    assert "raise READING_ROOM_TRAIL_BYTES" in caplog.text


def test_setting_the_clock_back_breaks_no_chain(tmp_path: Path) -> None:
    clock = Clock()
    write(tmp_path, "a", clock=clock)
    clock.now -= dt.timedelta(days=3)
    write(tmp_path, "b", clock=clock)
    journal = Journal(tmp_path, plain, clock, 90)
    journal.hand_over("c", 1)
    journal.flush()
    clock.now -= dt.timedelta(days=3)
    journal.hand_over("d", 1)
    journal.close()
    assert [event["item"] for event in events(tmp_path)] == ["a", "b", "c", "d"]
    assert verify(tmp_path, "management").lines == 4


class WithoutMemory(NoHeads):
    """Has no memory for a head, once when a book is opened and once when a head is recorded."""

    def __init__(self) -> None:
        self.lacks = {"opened", "note"}
        self.noted = threading.Event()

    def _lack(self, what: str) -> None:
        if what in self.lacks:
            self.lacks.remove(what)
            raise MemoryError

    def opened(self, book: str, last: str) -> str:
        self._lack("opened")
        return last

    def note(self, heads: Mapping[str, str]) -> None:
        self._lack("note")
        self.noted.set()


def test_without_memory_the_trail_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its threads are started again and go on, whatever fails. If one ended, every later call would wait for it."""
    refused = refuse_first_starts(monkeypatch, "trail", "trail-heads")
    heads = WithoutMemory()
    journal = Journal(tmp_path, plain, Clock(), 90, limits=Limits(retry_seconds=0.01, sync_seconds=0.0), heads=heads)
    for item in "abcd":
        journal.hand_over(item, 1)
    assert journal.flush(DEADLINE)
    assert heads.noted.wait(DEADLINE)
    journal.close()
    assert [event["item"] for event in events(tmp_path)] == ["a", "b", "c", "d"]
    assert (refused, heads.lacks) == (set(), set())
    assert "will be retried: MemoryError" in caplog.text


def test_a_temporary_disk_failure_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failing, failed = [True], threading.Semaphore(0)
    real = os.write

    def write_half(descriptor: int, data: Any) -> int:
        if failing[0] and threading.current_thread().name == "trail":
            if len(data) < 100:
                failed.release()
                raise OSError(28, "No space left on device")
            return real(descriptor, data[:50])
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", write_half)
    journal = Journal(tmp_path, plain, Clock(), 90, limits=Limits(retry_seconds=0.01))
    for item in "abc":
        journal.hand_over(item, 1)
    for _ in range(3):
        assert not journal.flush(0)
        assert failed.acquire(timeout=DEADLINE)
    failing[0] = False
    assert journal.flush(DEADLINE)
    journal.close()
    assert [event["item"] for event in events(tmp_path)] == ["a", "b", "c"]
    assert verify(tmp_path, "management").torn == 0
    assert "No space left" in caplog.text


@given(st.lists(st.integers(0, 200_000), max_size=8), st.booleans())
@settings(max_examples=50, deadline=None)
def test_reading_backwards_yields_lines_in_reverse_with_offsets(sizes: list[int], torn: bool) -> None:
    lines = [bytes([65 + number]) * size for number, size in enumerate(sizes)]
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"".join(line + b"\n" for line in lines) + (b"unfinished" if torn else b""))
        file.flush()
        found = list(backwards(Path(file.name)))
        assert [line for _, line in found] == lines[::-1]
        whole = Path(file.name).read_bytes()
        for place, line in found:
            assert whole[place : place + len(line) + 1] == line + b"\n"
            rest = [older for _, older in backwards(Path(file.name), place)]
            assert rest == lines[: len(rest)][::-1]
            assert sum(len(older) + 1 for older in rest) == place


def test_handing_over_a_record_takes_little_time(tmp_path: Path) -> None:
    """Another thread writes the records."""
    trail = Trail(folder=tmp_path / "trail", clock=Clock(), days=90)
    call = record()
    trail.record(call)
    assert calls(lambda: trail.record(call)) < 20
    trail.close()
    assert len(events(tmp_path / "trail")) == 2


def test_any_json_tool_can_extract_the_event_of_a_line(tmp_path: Path) -> None:
    write(tmp_path, "a")
    line = path_of(tmp_path, "management", NOON.date()).read_text()
    assert json.loads(line)["event"] == {"item": "a"}

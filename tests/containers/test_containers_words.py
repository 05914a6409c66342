"""The messages of a worker; anything else is reported, never lost, and affects no other container."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.analysis.job_file import TEXT_LIMIT, Done, Failed, Progress, Ready, WorkerMessage, encode_message
from reading_room.codec import decode, encode
from reading_room.containers.message_schema import NoMessage, read_message
from reading_room.containers.messages import WorkerMessages
from reading_room.containers.reader import LINE_LIMIT, MESSAGES, ReaderProcess, Said
from tests.worlds.words import words

DIGEST = "ab" * 32
COUNTS = st.integers(0, (1 << 53) - 1)
MESSAGES_OF_A_WORKER = st.one_of(
    st.just(Ready()),
    st.builds(Progress, COUNTS, COUNTS),
    st.builds(Done, COUNTS, COUNTS, COUNTS, st.just(DIGEST), st.booleans(), st.text(), st.text()),
    st.builds(Failed, st.just("INTERNAL_ERROR"), st.text()),
)


def say(folder: Path, *lines: str | bytes | WorkerMessage) -> WorkerMessages:
    """Return the messages of a worker that wrote these lines."""
    with (folder / "messages").open("ab") as file:
        for line in lines:
            text = line if isinstance(line, str | bytes) else encode_message(line)
            file.write((text if isinstance(text, bytes) else text.encode()) + b"\n")
    return words(folder)


@given(MESSAGES_OF_A_WORKER)
def test_a_message_survives_its_encoding_and_the_way_to_the_agent(message: WorkerMessage) -> None:
    assert read_message(encode_message(message).encode()) == message
    said = Said((message,), 1)
    assert decode(Said, encode(said)) == said


@given(st.text(st.characters(categories=None)))
def test_a_worker_may_quote_any_document(text: str) -> None:
    said = read_message(encode_message(Failed("INTERNAL_ERROR", text)).encode())
    assert said == Failed("INTERNAL_ERROR", text.encode(errors="replace").decode())


def test_a_worker_cuts_messages_that_are_too_long() -> None:
    said = read_message(encode_message(Failed("INTERNAL_ERROR", "x" * 10_000)).encode())
    assert said == Failed("INTERNAL_ERROR", "x" * (TEXT_LIMIT - 1) + "…")


@pytest.mark.parametrize(
    ("line", "place"),
    [
        (b"", "EOF"),
        (b"not JSON", "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
        (b"[1]", "object"),
        (b"{}", "type"),
        (b'{"type": "Gone"}', "type"),
        (b'{"type": "Ready", "environment": {}}', "environment"),
        (b'{"type": "Progress", "documents": "1"}', "documents"),
        (b'{"type": "Progress", "documents": true}', "documents"),
        (b'{"type": "Progress", "documents": 1.0}', "documents"),
        (b'{"type": "Progress", "documents": -1}', "documents"),
        (b'{"type": "Progress", "documents": 18446744073709551616}', "documents"),
        (b'{"type": "Progress", "documents": 1' + b"0" * 5000 + b"}", "out of range"),
        (b'{"type": "Progress", "documents": NaN}', "documents"),
        (b'{"type": "Failed", "code": "INTERNAL_ERROR", "message": "\\ud800"}', "Invalid JSON"),
        (b'{"type": "Failed", "code": "\\ud800", "message": "x"}', "Invalid JSON"),
        (b'{"type": "Failed", "code": "X\\r", "message": "x"}', "code"),
        (b'{"type": "Failed", "code": "X", "message": "' + b"x" * 4097 + b'"}', "message"),
        (b'{"type": "Done", "documents": 1, "errors": 0, "size": 1, "sha256": "AB"}', "sha256"),
        (b"[" * 60_000, "recursion"),
    ],
)
def test_a_line_that_breaks_the_schema_is_refused_with_the_place(line: bytes, place: str) -> None:
    with pytest.raises(NoMessage, match=place) as refusal:
        read_message(line)
    assert str(refusal.value).isprintable()


@given(st.binary(max_size=300) | st.text(max_size=100).map(json.dumps).map(str.encode))
def test_every_malformed_line_raises_no_message(line: bytes) -> None:
    with contextlib.suppress(NoMessage):
        read_message(line)


def test_messages_are_read_as_they_come_and_half_a_line_waits(tmp_path: Path) -> None:
    said = words(tmp_path)
    assert said.read() == ()
    with (tmp_path / "messages").open("a") as file:
        file.write(encode_message(Ready()) + "\n" + encode_message(Progress(1))[:-3])
        file.flush()
        assert said.read() == (Ready(),)
        file.write(encode_message(Progress(1))[-3:] + "\n" + encode_message(Progress(2)) + "\n")
    assert said.read() == (Ready(), Progress(2))
    assert said.ready()
    assert not said.fault


def test_a_million_bytes_of_progress_are_read_in_one_go(tmp_path: Path) -> None:
    said = say(
        tmp_path, Ready(), *[encode_message(Progress(number)) for number in range(20_000)], Done(1, 0, 1, DIGEST)
    )
    assert said.read() == (Ready(), Progress(19_999), Done(1, 0, 1, DIGEST))


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (["not a message"], "Invalid JSON"),
        ([Ready(), b'{"type": "Failed", "code": "INTERNAL_ERROR", "message": "\\ud800"}'], "Invalid JSON"),
        ([Ready(), '{"type": "Progress", "documents": 18446744073709551616}'], "documents"),
        ([Progress(1)], "its first message"),
        ([Ready(), Ready()], "its first message"),
        ([Ready(), Done(1, 0, 1, DIGEST), Progress(2)], "after its last one"),
        ([Ready(), Done(1, 0, 1, DIGEST), Failed("INTERNAL_ERROR", "x")], "after its last one"),
        ([Ready(), Done(1, 0, 1, DIGEST), "printed by a library"], "Invalid JSON"),
        ([Ready(), "x" * LINE_LIMIT], "longer than 65,536 bytes"),
    ],
)
def test_no_message_is_read_after_a_malformed_one(
    tmp_path: Path, lines: list[str | bytes | WorkerMessage], fault: str
) -> None:
    said = say(tmp_path, *lines)
    last = said.read()[-1]
    assert isinstance(last, Failed)
    assert last.code == "INTERNAL_ERROR"
    assert fault in said.fault
    assert said.fault in last.message
    say(tmp_path, Progress(9))
    assert said.read()[-1] == last


def test_control_characters_of_a_failure_are_escaped(tmp_path: Path) -> None:
    said = say(tmp_path, Ready(), Failed("INTERNAL_ERROR", "red \x1b[31m\u202e"))
    assert said.read()[-1] == Failed("INTERNAL_ERROR", "red \\x1b[31m\\u202e")


def test_the_end_of_standard_error_is_shown_escaped(tmp_path: Path) -> None:
    said = words(tmp_path)
    assert said.diagnostics() == ""
    (tmp_path / "diagnostics").write_bytes(b"x" * 9000 + b"\n\xff the last line \x1b[31m\n")
    assert said.diagnostics().endswith("x\n\ufffd the last line \\x1b[31m")
    assert len(said.diagnostics()) <= TEXT_LIMIT


@pytest.fixture
def reader() -> Iterator[ReaderProcess]:
    """Return the reader's process."""
    process = ReaderProcess(None)
    yield process
    process.close()


@pytest.mark.costs(1, reason="it starts the reader's process")
def test_the_reader_may_only_read_and_is_restarted_after_a_kill(tmp_path: Path, reader: ReaderProcess) -> None:
    said = dataclasses.replace(say(tmp_path, Ready()), reader=reader)
    assert said.read() == (Ready(),)
    pid = reader.pid
    assert pid is not None
    status = Path(f"/proc/{pid}/status").read_text()
    assert "Seccomp:\t2\n" in status
    assert "NoNewPrivs:\t1\n" in status
    os.kill(pid, signal.SIGKILL)
    say(tmp_path, Progress(1))
    assert said.read() == (Ready(), Progress(1))
    assert reader.pid not in (None, pid)


@pytest.mark.costs(1, reason="it starts the reader's process")
def test_a_reader_that_does_not_answer_fails_only_the_container_that_it_read(
    tmp_path: Path, reader: ReaderProcess
) -> None:
    said = dataclasses.replace(say(tmp_path, Ready()), reader=reader)
    assert said.ready()
    with (tmp_path / "messages").open("rb") as file:
        assert reader.read(MESSAGES, file.fileno(), 1 << 63).fault == "reading it failed twice"
        assert reader.read(MESSAGES, file.fileno(), 0).messages == (Ready(),)

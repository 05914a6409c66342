"""Output of a worker: on its standard output, at a realtime socket, and at the service's own address."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

from reading_room.analysis.job_file import Failed, Progress, Ready, encode_message
from reading_room.aws.models import operation_model
from reading_room.aws.protocols import json as json_protocol
from reading_room.codec import decode, encode
from reading_room.comprehend.endpoints.models import ModelRefused
from reading_room.comprehend.errors import DocumentRefused
from reading_room.comprehend.operations.documents import Document, Given, characters_of, raise_if_refused
from reading_room.comprehend.operations.realtime import Answer
from reading_room.containers.message_schema import NoMessage, read_message
from reading_room.containers.messages import WorkerMessages
from reading_room.containers.reader import LINE_LIMIT, Said
from reading_room.containers.reader_process import read_said
from reading_room.hosts.realtime import RealtimePool, RealtimeUnavailable, read_line
from reading_room.hosts.realtime_models import MESSAGE_LENGTH, read_loaded
from reading_room.jobs.part_requests import Malformed, read_finished, read_plan
from tests.fuzz import assert_printable

FOLDER = tempfile.TemporaryDirectory()
OUTPUT = Path(FOLDER.name) / "output"
DETECT = operation_model("comprehend", "DetectEntities")


def worker_message(data: bytes) -> None:
    """One line of a worker: not a message, or a message that stays the same when encoded and decoded again."""
    try:
        message = read_message(data)
    except NoMessage as error:
        assert_printable(str(error))
        return
    assert read_message(encode_message(message).encode()) == message


class LocalReader:
    """A reader in this process that behaves like the reader process."""

    def read(self, what: bytes, descriptor: int, offset: int) -> Said:
        result = read_said(what, descriptor, offset)
        assert result.taken <= LINE_LIMIT
        assert decode(Said, encode(result)) == result
        return result

    def close(self) -> None:
        """Do nothing, because nothing is open."""


def worker_output(data: bytes) -> None:
    """A worker's whole output and diagnostics: messages in order; after a fault, the last one is a failure."""
    OUTPUT.write_bytes(data)
    words = WorkerMessages(OUTPUT, OUTPUT, LocalReader())
    messages = words.read()
    assert words.read() == messages
    before_fault = messages[:-1] if words.fault else messages
    assert not words.fault or isinstance(messages[-1], Failed)
    assert [type(message) for message in before_fault[:1]] in ([], [Ready])
    assert all(isinstance(message, Progress) for message in before_fault[1:-1])
    words.fault.encode()
    assert words.diagnostics().replace("\n", "").replace("\t", "").isprintable()


def realtime_answer(data: bytes) -> None:
    """The answer of a realtime container: results that the API can return, a refusal, or the end of the container."""
    assert DETECT is not None
    answer = _answer(data, "a text")
    if answer is not None:
        json_protocol.serialize(DETECT, {"Entities": answer}, "r")
    answer = _answer(data, Document(b"%PDF-1.7"))
    if answer is not None:
        assert isinstance(answer, dict)
        try:
            raise_if_refused(answer)
        except DocumentRefused as error:
            assert_printable(error.message)
        else:
            json_protocol.serialize(DETECT, answer, "r")
            assert characters_of(Document(b""), answer) >= 0


def _answer(data: bytes, given: Given) -> Answer | None:
    """Return what the pool makes of a container's answer; ``None`` if it is none."""
    ends: list[socket.socket] = []

    def start() -> None:
        for spec in pool.specs():
            ours, theirs = socket.socketpair()
            ends.append(theirs)
            theirs.sendall(b'{"ready": true}\n' + data[:60_000])
            theirs.shutdown(socket.SHUT_WR)
            pool.arrived(spec.container_id, ours)

    pool = RealtimePool(start)
    try:
        (answer,) = pool.analyse("111122223333", "entities-en", [given], "en")
    except RealtimeUnavailable:
        return None
    finally:
        pool.forget_all()
        for end in ends:
            end.close()
    return answer


def realtime_model(data: bytes) -> None:
    """What a realtime container says of the model that it was given: loaded, or a refusal that can be printed."""
    message = ""
    try:
        read_loaded(read_line(data))
    except ModelRefused as refused:
        message = refused.message
    except (ValueError, RecursionError):
        return
    assert_printable(message)
    assert len(message) < 11 * MESSAGE_LENGTH


def cluster_request(data: bytes) -> None:
    """The body of a request from a job's first container to the service: a plan, a finished part, or a refusal."""
    for read in (read_plan, read_finished):
        try:
            read(data)
        except Malformed:
            pass

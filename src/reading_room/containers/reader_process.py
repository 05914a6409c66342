"""The reader: a process that reads what workers wrote, so that the agent need not.

It receives one request after the other at descriptor 0: what to read, from where, and the open file. It has its own
user id, and from its first request on it may only read, answer and exit. A worker that takes it over can neither open,
start, connect to nor signal anything.
"""

from __future__ import annotations

import os
import resource
import socket

from reading_room.analysis.job_file import Failed, Progress, WorkerMessage, encode_message
from reading_room.codec import encode
from reading_room.containers import seccomp
from reading_room.containers.calls import READER
from reading_room.containers.message_schema import NoMessage, read_message
from reading_room.containers.reader import LINE_LIMIT, MESSAGES, READY, REQUEST, TAIL, TAIL_LIMIT, Said

_MEMORY_BYTES = 1 << 30


def read_said(what: bytes, descriptor: int, offset: int) -> Said:
    """Read messages, or the end of the diagnostics, from an open file. Raises ``OSError``."""
    if what == TAIL:
        start = max(offset, os.fstat(descriptor).st_size - TAIL_LIMIT)
        return Said(text=os.pread(descriptor, TAIL_LIMIT, start).decode(errors="replace"))
    content = os.pread(descriptor, LINE_LIMIT, offset)
    whole = content[: content.rfind(b"\n") + 1]
    if not whole and len(content) == LINE_LIMIT:
        return Said(fault=f"a line is longer than {LINE_LIMIT:,} bytes")
    messages: list[WorkerMessage] = []
    for line in whole.split(b"\n")[:-1]:
        try:
            message = read_message(line)
        except NoMessage as error:
            return Said(tuple(messages), fault=str(error))
        if isinstance(message, Progress) and messages and isinstance(messages[-1], Progress):
            messages.pop()
        messages.append(message)
    return Said(tuple(messages), len(whole))


def main() -> None:
    """Answer until the agent closes its end."""
    connection = socket.socket(fileno=0)
    _load_everything()
    _give_up_rights()
    connection.send(READY)
    while True:
        request, descriptors, _, _ = socket.recv_fds(connection, REQUEST.size, 1)
        if not request:
            return
        try:
            what, offset = REQUEST.unpack(request)
            connection.send(encode(read_said(what, descriptors[0], offset)))
        finally:
            for descriptor in descriptors:
                os.close(descriptor)


def _load_everything() -> None:
    """Do everything once, because nothing can be imported later."""
    file = os.memfd_create("lines", os.MFD_CLOEXEC)
    lines = [encode_message(Failed("A", "é")), '{"type": "Done"}', '{"type": "Progress", "documents": "1"}', "\ufffd"]
    for line in lines:
        os.pwrite(file, line.encode() + b"\n", 0)
        encode(read_said(MESSAGES, file, 0))
        encode(read_said(TAIL, file, 0))
        os.ftruncate(file, 0)
    os.close(file)


def _give_up_rights() -> None:
    give_up = seccomp.only(READER)
    for limit, most in (
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_NOFILE, 16),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    give_up()


if __name__ == "__main__":
    main()

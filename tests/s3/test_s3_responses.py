"""The ``more_body`` flag of an answer's pieces, on which the ASGI server and every process on the way act."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from reading_room.s3.backend import S3Response
from reading_room.s3.reply import send_response


class Pieces:
    """A body in pieces of the given sizes."""

    def __init__(self, *sizes: int) -> None:
        self._sizes = sizes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for size in self._sizes:
            yield b"x" * size

    def close(self) -> None:
        """Do nothing: there is nothing to release."""


@pytest.mark.parametrize(
    ("sizes", "declared", "expected"),
    [
        ((5,), "5", [(5, False)]),
        ((3, 2), "5", [(3, True), (2, False)]),
        ((), "0", [(0, False)]),
        ((5,), None, [(5, True), (0, False)]),
        # The body is shorter than declared, which every process that forwards it must notice.
        ((3,), "5", [(3, True), (0, False)]),
    ],
    ids=["one piece", "two pieces", "nothing", "no length", "too short"],
)
def test_the_last_piece_of_an_answer_with_a_known_length_is_marked_as_the_last(
    sizes: tuple[int, ...], declared: str | None, expected: list[tuple[int, bool]]
) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("send_response must not wait for the client's disconnection during a short answer")

    headers = () if declared is None else (("content-length", declared),)
    response = S3Response(200, headers, Pieces(*sizes))
    asyncio.run(send_response(send, receive, response, "0123", head=False, keep=True))
    assert [(len(each["body"]), each.get("more_body", False)) for each in sent[1:]] == expected

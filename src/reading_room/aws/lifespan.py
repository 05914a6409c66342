"""The lifespan messages of ASGI: the application has nothing to start and nothing to stop."""

from __future__ import annotations

from reading_room.aws.receive import Receive, Send


async def answer_lifespan(receive: Receive, send: Send) -> None:
    """Confirm the start and the shutdown of the server."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return

"""The trail's events and denials of one request, by its id."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reading_room.trail.chain import backwards, event_in, files_of

_MOST_REQUEST_ID = 200
_JOB_ID = re.compile(r"[0-9a-f]{32}")


def with_request_id(folder: Path, book: str, request_id: str, most: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield the events or denials of one request, or the denials of one job's sessions, newest first.

    If ``most`` is given, only about that many bytes of the newest lines are scanned.
    """
    hint = json.dumps(request_id[:_MOST_REQUEST_ID])[1:-1].encode()
    of_job = bool(_JOB_ID.fullmatch(request_id))
    scanned = 0
    for _, path in reversed(files_of(folder, book)):
        for _, line in backwards(path):
            scanned += len(line)
            if most is not None and scanned > most:
                return
            event = event_in(line) if hint in line else None
            if event is None:
                continue
            if event.get("requestID") == request_id or (of_job and str(event.get("principal")).endswith(request_id)):
                yield event

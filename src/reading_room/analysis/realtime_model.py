"""The custom model of a realtime container, which comes over its socket, because it has no network.

The server sends ``{"model": {"bucket": …, "key": …, "sha256": …, "size": N}}`` on a line, and then the N bytes of the
artifact. The answer is ``{"loaded": true}``, or ``{"refused": [code, message]}`` and the end of the stream.
"""

from __future__ import annotations

import json
from io import BufferedRWPair

from reading_room.analysis.engine import Engine
from reading_room.analysis.job_file import MODEL_BYTES, MODEL_TAMPERED, Location, ModelPlace
from reading_room.analysis.program import ModelProgram
from reading_room.analysis.storage import JobFailure

LINE_LIMIT = 1 << 16


def receive_model(stream: BufferedRWPair, program: ModelProgram) -> Engine | None:
    """Read a model and return what analyses with it; ``None`` if the stream ends first. Raise ``JobFailure``."""
    line = stream.readline(LINE_LIMIT)
    if not line:
        return None
    given = json.loads(line)["model"]
    place = ModelPlace(Location(str(given["bucket"]), str(given["key"])), "", str(given["sha256"]))
    size = int(given["size"])
    if size > MODEL_BYTES:
        raise JobFailure(MODEL_TAMPERED, f"the artifact has {size:,} bytes, more than any model of this service")
    content = stream.read(size)
    return None if len(content) < size else program.with_model(content, place)

"""The same engines behind a socket, for the synchronous operations: one request line in, one result line out.

Descriptor 3 is a connected stream socket whose other end the API process holds. The container has no network. A
request is ``{"id": N, "texts": [...]}``, its answer ``{"id": N, "results": [...]}``, one result for each text and
``null`` for a text that the engine failed on, or ``{"id": N, "error": "…"}``. Instead of texts there may be one
document (``realtime_documents.py``). End of stream ends the process.
"""

from __future__ import annotations

import gc

if __name__ == "__main__":
    gc.disable()  # As in ``worker.py``.

import argparse
import json
import socket
import sys
import traceback

from reading_room.analysis.confinement import confine, keep_files
from reading_room.analysis.engine import (
    Engine,
    Members,
    Result,
    keep_memory,
    load_engine,
    one_thread,
    return_freed_memory,
)
from reading_room.analysis.kind import ENGINES
from reading_room.analysis.kinds import READ_DOCUMENTS
from reading_room.analysis.realtime_documents import DocumentReader
from reading_room.analysis.time_limits import Watch
from reading_room.analysis.trained import ChangedModel

FLOOR_SECONDS, SECONDS_A_CODE_POINT = 10.0, 0.0002
"""Processor time for one call: less than for a job, because callers wait at most a minute (``hosts/realtime.py``)."""
REQUEST_LIMIT = 16 << 20
"""Bytes of one request: 25 texts of 100 KB, escaped, fit in it, and a document of 10 MB in base64."""


def main(arguments: list[str] | None = None) -> int:
    """Serve descriptor 3 until it closes."""
    parser = argparse.ArgumentParser(prog="reading-room-realtime")
    parser.add_argument("--engine", choices=ENGINES, required=True)
    options = parser.parse_args(arguments)
    keep_files()
    one_thread()
    keep_memory()
    try:
        engine = load_engine(options.engine)
    except ChangedModel as error:
        sys.stderr.write(f"{error}\n")
        return 1
    gc.freeze()
    gc.enable()
    return_freed_memory()
    reader = DocumentReader() if options.engine in READ_DOCUMENTS else None
    confine("realtime")
    try:
        serve(engine, socket.socket(fileno=3), reader=reader)
    except (BrokenPipeError, ConnectionResetError):
        # The API process went away while it was being answered: there is nobody left to serve.
        return 0
    return 0


def serve(
    engine: Engine, connection: socket.socket, watch: Watch | None = None, reader: DocumentReader | None = None
) -> None:
    """Answer requests in order. ``watch`` limits the engine's time, because callers are waiting.

    Without a ``reader``, requests have only texts.
    """
    watch = watch or Watch(floor=FLOOR_SECONDS, a_code_point=SECONDS_A_CODE_POINT)
    with watch.interrupting(), connection, connection.makefile("rwb") as stream:
        stream.write(b'{"ready": true}\n')
        stream.flush()
        while line := stream.readline(REQUEST_LIMIT):
            stream.write(json.dumps(_answer(engine, line, watch, reader)).encode() + b"\n")
            stream.flush()


def _answer(engine: Engine, line: bytes, watch: Watch, reader: DocumentReader | None) -> dict[str, object]:
    number: object = None
    try:
        request = json.loads(line)
        number = request["id"]
        texts = request["texts"]
        if reader is not None and isinstance(texts[0], dict):
            result = reader.answer(texts[0], engine.result_member, lambda text: _result(engine, text, watch))
            return {"id": number, "results": [result]}
        return {"id": number, "results": _results(engine, [str(text) for text in texts], watch)}
    except Exception as error:
        traceback.print_exc()
        return {"id": number, "error": f"{type(error).__name__}: {error}"}


def _results(engine: Engine, texts: list[str], watch: Watch) -> list[Result | Members | None]:
    try:
        watch.begin(sum(map(len, texts)))
        results: list[Result | Members | None] = [*engine.analyse(texts)]
        watch.end()
        return results
    except Exception:
        # One text made the engine fail: analyse each alone, so that the others of the batch get their results.
        traceback.print_exc()
        return [_result(engine, text, watch) for text in texts]


def _result(engine: Engine, text: str, watch: Watch) -> Result | Members | None:
    try:
        watch.begin(len(text))
        (result,) = engine.analyse([text])
        watch.end()
    except Exception:
        traceback.print_exc()
        return None
    return result


if __name__ == "__main__":
    sys.exit(main())

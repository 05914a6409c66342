"""The same engines behind a socket, for the synchronous operations: one request line in, one result line out.

Descriptor 3 is a connected stream socket whose other end the API process holds. The container has no network. A
request is ``{"id": N, "texts": [...]}``, its answer ``{"id": N, "results": [...]}``, one result for each text and
``null`` for a text that the engine failed on, or ``{"id": N, "error": "…"}``. Instead of texts there may be one
document (``realtime_documents.py``). End of stream ends the process. An engine for custom models first gets the model
(``realtime_model.py``).
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
from io import BufferedRWPair
from typing import cast

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
from reading_room.analysis.engines.graph_threads import read_in_threads
from reading_room.analysis.job_file import CALL_THREADS
from reading_room.analysis.kind import ENGINES
from reading_room.analysis.kinds import MODEL_ENGINES, READ_DOCUMENTS
from reading_room.analysis.program import ModelProgram, load_program
from reading_room.analysis.realtime_documents import CLASSES, DocumentReader
from reading_room.analysis.realtime_model import receive_model
from reading_room.analysis.storage import JobFailure
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
    read_in_threads(CALL_THREADS)
    keep_memory()
    try:
        # What loads a model loads everything else first, so that a model takes little time.
        given = options.engine in MODEL_ENGINES
        loaded = cast(ModelProgram, load_program(options.engine)) if given else load_engine(options.engine)
    except ChangedModel as error:
        sys.stderr.write(f"{error}\n")
        return 1
    gc.freeze()
    gc.enable()
    return_freed_memory()
    reader = DocumentReader() if options.engine in READ_DOCUMENTS else None
    confine("realtime")
    try:
        serve(loaded, socket.socket(fileno=3), reader=reader)
    except (BrokenPipeError, ConnectionResetError):
        # The API process went away while it was being answered: there is nobody left to serve.
        return 0
    return 0


def serve(
    loaded: Engine | ModelProgram,
    connection: socket.socket,
    watch: Watch | None = None,
    reader: DocumentReader | None = None,
) -> None:
    """Answer requests in order. ``watch`` limits the engine's time, because callers are waiting.

    Without a ``reader``, requests have only texts.
    """
    watch = watch or Watch(floor=FLOOR_SECONDS, a_code_point=SECONDS_A_CODE_POINT)
    with watch.interrupting(), connection, connection.makefile("rwb") as stream:
        _say(stream, {"ready": True})
        if isinstance(loaded, ModelProgram):
            try:
                engine = receive_model(stream, loaded)
            except JobFailure as failure:
                _say(stream, {"refused": [failure.code, failure.message]})
                return
            if engine is None:
                return
            _say(stream, {"loaded": True})
        else:
            engine = loaded
        while line := stream.readline(REQUEST_LIMIT):
            _say(stream, _answer(engine, line, watch, reader))


def _say(stream: BufferedRWPair, answer: dict[str, object]) -> None:
    stream.write(json.dumps(answer).encode() + b"\n")
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
        results = _results(engine, [str(text) for text in texts], watch)
        return {"id": number, "results": [_with_member(engine, result) for result in results]}
    except Exception as error:
        traceback.print_exc()
        return {"id": number, "error": f"{type(error).__name__}: {error}"}


def _with_member(engine: Engine, result: Result | Members | None) -> Result | Members | None:
    """Return a classifier's list under its member, because only its model says which one it is."""
    is_classes = isinstance(result, list) and engine.result_member in CLASSES
    return {engine.result_member: result} if is_classes else result


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

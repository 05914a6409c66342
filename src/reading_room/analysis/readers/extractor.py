"""The worker's side of the process that reads documents: it starts it, hands it files, and checks its answers."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from reading_room.analysis.readers.answers import ANSWER_BYTES, BadAnswer, decode
from reading_room.analysis.readers.ocr import PATHS
from reading_room.analysis.readers.results import BROKEN, TOO_LARGE, Extracted, Limits, Wishes
from reading_room.analysis.storage import JobFailure


class Extractor:
    """A process that reads files. It must be started before the worker gives up starting processes.

    As a context manager, it ends the process. Callable from any thread.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._lock = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "reading_room.analysis.readers.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": PATHS, "LANG": "C.UTF-8"},
        )
        self._send({"limits": dataclasses.asdict(limits)})

    @property
    def process_id(self) -> int:
        """The id of the process."""
        return self._process.pid

    def read(self, chunks: Iterable[bytes], name: str, wishes: Wishes) -> list[Extracted]:
        """Return the documents of a file whose content ``chunks`` yields. Raise ``JobFailure`` if the process is gone.

        Of a file over the limit, only its size is read.
        """
        with self._lock:
            path = Path(self._folder.name) / "document"
            size = 0
            try:
                with path.open("wb") as file:
                    for chunk in chunks:
                        size += len(chunk)
                        if size <= self.limits.file_bytes:
                            file.write(chunk)
                if size > self.limits.file_bytes:
                    message = f"it has {size:,} bytes, and a file may have {self.limits.file_bytes:,}"
                    return [Extracted("", "text", error=(TOO_LARGE, message))]
                return self._ask(path, name, wishes)
            finally:
                path.unlink(missing_ok=True)

    def _ask(self, path: Path, name: str, wishes: Wishes) -> list[Extracted]:
        self._send({"path": str(path), "name": name[-1_024:], "wishes": dataclasses.asdict(wishes)})
        assert self._process.stdout is not None
        head = self._process.stdout.readline(20)
        if head == b"ready\n":
            head = self._process.stdout.readline(20)
        size = int(head) if head.endswith(b"\n") and head[:-1].isdigit() else -1
        if not 0 <= size <= ANSWER_BYTES or len(answer := self._process.stdout.read(size)) < size:
            raise self._gone()
        try:
            return decode(answer, self.limits)
        except BadAnswer as error:
            # A file that took its reader over costs only itself.
            return [Extracted("", "text", error=(BROKEN, f"its reader gave an answer that is none: {error}"))]

    def _send(self, message: object) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._gone() from None

    def _gone(self) -> JobFailure:
        return JobFailure("INTERNAL_ERROR", "the process that reads documents has ended")

    def __enter__(self) -> Extractor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            self._process.stdin = None
        self._process.wait()
        self._process.stdout.close()
        self._folder.cleanup()

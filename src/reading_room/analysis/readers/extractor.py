"""The worker's side of the process that reads documents: it starts it, hands it files, and checks its answers."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from reading_room.analysis.readers.answers import ANSWER_BYTES, BadAnswer, decode, decode_images
from reading_room.analysis.readers.results import BROKEN, TOO_LARGE, Extracted, Limits, PageImage, ReadError, Wishes
from reading_room.analysis.storage import JobFailure
from reading_room.analysis.tesseract import PATHS

CHANGED = "the file was changed after its text was read"


class Extractor:
    """A process that reads files. It must be started before the worker gives up starting processes.

    As a context manager, it ends the process. Callable from any thread.
    """

    def __init__(self, limits: Limits, at_once: bool = True) -> None:
        """Without ``at_once``, the process loads its libraries when it gets its first file, and is small until then."""
        self.limits = limits
        self._lock = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "reading_room.analysis.readers.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": PATHS, "LANG": "C.UTF-8"},
        )
        self._send({"limits": dataclasses.asdict(limits), "atOnce": at_once})

    @property
    def process_id(self) -> int:
        """The id of the process."""
        return self._process.pid

    def read(self, chunks: Iterable[bytes], name: str, wishes: Wishes) -> list[Extracted]:
        """Return the documents of a file whose content ``chunks`` yields. Raise ``JobFailure`` if the process is gone.

        Of a file over the limit, only its size is read.
        """
        try:
            with self._kept(chunks) as (path, sha256):
                wanted = {"name": name[-1_024:], "wishes": dataclasses.asdict(wishes)}
                found = decode(self._ask({"path": str(path), **wanted}), self.limits)
                return [dataclasses.replace(each, sha256=sha256) for each in found]
        except ReadError as error:
            return [Extracted("", "text", error=(error.code, error.message))]
        except BadAnswer as error:
            return [Extracted("", "text", error=(BROKEN, _no_answer(error)))]

    def images(self, chunks: Iterable[bytes], sha256: str, marks: bytes, into: Path) -> list[PageImage]:
        """Write the pixels of a PDF's pages with the marked places painted out to a file, and return what they are.

        ``marks`` are those of ``marks.py``, for the file with this ``sha256``. Raise ``ReadError``, also if it is
        another file by now, and ``JobFailure`` if the process is gone.
        """
        place = Path(self._folder.name) / "marks"
        try:
            with self._kept(chunks) as (path, found):
                if found != sha256:
                    raise ReadError(BROKEN, CHANGED)
                place.write_bytes(marks)
                answer = self._ask({"path": str(path), "marks": str(place), "images": str(into)})
            return decode_images(answer, self.limits)
        except BadAnswer as error:
            raise ReadError(BROKEN, _no_answer(error)) from None
        finally:
            place.unlink(missing_ok=True)

    @contextmanager
    def _kept(self, chunks: Iterable[bytes]) -> Iterator[tuple[Path, str]]:
        """Write a file for the process, and yield its path and SHA-256. Raise ``ReadError`` if it is too large."""
        with self._lock:
            path = Path(self._folder.name) / "document"
            size = 0
            digest = hashlib.sha256()
            try:
                with path.open("wb") as file:
                    for chunk in chunks:
                        size += len(chunk)
                        digest.update(chunk)
                        if size <= self.limits.file_bytes:
                            file.write(chunk)
                if size > self.limits.file_bytes:
                    message = f"it has {size:,} bytes, and a file may have {self.limits.file_bytes:,}"
                    raise ReadError(TOO_LARGE, message)
                yield path, digest.hexdigest()
            finally:
                path.unlink(missing_ok=True)

    def _ask(self, request: object) -> bytes:
        self._send(request)
        assert self._process.stdout is not None
        head = self._process.stdout.readline(20)
        if head == b"ready\n":
            head = self._process.stdout.readline(20)
        size = int(head) if head.endswith(b"\n") and head[:-1].isdigit() else -1
        if not 0 <= size <= ANSWER_BYTES or len(answer := self._process.stdout.read(size)) < size:
            raise self._gone()
        return answer

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


def _no_answer(error: BadAnswer) -> str:
    """Return the message for a file that took its reader over, which costs only itself."""
    return f"its reader gave an answer that is none: {error}"

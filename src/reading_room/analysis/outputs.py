"""What a job whose documents are analysed one by one leaves in S3: an archive, or an object for each input file."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, Self

from reading_room.analysis.archive import ResultArchive
from reading_room.analysis.cutting import Plan
from reading_room.analysis.folder_digest import FolderDigest
from reading_room.analysis.formats import REPORT_MEMBER, TEXTS_MEMBER
from reading_room.analysis.forms import Form, MemberNames
from reading_room.analysis.job_file import JobFile, Location
from reading_room.analysis.storage import JobFailure, Storage

ARCHIVE = "output.tar.gz"

KEY_BYTES = 1_024
"""Bytes of UTF-8 that a key in S3 may have."""
WRITERS, AHEAD, AHEAD_BYTES = 2, 16, 67_108_864
"""Threads that write objects, and how many objects and bytes may wait for them: a request takes longer than most
documents."""


class Output(Protocol):
    """Takes the lines of a job's results in order and stores them. As a context manager, it closes its files."""

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(self, *_: object) -> None:
        """Close what is open, finished or not."""
        ...

    def keep(self, source: int, line: bytes) -> None:
        """Add a line of input file number ``source``. All lines of one file must be added together."""
        ...

    def keep_beside(self, source: int, name: str, content: bytes) -> None:
        """Add content to something beside the results of an input file, after the line of its document."""
        ...

    def finish(self) -> tuple[int, str]:
        """Store the rest, and return the size in bytes and the digest that ``Done`` reports. Raise ``JobFailure``."""
        ...

    @property
    def warning(self) -> str:
        """What is unusual about the output, as a sentence for the job's owner, or empty."""
        ...


def output_of(job: JobFile, form: Form, storage: Storage, scratch: Path, plan: Plan) -> Output:
    """Return the output of a job: an archive, or the objects of a folder."""
    if not job.output.key.endswith("/"):
        return ResultFile(scratch / ARCHIVE, form, storage, job.output)
    return ResultObjects(job.output, form, storage, scratch, names_of(plan))


def names_of(plan: Plan) -> dict[int, str]:
    """Return the name of each input file that has documents, by its number."""
    return {segment.source: segment.file for part in plan.parts for segment in part.segments}


def first_output(output: Location, file: str) -> Location:
    """Return the location of the first object that a job writes, from the name of its first input file."""
    if not output.key.endswith("/"):
        return output
    key = f"{output.key}{file}.out"
    return Location(output.bucket, key if len(key.encode()) <= KEY_BYTES else f"{output.key}file-1.out")


class ResultFile:
    """Implements ``Output`` with an archive. Each line goes into the member that it belongs to."""

    warning = ""

    def __init__(self, path: Path, form: Form, storage: Storage, place: Location) -> None:
        self.path = path
        self._form = form
        self._storage = storage
        self._place = place
        self._names = MemberNames()
        self._source: int | None = None
        self._texts: BinaryIO | None = None
        with fitting():
            self._archive = ResultArchive(path)
            if form.member is not None:
                self._archive.begin(form.member)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()
        if self._texts is not None:
            self._texts.close()

    def keep(self, source: int, line: bytes) -> None:
        """Add a line of input file number ``source``."""
        with fitting():
            if self._form.member is None and source != self._source:
                self._source = source
                self._archive.begin(self._names.of(json.loads(line)["File"].rpartition("/")[2]))
            self._archive.write(line)

    def keep_beside(self, source: int, name: str, content: bytes) -> None:
        """Add the line of an extracted text; they follow the results, in a member of their own."""
        assert name == TEXTS_MEMBER
        with fitting():
            if self._texts is None:
                self._texts = tempfile.TemporaryFile(dir=self.path.parent)  # noqa: SIM115 # closed in __exit__
            self._texts.write(content)

    def finish(self) -> tuple[int, str]:
        """Complete the archive, store it, and return its size in bytes and its SHA-256 in hexadecimal."""
        with fitting():
            if self._texts is not None:
                self._archive.begin(TEXTS_MEMBER)
                self._texts.seek(0)
                for line in self._texts:
                    self._archive.write(line.removesuffix(b"\n"))
            size, sha256 = self._archive.finish()
        self._storage.write(self._place, self.path)
        return size, sha256


class ResultObjects:
    """Implements ``Output`` with an object for each input file: ``letter.txt.out`` for ``letter.txt``.

    An object is stored when the lines of its file have ended, and with it what stands beside it, such as the file's
    extracted texts: ``letter.pdf.documents.jsonl``. Of several files with the same last segment of the key, each has
    the name that follows the input's folder: ``a/letter.txt.out``. A file whose name cannot be used has its number in
    the input, from 1, instead: ``file-3.out``.
    """

    def __init__(self, place: Location, form: Form, storage: Storage, scratch: Path, names: Mapping[int, str]) -> None:
        """``names`` has the name of each input file by its number."""
        self._place = place
        self._form = form
        self._storage = storage
        self._scratch = scratch
        self._names = names
        self._taken: frozenset[str] | None = None
        self._digest = FolderDigest()
        self._renamed: list[str] = []
        self._pool = ThreadPoolExecutor(WRITERS, thread_name_prefix="output")
        self._waiting: deque[tuple[int, Future[None]]] = deque()
        self._waiting_bytes = 0
        self._without_copy = 0
        self._source: int | None = None
        self._rename = False
        self._object: _Object | None = None
        self._beside: dict[str, _Object] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._object, *self._beside.values()):
            if each is not None:
                each.close()
        self._pool.shutdown(cancel_futures=True)

    @property
    def warning(self) -> str:
        """How many files have no copy, and which have another name, by numbers: a name may itself be personal data."""
        return ". ".join(filter(None, (self._warning_of_names(), self._warning_of_copies())))

    def _warning_of_copies(self) -> str:
        if not self._without_copy:
            return ""
        files = "1 file has" if self._without_copy == 1 else f"{self._without_copy:,} files have"
        return f"{files} only a redacted text and no copy; the reason is in the objects that end with .{REPORT_MEMBER}"

    def _warning_of_names(self) -> str:
        if not self._renamed:
            return ""
        files = "1 file has" if len(self._renamed) == 1 else f"{len(self._renamed):,} files have"
        shown = ", ".join(self._renamed[:10]) + (" …" if len(self._renamed) > 10 else "")
        return f"{files} a name that cannot be used, and the results the number of the file instead: {shown}"

    def keep(self, source: int, line: bytes) -> None:
        """Add a line of input file number ``source``."""
        if source != self._source:
            self._store()
            self._begin(source)
        content, rename = self._form.content(line)
        self._rename |= rename
        assert self._object is not None
        self._object.write(content)

    def keep_beside(self, source: int, name: str, content: bytes) -> None:
        """Add content to an object beside that of input file number ``source``; ``name`` is the end of its name."""
        if name not in self._beside:
            self._beside[name] = _Object(self._scratch / f"{name}-{source}")
        self._beside[name].write(content)
        self._without_copy += name == REPORT_MEMBER and "CopyErrorCode" in json.loads(content)

    def finish(self) -> tuple[int, str]:
        """Store the last object, and return the size and the digest of all of them."""
        self._store()
        while self._waiting:
            self._wait()
        return self._digest.size, self._digest.hexdigest()

    def _begin(self, source: int) -> None:
        self._source, self._rename = source, False
        self._object = _Object(self._scratch / f"object-{source}")

    def _store(self) -> None:
        if self._source is None:
            return
        name = self._name(self._source)
        assert self._object is not None
        self._add(f"{name}.out", self._object)
        for suffix, each in self._beside.items():
            self._add(f"{name}.{suffix}", each)
        self._source = self._object = None
        self._beside = {}

    def _add(self, name: str, stored: _Object) -> None:
        with fitting():
            stored.close()
        self._digest.add(name, stored.size, stored.sha256.hexdigest())
        while len(self._waiting) >= AHEAD or (self._waiting and self._waiting_bytes > AHEAD_BYTES):
            self._wait()
        place = Location(self._place.bucket, f"{self._place.key}{name}")
        self._waiting.append((stored.size, self._pool.submit(self._write, place, stored.path)))
        self._waiting_bytes += stored.size

    def _wait(self) -> None:
        """Wait until the object that has waited longest is written."""
        size, written = self._waiting.popleft()
        written.result()
        self._waiting_bytes -= size

    def _write(self, place: Location, path: Path) -> None:
        try:
            self._storage.write(place, path)
        finally:
            path.unlink(missing_ok=True)

    def _name(self, source: int) -> str:
        """Return the name of a file's objects without their suffixes."""
        name, longest = self._names[source], max(("out", *self._beside), key=len)
        if not self._rename and len(f"{self._place.key}{name}.{longest}".encode()) <= KEY_BYTES:
            return name
        if self._taken is None:
            self._taken = frozenset(self._names.values())
        neutral = f"file-{source + 1}"
        while neutral in self._taken:
            neutral += "-"
        self._renamed.append(f"{neutral}.out")
        return neutral


class _Object:
    """An object that is being written to a file, with its size in bytes and its digest."""

    def __init__(self, path: Path) -> None:
        self.path, self.size, self.sha256 = path, 0, hashlib.sha256()
        with fitting():
            self._file = path.open("wb")

    def write(self, content: bytes) -> None:
        with fitting():
            self._file.write(content)
        self.sha256.update(content)
        self.size += len(content)

    def close(self) -> None:
        self._file.close()


@contextmanager
def fitting() -> Iterator[None]:
    """Turn the error of a full disk into the failure of a job with too large results."""
    try:
        yield
    except OSError as error:
        message = f"the results do not fit the container's disk: {error.strerror}"
        raise JobFailure("OUTPUT_TOO_LARGE", message) from error

"""One job from its first listing to its archive."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from reading_room.analysis.archive import ResultArchive, result_line
from reading_room.analysis.documents import Document, document_of_file, documents_of_lines
from reading_room.analysis.engine import Engine
from reading_room.analysis.job_file import Done, JobFile, Progress
from reading_room.analysis.storage import InputObject, JobFailure, Storage

PROBE_BYTES = 1_000_000
"""A larger input is worth two requests that find out whether its results may be written before it is read."""


def run_job(
    job: JobFile,
    engine: Engine,
    storage: Storage,
    scratch: Path,
    stopping: Callable[[], bool],
    tell: Callable[[Progress], None],
) -> Done:
    """Read, analyse and write one job; ``scratch`` is the folder for the archive while it grows.

    When ``stopping`` turns true the documents finished so far are written, as AWS promises for a stopped job. Raises
    ``JobFailure``; then no output object exists.
    """
    objects = _checked_input(job, storage)
    if sum(entry.size for entry in objects) > PROBE_BYTES:
        storage.probe_output(job.output)
    archive = ResultArchive(scratch / "output.tar.gz")
    reading = _Reading(_documents(job, objects, storage), job.documents_limit, stopping)
    documents = errors = 0
    began = told = time.monotonic()
    for result in engine.analyse(reading.texts()):
        document = reading.pending.popleft()
        documents += 1
        errors += document.error is not None
        _keep(archive, result_line(document, engine.result_member, result))
        # Once a second at first, ever less often as the job ages: what a worker may say is bounded.
        if time.monotonic() - told >= max(1.0, (told - began) / 100):
            told = time.monotonic()
            tell(Progress(documents))
    size, sha256 = archive.finish()
    storage.write(job.output, archive.path)
    return Done(documents=documents, errors=errors, size=size, sha256=sha256, stopped=reading.stopped)


def _checked_input(job: JobFile, storage: Storage) -> list[InputObject]:
    objects: list[InputObject] = []
    total = 0
    uri = f"s3://{job.input.bucket}/{job.input.key}"
    for entry in storage.list_input(job.input):
        objects.append(entry)
        total += entry.size
        if len(objects) > job.documents_limit:
            raise JobFailure("TOO_MANY_DOCUMENTS", f"{uri} has more than {job.documents_limit:,} files")
        if total > job.total_limit:
            raise JobFailure("INPUT_TOO_LARGE", f"{uri} has more than {job.total_limit:,} bytes")
    if not objects:
        raise JobFailure("INPUT_NOT_FOUND", f"no object's key begins with {uri}")
    return objects


def _documents(job: JobFile, objects: list[InputObject], storage: Storage) -> Iterator[Document]:
    for entry in objects:
        chunks = storage.read(job.input.bucket, entry.key)
        if job.input_format == "ONE_DOC_PER_FILE":
            yield document_of_file(entry.file, chunks, job.document_limit)
        else:
            yield from documents_of_lines(entry.file, chunks, job.document_limit)


class _Reading:
    """Hands texts to an engine, which reads ahead as far as it likes, and keeps the documents that it still owes."""

    def __init__(self, documents: Iterator[Document], limit: int, stopping: Callable[[], bool]) -> None:
        self._documents = documents
        self._limit = limit
        self._stopping = stopping
        self.pending: deque[Document] = deque()
        self.stopped = False

    def texts(self) -> Iterator[str]:
        for number, document in enumerate(self._documents, 1):
            if self._stopping():
                self.stopped = True
                return
            if number > self._limit:
                raise JobFailure("TOO_MANY_DOCUMENTS", f"the input has more than {self._limit:,} documents")
            self.pending.append(document)
            # A document with an error has no text; its empty result keeps the others in step.
            yield document.text


def _keep(archive: ResultArchive, line: str) -> None:
    try:
        archive.write(line)
    except OSError as error:
        raise JobFailure(
            "OUTPUT_TOO_LARGE", f"the results do not fit the container's disk: {error.strerror}"
        ) from error

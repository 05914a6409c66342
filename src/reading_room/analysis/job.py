"""One job from its first listing to its archive."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from reading_room.analysis.archive import ResultArchive
from reading_room.analysis.documents import Document, document_of_file, documents_of_lines
from reading_room.analysis.engine import Engine, Members, Result
from reading_room.analysis.forms import FORMS, Form, MemberNames
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
    form = FORMS[job.kind]
    objects = checked_input(job, storage)
    if sum(entry.size for entry in objects) > PROBE_BYTES:
        storage.probe_output(job.output)
    results = _Results(ResultArchive(scratch / "output.tar.gz"), form, engine.result_member)
    reading = _Reading(map(form.checked, documents_of(job, objects, storage)), job.documents_limit, stopping)
    documents = errors = 0
    began = told = time.monotonic()
    for result in engine.analyse(reading.texts()):
        document = reading.pending.popleft()
        documents += 1
        errors += document.error is not None
        results.keep(document, result)
        # Once a second at first, ever less often as the job ages: what a worker may say is bounded.
        if time.monotonic() - told >= max(1.0, (told - began) / 100):
            told = time.monotonic()
            tell(Progress(documents))
    size, sha256 = results.finish()
    storage.write(job.output, results.path)
    return Done(documents=documents, errors=errors, size=size, sha256=sha256, stopped=reading.stopped)


def checked_input(job: JobFile, storage: Storage) -> list[InputObject]:
    """Return the objects of a job's input. Raises ``JobFailure`` for none, too many, or too many bytes together."""
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


def documents_of(job: JobFile, objects: list[InputObject], storage: Storage) -> Iterator[Document]:
    """Yield the documents of a job's input, those with an error of their own too, as a stream of bounded memory."""
    for source, entry in enumerate(objects):
        chunks = storage.read(job.input.bucket, entry.key)
        if job.input_format == "ONE_DOC_PER_FILE":
            yield document_of_file(entry.file, chunks, job.document_limit, source)
        else:
            yield from documents_of_lines(entry.file, chunks, job.document_limit, source)


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


class _Results:
    """Writes the lines of results into the members that they belong to."""

    def __init__(self, archive: ResultArchive, form: Form, name: str) -> None:
        self.path = archive.path
        self._archive = archive
        self._form = form
        self._name = name
        self._names = MemberNames()
        self._source: int | None = None
        if form.member is not None:
            archive.begin(form.member)

    def keep(self, document: Document, result: Result | Members) -> None:
        line = self._form.line(document, result, self._name)
        try:
            if self._form.member is None and document.source != self._source:
                self._source = document.source
                self._archive.begin(self._names.of(document.file))
            self._archive.write(line)
        except OSError as error:
            raise _full(error) from error

    def finish(self) -> tuple[int, str]:
        try:
            return self._archive.finish()
        except OSError as error:
            raise _full(error) from error


def _full(error: OSError) -> JobFailure:
    return JobFailure("OUTPUT_TOO_LARGE", f"the results do not fit the container's disk: {error.strerror}")

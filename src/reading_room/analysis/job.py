"""One job from its first listing to its archive."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from reading_room.analysis.archive import ResultArchive, result_line
from reading_room.analysis.documents import Document, document_of_file, documents_of_lines
from reading_room.analysis.engine import Engine
from reading_room.analysis.job_file import Done, JobFile, Progress
from reading_room.analysis.storage import InputObject, JobFailure, Storage

PROBE_BYTES = 1_000_000
"""A larger input is worth two requests that find out whether its results may be written before it is read."""
BATCH_DOCUMENTS = 64
BATCH_CODE_POINTS = 1_000_000


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
    documents = errors = 0
    stopped = False
    began = told = time.monotonic()
    for batch in _batches(_documents(job, objects, storage)):
        if stopping():
            stopped = True
            break
        results = engine.analyse([d.text for d in batch if d.error is None])
        for document in batch:
            documents += 1
            if documents > job.documents_limit:
                raise JobFailure("TOO_MANY_DOCUMENTS", f"the input has more than {job.documents_limit:,} documents")
            errors += document.error is not None
            result = [] if document.error else next(results)
            _keep(archive, result_line(document, engine.result_member, result))
        # Once a second at first, ever less often as the job ages: what a worker may say is bounded.
        if time.monotonic() - told >= max(1.0, (told - began) / 100):
            told = time.monotonic()
            tell(Progress(documents))
    size, sha256 = archive.finish()
    storage.write(job.output, archive.path)
    return Done(documents=documents, errors=errors, size=size, sha256=sha256, stopped=stopped)


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


def _batches(documents: Iterator[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += len(document.text)
        if len(batch) == BATCH_DOCUMENTS or size >= BATCH_CODE_POINTS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _keep(archive: ResultArchive, line: str) -> None:
    try:
        archive.write(line)
    except OSError as error:
        raise JobFailure(
            "OUTPUT_TOO_LARGE", f"the results do not fit the container's disk: {error.strerror}"
        ) from error

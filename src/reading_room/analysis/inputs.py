"""A job's input: what belongs to it, its limits, and its documents as a stream of bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from reading_room.analysis.cutting import Part, Segment
from reading_room.analysis.documents import Document, DocumentError, document_of_file, documents_of_lines
from reading_room.analysis.extraction import documents_of_any_file, wishes_of
from reading_room.analysis.job_file import JobFile
from reading_room.analysis.readers.results import BROKEN, Wishes
from reading_room.analysis.storage import InputObject, JobFailure, ObjectGone, Storage


def checked_input(job: JobFile, storage: Storage) -> list[InputObject]:
    """Return the objects of a job's input. Raise ``JobFailure`` if there are none, too many, or too many bytes.

    Results name an object by the last segment of its key. If several objects share it, their names are what follows the
    input's folder: ``a/note.txt`` and ``b/note.txt``.
    """
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
    return _told_apart(objects, job.input.key.rfind("/") + 1)


def _told_apart(objects: list[InputObject], folder: int) -> list[InputObject]:
    """Return the objects with unique names. ``folder`` is the length of the input folder's name."""
    seen: set[str] = set()
    twice: set[str] = set()
    for each in objects:
        (twice if each.file in seen else seen).add(each.file)
    return [replace(each, folder=folder) if each.file in twice else each for each in objects] if twice else objects


def too_many(job: JobFile) -> JobFailure:
    """Return the failure of a job whose files have too many lines."""
    return JobFailure("TOO_MANY_DOCUMENTS", f"the input has more than {job.documents_limit:,} documents")


def documents_of(job: JobFile, objects: Sequence[InputObject], storage: Storage) -> Iterator[Document]:
    """Yield the documents of a job's input, including those with an error, in bounded memory."""
    line = None if job.input_format == "ONE_DOC_PER_FILE" else 0
    whole = (Segment(source, entry.file, entry.key, 0, None, line, entry.etag) for source, entry in enumerate(objects))
    yield from _documents(job, whole, storage)


def documents_of_part(job: JobFile, part: Part, storage: Storage) -> Iterator[Document]:
    """Yield the documents of one part, exactly as ``documents_of`` would."""
    yield from _documents(job, part.segments, storage)


def _documents(job: JobFile, segments: Iterable[Segment], storage: Storage) -> Iterator[Document]:
    wishes = wishes_of(job)
    for each in segments:
        # Content that has changed matters only if line ends were found in what was before.
        exact = each.end is not None
        chunks = storage.read(job.input.bucket, each.key, each.begin, each.end, each.etag, exact=exact)
        if each.line is None:
            yield from _of_file(job, each, chunks, wishes)
        else:
            yield from documents_of_lines(each.file, chunks, job.document_limit, each.source, each.line)


def _of_file(job: JobFile, segment: Segment, chunks: Iterable[bytes], wishes: Wishes | None) -> Iterator[Document]:
    """Yield the documents of a whole file. One that is gone, or changes while it is read, fails alone."""
    try:
        if wishes is not None:
            yield from documents_of_any_file(job, segment.file, chunks, segment.source, wishes)
        else:
            yield document_of_file(segment.file, chunks, job.document_limit, segment.source)
    except ObjectGone:
        error = DocumentError(BROKEN, "The document was deleted or changed after the job had listed it.")
        yield Document(segment.file, None, error=error, source=segment.source)

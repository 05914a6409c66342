"""The parts of a job whose documents are analysed one by one: planning, analysing and assembling them.

One container writes the parts straight into the archive, one after the other. Several containers write each part to an
object in the job's output folder, and the first container assembles them: the same lines in the same order, so the same
bytes. A line of such an object is ``<source>\\t<line of the result>``, where the source is the number of the input
file and the line is final. Pieces of what stands beside it follow as ``+<source>\\t<name>\\t<base64>``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reading_room.analysis.beside import Beside
from reading_room.analysis.billing import Meter
from reading_room.analysis.cutting import Part, Plan, cut_files, cut_lines, document_ends, whole_part
from reading_room.analysis.documents import Document
from reading_room.analysis.engine import Engine, Members, Result
from reading_room.analysis.extraction import weighed, wishes_of
from reading_room.analysis.formats import READER
from reading_room.analysis.forms import form_of
from reading_room.analysis.inputs import checked_input, documents_of_part, too_many
from reading_room.analysis.job_file import JobFile, Location, parts_beside
from reading_room.analysis.outputs import first_output, fitting, output_of
from reading_room.analysis.page_members import with_pages
from reading_room.analysis.recall import above
from reading_room.analysis.recall_profile import engine_version
from reading_room.analysis.storage import InputObject, JobFailure, Storage
from reading_room.analysis.time_limits import TookTooLong, Watch

PROBE_BYTES = 1_000_000
"""For a larger input, it is worth making two requests first to find out whether results can be written, and reading it
twice, the first time for its line ends."""

STALE_PROFILE = "STALE_RECALL_PROFILE"
"""The failure of a job whose recall profile holds for another engine."""
_BESIDE = b"+"
"""What stands before the source of a piece of something that stands beside the results of a file."""


@dataclass(frozen=True, slots=True)
class PartResult:
    """A part's object: ``sha256`` in hexadecimal, ``size`` in bytes, and ``errors`` of its ``documents`` failed.

    ``characters`` and ``units`` are those of the others, as they are billed. ``stopped`` says that the job was stopped
    and that further documents are missing.
    """

    number: int
    key: str
    size: int
    sha256: str
    documents: int
    errors: int
    stopped: bool = False
    characters: int = 0
    units: int = 0


def plan_of(job: JobFile, storage: Storage, stopping: Callable[[], bool]) -> Plan:
    """List a job's input, check its limits, and cut it into parts; the same input gives the same plan.

    An input of one part and at most ``PROBE_BYTES`` is not read. A larger one in which lines are documents is read once
    completely, to find the line ends. Raise ``JobFailure``: what ``checked_input`` and the storage raise,
    ``TOO_MANY_DOCUMENTS`` or ``NO_WRITE_ACCESS_TO_OUTPUT``.

    If ``stopping`` turns true before the plan is complete, the plan has no parts. A later attempt of a job of several
    containers continues all the same, because parts of its plan may be finished.
    """
    objects = checked_input(job, storage)
    listed = hashlib.sha256()
    for entry in objects:
        listed.update(json.dumps([entry.key, entry.size, entry.etag]).encode())
    known = listed.hexdigest()
    total = sum(entry.size for entry in objects)
    if total > PROBE_BYTES:
        storage.probe_output(first_output(job.output, objects[0].file))
    if wishes_of(job) is not None:
        # How many documents the files have is not known before they are read.
        sized = weighed(objects)
        return Plan(tuple(cut_files(sized, job.part_bytes, sum(entry.size for entry in sized))), None, known)
    if job.input_format == "ONE_DOC_PER_FILE":
        return Plan(tuple(cut_files(objects, job.part_bytes, total)), len(objects), known)
    if total <= min(PROBE_BYTES, job.part_bytes):
        return Plan((whole_part(objects),), None, known)
    scan = _Scan(job, storage, stopping if job.cluster is None or job.attempt == 1 else lambda: False)
    try:
        ends = ((entry, scan.ends(entry)) for entry in objects)
        parts = tuple(cut_lines(ends, job.part_bytes, total))
    except _Stopped:
        return Plan((), None, known, complete=False)
    return Plan(parts, scan.documents, known)


def part_prefix(job: JobFile) -> str:
    """Return the common prefix of the keys of this attempt's part objects, in the output's bucket."""
    return f"{parts_beside(job.output.key)}{job.attempt}/"


def write_part(
    job: JobFile,
    engine: Engine,
    storage: Storage,
    part: Part,
    key: str,
    scratch: Path,
    stopping: Callable[[], bool],
    tell: Callable[[int], None],
    now: Callable[[], float] = time.monotonic,
) -> PartResult:
    """Analyse one part and write its lines to the object ``key`` beside the job's output.

    ``tell`` is called with the number of finished documents, at most once a second by the clock ``now``. If
    ``stopping`` turns true, the object has the documents finished until then. Raise ``JobFailure``; then there is no
    object.
    """
    path = scratch / f"part-{part.number}"
    analysis = PartAnalysis(job, engine, storage, part, stopping)
    beside = Beside.of_part(job, storage, part, scratch)
    digest = hashlib.sha256()
    documents = errors = size = 0
    meter = Meter()
    pace = Pace(now)
    try:
        with fitting(), path.open("wb") as file:
            for document, line in analysis:
                for data in _lines(document, line, beside):
                    file.write(data)
                    digest.update(data)
                    size += len(data)
                documents += 1
                errors += document.error is not None
                meter.count(document)
                if pace.due():
                    tell(documents)
        storage.write(Location(job.output.bucket, key), path)
    finally:
        path.unlink(missing_ok=True)
    return PartResult(
        part.number,
        key,
        size,
        digest.hexdigest(),
        documents,
        errors,
        analysis.stopped,
        meter.characters,
        meter.units,
    )


def assemble(
    job: JobFile, storage: Storage, results: Iterable[PartResult], scratch: Path, plan: Plan
) -> tuple[int, str, str]:
    """Write a job's output from the objects of its parts. Return its size in bytes, its digest, and its warning.

    The objects are read in the order of the parts. If one is missing, its documents are left out, as in a stopped job.
    Raise ``JobFailure``: ``INTERNAL_ERROR`` if an object differs from its result, or what the storage raises; then
    there is no archive.
    """
    path = scratch / "part"
    with output_of(job, form_of(job), storage, scratch, plan) as output:
        for result in sorted(results, key=lambda one: one.number):
            try:
                _fetch(storage, job.output.bucket, result, path)
                with path.open("rb") as file:
                    for data in file:
                        source, _, line = data.removesuffix(b"\n").partition(b"\t")
                        if source.startswith(_BESIDE):
                            name, _, piece = line.partition(b"\t")
                            output.keep_beside(int(source[1:]), name.decode(), base64.b64decode(piece, validate=True))
                        else:
                            output.keep(int(source), line)
            finally:
                path.unlink(missing_ok=True)
        return *output.finish(), output.warning


def _lines(document: Document, line: str, beside: Beside) -> Iterator[bytes]:
    """Yield the lines of a document in its part's object."""
    yield b"%d\t%s\n" % (document.source, line.encode())
    for name, piece in beside.of(document):
        yield b"%s%d\t%s\t%s\n" % (_BESIDE, document.source, name.encode(), base64.b64encode(piece))


class PartAnalysis:
    """Iterates over the documents of one part, each with its line of the result.

    The engine may read ahead; documents without an answer are kept. When ``stopping`` turns true, it gets no further
    text, finishes those that it has, and ``stopped`` is true. ``watch`` limits its time.
    """

    def __init__(
        self,
        job: JobFile,
        engine: Engine,
        storage: Storage,
        part: Part,
        stopping: Callable[[], bool],
        watch: Watch | None = None,
    ) -> None:
        self._job = job
        self._form = form_of(job)
        self._thresholds = thresholds_of(job)
        self._with_pages = READER in json.loads(job.request)
        self._engine = engine
        self._documents = map(self._form.checked, documents_of_part(job, part, storage))
        self._stopping = stopping
        self._watch = watch or Watch()
        self._pending: deque[Document] = deque()
        self._owed = 0
        """Code points of the pending documents."""
        self._read = 0
        self._ended = False
        self.stopped = False

    def __iter__(self) -> Iterator[tuple[Document, str]]:
        """Yield documents in order.

        Raise ``JobFailure`` if there are more than the job may have, or if one takes the engine too long.
        """
        with self._watch.interrupting():
            while not self._ended:
                try:
                    yield from self._answered()
                except TookTooLong:
                    # The engine had several documents: analyse each alone to find out which one it was, if any.
                    yield from self._one_by_one()

    def _answered(self) -> Iterator[tuple[Document, str]]:
        results: Iterator[Result | Members] = self._engine.analyse(self._texts())
        while True:
            self._watch.begin(self._owed)
            try:
                result = next(results)
            except StopIteration:
                self._watch.end()
                self._ended = True
                return
            self._watch.end()
            yield self._line(result)

    def _one_by_one(self) -> Iterator[tuple[Document, str]]:
        while self._pending:
            document = self._pending[0]
            try:
                self._watch.begin(len(document.text))
                results: Iterator[Result | Members] = self._engine.analyse([document.text])
                (result,) = results
                self._watch.end()
            except TookTooLong as error:
                place = document.file if document.line is None else f"{document.file}:{document.line}"
                raise JobFailure("INTERNAL_ERROR", f"the analysis of the document {place} {error}") from error
            yield self._line(result)

    def _line(self, result: Result | Members) -> tuple[Document, str]:
        document = self._pending.popleft()
        self._owed -= len(document.text)
        name = self._engine.result_member
        if self._thresholds and isinstance(result, list):
            result = above(result, self._thresholds)
        if self._with_pages and document.extracted is not None:
            result = with_pages(result, name, document.extracted)
        return self._form.answered(document, result, name)

    def _texts(self) -> Iterator[str]:
        self._watch.end()
        for document in self._documents:
            self._read += 1
            if self._stopping():
                self.stopped = True
                break
            if self._read > self._job.documents_limit:
                raise too_many(self._job)
            self._pending.append(document)
            self._owed += len(document.text)
            # A document with an error has no text; its empty result keeps results and documents aligned.
            self._watch.begin(self._owed)
            yield document.text
            self._watch.end()
        # The engine continues with what it has.
        self._watch.begin(self._owed)


def thresholds_of(job: JobFile) -> Mapping[str, float]:
    """Return the least score of findings by type, from the job's recall profile; none without one.

    Raise ``JobFailure`` if the profile holds for another engine than this one: the service was upgraded in between, or
    this host has another version.
    """
    profile = json.loads(job.request).get("PiiProfile")
    if profile is None:
        return {}
    here = engine_version(profile["LanguageCode"])
    if profile["Engine"] != here:
        raise JobFailure(
            STALE_PROFILE,
            f"the recall profile {profile['Name']} holds for the engine {profile['Engine']}, and this job's container "
            f"has {here}: run `reading-room pii calibrate` again, store the new profile, and start another job",
        )
    thresholds: dict[str, float] = profile["Thresholds"]
    return thresholds


class Pace:
    """Decides when to report progress: every second at first, then less often, as the number of messages is limited."""

    def __init__(self, now: Callable[[], float]) -> None:
        """``now`` returns seconds from any fixed point in time."""
        self._now = now
        self._began = self._told = now()

    def due(self) -> bool:
        """Return whether a report is due; if so, start waiting for the next one."""
        now = self._now()
        if now - self._told < max(1.0, (self._told - self._began) / 100):
            return False
        self._told = now
        return True


class _Stopped(Exception):
    """The job was stopped during the search for line ends."""


class _Scan:
    """Finds the line ends of a job's files, and counts the documents."""

    def __init__(self, job: JobFile, storage: Storage, stopping: Callable[[], bool]) -> None:
        self._job = job
        self._storage = storage
        self._stopping = stopping
        self.documents = 0

    def ends(self, entry: InputObject) -> Iterator[int]:
        """Yield the end offsets of the lines of a file."""
        for end in document_ends(entry.size, self._chunks(entry)):
            self.documents += 1
            if self.documents > self._job.documents_limit:
                raise too_many(self._job)
            yield end

    def _chunks(self, entry: InputObject) -> Iterator[bytes]:
        for chunk in self._storage.read(self._job.input.bucket, entry.key, etag=entry.etag):
            if self._stopping():
                raise _Stopped
            yield chunk


def _fetch(storage: Storage, bucket: str, result: PartResult, path: Path) -> None:
    """Download a part's object to a file, and check that it is the one that was written."""
    digest = hashlib.sha256()
    with fitting(), path.open("wb") as file:
        for chunk in storage.read(bucket, result.key):
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != result.sha256:
        raise JobFailure(
            "INTERNAL_ERROR",
            f"s3://{bucket}/{result.key} is not what part {result.number} of the job wrote there: its SHA-256 is "
            f"{digest.hexdigest()}, recorded is {result.sha256}",
        )

"""Running a program like a worker, with objects in memory: trainings, custom models, topics."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reading_room.analysis.job_file import Done, JobFile, Location, ModelPlace
from reading_room.analysis.kind import EngineName, Kind
from reading_room.analysis.memory import MemoryStorage
from reading_room.analysis.program import Work, load_program

BUCKET = "bench"
OUTPUT = "out/output/output.tar.gz"
ARTIFACT = Location("models", "model")
PIECE = 1 << 20

Objects = dict[tuple[str, str], bytes]


def s3(key: str) -> str:
    """Return the address of an object of the bench's bucket."""
    return f"s3://{BUCKET}/{key}"


def run_program(
    name: EngineName,
    kind: Kind,
    files: Mapping[str, bytes],
    request: Mapping[str, Any],
    model: bytes | None = None,
    sha256: str = "",
) -> tuple[Done, dict[str, bytes], bytes]:
    """Run a program over the files of a bucket; those under ``input/`` are its documents, one per line.

    Return its messages, the members of its archive (none if it wrote none), and the model's artifact (empty if
    there is none). Raises ``JobFailure`` if the program does.
    """
    objects: Objects = {(BUCKET, key): content for key, content in files.items()}
    artifacts: Objects = {} if model is None else {(ARTIFACT.bucket, ARTIFACT.key): model}
    training = kind in ("classifier-training", "recognizer-training")
    job = JobFile(
        job_id="bench",
        attempt=1,
        kind=kind,
        region="us-east-1",
        language=None if kind == "classification" else "en",
        input=Location(BUCKET, "input/"),
        input_format="ONE_DOC_PER_LINE",
        output=Location(BUCKET, OUTPUT),
        document_limit=10_000_000,
        request=json.dumps(request),
        model=ModelPlace(ARTIFACT, "/bench", sha256) if training or model is not None else None,
    )
    with tempfile.TemporaryDirectory() as scratch:
        work = Work(
            job=job,
            storage=MemoryStorage(objects, chunk=PIECE),
            scratch=Path(scratch),
            stopping=lambda: False,
            tell=lambda progress: None,
            artifacts=MemoryStorage(artifacts, chunk=PIECE),
        )
        done = load_program(name).run(work)
    archive = objects.get((BUCKET, OUTPUT))
    return done, {} if archive is None else members(archive), artifacts.get((ARTIFACT.bucket, ARTIFACT.key), b"")


def members(archive: bytes) -> dict[str, bytes]:
    """Return the files of a tar.gz."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as opened:
        files = {each.name: opened.extractfile(each) for each in opened.getmembers()}
        return {name: file.read() for name, file in files.items() if file is not None}


def one_a_line(texts: Sequence[str]) -> bytes:
    """Return documents as a file with one per line; line breaks in a document become spaces."""
    return "".join(f"{' '.join(text.split())}\n" for text in texts).encode()


def json_lines(content: bytes) -> list[dict[str, Any]]:
    """Return a member's records in the order of their line numbers."""
    records = [json.loads(line) for line in content.decode().splitlines()]
    return sorted(records, key=lambda record: int(record["Line"]))

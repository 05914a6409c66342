"""The worker: one process, one engine, one job.

It loads its engine, sends ``Ready``, and waits for one line on standard input:
``{"environment": {…}, "resolver": "…", "job": {…}}``, where the resolver is the text of its ``/etc/resolv.conf``.
Messages leave on standard output (``job_file.py``). SIGTERM asks it to finish early. Exit codes: 0 the output is
written; 1 the job failed and a ``Failed`` message says why; anything else is a crash.
"""

from __future__ import annotations

import gc

if __name__ == "__main__":
    # Looking for garbage would take a fifth of the time of loading, and loading leaves less than a megabyte of it.
    gc.disable()

import argparse
import json
import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path

from reading_room.analysis.confinement import confine, keep_files
from reading_room.analysis.engine import keep_memory, one_thread, return_freed_memory
from reading_room.analysis.extraction import extractor, wishes_of
from reading_room.analysis.job_file import (
    RESOLVER_FILE,
    Confined,
    Done,
    Failed,
    JobFile,
    Ready,
    WorkerMessage,
    encode_message,
)
from reading_room.analysis.kind import ENGINES
from reading_room.analysis.objects import S3Storage, model_blame
from reading_room.analysis.program import Program, Work, load_program
from reading_room.analysis.s3.credentials import ContainerKeys
from reading_room.analysis.s3.patience import Patience
from reading_room.analysis.s3.wire import HttpWire, Wire
from reading_room.analysis.storage import JobFailure
from reading_room.analysis.trained import ChangedModel

JOB_LINE_LIMIT = 1 << 20
CREDENTIALS_PATH = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
"""What a job adds to the environment of its worker: the path where it fetches the credentials of its role."""


class Stop:
    """Remembers whether SIGTERM was received."""

    def __init__(self) -> None:
        self.stop_requested = False
        signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, *_: object) -> None:
        self.stop_requested = True

    def __call__(self) -> bool:
        """Return whether to stop."""
        return self.stop_requested


def main(arguments: list[str] | None = None) -> int:
    """Run the worker and return its exit code."""
    parser = argparse.ArgumentParser(prog="reading-room-worker")
    parser.add_argument("--engine", choices=ENGINES, required=True)
    options = parser.parse_args(arguments)
    keep_files()
    one_thread()
    keep_memory()
    stop = Stop()
    try:
        program = load_program(options.engine)
    except ChangedModel as error:
        # What to install, without a traceback around it: this becomes the job's message.
        sys.stderr.write(f"{error}\n")
        return 1
    wire = HttpWire(os.environ.get("AWS_CA_BUNDLE"))
    # The program lives as long as the process, so the garbage collector need never scan it.
    gc.freeze()
    gc.enable()
    return_freed_memory()
    _tell(Ready())
    line = sys.stdin.buffer.readline(JOB_LINE_LIMIT)
    if not line:
        return 0
    try:
        handed = json.loads(line)
        path = os.environ[CREDENTIALS_PATH] = str(handed["environment"][CREDENTIALS_PATH])
        Path(RESOLVER_FILE).write_text(str(handed["resolver"]))
        job = JobFile.from_json(json.dumps(handed["job"]))
        if wishes_of(job) is not None:
            extractor(job.document_limit)
        confine(_confined(options.engine, job))
        # The container's cluster may still be writing there after the work is done.
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
            keys = ContainerKeys(wire, path, Patience(stop))
            storage = S3Storage(wire, keys, job.region, stopping=stop, traceparent=job.traceparent)
            done = _run(Work(job, storage, Path(scratch), stop, _tell, _artifacts(wire, job, stop)), program)
    except JobFailure as failure:
        _tell(Failed(failure.code, failure.message))
        return 1
    except Exception as error:
        traceback.print_exc()
        _tell(Failed("INTERNAL_ERROR", f"{type(error).__name__}: {error}"))
        return 1
    _tell(done)
    return 0


def _confined(engine: str, job: JobFile) -> Confined:
    if job.cluster is not None:
        return "cluster"
    return "training" if engine.endswith("-training") else "documents"


def _run(work: Work, program: Program) -> Done:
    """Do a job alone, or this container's share of a job of several containers."""
    place = work.job.cluster
    if place is None:
        return program.run(work)
    # Imported only now: a container that waits for a job does not need this in memory.
    from reading_room.analysis.cluster.alone import run_alone
    from reading_room.analysis.cluster.first import run_first
    from reading_room.analysis.cluster.member import run_member

    if place.containers == 1:
        return run_alone(work, program)
    return (run_first if place.member == 0 else run_member)(work, program)


def _artifacts(wire: Wire, job: JobFile, stop: Stop) -> S3Storage | None:
    if job.model is None:
        return None
    keys = ContainerKeys(wire, job.model.credentials_path, Patience(stop))
    return S3Storage(wire, keys, job.region, model_blame(job.model.artifact.bucket), stop, job.traceparent)


def _tell(message: WorkerMessage) -> None:
    sys.stdout.write(encode_message(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # The interpreter's normal exit takes 130 ms, and nothing here needs it.
    os._exit(code)

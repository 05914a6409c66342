"""Deriving the event that ends a container or its attempt from its state. Reports of workers are not trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reading_room.analysis.folder_digest import FolderDigest
from reading_room.analysis.job_file import (
    COUNT_LIMIT,
    NO_READ_ACCESS,
    NO_WRITE_ACCESS,
    Done,
    Failed,
    Location,
    Progress,
)
from reading_room.containers.spec import ContainerState
from reading_room.jobs.job import (
    Consumed,
    ContainerLost,
    Event,
    MemberLeft,
    MemberLost,
    ModelSeen,
    OutputSeen,
    WorkerFailed,
)
from reading_room.jobs.places import is_folder
from reading_room.jobs.ports import ObjectFacts, OutputStore
from reading_room.printable import escaped

MESSAGE_LIMIT = 2000
"""The most code points of a failure message that are shown."""

ATTESTED = {"NO_READ_ACCESS_TO_INPUT": NO_READ_ACCESS, "NO_WRITE_ACCESS_TO_OUTPUT": NO_WRITE_ACCESS}
"""The codes whose sentence starts with Amazon's own words."""

MODEL_DENIED = frozenset({"NO_ACCESS_TO_MODEL_BUCKET"})
"""The codes about the service's own session, not the data access role."""

CANNOT_CONNECT = "CONTAINERS_CANNOT_CONNECT"
"""The code of a worker that could reach no other worker of its attempt."""
CLUSTER_LOST = "CLUSTER_LOST"
"""The code of a worker whose cluster broke because its scheduler or its certificate is gone."""

WORKER_CODES = frozenset(
    {
        *ATTESTED,
        "INPUT_NOT_FOUND",
        "INPUT_TOO_SMALL",
        "INPUT_TOO_LARGE",
        "TOO_MANY_DOCUMENTS",
        "OUTPUT_TOO_LARGE",
        "ROLE_NOT_ASSUMABLE",
        "NO_ROOM_FOR_OUTPUT",
        "NO_ROUTE_TO_STORAGE",
        *MODEL_DENIED,
        "NO_CREDENTIALS_FOR_MODEL",
        CANNOT_CONNECT,
        CLUSTER_LOST,
        "MODEL_NOT_FOUND",
        "MODEL_TAMPERED",
        "INVALID_TRAINING_DATA",
        "INSUFFICIENT_TRAINING_DATA",
        "STALE_RECALL_PROFILE",
        "DATA_LAKE_CHANGED",
        "FOREIGN_DATA_LAKE",
        "INTERNAL_ERROR",
    }
)
"""The failure codes that a worker may report; any other is shown as INTERNAL_ERROR."""

_ENDED_BY_FILTER = (159, -31)
"""Exit codes of SIGSYS: the program in the container made a forbidden system call."""
_ENDED_FROM_OUTSIDE = {137: "SIGKILL", 143: "SIGTERM", -9: "SIGKILL", -15: "SIGTERM"}


def printable(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """Return text that is safe to show: control characters escaped, at most ``limit`` code points."""
    shown = escaped(text[:limit])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def with_reason(text: str, why: str) -> str:
    """Add the reason to the text of a failure, leaving out what the text already says.

    A denial is a sentence, which the caller also got, with the deciding policy in brackets, which only the service
    knows.
    """
    sentence, bracket, decided = why.partition(" [")
    if bracket and sentence in text:
        why = decided.removesuffix("]")
    return printable(f"{text.rstrip()} ({printable(why)})")


def progress_so_far(state: ContainerState) -> Progress | None:
    """Return the progress that the worker has reported, or ``None`` before it has reported valid numbers."""
    said = next((m for m in reversed(state.messages) if isinstance(m, Progress | Done)), None)
    if said is None or not 0 <= said.documents < COUNT_LIMIT:
        return None
    of = said.of if isinstance(said, Progress) and 0 <= said.of < COUNT_LIMIT else 0
    return Progress(said.documents, of)


def failure_of(state: ContainerState) -> Failed | None:
    """Return the failure that the worker reported, if that is its last message."""
    last = _last_word(state)
    return last if isinstance(last, Failed) else None


def member_outcome(member: int, state: ContainerState) -> MemberLeft | MemberLost | None:
    """Return the event that ends a container other than the first, or ``None`` while it works.

    Its output needs no check: the first container reports the work that it did.
    """
    last = _last_word(state)
    if isinstance(last, Done):
        return MemberLost(member, "its host ended it early") if last.stopped else MemberLeft(member)
    if isinstance(last, Failed):
        # A replacement would find the same broken cluster. The first container reports it itself, or continues alone.
        return MemberLost(member, printable(f"{last.code}: {last.message}"), replace=last.code != CLUSTER_LOST)
    if state.phase == "lost":
        return MemberLost(member, "its host ended it or lost track of it")
    if state.phase != "exited":
        return None
    if state.exit_code == 0:
        return MemberLeft(member)
    end = _without_a_word(state)
    reason = end.reason if isinstance(end, ContainerLost) else end.text
    return MemberLost(member, reason, killed=_ENDED_FROM_OUTSIDE.get(state.exit_code or 0) == "SIGKILL")


def _last_word(state: ContainerState) -> Done | Failed | None:
    return next((m for m in reversed(state.messages) if isinstance(m, Done | Failed)), None)


def outcome_of(
    state: ContainerState,
    output: Location,
    facts: Callable[[Location], ObjectFacts | None],
    check_model: Callable[[str], None] | None = None,
) -> Event | None:
    """Return the event of the first container that ends the attempt, or ``None`` while it works.

    ``facts`` returns those of the output. The worker's ``Done`` counts only if the output exists with the size and
    checksum that the worker reported. For a training, ``output`` is the model's artifact, and ``check_model``
    raises ``ValueError`` for metadata that is not valid for such a model.
    """
    last = _last_word(state)
    if isinstance(last, Done):
        return _seen(last, output, facts, check_model)
    if isinstance(last, Failed):
        return _failed(last)
    if state.phase == "lost":
        return ContainerLost("its host ended it or lost track of it")
    if state.phase != "exited":
        return None
    return _without_a_word(state)


def facts_of(store: OutputStore, output: Location) -> ObjectFacts | None:
    """Return the facts of a job's output; those of a folder are the sum of its objects (``FolderDigest``)."""
    if not is_folder(output):
        return store.head(output.bucket, output.key)
    found = FolderDigest()
    for key, facts in store.objects_below(output.bucket, output.key):
        found.add(key[len(output.key) :], facts.size, str(facts.sha256))
    return FolderFacts(found.size, found.hexdigest())


@dataclass(frozen=True, slots=True)
class FolderFacts:
    """The size of a folder's objects together, and their digest."""

    size: int
    sha256: str


def _seen(
    done: Done,
    output: Location,
    facts: Callable[[Location], ObjectFacts | None],
    check_model: Callable[[str], None] | None,
) -> Event:
    if check_model is not None and done.stopped:
        # A training that ended early has no usable model.
        return OutputSeen(done.documents, done.errors, stopped=True)
    found = facts(output)
    uri = f"s3://{output.bucket}/{output.key}"
    if found is None:
        return WorkerFailed("INTERNAL_ERROR", f"The worker reported that it wrote {uri}, but the object is missing.")
    if found.size != done.size or found.sha256 != done.sha256.lower():
        return WorkerFailed(
            "INTERNAL_ERROR",
            f"The object {uri} has {found.size} bytes and SHA-256 {found.sha256}, but the worker reported "
            f"{done.size} bytes with {printable(done.sha256, 64)}.",
        )
    if check_model is None:
        consumed = Consumed(done.characters, done.units, done.input_bytes)
        return OutputSeen(done.documents, done.errors, done.stopped, warning=printable(done.warning), consumed=consumed)
    try:
        check_model(done.metadata)
    except ValueError as error:
        return WorkerFailed(
            "INTERNAL_ERROR", printable(f"The training reported invalid metadata of its model: {error}")
        )
    seen = ModelSeen(found.size, found.sha256, done.metadata, printable(done.warning))
    return OutputSeen(done.documents, done.errors, stopped=False, model=seen)


def _failed(failed: Failed) -> WorkerFailed:
    text = printable(failed.message)
    if failed.code not in WORKER_CODES:
        return WorkerFailed("INTERNAL_ERROR", printable(f"{failed.code}: {failed.message}"))
    attested = ATTESTED.get(failed.code)
    if attested is not None and not text.startswith(attested):
        text = printable(f"{attested.rstrip('.')}. {text}")
    return WorkerFailed(failed.code, text)


def _without_a_word(state: ContainerState) -> ContainerLost | WorkerFailed:
    if state.exit_code in _ENDED_FROM_OUTSIDE:
        name = _ENDED_FROM_OUTSIDE[state.exit_code]
        return ContainerLost(f"{name} ended its worker; if it needed more memory, raise READING_ROOM_CONTAINER_MEMORY")
    if state.exit_code == 0:
        return ContainerLost("its worker ended before it received the job")
    tail = printable(state.diagnostics.strip()[-600:], 600)
    said = f" It last wrote: {tail}" if tail else ""
    if state.exit_code in _ENDED_BY_FILTER:
        what = "The worker was terminated for a forbidden system call (SIGSYS)"
        return WorkerFailed("INTERNAL_ERROR", f"{what}: a document may have compromised it.{said}")
    return WorkerFailed("INTERNAL_ERROR", f"The worker crashed with exit code {state.exit_code}.{said}")

"""From what the agent knows of a container to the event that ends it or its attempt. Nobody trusts a worker's word."""

from __future__ import annotations

from collections.abc import Callable

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
from reading_room.jobs.job import ContainerLost, Event, MemberLeft, MemberLost, ModelSeen, OutputSeen, WorkerFailed
from reading_room.jobs.ports import ObjectFacts
from reading_room.printable import escaped

MESSAGE_LIMIT = 2000
"""Code points of a failure message that anybody is shown."""

ATTESTED = {"NO_READ_ACCESS_TO_INPUT": NO_READ_ACCESS, "NO_WRITE_ACCESS_TO_OUTPUT": NO_WRITE_ACCESS}
"""Codes whose sentence begins as Amazon's own does, word for word."""

MODEL_DENIED = frozenset({"NO_ACCESS_TO_MODEL_BUCKET"})
"""Codes that speak of the service's own session, not of the data access role."""

CANNOT_CONNECT = "CONTAINERS_CANNOT_CONNECT"
"""What a worker says that reached none of the others of its attempt."""
CLUSTER_LOST = "CLUSTER_LOST"
"""What a worker says when the cluster of its attempt broke: its scheduler is gone, or its certificate."""

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
        "INTERNAL_ERROR",
    }
)
"""The failure codes that a worker may give; any other is shown as INTERNAL_ERROR."""

_ENDED_BY_FILTER = (159, -31)
"""Exit codes of SIGSYS: what runs in the container made a system call that ends whoever makes it."""
_ENDED_FROM_OUTSIDE = {137: "SIGKILL", 143: "SIGTERM", -9: "SIGKILL", -15: "SIGTERM"}


def printable(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """Return text that is safe to show: control characters escaped, at most ``limit`` code points."""
    shown = escaped(text[:limit])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def with_reason(text: str, why: str) -> str:
    """Add to a failure's text why it came to that, leaving out what the text says already.

    A denial is a sentence, which the caller was given, and in brackets what decided, which only the service knows.
    """
    sentence, bracket, decided = why.partition(" [")
    if bracket and sentence in text:
        why = decided.removesuffix("]")
    return printable(f"{text.rstrip()} ({printable(why)})")


def progress_so_far(state: ContainerState) -> Progress | None:
    """Return how far the worker says it is, or ``None`` before it said so in numbers that there can be."""
    said = next((m for m in reversed(state.messages) if isinstance(m, Progress | Done)), None)
    if said is None or not 0 <= said.documents < COUNT_LIMIT:
        return None
    of = said.of if isinstance(said, Progress) and 0 <= said.of < COUNT_LIMIT else 0
    return Progress(said.documents, of)


def failure_of(state: ContainerState) -> Failed | None:
    """Return what the worker says went wrong, if that is its last word."""
    last = _last_word(state)
    return last if isinstance(last, Failed) else None


def member_outcome(member: int, state: ContainerState) -> MemberLeft | MemberLost | None:
    """Return the event that ends a container which is not the first, or ``None`` while it works.

    It wrote nothing that anybody must see: what it did of the work, the first container tells.
    """
    last = _last_word(state)
    if isinstance(last, Done):
        return MemberLost(member, "its host ended it early") if last.stopped else MemberLeft(member)
    if isinstance(last, Failed):
        # Another one would find the same cluster broken: the first container says so itself, or goes on alone.
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
    head: Callable[[str, str], ObjectFacts | None],
    check_model: Callable[[str], None] | None = None,
) -> Event | None:
    """Return the event of the first container that ends the attempt, or ``None`` while it works.

    ``head`` looks the output object up; the worker's ``Done`` counts only if the object is there with the size and
    checksum that it claims. Of a training ``output`` is the model's artifact, and ``check_model`` raises
    ``ValueError`` for metadata that are not those of such a model.
    """
    last = _last_word(state)
    if isinstance(last, Done):
        return _seen(last, output, head, check_model)
    if isinstance(last, Failed):
        return _failed(last)
    if state.phase == "lost":
        return ContainerLost("its host ended it or lost track of it")
    if state.phase != "exited":
        return None
    return _without_a_word(state)


def _seen(
    done: Done,
    output: Location,
    head: Callable[[str, str], ObjectFacts | None],
    check_model: Callable[[str], None] | None,
) -> Event:
    if check_model is not None and done.stopped:
        # A training that ended early made nothing, and half of a model is none.
        return OutputSeen(done.documents, done.errors, stopped=True)
    facts = head(output.bucket, output.key)
    uri = f"s3://{output.bucket}/{output.key}"
    if facts is None:
        return WorkerFailed("INTERNAL_ERROR", f"The worker said that it wrote {uri}, but no such object is there.")
    if facts.size != done.size or facts.sha256 != done.sha256.lower():
        return WorkerFailed(
            "INTERNAL_ERROR",
            f"The object {uri} has {facts.size} bytes and SHA-256 {facts.sha256}, but the worker said that it wrote "
            f"{done.size} bytes with {printable(done.sha256, 64)}.",
        )
    if check_model is None:
        return OutputSeen(done.documents, done.errors, done.stopped, warning=printable(done.warning))
    try:
        check_model(done.metadata)
    except ValueError as error:
        return WorkerFailed("INTERNAL_ERROR", printable(f"What the training says of its model cannot be: {error}"))
    seen = ModelSeen(facts.size, facts.sha256, done.metadata, printable(done.warning))
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
        return ContainerLost("its worker ended before it was given the job")
    tail = printable(state.diagnostics.strip()[-600:], 600)
    said = f" It last wrote: {tail}" if tail else ""
    if state.exit_code in _ENDED_BY_FILTER:
        what = "The worker made a system call that no worker makes, and was ended (SIGSYS)"
        return WorkerFailed("INTERNAL_ERROR", f"{what}: a document may have taken it over.{said}")
    return WorkerFailed("INTERNAL_ERROR", f"The worker crashed with exit code {state.exit_code}.{said}")

"""Deriving the event that ends an attempt from a container's state."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.analysis.job_file import Done, Failed, Location, Progress, Ready
from reading_room.containers.spec import ContainerState
from reading_room.jobs.job import ContainerLost, MemberLeft, MemberLost, OutputSeen, WorkerFailed
from reading_room.jobs.memory import MemoryObject
from reading_room.jobs.outcomes import (
    WORKER_CODES,
    failure_of,
    member_outcome,
    outcome_of,
    printable,
    progress_so_far,
    with_reason,
)
from reading_room.jobs.places import location_of, output_location
from reading_room.jobs.state_machine import describe

OUTPUT = Location("papers", "out/output.tar.gz")
DONE = Done(3, 1, 10, "ab" * 32)


def head(place: Location) -> MemoryObject | None:
    assert place == OUTPUT
    return MemoryObject(10, "ab" * 32)


def state(*messages: object, phase: str = "running", exit_code: int | None = None) -> ContainerState:
    return ContainerState("c1", phase, exit_code, messages)  # type: ignore[arg-type]


def test_a_container_that_works_has_not_ended() -> None:
    assert outcome_of(state(Ready(), Progress(3)), OUTPUT, head) is None
    assert outcome_of(state(phase="starting"), OUTPUT, head) is None


def test_done_counts_once_the_object_is_seen_however_the_process_ended() -> None:
    seen = OutputSeen(3, 1, False)
    assert outcome_of(state(Ready(), DONE), OUTPUT, head) == seen
    assert outcome_of(state(DONE, phase="exited", exit_code=137), OUTPUT, head) == seen
    assert outcome_of(state(DONE, phase="lost"), OUTPUT, head) == seen


def test_a_worker_s_warning_becomes_one_printable_line() -> None:
    said = Done(3, 1, 10, "ab" * 32, warning="Left out:\nbad.txt")
    event = outcome_of(state(said), OUTPUT, head)
    assert event == OutputSeen(3, 1, False, warning="Left out:\\nbad.txt")
    assert describe(event) == "results written: 3 documents, 1 errors; Left out:\\nbad.txt"


def test_a_checksum_that_the_store_does_not_know_proves_nothing() -> None:
    event = outcome_of(state(DONE), OUTPUT, lambda place: MemoryObject(10, None))
    assert isinstance(event, WorkerFailed)
    assert event.code == "INTERNAL_ERROR"


@pytest.mark.parametrize("code", sorted(WORKER_CODES))
def test_known_codes_are_kept(code: str) -> None:
    event = outcome_of(state(Failed(code, "because")), OUTPUT, head)
    assert isinstance(event, WorkerFailed)
    assert event.code == code
    assert event.text.endswith("because")


def test_the_attested_sentences_come_first_and_once() -> None:
    bare = outcome_of(state(Failed("NO_WRITE_ACCESS_TO_OUTPUT", "s3:PutObject denied")), OUTPUT, head)
    assert isinstance(bare, WorkerFailed)
    assert bare.text == (
        "The provided data access role does not have write access to the output S3 URI. s3:PutObject denied"
    )
    again = outcome_of(state(Failed("NO_WRITE_ACCESS_TO_OUTPUT", bare.text)), OUTPUT, head)
    assert again == bare


def test_a_worker_that_its_filter_ended_is_not_retried_and_the_failure_names_it() -> None:
    event = outcome_of(state(Ready(), Progress(1), phase="exited", exit_code=159), OUTPUT, head)
    said = "The worker was terminated for a forbidden system call (SIGSYS): a document may have compromised it."
    assert event == WorkerFailed("INTERNAL_ERROR", said)


@pytest.mark.parametrize("exit_code", [137, 143, 0])
def test_an_end_from_outside_is_a_loss(exit_code: int) -> None:
    assert isinstance(outcome_of(state(Ready(), phase="exited", exit_code=exit_code), OUTPUT, head), ContainerLost)


@pytest.mark.parametrize("exit_code", [1, 2, 134, 139])
def test_an_end_of_its_own_is_a_crash(exit_code: int) -> None:
    event = outcome_of(state(Ready(), phase="exited", exit_code=exit_code), OUTPUT, head)
    assert isinstance(event, WorkerFailed)
    assert f"exit code {exit_code}" in event.text


@given(st.text())
def test_whatever_a_worker_reports_is_printable_and_bounded(text: str) -> None:
    shown = printable(text * 50)
    assert shown.isprintable()
    assert len(shown) <= 2000


def test_progress_is_the_last_valid_report() -> None:
    assert progress_so_far(state(Ready())) is None
    assert progress_so_far(state(Progress(3), Progress(9, 20))) == Progress(9, 20)
    assert progress_so_far(state(Progress(3, 20), DONE)) == Progress(3)
    assert progress_so_far(state(Progress(-1))) is None
    assert progress_so_far(state(Progress(10**30))) is None
    assert progress_so_far(state(Progress(3, -1))) == Progress(3)
    assert progress_so_far(state(Progress(3, 10**30))) == Progress(3)


def test_a_member_ends_quietly_when_its_work_is_done() -> None:
    assert member_outcome(2, state(Ready())) is None
    assert member_outcome(2, state(Ready(), Done(0, 0, 0, ""))) == MemberLeft(2)
    assert member_outcome(2, state(Ready(), phase="exited", exit_code=0)) == MemberLeft(2)


@pytest.mark.parametrize(
    ("ended", "replace", "killed"),
    [
        (state(Ready(), Done(0, 0, 0, "", stopped=True), phase="exited", exit_code=0), True, False),
        (state(Ready(), phase="lost"), True, False),
        (state(Ready(), phase="exited", exit_code=137), True, True),
        (state(Ready(), phase="exited", exit_code=143), True, False),
        (state(Ready(), phase="exited", exit_code=139), True, False),
        (state(Failed("INTERNAL_ERROR", "a bug")), True, False),
        (state(Failed("CONTAINERS_CANNOT_CONNECT", "nobody answers")), True, False),
        (state(Failed("CLUSTER_LOST", "the scheduler is gone")), False, False),
    ],
)
def test_any_other_end_of_a_member_is_a_loss_and_is_replaced_unless_the_cluster_broke(
    ended: ContainerState, replace: bool, killed: bool
) -> None:
    event = member_outcome(2, ended)
    assert isinstance(event, MemberLost)
    assert (event.member, event.replace, event.killed) == (2, replace, killed)
    assert event.reason


def test_a_failure_counts_only_if_it_is_the_last_message() -> None:
    failed = Failed("CLUSTER_LOST", "the scheduler is gone")
    assert failure_of(state(Ready(), failed)) == failed
    assert failure_of(state(failed, DONE)) is None
    assert failure_of(state(Ready())) is None


def test_a_reason_does_not_repeat_the_text() -> None:
    why = 'User: x is not authorized to perform: s3:GetObject [statement "Only" of vpce-1 denies it]'
    said = "Denied: User: x is not authorized to perform: s3:GetObject"
    assert with_reason(said, why) == f'{said} (statement "Only" of vpce-1 denies it)'
    assert with_reason("Denied", why) == f"Denied ({why})"


@pytest.mark.parametrize("uri", ["", "papers/in", "s3://", "s3:///key", "https://papers/in"])
def test_an_invalid_location_is_refused(uri: str) -> None:
    with pytest.raises(ValueError):
        location_of(uri)


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("s3://papers", Location("papers", "")),
        ("s3://papers/", Location("papers", "")),
        ("s3://papers/in", Location("papers", "in")),
        ("s3://papers//in/ä b", Location("papers", "/in/ä b")),
    ],
)
def test_a_location_is_a_bucket_and_a_key(uri: str, place: Location) -> None:
    assert location_of(uri) == place


@pytest.mark.parametrize("prefix", ["s3://papers/out", "s3://papers/out/"])
def test_exactly_one_slash_joins_prefix_and_output(prefix: str) -> None:
    assert output_location(prefix, "1", "NER", "j") == "s3://papers/out/1-NER-j/output/output.tar.gz"

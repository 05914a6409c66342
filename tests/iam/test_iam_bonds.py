"""The mark in a session's token of the job that it is bound to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.aws.call import NetworkPath, Principal
from reading_room.iam.bonds import Bonds, bond_of, denial, mark_of

HERE = NetworkPath(vpc_id="vpc-1", vpc_source_ip="10.0.0.4")
JOB, OTHER = "0" * 32, "1" * 32


def session(bound_to: str | None) -> Principal:
    return Principal("session", "111122223333", "arn:aws:sts::111122223333:assumed-role/R/s", "A:s", bound_to=bound_to)


@given(st.from_regex(r"[0-9a-f]{32}", fullmatch=True), st.text(alphabet="abcXYZ019+/=", max_size=300))
def test_only_a_bound_token_names_a_job(job: str, rest: str) -> None:
    assert bond_of(mark_of(job) + rest) == job
    assert bond_of(rest) is None


@pytest.mark.parametrize("name", ["", "1", "A" * 32, "0" * 33, "0" * 31 + "."])
def test_an_invalid_job_id_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not the id of a job"):
        mark_of(name)
    assert bond_of(f"job-{name}.abc") is None


def test_unbound_credentials_need_no_job() -> None:
    assert Bonds().hold(session(None), HERE)


def test_a_path_shared_by_several_jobs_is_valid_for_each() -> None:
    bonds = Bonds(lambda path: {JOB, OTHER} if path == HERE else set())
    for job in (JOB, OTHER):
        assert bonds.hold(session(job), HERE)
        assert not bonds.hold(session(job), NetworkPath())
    assert not bonds.hold(session("2" * 32), HERE)


def test_the_denial_has_a_statement_that_names_the_job() -> None:
    decision = denial(session(JOB), "s3:GetObject", "arn:aws:s3:::b/k", {"aws:SourceIp": ("127.0.0.1",)})
    assert decision.outcome == "explicitDeny"
    assert f"binds the credentials to job {JOB}" in decision.reasons()
    # No request can contain the key; only this statement has it.
    claimed = denial(session(JOB), "s3:GetObject", "*", {"reading-room:SourceJob": (OTHER,)})
    assert claimed.outcome == "explicitDeny"

"""Answers of slurmrestd, which other people administer."""

from __future__ import annotations

from reading_room.codec import DocumentError
from reading_room.jobs.slurm.documents import SlurmRefused, read_done, read_jobs, read_submitted
from tests.fuzz import assert_printable

PREFIX = "reading-room:0123456789ab:"


def slurm_answer(data: bytes) -> None:
    """An answer: refused, an error with a short reason, or jobs whose states and nodes can be used."""
    for read in (read_done, read_submitted, _jobs):
        try:
            read(data)
        except DocumentError as error:
            str(error).encode()
        except SlurmRefused as error:
            _is_short(error)


def _jobs(data: bytes) -> None:
    for job in read_jobs(data, PREFIX):
        assert job.name.startswith(PREFIX)
        assert 0 < job.job_id < 1 << 32
        assert job.phase != "held" or (job.nodes.isascii() and " " not in job.nodes)
        assert_printable(job.state_reason)
        assert job.returned == int(job.returned)


def _is_short(error: SlurmRefused) -> None:
    assert_printable(str(error))
    assert len(str(error)) <= 200
    assert isinstance(error.number, int)

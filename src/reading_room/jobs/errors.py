"""What can go wrong with jobs, for the packages above; none of it crosses the wire by itself."""

from __future__ import annotations


class UnknownJob(Exception):
    """There is no such job in the account."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"no job has the id {job_id}")
        self.job_id = job_id


class JobEnded(Exception):
    """The job cannot be stopped: it has ended already."""

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(f"job {job_id} is {status}")
        self.job_id = job_id
        self.status = status


class TokenReused(Exception):
    """The client token belongs to a job that was asked for with other parameters."""

    def __init__(self, token: str, job_id: str) -> None:
        super().__init__(f"token {token} belongs to job {job_id}, which has other parameters")
        self.token = token
        self.job_id = job_id


class TooManyActiveJobs(Exception):
    """The account has as many active jobs of the kind as its quota allows."""

    def __init__(self, kind: str, quota: int) -> None:
        super().__init__(f"{quota} jobs of kind {kind} are active, the most that an account may have")
        self.kind = kind
        self.quota = quota


class TooManyWaitingJobs(Exception):
    """As many jobs of the account wait for a place as its quota allows."""

    def __init__(self, quota: int) -> None:
        super().__init__(f"{quota} jobs of the account wait for a place, the most that may")
        self.quota = quota


class PreparationError(Exception):
    """A job's network cannot be prepared: ``code`` is a failure code of jobs, ``text`` says which id and what to do."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class PlanRefused(Exception):
    """The parts of a job are registered already, by a later attempt or by this one with another plan."""

    def __init__(self, job_id: str, attempt: int, registered: int) -> None:
        super().__init__(f"attempt {attempt} of job {job_id} may not replace the plan that attempt {registered} has")
        self.job_id = job_id

"""The errors of jobs, which the packages above turn into API errors or failure codes."""

from __future__ import annotations


class UnknownJob(Exception):
    """The account has no such job."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"no job has the id {job_id}")
        self.job_id = job_id


class JobEnded(Exception):
    """The job has already ended and cannot be stopped."""

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(f"job {job_id} is {status}")
        self.job_id = job_id
        self.status = status


class JobRuns(Exception):
    """The job has not ended yet, so that it cannot be erased."""

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(f"job {job_id} is {status}")
        self.job_id = job_id
        self.status = status


class ModelsTraining(Exception):
    """The job is the training of a custom model, which owns its record."""

    def __init__(self, model_arn: str) -> None:
        super().__init__(f"the job trains {model_arn}")
        self.model_arn = model_arn


class TokenReused(Exception):
    """The client token was used for a job with other parameters."""

    def __init__(self, token: str, job_id: str) -> None:
        super().__init__(f"token {token} was used for job {job_id}, which has other parameters")
        self.token = token
        self.job_id = job_id


class TooManyActiveJobs(Exception):
    """The account has as many active jobs of the kind as its quota allows."""

    def __init__(self, kind: str, quota: int) -> None:
        super().__init__(f"{quota} jobs of kind {kind} are active, the maximum of an account")
        self.kind = kind
        self.quota = quota


class TooManyWaitingJobs(Exception):
    """The account has as many waiting jobs as its quota allows."""

    def __init__(self, quota: int) -> None:
        super().__init__(f"{quota} jobs of the account are waiting to start, the maximum")
        self.quota = quota


class PreparationError(Exception):
    """A job's network cannot be prepared. ``code`` is a job's failure code; ``text`` has the id and what to do."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class PlanRefused(Exception):
    """A later attempt, or this one with another plan, has already registered the parts of a job."""

    def __init__(self, job_id: str, attempt: int, registered: int) -> None:
        super().__init__(f"attempt {attempt} of job {job_id} must not replace the plan of attempt {registered}")
        self.job_id = job_id

"""Comprehend's errors about custom models."""

from __future__ import annotations

from collections.abc import Sequence

from reading_room.aws.errors import AwsError
from reading_room.comprehend.errors import (
    InvalidRequestException,
    KmsKeyValidationException,
    ResourceInUseException,
    ResourceNotFoundException,
    ResourceUnavailableException,
    UnsupportedLanguageException,
)

__all__ = [
    "InvalidModelPolicy",
    "InvalidTrainingRequest",
    "KmsKeyValidationException",
    "ModelHasEndpoints",
    "ModelInUse",
    "ModelNameInUse",
    "ModelOfFlywheel",
    "ModelUnavailable",
    "ResourceLimitExceededException",
    "ResourceNotFoundException",
    "RevisionMismatch",
    "UnsupportedLanguageException",
]


class InvalidTrainingRequest(InvalidRequestException):
    """The members of a request for a custom model contradict each other."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"INVALID_PARAMETERS: {problem}")


class InvalidModelPolicy(InvalidRequestException):
    """A text is not a valid policy for a custom model."""

    def __init__(self, member: str, problem: str) -> None:
        super().__init__(f"INVALID_POLICY: {member}: {problem.rstrip('.')}.")


class RevisionMismatch(InvalidRequestException):
    """The policy has changed since the caller read it, or does not exist."""

    def __init__(self, given: str | None, current: str | None) -> None:
        found = "there is no policy yet" if current is None else f"the policy has revision {current}"
        requested = "no PolicyRevisionId is given" if given is None else f"PolicyRevisionId is {given}"
        super().__init__(f"POLICY_REVISION_MISMATCH: {requested}, but {found}.")


class ModelNameInUse(ResourceInUseException):
    """A model with this name and version already exists."""

    def __init__(self, arn: str) -> None:
        AwsError.__init__(
            self, f"MODEL_EXISTS: {arn} already exists; use another VersionName or name, or delete it first."
        )


class ModelInUse(ResourceInUseException):
    """An active job uses the model."""

    def __init__(self, arn: str, job_ids: Sequence[str]) -> None:
        some = ", ".join(job_ids[:3]) + (", …" if len(job_ids) > 3 else "")
        AwsError.__init__(
            self,
            f"MODEL_IN_USE: {arn} is used by {len(job_ids)} active jobs ({some}); stop them or wait for their end.",
        )


class ModelHasEndpoints(ResourceInUseException):
    """Endpoints use the model."""

    def __init__(self, arn: str, endpoints: Sequence[str]) -> None:
        AwsError.__init__(self, f"MODEL_IN_USE: {arn} is used by {', '.join(endpoints)}; delete or update that first.")


class ModelOfFlywheel(ResourceInUseException):
    """A flywheel uses the model."""

    def __init__(self, arn: str, flywheel: str) -> None:
        AwsError.__init__(
            self,
            f"MODEL_IN_USE: {arn} is used by {flywheel}, as its active model or in an iteration; update that first, "
            "or wait for the iteration's end.",
        )


class ModelUnavailable(ResourceUnavailableException):
    """The model cannot be used in this way in its current state."""

    def __init__(self, arn: str, status: str, needed: str) -> None:
        AwsError.__init__(self, f"MODEL_UNAVAILABLE: {arn} is {status}; {needed}.")


class ResourceLimitExceededException(AwsError):
    """The account has as many active trainings of this kind as its quota allows."""

    code = "ResourceLimitExceededException"

    def __init__(self, kind: str, quota: int) -> None:
        super().__init__(f"TOO_MANY_ACTIVE_TRAININGS: {quota} trainings of type {kind} are active, the maximum.")

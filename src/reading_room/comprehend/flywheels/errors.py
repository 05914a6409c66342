"""Comprehend's errors about flywheels, their datasets and their iterations."""

from __future__ import annotations

from collections.abc import Sequence

from reading_room.aws.errors import AwsError
from reading_room.comprehend.errors import (
    InvalidRequestException,
    ResourceInUseException,
    ResourceUnavailableException,
    TooManyRequestsException,
)


class InvalidFlywheelRequest(InvalidRequestException):
    """The members of a request for a flywheel or dataset contradict each other, or do not fit the flywheel."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"INVALID_PARAMETERS: {problem}")


class FlywheelNotActive(InvalidRequestException):
    """A flywheel that is not active cannot be used in this way."""

    def __init__(self, arn: str, status: str, message: str | None) -> None:
        cause = "" if message is None else f" ({message.rstrip('.')})"
        remedy = "delete it and create another one" if status == "FAILED" else "wait until it is ACTIVE"
        super().__init__(f"FLYWHEEL_NOT_ACTIVE: {arn} is {status}{cause}; {remedy}.")


class NoTrainingDataset(InvalidRequestException):
    """An iteration needs data to learn from."""

    def __init__(self, arn: str) -> None:
        super().__init__(
            f"NO_TRAINING_DATASET: {arn} has no dataset of type TRAIN that is COMPLETED: create one first."
        )


class FlywheelNameInUse(ResourceInUseException):
    """A flywheel with this name already exists."""

    def __init__(self, arn: str) -> None:
        AwsError.__init__(self, f"FLYWHEEL_EXISTS: {arn} already exists; use another FlywheelName, or delete it first.")


class DatasetNameInUse(ResourceInUseException):
    """The flywheel already has a dataset with this name."""

    def __init__(self, arn: str) -> None:
        AwsError.__init__(self, f"DATASET_EXISTS: {arn} already exists; use another DatasetName.")


class FlywheelTokenInUse(ResourceInUseException):
    """The client token was used for another request."""

    def __init__(self, token: str, arn: str) -> None:
        AwsError.__init__(
            self,
            f"TOKEN_IN_USE: ClientRequestToken {token} created {arn} with other parameters; use a new token for a new "
            "resource.",
        )


class IterationRuns(ResourceInUseException):
    """The flywheel has an iteration that has not ended."""

    def __init__(self, arn: str, iteration_id: str, status: str) -> None:
        AwsError.__init__(
            self, f"ITERATION_IN_PROGRESS: The iteration {iteration_id} of {arn} is {status}; wait for its end."
        )


class FlywheelHasEndpoints(ResourceInUseException):
    """Endpoints follow the flywheel."""

    def __init__(self, arn: str, endpoints: Sequence[str]) -> None:
        AwsError.__init__(
            self, f"FLYWHEEL_IN_USE: {arn} is used by {', '.join(endpoints)}; delete or update that first."
        )


class FlywheelBusy(ResourceUnavailableException):
    """The flywheel cannot be deleted while it is being changed."""

    def __init__(self, arn: str, what: str) -> None:
        AwsError.__init__(self, f"FLYWHEEL_UNAVAILABLE: {arn} cannot be deleted while {what}; wait for its end.")


class NoActiveModel(ResourceUnavailableException):
    """The flywheel has no active model yet."""

    def __init__(self, arn: str) -> None:
        AwsError.__init__(
            self,
            f"NO_ACTIVE_MODEL: {arn} has no active model: start an iteration, and set the ActiveModelArn with "
            "UpdateFlywheel.",
        )


class TooManyFlywheels(AwsError):
    """The account has as many flywheels, or the flywheel as many datasets, as the quota allows."""

    code = "ResourceLimitExceededException"

    def __init__(self, what: str, quota: int) -> None:
        super().__init__(f"RESOURCE_LIMIT_EXCEEDED: {what} can be {quota:,}.")


class TooManyIterations(TooManyRequestsException):
    """The account has as many running iterations as its quota allows."""

    def __init__(self, quota: int) -> None:
        super().__init__(f"TOO_MANY_ITERATIONS: {quota} iterations of the account are running, which is the maximum.")

"""Comprehend's errors about model endpoints."""

from __future__ import annotations

from reading_room.aws.errors import AwsError
from reading_room.comprehend.errors import (
    InvalidRequestException,
    ResourceInUseException,
    ResourceUnavailableException,
)


class InvalidEndpointRequest(InvalidRequestException):
    """The members of a request for an endpoint contradict each other."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"INVALID_PARAMETERS: {problem}")


class InvalidEndpointFilter(InvalidRequestException):
    """The filter of ListEndpoints, which has no error of its own for it, has more than one criterion."""

    def __init__(self, criteria: list[str]) -> None:
        super().__init__(f"INVALID_FILTER: Filter takes one criterion, but has {', '.join(criteria)}.")


class EndpointNameInUse(ResourceInUseException):
    """An endpoint with this name already exists."""

    def __init__(self, arn: str) -> None:
        AwsError.__init__(self, f"ENDPOINT_EXISTS: {arn} already exists; use another EndpointName, or delete it first.")


class EndpointTokenInUse(ResourceInUseException):
    """The client token was used for another request."""

    def __init__(self, token: str, arn: str) -> None:
        AwsError.__init__(
            self,
            f"TOKEN_IN_USE: ClientRequestToken {token} created {arn} with other parameters; use a new token for a new "
            "endpoint.",
        )


class EndpointBusy(ResourceInUseException):
    """The endpoint is being updated."""

    def __init__(self, arn: str) -> None:
        AwsError.__init__(self, f"ENDPOINT_IN_USE: {arn} is UPDATING; wait until it is IN_SERVICE.")


class EndpointUnavailable(ResourceUnavailableException):
    """The endpoint cannot be used in this way in its current state."""

    def __init__(self, arn: str, status: str, message: str | None) -> None:
        cause = "" if message is None else f" ({message.rstrip('.')})"
        AwsError.__init__(self, f"ENDPOINT_UNAVAILABLE: {arn} is {status}{cause}.")


class NoRoomToWake(ResourceUnavailableException):
    """The model of an endpoint sleeps, and there is no memory to load it."""

    def __init__(self, problem: str) -> None:
        """``problem`` is what ``too_little_memory`` returns."""
        AwsError.__init__(self, f"{problem} The model sleeps, and the next call tries again.")


class TooManyEndpoints(AwsError):
    """The account has as many endpoints, or inference units, as its quota allows."""

    code = "ResourceLimitExceededException"

    def __init__(self, what: str, quota: int) -> None:
        super().__init__(f"RESOURCE_LIMIT_EXCEEDED: {what} can have {quota:,}.")


class EndpointThrottled(AwsError):
    """The endpoint has analysed as many characters as its inference units allow."""

    code = "ThrottlingException"

    def __init__(self, arn: str, units: int, characters: int) -> None:
        super().__init__(
            f"THROTTLED: {arn} has {units:,} inference units, which analyse {units * characters:,} characters a "
            "second: raise DesiredInferenceUnits with UpdateEndpoint, or call less often."
        )


# The messages of endpoints that have failed.


def model_gone() -> str:
    """Return why an endpoint fails whose model does not exist."""
    return "MODEL_NOT_FOUND: The model of the endpoint was deleted."


def too_many_models(most: int) -> str:
    """Return why an endpoint fails that needs one more model than there may be."""
    return (
        f"TOO_MANY_MODELS: The endpoints of all accounts use {most} models, the maximum: delete an endpoint, or have "
        "it use the same model as another one."
    )


def too_little_memory(model: str, needs: int, used: int, limit: int, free: int) -> str:
    """Return why an endpoint fails whose model does not fit into memory. All figures are bytes."""
    said = f"INSUFFICIENT_MEMORY: {model} needs about {needs:,} bytes of memory"
    if used + needs > limit:
        return (
            f"{said}, but the models of other endpoints use {used:,} of {limit:,} (READING_ROOM_ENDPOINTS_MEMORY): "
            "delete an endpoint, or raise the setting."
        )
    return f"{said}, but only {free:,} are free: end other work, or delete an endpoint."

"""The error class of each service, for errors that differ only in their code."""

from __future__ import annotations

from reading_room.aws.errors import (
    AwsError,
    ConstraintViolations,
    InternalError,
    InternalFailure,
    InternalServerException,
    InvalidAction,
    InvalidParameterException,
    NotImplementedHere,
    RequestLimitExceeded,
    RequestTooLarge,
    RequestTooLargeException,
    ServiceFailure,
    ServiceUnavailable,
    ServiceUnavailableException,
    SlowDown,
    Throttled,
    Throttling,
    ThrottlingException,
    UnknownOperation,
    UnknownOperationException,
    ValidationError,
    ValidationException,
)
from reading_room.aws.models import SERVED

_INTERNAL: dict[str, type[InternalFailure]] = {
    "comprehend": InternalServerException,
    "ec2": InternalError,
    "iam": ServiceFailure,
    "s3": InternalError,
}
_THROTTLED: dict[str, type[Throttled]] = {
    "ec2": RequestLimitExceeded,
    "iam": Throttling,
    "s3": SlowDown,
    "sts": Throttling,
}
_VIOLATIONS: dict[str, type[ConstraintViolations]] = {
    "logs": InvalidParameterException,
    "iam": ValidationError,
    "sts": ValidationError,
}


def unknown_operation(service: str, operation: str | None) -> UnknownOperation:
    """Return the service's error for an operation that does not exist or is not implemented."""
    protocol = SERVED[service].protocol if service in SERVED else "json"
    match protocol:
        case "json":
            return UnknownOperationException(service, operation)
        case "rest-xml":
            return NotImplementedHere(service, operation)
        case _:
            return InvalidAction(service, operation)


def internal_failure(service: str, request_id: str) -> AwsError:
    """Return the service's error for a fault of the product."""
    return _INTERNAL.get(service, InternalFailure)(request_id)


def constraint_violations(service: str, violations: list[str]) -> AwsError:
    """Return the service's error for values that break the model's constraints."""
    return _VIOLATIONS.get(service, ValidationException)(violations)


def too_large(service: str, limit: int) -> AwsError:
    """Return the service's error for a body above ``limit`` bytes."""
    is_json = service in SERVED and SERVED[service].protocol == "json"
    return (RequestTooLargeException if is_json else RequestTooLarge)(limit)


def unavailable(service: str, message: str) -> AwsError:
    """Return the service's error for a call that cannot be made now."""
    if service == "logs":
        return ServiceUnavailableException(message)
    # S3 has the same code for an endpoint that is gone. The reason lets a job's container distinguish the two.
    return ServiceUnavailable(message, {"Reason": "Unavailable"} if service == "s3" else None)


def throttled(service: str) -> AwsError:
    """Return the service's throttling error."""
    return _THROTTLED.get(service, ThrottlingException)()

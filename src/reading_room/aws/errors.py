"""Errors that clients get. The ``errors.py`` of a package has one subclass for each AWS error code that it raises.

This module has the base class, and the errors of any service before an operation runs. The errors of signatures are
in ``signature_errors.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal


class AwsError(Exception):
    """An error in AWS's own words: code, message, HTTP status.

    Subclasses set ``code`` and ``status`` and build their message from typed arguments, so that no message is written
    where an error is raised. ``extra`` has further members of the error structure (S3's ``Key``, a batch item's
    ``Index``); only in JSON may they be structures.
    """

    code: ClassVar[str] = "InternalFailure"
    status: ClassVar[int] = 400

    def __init__(self, message: str, extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.extra: Mapping[str, Any] = dict(extra or {})

    @property
    def sender(self) -> Literal["Sender", "Receiver"]:
        """The party at fault, in the terms of the query protocol."""
        return "Sender" if self.status < 500 else "Receiver"


# Operations that do not exist, or are not implemented here.


class UnknownOperation(AwsError):
    """The service has no such operation here; the subclasses have the codes of the protocols."""

    def __init__(self, service: str, operation: str | None) -> None:
        self.operation = operation
        named = f"the operation {operation}" if operation else "an operation without a name"
        super().__init__(f"{service} has no implementation of {named} here.")


class UnknownOperationException(UnknownOperation):
    """JSON services: the target names no operation."""

    code = "UnknownOperationException"


class InvalidAction(UnknownOperation):
    """EC2 and the query services: the action is not valid for this web service."""

    code = "InvalidAction"

    def __init__(self, service: str, operation: str | None) -> None:
        super().__init__(service, operation)
        self.message = f"The action {operation} is not valid for this web service."
        self.args = (self.message,)


class NotImplementedHere(UnknownOperation):
    """S3: the request needs functionality that is not implemented."""

    code = "NotImplemented"
    status = 501


class MissingAction(AwsError):
    """EC2 and the query services: no ``Action`` parameter."""

    code = "MissingAction"

    def __init__(self) -> None:
        super().__init__("The request must contain the parameter Action")


class DryRunOperation(AwsError):
    """EC2: the caller has permission, and requested a dry run."""

    code = "DryRunOperation"
    status = 412

    def __init__(self) -> None:
        super().__init__("Request would have succeeded, but DryRun flag is set.")


# Bodies that cannot be read.


class RequestTooLarge(AwsError):
    """The body is longer than any operation needs."""

    code = "RequestEntityTooLarge"
    status = 413

    def __init__(self, limit: int) -> None:
        super().__init__(f"The request body is larger than the {limit} bytes that are accepted")


class RequestTooLargeException(RequestTooLarge):
    """The same, as JSON services spell it."""

    code = "RequestEntityTooLargeException"


class RequestTimeout(AwsError):
    """The body did not arrive in time."""

    code = "RequestTimeout"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The request body was not received within {seconds:g} seconds")


class SerializationException(AwsError):
    """JSON services: the body is not JSON, or a value does not have the type of its member."""

    code = "SerializationException"


class MalformedInput(AwsError):
    """Query services: a parameter does not have the type of its member."""

    code = "MalformedInput"

    def __init__(self, parameter: str, value: str, expected: str) -> None:
        super().__init__(f"Value '{value[:256]}' at '{parameter}' is not {expected}")


class MalformedQueryString(AwsError):
    """EC2 and the query services: the form has a syntax error."""

    code = "MalformedQueryString"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The query string contains a syntax error: {reason}")


class MalformedXML(AwsError):
    """S3: the body is not XML, has a DTD, or does not fit the operation."""

    code = "MalformedXML"

    def __init__(self) -> None:
        super().__init__("The XML you provided was not well-formed or did not validate against our published schema")


class InvalidArgument(AwsError):
    """S3: a header or a query parameter does not have the type of its member."""

    code = "InvalidArgument"

    def __init__(self, name: str, value: str, problem: str) -> None:
        super().__init__(f"Provided {name} {problem}", {"ArgumentName": name, "ArgumentValue": value[:1024]})


# Values that break the model's constraints.


class ConstraintViolations(AwsError):
    """One or more members break a constraint of the model; the subclasses have the codes of the services."""

    def __init__(self, violations: list[str]) -> None:
        noun = "validation error" if len(violations) == 1 else "validation errors"
        super().__init__(f"{len(violations)} {noun} detected: " + "; ".join(violations))


class ValidationException(ConstraintViolations):
    """Comprehend and most JSON services."""

    code = "ValidationException"


class InvalidParameterException(ConstraintViolations):
    """CloudWatch Logs."""

    code = "InvalidParameterException"


class LogNameTooLong(AwsError):
    """CloudWatch Logs: the name of a group or stream has more characters than the model allows."""

    code = "InvalidParameterException"

    def __init__(self) -> None:
        super().__init__("Invalid LogGroup or LogStream, both must have length less than or equal to 512.")


class ValidationError(ConstraintViolations):
    """IAM and STS."""

    code = "ValidationError"


class MissingParameter(AwsError):
    """EC2: a required parameter is absent."""

    code = "MissingParameter"

    def __init__(self, parameter: str) -> None:
        super().__init__(f"The request must contain the parameter {parameter}")


class InvalidParameterValue(AwsError):
    """EC2: a parameter has an invalid value."""

    code = "InvalidParameterValue"

    def __init__(self, parameter: str, value: str, expecting: str = "") -> None:
        text = f"Value ({value[:1024]}) for parameter {parameter} is invalid."
        super().__init__(f"{text} {expecting}" if expecting else text)


class UnknownParameter(AwsError):
    """EC2: the operation has no such parameter."""

    code = "UnknownParameter"

    def __init__(self, parameter: str) -> None:
        super().__init__(f"The parameter {parameter[:256]} is not recognized")


# Callers who call too often.


class Throttled(AwsError):
    """The caller exceeds its rate; the subclasses have the codes of the services."""

    says: ClassVar[str] = "Rate exceeded"

    def __init__(self) -> None:
        super().__init__(self.says)


class ThrottlingException(Throttled):
    """JSON services."""

    code = "ThrottlingException"


class Throttling(Throttled):
    """IAM and STS."""

    code = "Throttling"


class RequestLimitExceeded(Throttled):
    """EC2."""

    code = "RequestLimitExceeded"
    status = 503
    says = "Request limit exceeded."


class SlowDown(Throttled):
    """S3."""

    code = "SlowDown"
    status = 503
    says = "Please reduce your request rate."


# Calls that cannot be made now.


class ServiceUnavailable(AwsError):
    """Something that the call needs is not available now; the message says what."""

    code = "ServiceUnavailable"
    status = 503


class ServiceUnavailableException(ServiceUnavailable):
    """CloudWatch Logs' spelling."""

    code = "ServiceUnavailableException"


# Faults of the product.


class InternalFailure(AwsError):
    """The product failed. The log has the details under the id of the request."""

    code = "InternalFailure"
    status = 500

    def __init__(self, request_id: str) -> None:
        super().__init__(f"The request failed because of an internal error. Request id: {request_id}")


class InternalServerException(InternalFailure):
    """Comprehend's spelling."""

    code = "InternalServerException"


class InternalError(InternalFailure):
    """EC2's and S3's spelling."""

    code = "InternalError"


class ServiceFailure(InternalFailure):
    """IAM's spelling."""

    code = "ServiceFailure"


class MisdirectedRequest(AwsError):
    """The host of the request is not a name of this installation (RFC 9110, 15.5.20). AWS has no such error."""

    code = "MisdirectedRequest"
    status = 421

    def __init__(self, name: str | None) -> None:
        """``name`` is ``None`` if the request has no valid host name, or several."""
        super().__init__(
            "The request must have exactly one Host header, with a name of this installation, for example 127.0.0.1."
            if name is None
            else f"This installation does not answer to the name {name}. Use 127.0.0.1 or localhost, or start the "
            f"installation with the setting READING_ROOM_TLS_NAMES={name} (separate several names with commas)."
        )

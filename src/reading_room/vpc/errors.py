"""EC2's errors that all its operations share, one class per message.

EC2's model lists no errors, so the texts come from its documentation and from public reports of its responses.
"""

from __future__ import annotations

from reading_room.aws.errors import AwsError


class Ec2Error(AwsError):
    """Base of EC2's errors. They are client errors unless a subclass sets another status."""


class InvalidParameterValue(Ec2Error):
    """A parameter has a value that EC2 cannot use."""

    code = "InvalidParameterValue"

    def __init__(self, parameter: str, value: object, why: str) -> None:
        super().__init__(f"Value ({value}) for parameter {parameter} is invalid. {why}")


class NotACidrBlock(InvalidParameterValue):
    """A parameter is not a network in CIDR notation."""

    def __init__(self, parameter: str, value: str) -> None:
        super().__init__(parameter, value, "This is not a valid CIDR block.")


class UnknownZone(InvalidParameterValue):
    """A subnet was requested in a zone that does not exist."""

    def __init__(self, value: str, zones: tuple[str, ...]) -> None:
        super().__init__(
            "availabilityZone",
            value,
            f"Subnets can currently only be created in the following availability zones: {', '.join(zones)}.",
        )


class UnknownFilter(Ec2Error):
    """A Describe call names an unknown filter."""

    code = "InvalidParameterValue"

    def __init__(self, name: str) -> None:
        super().__init__(f"The filter '{name}' is invalid")


class TooManyFilters(Ec2Error):
    """A Describe call has more filters, or more values in one filter, than EC2 accepts."""

    code = "FilterLimitExceeded"

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"The maximum number of {what} has been reached: at most {limit} may be given.")


class ReservedTagKey(Ec2Error):
    """A tag key begins with ``aws:``."""

    code = "InvalidParameterValue"

    def __init__(self) -> None:
        super().__init__("Tag keys starting with 'aws:' are reserved for internal use")


class TagTooLong(Ec2Error):
    """A tag's key or value is too long or too short."""

    code = "InvalidParameterValue"

    def __init__(self, part: str, text: str, limit: int) -> None:
        super().__init__(f"Tag {part} '{text[:40]}' has {len(text)} characters; at most {limit} are allowed")


class DuplicateTagKey(Ec2Error):
    """One call gives the same tag key twice."""

    code = "InvalidParameterValue"

    def __init__(self, key: str) -> None:
        super().__init__(f"Duplicate tag key '{key}' specified.")


class WrongTagSpecification(Ec2Error):
    """A tag specification is for another type of resource than the call creates."""

    code = "InvalidParameterValue"

    def __init__(self, given: str, expected: str) -> None:
        super().__init__(f"'{given}' is not a valid taggable resource type for this operation: use '{expected}'")


class TagLimitExceeded(Ec2Error):
    """A resource would have more than 50 tags."""

    code = "TagLimitExceeded"

    def __init__(self, resource_id: str) -> None:
        super().__init__(f"The maximum number of Tags for a resource has been reached: {resource_id}.")


class InvalidId(Ec2Error):
    """A tag operation names an id that is not of an EC2 resource."""

    code = "InvalidID"

    def __init__(self, value: str) -> None:
        super().__init__(f"The ID '{value}' is not valid")


class MissingParameter(Ec2Error):
    """A required parameter is missing."""

    code = "MissingParameter"

    def __init__(self, name: str) -> None:
        super().__init__(f"The request must contain the parameter {name}")


class InvalidParameterCombination(Ec2Error):
    """Parameters exclude each other, or a request has none or several where it needs exactly one."""

    code = "InvalidParameterCombination"


class IdsWithMaxResults(InvalidParameterCombination):
    """A Describe call gives both ids and a page size."""

    def __init__(self, parameter: str) -> None:
        super().__init__(f"The parameter {parameter} cannot be used with the parameter maxResults")


class ExactlyOneOf(InvalidParameterCombination):
    """A request needs exactly one of some parameters."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(f"The request must contain exactly one of: {', '.join(names)}")


class MaxResultsOutOfRange(InvalidParameterValue):
    """A page size is outside the operation's bounds."""

    def __init__(self, value: int, least: int, most: int) -> None:
        super().__init__("maxResults", value, f"Expecting a value between {least} and {most}.")


class InvalidNextToken(Ec2Error):
    """A NextToken does not come from this operation."""

    code = "InvalidNextToken"

    def __init__(self) -> None:
        super().__init__("The specified pagination token is not valid")


class UnsupportedParameter(Ec2Error):
    """A parameter is not supported, so the whole request is rejected."""

    code = "UnsupportedOperation"

    def __init__(self, operation: str, parameter: str) -> None:
        super().__init__(f"The parameter {parameter} of {operation} is not supported: send the request without it")


class UnsupportedOperation(Ec2Error):
    """The request asks for something that is not supported."""

    code = "UnsupportedOperation"


class IdempotentParameterMismatch(Ec2Error):
    """A client token was used before with other parameters."""

    code = "IdempotentParameterMismatch"

    def __init__(self, token: str) -> None:
        super().__init__(f"The client token '{token}' was already used by a request with different parameters.")


class InvalidParameter(Ec2Error):
    """Parameters are well formed but contradict each other or the current state."""

    code = "InvalidParameter"


class OperationNotPermitted(Ec2Error):
    """The operation is not allowed on this resource for any caller."""

    code = "OperationNotPermitted"


class AuthFailure(Ec2Error):
    """The resource belongs to someone else."""

    code = "AuthFailure"
    status = 403

    def __init__(self) -> None:
        super().__init__("You do not have permission to access the specified resource.")


class DependencyViolation(Ec2Error):
    """A resource cannot be deleted while others depend on it."""

    code = "DependencyViolation"

    def __init__(self, kind: str, identifier: str) -> None:
        super().__init__(f"The {kind} '{identifier}' has dependencies and cannot be deleted.")


class LimitExceeded(Ec2Error):
    """A quota is used up; the code names it."""

    code = "ResourceLimitExceeded"

    def __init__(self, code: str, what: str, limit: int) -> None:
        super().__init__(f"The maximum number of {what} has been reached. The limit is {limit}.")
        self.code = code  # type: ignore[misc]


class NoDefaultVpc(Ec2Error):
    """A call names no VPC and the account has no default VPC."""

    code = "VPCIdNotSpecified"

    def __init__(self) -> None:
        super().__init__("No default VPC for this user")

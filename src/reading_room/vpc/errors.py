"""EC2's errors, one class per code; classes that share a code differ in what their message is built from.

EC2's model lists no errors, so the texts come from its documentation and from public reports of its answers.
"""

from __future__ import annotations

from reading_room.aws.errors import AwsError


class Ec2Error(AwsError):
    """Parent of EC2's errors; all of them are the client's unless a subclass says otherwise."""


# -- parameters -------------------------------------------------------------------------------------------------------


class InvalidParameterValue(Ec2Error):
    """A parameter has a value that EC2 cannot use."""

    code = "InvalidParameterValue"

    def __init__(self, parameter: str, value: object, why: str) -> None:
        super().__init__(f"Value ({value}) for parameter {parameter} is invalid. {why}")


class NotACidrBlock(InvalidParameterValue):
    """A parameter should be a network in CIDR notation and is not."""

    def __init__(self, parameter: str, value: str) -> None:
        super().__init__(parameter, value, "This is not a valid CIDR block.")


class UnknownZone(InvalidParameterValue):
    """A subnet is wanted in a zone that does not exist."""

    def __init__(self, value: str, zones: tuple[str, ...]) -> None:
        super().__init__(
            "availabilityZone",
            value,
            f"Subnets can currently only be created in the following availability zones: {', '.join(zones)}.",
        )


class UnknownFilter(Ec2Error):
    """A Describe call names a filter that it does not have."""

    code = "InvalidParameterValue"

    def __init__(self, name: str) -> None:
        super().__init__(f"The filter '{name}' is invalid")


class TooManyFilters(Ec2Error):
    """A Describe call has more filters, or more values in one filter, than EC2 takes."""

    code = "FilterLimitExceeded"

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"The maximum number of {what} has been reached: at most {limit} may be given.")


class ReservedTagKey(Ec2Error):
    """A tag key begins with ``aws:``."""

    code = "InvalidParameterValue"

    def __init__(self) -> None:
        super().__init__("Tag keys starting with 'aws:' are reserved for internal use")


class TagTooLong(Ec2Error):
    """A tag's key or value has a length that EC2 does not take."""

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
    """A tag operation names something that is no EC2 resource."""

    code = "InvalidID"

    def __init__(self, value: str) -> None:
        super().__init__(f"The ID '{value}' is not valid")


class MissingParameter(Ec2Error):
    """A parameter that this request needs is not there."""

    code = "MissingParameter"

    def __init__(self, name: str) -> None:
        super().__init__(f"The request must contain the parameter {name}")


class InvalidParameterCombination(Ec2Error):
    """Two parameters were given that exclude each other, or none or several of a choice."""

    code = "InvalidParameterCombination"


class IdsWithMaxResults(InvalidParameterCombination):
    """A Describe call gives ids and a page size."""

    def __init__(self, parameter: str) -> None:
        super().__init__(f"The parameter {parameter} cannot be used with the parameter maxResults")


class ExactlyOneOf(InvalidParameterCombination):
    """Of some parameters exactly one is needed."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(f"The request must contain exactly one of: {', '.join(names)}")


class MaxResultsOutOfRange(InvalidParameterValue):
    """A page size lies outside the operation's bounds."""

    def __init__(self, value: int, least: int, most: int) -> None:
        super().__init__("maxResults", value, f"Expecting a value between {least} and {most}.")


class InvalidNextToken(Ec2Error):
    """A NextToken was not made by this operation."""

    code = "InvalidNextToken"

    def __init__(self) -> None:
        super().__init__("The specified pagination token is not valid")


class UnsupportedParameter(Ec2Error):
    """A parameter of the operation is not supported, so the whole request is refused."""

    code = "UnsupportedOperation"

    def __init__(self, operation: str, parameter: str) -> None:
        super().__init__(f"The parameter {parameter} of {operation} is not supported: send the request without it")


class UnsupportedOperation(Ec2Error):
    """The request asks for something that is not supported."""

    code = "UnsupportedOperation"


class IdempotentParameterMismatch(Ec2Error):
    """A client token was used before, with other parameters."""

    code = "IdempotentParameterMismatch"

    def __init__(self, token: str) -> None:
        super().__init__(f"The client token '{token}' was already used by a request with different parameters.")


class InvalidParameter(Ec2Error):
    """Parameters are well formed and contradict each other or the state of things."""

    code = "InvalidParameter"


class OperationNotPermitted(Ec2Error):
    """The operation is not allowed on this resource, whoever asks."""

    code = "OperationNotPermitted"


class AuthFailure(Ec2Error):
    """The resource belongs to someone else."""

    code = "AuthFailure"
    status = 403

    def __init__(self) -> None:
        super().__init__("You do not have permission to access the specified resource.")


# -- identifiers ------------------------------------------------------------------------------------------------------


# -- dependencies and limits ------------------------------------------------------------------------------------------


class DependencyViolation(Ec2Error):
    """Something cannot be deleted while others depend on it."""

    code = "DependencyViolation"

    def __init__(self, kind: str, identifier: str) -> None:
        super().__init__(f"The {kind} '{identifier}' has dependencies and cannot be deleted.")


class LimitExceeded(Ec2Error):
    """A quota is used up; the code names it."""

    code = "ResourceLimitExceeded"

    def __init__(self, code: str, what: str, limit: int) -> None:
        super().__init__(f"The maximum number of {what} has been reached. The limit is {limit}.")
        self.code = code  # type: ignore[misc]


# -- VPCs and subnets -------------------------------------------------------------------------------------------------


class NoDefaultVpc(Ec2Error):
    """A call leaves out the VPC and there is no default one."""

    code = "VPCIdNotSpecified"

    def __init__(self) -> None:
        super().__init__("No default VPC for this user")

"""IAM and STS errors, one class per AWS code; also the denials that authorization raises for every service.

::

    AwsError
    ├── NoSuchEntity, EntityAlreadyExists, DeleteConflict, LimitExceeded     IAM's own
    ├── MalformedPolicyDocument, InvalidInput, ValidationError
    └── AccessDenied (query), AccessDeniedException (JSON), UnauthorizedOperation and DryRunOperation (EC2)
"""

from __future__ import annotations

from typing import ClassVar

from reading_room.aws.errors import AwsError


class NoSuchEntity(AwsError):
    """A user, role, policy or key does not exist."""

    code: ClassVar[str] = "NoSuchEntity"
    status: ClassVar[int] = 404

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"The {kind} with name {name} cannot be found.")


class NoSuchAccessKey(NoSuchEntity):
    """An access key does not exist, or not for this user."""

    def __init__(self, access_key_id: str) -> None:
        AwsError.__init__(self, f"The Access Key with id {access_key_id} cannot be found.")


class EntityAlreadyExists(AwsError):
    """A user or role of this name exists; names differ by more than case."""

    code: ClassVar[str] = "EntityAlreadyExists"
    status: ClassVar[int] = 409

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} with name {name} already exists.")


class DeleteConflict(AwsError):
    """Something still hangs on what should be deleted. ``what`` is ``policies`` or ``referenced objects``."""

    code: ClassVar[str] = "DeleteConflict"
    status: ClassVar[int] = 409

    def __init__(self, what: str) -> None:
        action = "delete" if what == "policies" else "remove"
        super().__init__(f"Cannot delete entity, must {action} {what} first.")


class LimitExceeded(AwsError):
    """A quota is used up."""

    code: ClassVar[str] = "LimitExceeded"
    status: ClassVar[int] = 409

    def __init__(self, quota: str, limit: int) -> None:
        super().__init__(f"Cannot exceed quota for {quota}: {limit}")


class PolicySizeExceeded(LimitExceeded):
    """The inline policies of one user or role are too long together."""

    def __init__(self, kind: str, name: str, limit: int) -> None:
        AwsError.__init__(self, f"Maximum policy size of {limit} bytes exceeded for {kind} {name}")


class MalformedPolicyDocument(AwsError):
    """A policy document that is none; the message says what is wrong with it."""

    code: ClassVar[str] = "MalformedPolicyDocument"

    def __init__(self, fault: str) -> None:
        super().__init__(fault)


class InvalidInput(AwsError):
    """A parameter that passes its pattern and still cannot be."""

    code: ClassVar[str] = "InvalidInput"

    def __init__(self, fault: str) -> None:
        super().__init__(fault)


class DuplicateTagKeys(InvalidInput):
    """Two tags have one key; case does not distinguish keys."""

    def __init__(self) -> None:
        super().__init__("Duplicate tag keys found. Please note that Tag keys are case insensitive.")


class ValidationError(AwsError):
    """A parameter is outside its bounds."""

    code: ClassVar[str] = "ValidationError"

    def __init__(self, fault: str) -> None:
        super().__init__(fault)


class InvalidRoleArn(ValidationError):
    """AssumeRole was given something that is no role's ARN."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text} is invalid")


class DurationTooLong(ValidationError):
    """AssumeRole was asked for more than the role allows; a chained role allows an hour."""

    def __init__(self, chained: bool) -> None:
        super().__init__(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
            if chained
            else "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )


class UnsupportedParameter(ValidationError):
    """A parameter whose effect does not exist here yet; it is refused rather than ignored."""

    def __init__(self, parameter: str) -> None:
        super().__init__(f"The parameter {parameter} is not supported")


class PackedPolicyTooLarge(AwsError):
    """A session policy is too long; ``percent`` is its size in hundredths of what is allowed."""

    code: ClassVar[str] = "PackedPolicyTooLarge"

    def __init__(self, percent: int) -> None:
        super().__init__(f"Packed policy consumes {percent}% of allotted space, please use smaller policy.")


class AccessDenied(AwsError):
    """A denial of IAM or STS."""

    code: ClassVar[str] = "AccessDenied"
    status: ClassVar[int] = 403

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)


class AccessDeniedException(AccessDenied):
    """A denial of a service that speaks JSON."""

    code: ClassVar[str] = "AccessDeniedException"
    status: ClassVar[int] = 400


class UnauthorizedOperation(AccessDenied):
    """A denial of EC2."""

    code: ClassVar[str] = "UnauthorizedOperation"
    status: ClassVar[int] = 403

    def __init__(self, sentence: str) -> None:
        super().__init__(f"You are not authorized to perform this operation. {sentence}")


class DryRunOperation(AwsError):
    """EC2's answer to a call with DryRun that would have been allowed."""

    code: ClassVar[str] = "DryRunOperation"
    status: ClassVar[int] = 412

    def __init__(self) -> None:
        super().__init__("Request would have succeeded, but DryRun flag is set.")


class RoleNotAssumable(Exception):
    """A service may not act as a role. ``reason`` names the role and what stands in the way. Never crosses the wire."""

    def __init__(self, role_arn: str, reason: str) -> None:
        super().__init__(f"{role_arn} cannot be assumed: {reason}")
        self.role_arn = role_arn
        self.reason = reason

"""Errors of IAM and STS, one class per AWS code, and the denials that authorization raises for every service.

::

    AwsError
    ├── NoSuchEntity, EntityAlreadyExists, DeleteConflict, LimitExceeded     IAM
    ├── MalformedPolicyDocument, InvalidInput, ValidationError
    ├── AccessDenied (query), AccessDeniedException (JSON), UnauthorizedOperation and DryRunOperation (EC2)
    └── ServiceUnavailable                                                   the VPC endpoint is gone
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from reading_room.aws.errors import AwsError


class NoSuchEntity(AwsError):
    """A user, role, policy or key does not exist."""

    code: ClassVar[str] = "NoSuchEntity"
    status: ClassVar[int] = 404

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"The {kind} with name {name} cannot be found.")


class NoSuchAccessKey(NoSuchEntity):
    """An access key does not exist or is not this user's."""

    def __init__(self, access_key_id: str) -> None:
        AwsError.__init__(self, f"The Access Key with id {access_key_id} cannot be found.")


class NoSuchInstanceProfile(NoSuchEntity):
    """An instance profile does not exist."""

    def __init__(self, name: str) -> None:
        AwsError.__init__(self, f"Instance Profile {name} cannot be found.")


class NoSuchLoginProfile(NoSuchEntity):
    """A user has no password for the console."""

    def __init__(self, user_name: str) -> None:
        AwsError.__init__(self, f"Login Profile for User {user_name} cannot be found.")


class NoSuchPolicy(NoSuchEntity):
    """A managed policy does not exist for this account, or is not attached to the entity to detach it from."""

    def __init__(self, arn: str) -> None:
        AwsError.__init__(self, f"Policy {arn} was not found.")


class NoSuchPolicyVersion(NoSuchEntity):
    """A managed policy has no version with this id."""

    def __init__(self, arn: str, version: str) -> None:
        AwsError.__init__(self, f"Policy {arn} version {version} does not exist or is not attachable.")


class PolicyNotFoundToAttach(NoSuchEntity):
    """A managed policy to attach does not exist for this account."""

    def __init__(self, arn: str) -> None:
        AwsError.__init__(self, f"Policy {arn} does not exist or is not attachable.")


class NoSuchBoundary(NoSuchEntity):
    """A managed policy to use as a permissions boundary does not exist for this account."""

    def __init__(self, arn: str) -> None:
        AwsError.__init__(self, f"Scope ARN: {arn} does not exist or is not attachable.")


class EntityAlreadyExists(AwsError):
    """A user, group or role with this name exists; case does not distinguish names."""

    code: ClassVar[str] = "EntityAlreadyExists"
    status: ClassVar[int] = 409

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} with name {name} already exists.")


class PolicyAlreadyExists(EntityAlreadyExists):
    """A customer managed policy with this name exists, under any path."""

    def __init__(self, name: str) -> None:
        AwsError.__init__(self, f"A policy called {name} already exists. Duplicate names are not allowed.")


class InstanceProfileAlreadyExists(EntityAlreadyExists):
    """An instance profile with this name exists, under any path."""

    def __init__(self, name: str) -> None:
        AwsError.__init__(self, f"Instance Profile {name} already exists.")


class AliasAlreadyExists(EntityAlreadyExists):
    """Another account has this alias."""

    def __init__(self, alias: str) -> None:
        AwsError.__init__(self, f"The account alias {alias} already exists.")


class DeleteConflict(AwsError):
    """An entity to delete is still in use; ``first`` is the action required before."""

    code: ClassVar[str] = "DeleteConflict"
    status: ClassVar[int] = 409

    def __init__(
        self,
        first: Literal[
            "delete policies",
            "detach all policies",
            "remove referenced objects",
            "remove roles from instance profile",
            "remove users from group",
        ],
    ) -> None:
        super().__init__(f"Cannot delete entity, must {first} first.")


class PolicyInUse(DeleteConflict):
    """A managed policy is attached or is a permissions boundary."""

    def __init__(self) -> None:
        AwsError.__init__(self, "Cannot delete a policy attached to entities.")


class PolicyHasVersions(DeleteConflict):
    """A managed policy has versions besides the default one."""

    def __init__(self) -> None:
        AwsError.__init__(
            self,
            "This policy has more than one version. Before you delete a policy, you must delete the policy's "
            "versions. The default version is deleted with the policy.",
        )


class DefaultVersionInUse(DeleteConflict):
    """The default version of a managed policy is deleted only with the policy."""

    def __init__(self) -> None:
        AwsError.__init__(self, "Cannot delete the default version of a policy.")


class LimitExceeded(AwsError):
    """A quota is exhausted."""

    code: ClassVar[str] = "LimitExceeded"
    status: ClassVar[int] = 409

    def __init__(self, quota: str, limit: int) -> None:
        super().__init__(f"Cannot exceed quota for {quota}: {limit}")


class TooManyPolicyVersions(LimitExceeded):
    """A managed policy has the maximum number of versions."""

    def __init__(self, limit: int) -> None:
        AwsError.__init__(
            self,
            f"A managed policy can have up to {limit} versions. Before you create a new version, you must delete an "
            "existing version.",
        )


class TooManyTags(LimitExceeded):
    """A resource would have more tags than allowed."""

    def __init__(self) -> None:
        AwsError.__init__(self, "The number of tags has reached the maximum limit.")


class PolicySizeExceeded(LimitExceeded):
    """The inline policies of a user, group or role are too long in total."""

    def __init__(self, kind: str, name: str, limit: int) -> None:
        AwsError.__init__(self, f"Maximum policy size of {limit} bytes exceeded for {kind} {name}")


class MalformedPolicyDocument(AwsError):
    """A policy document is invalid; the message says why."""

    code: ClassVar[str] = "MalformedPolicyDocument"

    def __init__(self, fault: str) -> None:
        super().__init__(fault)


class InvalidInput(AwsError):
    """A parameter matches its pattern but is invalid."""

    code: ClassVar[str] = "InvalidInput"

    def __init__(self, fault: str) -> None:
        super().__init__(fault)


class DuplicateTagKeys(InvalidInput):
    """Two tags have the same key; case does not distinguish keys."""

    def __init__(self) -> None:
        super().__init__("Duplicate tag keys found. Please note that Tag keys are case insensitive.")


class SystemTagKey(InvalidInput):
    """A tag key begins with ``aws:``, which is reserved for AWS."""

    def __init__(self) -> None:
        super().__init__("System tags cannot be added/updated by requester")


class InvalidEntityArn(InvalidInput):
    """The ARN of a simulation is not that of a user, group or role."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")


class InvalidResourceNames(InvalidInput):
    """Resources of a simulation are not ARNs."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"ResourceNames are not in a valid ARN format: {', '.join(names)}.")


class InvalidResourceOwner(InvalidInput):
    """The owner of a simulation's resources is not given as the ARN of an account's root user."""

    def __init__(self, text: str) -> None:
        super().__init__(f"'{text}' is not a valid as a Resource Owner.")


class ValidationError(AwsError):
    """A parameter is outside its bounds."""

    code: ClassVar[str] = "ValidationError"

    def __init__(self, fault: str) -> None:
        super().__init__(fault)


class InvalidPolicyArn(ValidationError):
    """A text is not the ARN of a managed policy. AWS's message, too, has two spaces."""

    def __init__(self) -> None:
        super().__init__("Invalid ARN:  Could not be parsed!")


class InvalidRoleArn(ValidationError):
    """The argument of AssumeRole is not a role's ARN."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text} is invalid")


class DurationTooLong(ValidationError):
    """AssumeRole requests a longer session than the role allows; role chaining allows one hour."""

    def __init__(self, chained: bool) -> None:
        super().__init__(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
            if chained
            else "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )


class UnsupportedParameter(ValidationError):
    """A parameter is not supported; it is refused rather than ignored."""

    def __init__(self, parameter: str) -> None:
        super().__init__(f"The parameter {parameter} is not supported")


class PackedPolicyTooLarge(AwsError):
    """A session policy is too long; ``percent`` is its size relative to the limit."""

    code: ClassVar[str] = "PackedPolicyTooLarge"

    def __init__(self, percent: int) -> None:
        super().__init__(f"Packed policy consumes {percent}% of allotted space, please use smaller policy.")


class InvalidSessionTags(AwsError):
    """The tags for a session are invalid."""

    code: ClassVar[str] = "InvalidParameterValue"


class DuplicateSessionTags(InvalidSessionTags):
    """Two session tags have the same key; case does not distinguish keys."""

    def __init__(self) -> None:
        super().__init__("Duplicate tag keys found. Please note that Tag keys are case insensitive.")


class TransitiveTagWithoutTag(InvalidSessionTags):
    """A transitive tag key has no tag in the call."""

    def __init__(self) -> None:
        super().__init__("The specified transitive tag key must be included in the requested tags.")


class InheritedTagConflict(InvalidSessionTags):
    """A session tag has the key of a transitive tag of the caller's session."""

    def __init__(self) -> None:
        super().__init__(
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from "
            "the calling session."
        )


class SourceIdentityIsSet(ValidationError):
    """The caller's session already has a source identity, which cannot be changed."""

    def __init__(self) -> None:
        super().__init__("The source identity is already set for this assume role session")


class UnknownSessionPolicy(ValidationError):
    """A managed policy that is to restrict a session does not exist in the session's account."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"Policy {arn} does not exist or is not attachable.")


class UnknownAccessKey(ValidationError):
    """GetAccessKeyInfo names a key that does not exist."""

    def __init__(self, access_key_id: str) -> None:
        super().__init__(f"The Access Key with id {access_key_id} cannot be found.")


class InvalidContextAssertion(AwsError):
    """AssumeRole has a context assertion. The product has no provider of these, so none is valid."""

    code: ClassVar[str] = "InvalidContextAssertion"

    def __init__(self) -> None:
        super().__init__("The trusted context assertion could not be validated: its provider is not known.")


class AccessDenied(AwsError):
    """A denial by IAM or STS."""

    code: ClassVar[str] = "AccessDenied"
    status: ClassVar[int] = 403

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)


class AwsManagedPolicyIsReadOnly(AccessDenied):
    """A caller tries to change an AWS managed policy, which no permission allows."""

    def __init__(self, caller_arn: str, action: str, policy_arn: str) -> None:
        super().__init__(f"User: {caller_arn} is not authorized to perform: {action} on resource: policy {policy_arn}")


class ForeignAccessKey(AccessDenied):
    """GetAccessKeyLastUsed names a key that no user of the account has."""

    def __init__(self, caller_arn: str, access_key_id: str) -> None:
        super().__init__(
            f"User: {caller_arn} is not authorized to perform: iam:GetAccessKeyLastUsed "
            f"on resource: access key {access_key_id}"
        )


class UnknownMultiFactorDevice(AccessDenied):
    """A call has an MFA code. Users have no MFA devices here, so the code cannot be valid."""

    def __init__(self) -> None:
        super().__init__(
            "MultiFactorAuthentication failed, unable to validate MFA code.  "
            "Please verify your MFA serial number is valid and associated with this user."
        )


class SessionCredentialsRefused(AccessDenied):
    """An STS operation was called with temporary credentials that cannot be used for it."""

    def __init__(self, operation: str) -> None:
        super().__init__(f"Cannot call {operation} with session credentials")


class AccessDeniedException(AccessDenied):
    """A denial by a service with a JSON protocol."""

    code: ClassVar[str] = "AccessDeniedException"
    status: ClassVar[int] = 400


class UnauthorizedOperation(AccessDenied):
    """A denial by EC2."""

    code: ClassVar[str] = "UnauthorizedOperation"
    status: ClassVar[int] = 403

    def __init__(self, sentence: str, encoded: str | None = None) -> None:
        """``encoded`` is a message for DecodeAuthorizationMessage, appended if given."""
        more = "" if encoded is None else f". Encoded authorization failure message: {encoded}"
        super().__init__(f"You are not authorized to perform this operation. {sentence}{more}")


class InvalidAuthorizationMessage(AwsError):
    """The argument of DecodeAuthorizationMessage is not a message of this account."""

    code: ClassVar[str] = "InvalidAuthorizationMessageException"

    def __init__(self) -> None:
        super().__init__("Could not decode the authorization message: it is not valid.")


class DryRunOperation(AwsError):
    """EC2's response to a call with DryRun that would be allowed."""

    code: ClassVar[str] = "DryRunOperation"
    status: ClassVar[int] = 412

    def __init__(self) -> None:
        super().__init__("Request would have succeeded, but DryRun flag is set.")


class RoleNotAssumable(Exception):
    """A service cannot assume a role; ``reason`` says why. Never sent to a client."""

    def __init__(self, role_arn: str, reason: str) -> None:
        super().__init__(f"{role_arn} cannot be assumed: {reason}")
        self.role_arn = role_arn
        self.reason = reason


class ServiceUnavailable(AwsError):
    """The VPC endpoint that a request came through was deleted during the request.

    This is not a denial, since no policy denied the request. A client that retries takes the remaining route.
    """

    code: ClassVar[str] = "ServiceUnavailable"
    status: ClassVar[int] = 503

    def __init__(self, vpc_endpoint_id: str) -> None:
        super().__init__(f"The VPC endpoint {vpc_endpoint_id} was deleted while the request was on its way.")

"""IAM and STS errors, one class per AWS code; also the denials that authorization raises for every service.

::

    AwsError
    ├── NoSuchEntity, EntityAlreadyExists, DeleteConflict, LimitExceeded     IAM's own
    ├── MalformedPolicyDocument, InvalidInput, ValidationError
    ├── AccessDenied (query), AccessDeniedException (JSON), UnauthorizedOperation and DryRunOperation (EC2)
    └── ServiceUnavailable                                                   the VPC endpoint has gone
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
    """An access key does not exist, or not for this user."""

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
    """A managed policy does not exist for this account, or is not attached to what it should be detached from."""

    def __init__(self, arn: str) -> None:
        AwsError.__init__(self, f"Policy {arn} was not found.")


class NoSuchPolicyVersion(NoSuchEntity):
    """A managed policy has no version of this id."""

    def __init__(self, arn: str, version: str) -> None:
        AwsError.__init__(self, f"Policy {arn} version {version} does not exist or is not attachable.")


class PolicyNotFoundToAttach(NoSuchEntity):
    """A managed policy that should be attached does not exist for this account."""

    def __init__(self, arn: str) -> None:
        AwsError.__init__(self, f"Policy {arn} does not exist or is not attachable.")


class NoSuchBoundary(NoSuchEntity):
    """A managed policy that should be a permissions boundary does not exist for this account, or nobody has one."""

    def __init__(self, arn: str) -> None:
        AwsError.__init__(self, f"Scope ARN: {arn} does not exist or is not attachable.")


class EntityAlreadyExists(AwsError):
    """A user, group or role of this name exists; names differ by more than case."""

    code: ClassVar[str] = "EntityAlreadyExists"
    status: ClassVar[int] = 409

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} with name {name} already exists.")


class PolicyAlreadyExists(EntityAlreadyExists):
    """A customer managed policy of this name exists, under whatever path."""

    def __init__(self, name: str) -> None:
        AwsError.__init__(self, f"A policy called {name} already exists. Duplicate names are not allowed.")


class InstanceProfileAlreadyExists(EntityAlreadyExists):
    """An instance profile of this name exists, under whatever path."""

    def __init__(self, name: str) -> None:
        AwsError.__init__(self, f"Instance Profile {name} already exists.")


class AliasAlreadyExists(EntityAlreadyExists):
    """Another account has this alias."""

    def __init__(self, alias: str) -> None:
        AwsError.__init__(self, f"The account alias {alias} already exists.")


class DeleteConflict(AwsError):
    """Something still hangs on what should be deleted; ``first`` is what must be done before."""

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
    """A managed policy is attached to somebody, or is somebody's permissions boundary."""

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
    """The default version of a managed policy goes only with the policy."""

    def __init__(self) -> None:
        AwsError.__init__(self, "Cannot delete the default version of a policy.")


class LimitExceeded(AwsError):
    """A quota is used up."""

    code: ClassVar[str] = "LimitExceeded"
    status: ClassVar[int] = 409

    def __init__(self, quota: str, limit: int) -> None:
        super().__init__(f"Cannot exceed quota for {quota}: {limit}")


class TooManyPolicyVersions(LimitExceeded):
    """A managed policy has as many versions as it can have."""

    def __init__(self, limit: int) -> None:
        AwsError.__init__(
            self,
            f"A managed policy can have up to {limit} versions. Before you create a new version, you must delete an "
            "existing version.",
        )


class TooManyTags(LimitExceeded):
    """Something would have more tags than it can have."""

    def __init__(self) -> None:
        AwsError.__init__(self, "The number of tags has reached the maximum limit.")


class PolicySizeExceeded(LimitExceeded):
    """The inline policies of one user, group or role are too long together."""

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


class SystemTagKey(InvalidInput):
    """A tag key begins with ``aws:``, which is AWS's own."""

    def __init__(self) -> None:
        super().__init__("System tags cannot be added/updated by requester")


class InvalidEntityArn(InvalidInput):
    """A simulation is asked about something that is no user, group or role."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")


class InvalidResourceNames(InvalidInput):
    """Resources of a simulation are no ARNs."""

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
    """Something that should name a managed policy is no ARN of one; the text has two blanks at AWS, too."""

    def __init__(self) -> None:
        super().__init__("Invalid ARN:  Could not be parsed!")


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


class InvalidSessionTags(AwsError):
    """The tags that a session should carry cannot be."""

    code: ClassVar[str] = "InvalidParameterValue"


class DuplicateSessionTags(InvalidSessionTags):
    """Two session tags have one key; case does not distinguish keys."""

    def __init__(self) -> None:
        super().__init__("Duplicate tag keys found. Please note that Tag keys are case insensitive.")


class TransitiveTagWithoutTag(InvalidSessionTags):
    """A transitive tag key has no tag in the call."""

    def __init__(self) -> None:
        super().__init__("The specified transitive tag key must be included in the requested tags.")


class InheritedTagConflict(InvalidSessionTags):
    """A session tag has the key of one that the caller's session hands on."""

    def __init__(self) -> None:
        super().__init__(
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from "
            "the calling session."
        )


class SourceIdentityIsSet(ValidationError):
    """The caller's session has a source identity, which nothing can change."""

    def __init__(self) -> None:
        super().__init__("The source identity is already set for this assume role session")


class UnknownSessionPolicy(ValidationError):
    """A managed policy that should narrow a session does not exist in the session's account."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"Policy {arn} does not exist or is not attachable.")


class UnknownAccessKey(ValidationError):
    """GetAccessKeyInfo was asked for a key that nobody has."""

    def __init__(self, access_key_id: str) -> None:
        super().__init__(f"The Access Key with id {access_key_id} cannot be found.")


class InvalidContextAssertion(AwsError):
    """AssumeRole was given a context assertion; nobody here issues any, so it is no valid one."""

    code: ClassVar[str] = "InvalidContextAssertion"

    def __init__(self) -> None:
        super().__init__("The trusted context assertion could not be validated: its provider is not known.")


class AccessDenied(AwsError):
    """A denial of IAM or STS."""

    code: ClassVar[str] = "AccessDenied"
    status: ClassVar[int] = 403

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)


class AwsManagedPolicyIsReadOnly(AccessDenied):
    """Somebody, whatever its permissions, wants to change a policy of AWS itself."""

    def __init__(self, caller_arn: str, action: str, policy_arn: str) -> None:
        super().__init__(f"User: {caller_arn} is not authorized to perform: {action} on resource: policy {policy_arn}")


class ForeignAccessKey(AccessDenied):
    """GetAccessKeyLastUsed is asked about a key that no user of the account has."""

    def __init__(self, caller_arn: str, access_key_id: str) -> None:
        super().__init__(
            f"User: {caller_arn} is not authorized to perform: iam:GetAccessKeyLastUsed "
            f"on resource: access key {access_key_id}"
        )


class UnknownMultiFactorDevice(AccessDenied):
    """A call brings a code of an MFA device. Users have none here, so it is none of the caller's."""

    def __init__(self) -> None:
        super().__init__(
            "MultiFactorAuthentication failed, unable to validate MFA code.  "
            "Please verify your MFA serial number is valid and associated with this user."
        )


class SessionCredentialsRefused(AccessDenied):
    """An operation of STS was called with temporary credentials that are not good for it."""

    def __init__(self, operation: str) -> None:
        super().__init__(f"Cannot call {operation} with session credentials")


class AccessDeniedException(AccessDenied):
    """A denial of a service that speaks JSON."""

    code: ClassVar[str] = "AccessDeniedException"
    status: ClassVar[int] = 400


class UnauthorizedOperation(AccessDenied):
    """A denial of EC2."""

    code: ClassVar[str] = "UnauthorizedOperation"
    status: ClassVar[int] = 403

    def __init__(self, sentence: str, encoded: str | None = None) -> None:
        """``encoded`` is what DecodeAuthorizationMessage reads; without it the caller learns nothing more."""
        more = "" if encoded is None else f". Encoded authorization failure message: {encoded}"
        super().__init__(f"You are not authorized to perform this operation. {sentence}{more}")


class InvalidAuthorizationMessage(AwsError):
    """DecodeAuthorizationMessage was given a text that is no message, or not of this account."""

    code: ClassVar[str] = "InvalidAuthorizationMessageException"

    def __init__(self) -> None:
        super().__init__("Could not decode the authorization message: it is not valid.")


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


class ServiceUnavailable(AwsError):
    """The VPC endpoint that a request came through was deleted while it was on its way.

    No policy denied it, so it is no denial; a client's next try meets the route that is left.
    """

    code: ClassVar[str] = "ServiceUnavailable"
    status: ClassVar[int] = 503

    def __init__(self, vpc_endpoint_id: str) -> None:
        super().__init__(f"The VPC endpoint {vpc_endpoint_id} was deleted while the request was on its way.")

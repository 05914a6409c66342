"""Errors of AWS Organizations, one class per AWS code."""

from __future__ import annotations

from typing import ClassVar, Literal

from reading_room.aws.errors import AwsError


class NotInUse(AwsError):
    """The caller's account does not belong to an organization."""

    code: ClassVar[str] = "AWSOrganizationsNotInUseException"

    def __init__(self) -> None:
        super().__init__("Your account is not a member of an organization.")


class OnlyForManagement(AwsError):
    """Only the management account can call the operation."""

    code: ClassVar[str] = "AccessDeniedException"

    def __init__(self) -> None:
        super().__init__("You don't have permissions to access this resource.")


class OnlyForTheFirstAccount(AwsError):
    """Only the first account of the installation can create the organization."""

    code: ClassVar[str] = "AccessDeniedException"

    def __init__(self) -> None:
        super().__init__(
            "You don't have permissions to access this resource. The first account of this installation "
            "(READING_ROOM_ACCOUNT) creates its organization and invites the other accounts."
        )


class AlreadyInOrganization(AwsError):
    """The account belongs to an organization already."""

    code: ClassVar[str] = "AlreadyInOrganizationException"

    def __init__(self) -> None:
        super().__init__("The AWS account is already a member of an organization.")


class OrganizationNotEmpty(AwsError):
    """The organization still has member accounts, units or policies."""

    code: ClassVar[str] = "OrganizationNotEmptyException"

    def __init__(self) -> None:
        super().__init__(
            "The organization isn't empty. To delete an organization, you must first remove all accounts except the "
            "management account, delete all OUs, and delete all policies."
        )


class ManagementCannotLeave(AwsError):
    """The management account cannot leave; it can delete the organization."""

    code: ClassVar[str] = "MasterCannotLeaveOrganizationException"

    def __init__(self) -> None:
        super().__init__(
            "You can't remove a management account from an organization. If you want the management account to become "
            "a member account in another organization, you must first delete the current organization."
        )


class AccountNotFound(AwsError):
    """The account does not belong to the organization."""

    code: ClassVar[str] = "AccountNotFoundException"

    def __init__(self) -> None:
        super().__init__("You specified an AWS account that doesn't exist.")


class ChildNotFound(AwsError):
    """The unit or account does not exist."""

    code: ClassVar[str] = "ChildNotFoundException"

    def __init__(self) -> None:
        super().__init__("You specified a child that doesn't exist.")


class CreationNotFound(AwsError):
    """No such account was requested."""

    code: ClassVar[str] = "CreateAccountStatusNotFoundException"

    def __init__(self) -> None:
        super().__init__("You specified a create account status that doesn't exist.")


class DestinationNotFound(AwsError):
    """The root or unit to move an account to does not exist."""

    code: ClassVar[str] = "DestinationParentNotFoundException"

    def __init__(self) -> None:
        super().__init__("You specified a destination parent that doesn't exist.")


class HandshakeNotFound(AwsError):
    """The handshake does not exist, or does not concern the caller's account."""

    code: ClassVar[str] = "HandshakeNotFoundException"

    def __init__(self) -> None:
        super().__init__("You specified a handshake that doesn't exist.")


class UnitNotFound(AwsError):
    """The unit does not exist."""

    code: ClassVar[str] = "OrganizationalUnitNotFoundException"

    def __init__(self) -> None:
        super().__init__("You specified an OU that doesn't exist.")


class ParentNotFound(AwsError):
    """The root or unit does not exist."""

    code: ClassVar[str] = "ParentNotFoundException"

    def __init__(self) -> None:
        super().__init__("You specified a parent that doesn't exist.")


class PolicyNotFound(AwsError):
    """The policy does not exist."""

    code: ClassVar[str] = "PolicyNotFoundException"

    def __init__(self) -> None:
        super().__init__("You specified a policy that doesn't exist.")


class RootNotFound(AwsError):
    """The root does not exist."""

    code: ClassVar[str] = "RootNotFoundException"

    def __init__(self) -> None:
        super().__init__("You specified a root that doesn't exist.")


class SourceNotFound(AwsError):
    """The account to move is not in this root or unit."""

    code: ClassVar[str] = "SourceParentNotFoundException"

    def __init__(self) -> None:
        super().__init__("You specified a source parent that doesn't exist.")


class TargetNotFound(AwsError):
    """The root, unit, account or policy does not exist."""

    code: ClassVar[str] = "TargetNotFoundException"

    def __init__(self) -> None:
        super().__init__("You specified a target that doesn't exist.")


class DuplicateUnit(AwsError):
    """Another unit with this name is in the same place."""

    code: ClassVar[str] = "DuplicateOrganizationalUnitException"

    def __init__(self) -> None:
        super().__init__("An OU with the same name already exists.")


class UnitNotEmpty(AwsError):
    """The unit contains units or accounts."""

    code: ClassVar[str] = "OrganizationalUnitNotEmptyException"

    def __init__(self) -> None:
        super().__init__(
            "The specified OU is not empty. Move all accounts to another root or to other OUs, remove all "
            "child OUs, and try the operation again."
        )


class DuplicateAccount(AwsError):
    """The account is in the destination already."""

    code: ClassVar[str] = "DuplicateAccountException"

    def __init__(self) -> None:
        super().__init__("That account is already present in the specified destination.")


class DuplicatePolicy(AwsError):
    """Another policy of this type has the name."""

    code: ClassVar[str] = "DuplicatePolicyException"

    def __init__(self) -> None:
        super().__init__("A policy with the same name already exists.")


class DuplicateAttachment(AwsError):
    """The policy is attached to the target already."""

    code: ClassVar[str] = "DuplicatePolicyAttachmentException"

    def __init__(self) -> None:
        super().__init__("The selected policy is already attached to the specified target.")


class NotAttached(AwsError):
    """The policy is not attached to the target."""

    code: ClassVar[str] = "PolicyNotAttachedException"

    def __init__(self) -> None:
        super().__init__("The policy isn't attached to the specified target in the specified root.")


class PolicyInUse(AwsError):
    """The policy is attached to something, and cannot be deleted."""

    code: ClassVar[str] = "PolicyInUseException"

    def __init__(self) -> None:
        super().__init__(
            "The policy is attached to one or more entities. You must detach it from all roots, OUs, and "
            "accounts before performing this operation."
        )


class TypeNotEnabled(AwsError):
    """The type of policies is not enabled."""

    code: ClassVar[str] = "PolicyTypeNotEnabledException"

    def __init__(self) -> None:
        super().__init__(
            "The specified policy type isn't currently enabled in this root. You can't attach policies of "
            "the specified type to entities in a root until you enable that type in the root."
        )


class TypeAlreadyEnabled(AwsError):
    """The type of policies is enabled already."""

    code: ClassVar[str] = "PolicyTypeAlreadyEnabledException"

    def __init__(self) -> None:
        super().__init__("The specified policy type is already enabled in the specified root.")


class DuplicateHandshake(AwsError):
    """The account has an open invitation."""

    code: ClassVar[str] = "DuplicateHandshakeException"

    def __init__(self) -> None:
        super().__init__("A handshake with the same action and target already exists.")


class AlreadyInState(AwsError):
    """The handshake was answered in this way before."""

    code: ClassVar[str] = "HandshakeAlreadyInStateException"

    def __init__(self) -> None:
        super().__init__("The specified handshake is already in the requested state.")


class InvalidTransition(AwsError):
    """The handshake was answered in another way, or has expired."""

    code: ClassVar[str] = "InvalidHandshakeTransitionException"

    def __init__(self) -> None:
        super().__init__("You can't perform the operation on the handshake in its current state.")


class TypeNotAvailable(AwsError):
    """The type of policies is not supported here, such as declarative policies."""

    code: ClassVar[str] = "PolicyTypeNotAvailableForOrganizationException"

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"You can't use the specified policy type, {kind}, with this organization: it has service control policies "
            "and resource control policies."
        )


class MalformedPolicyDocument(AwsError):
    """The content of a policy does not follow the rules of its type."""

    code: ClassVar[str] = "MalformedPolicyDocumentException"

    def __init__(self, fault: str) -> None:
        super().__init__(
            f"The provided policy document does not meet the requirements of the specified policy type. {fault}"
        )


LIMITS = {
    "ACCOUNT_NUMBER_LIMIT_EXCEEDED": "You have exceeded the allowed number of AWS accounts.",
    "OU_DEPTH_LIMIT_EXCEEDED": "You have exceeded the maximum allowed depth of the OU hierarchy.",
    "OU_NUMBER_LIMIT_EXCEEDED": "You have exceeded the allowed number of OUs.",
    "POLICY_CONTENT_LIMIT_EXCEEDED": "You have exceeded the maximum policy size.",
    "POLICY_NUMBER_LIMIT_EXCEEDED": "You have exceeded the allowed number of policies.",
    "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED": "You have attached the maximum number of policies of this type.",
    "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED": "You cannot remove the last policy attached to the specified target. "
    "You must have at least one attached at all times.",
    "MAX_TAG_LIMIT_EXCEEDED": "You have exceeded the number of tags allowed on this resource.",
}
Limit = Literal[
    "ACCOUNT_NUMBER_LIMIT_EXCEEDED",
    "OU_DEPTH_LIMIT_EXCEEDED",
    "OU_NUMBER_LIMIT_EXCEEDED",
    "POLICY_CONTENT_LIMIT_EXCEEDED",
    "POLICY_NUMBER_LIMIT_EXCEEDED",
    "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
    "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
    "MAX_TAG_LIMIT_EXCEEDED",
]


class ConstraintViolation(AwsError):
    """A limit of the organization; the member Reason names it."""

    code: ClassVar[str] = "ConstraintViolationException"

    def __init__(self, reason: Limit) -> None:
        super().__init__(LIMITS[reason], {"Reason": reason})


class InvitationRefused(AwsError):
    """An account cannot be invited; the member Reason says why."""

    code: ClassVar[str] = "HandshakeConstraintViolationException"

    def __init__(self, reason: Literal["ACCOUNT_NUMBER_LIMIT_EXCEEDED", "ALREADY_IN_AN_ORGANIZATION"]) -> None:
        text = {
            "ACCOUNT_NUMBER_LIMIT_EXCEEDED": LIMITS["ACCOUNT_NUMBER_LIMIT_EXCEEDED"],
            "ALREADY_IN_AN_ORGANIZATION": "The handshake request is invalid because the invited account is already a "
            "member of an organization.",
        }[reason]
        super().__init__(text, {"Reason": reason})


class InvalidInput(AwsError):
    """A parameter is invalid; the message says which, and the member Reason how."""

    code: ClassVar[str] = "InvalidInputException"

    def __init__(self, reason: str, fault: str) -> None:
        super().__init__(fault, {"Reason": reason})

"""Errors of KMS, one class per AWS code and cause."""

from __future__ import annotations

from typing import ClassVar, Literal

from reading_room.aws.errors import AwsError


class NotFoundException(AwsError):
    """A key, alias or grant does not exist."""

    code: ClassVar[str] = "NotFoundException"

    @classmethod
    def of_key(cls, arn: str) -> NotFoundException:
        """Return the error for a key that does not exist."""
        return cls(f"Key '{arn}' does not exist")

    @classmethod
    def of_alias(cls, arn: str) -> NotFoundException:
        """Return the error for an alias that does not exist."""
        return cls(f"Alias {arn} is not found.")

    @classmethod
    def of_grant(cls, grant_id: str) -> NotFoundException:
        """Return the error for a grant that does not exist on a key."""
        return cls(f"Grant ID {grant_id} not found")

    @classmethod
    def of_policy(cls) -> NotFoundException:
        """Return the error for a policy with a name other than ``default``."""
        return cls("No such policy exists")


class InvalidArnException(AwsError):
    """An ARN is of another region or service, or names no valid principal."""

    code: ClassVar[str] = "InvalidArnException"

    @classmethod
    def of_key(cls, arn: str) -> InvalidArnException:
        """Return the error for an ARN that is not one of a key here."""
        return cls(f"Invalid arn {arn}")

    @classmethod
    def of_alias(cls, text: str) -> InvalidArnException:
        """Return the error for an alias where AWS accepts only the id or ARN of a key."""
        return cls(f"{text} is an alias; specify the id or the ARN of a key")

    @classmethod
    def of_principal(cls, arn: str) -> InvalidArnException:
        """Return the error for a principal that does not exist."""
        return cls(f"ARN does not refer to a valid principal: {arn}")


class ValidationException(AwsError):
    """A parameter or a combination of parameters is invalid; ``fault`` says which and why."""

    code: ClassVar[str] = "ValidationException"

    def __init__(self, fault: str) -> None:
        super().__init__(fault)


class MissingMember(ValidationException):
    """A member is missing that the model does not require."""

    def __init__(self, member: str) -> None:
        super().__init__(
            f"1 validation error detected: Value null at '{member}' failed to satisfy constraint: "
            "Member must not be null"
        )


class UnsupportedOperationException(AwsError):
    """A parameter or a key is of a kind that the operation does not support; ``fault`` names it."""

    code: ClassVar[str] = "UnsupportedOperationException"

    def __init__(self, fault: str) -> None:
        super().__init__(fault)


class MalformedPolicyDocumentException(AwsError):
    """A text is not a valid key policy; ``fault`` says why."""

    code: ClassVar[str] = "MalformedPolicyDocumentException"

    def __init__(self, fault: str) -> None:
        super().__init__(fault)


class LockedOut(MalformedPolicyDocumentException):
    """A key policy would not allow its author to change it again."""

    def __init__(self) -> None:
        super().__init__("The new key policy will not allow you to update the key policy in the future.")


class LimitExceededException(AwsError):
    """A quota is used up."""

    code: ClassVar[str] = "LimitExceededException"

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"{what} exceeds the limit of {limit:,}")


class TagException(AwsError):
    """A tag is invalid; ``fault`` says why."""

    code: ClassVar[str] = "TagException"

    def __init__(self, fault: str) -> None:
        super().__init__(fault)


class AlreadyExistsException(AwsError):
    """An alias exists."""

    code: ClassVar[str] = "AlreadyExistsException"

    def __init__(self, arn: str) -> None:
        super().__init__(f"An alias with the name {arn} already exists")


class InvalidAliasNameException(AwsError):
    """The name of an alias does not begin with ``alias/``, or is reserved."""

    code: ClassVar[str] = "InvalidAliasNameException"

    def __init__(self, fault: str) -> None:
        super().__init__(fault)


class InvalidMarkerException(AwsError):
    """A ``Marker`` is not one that this operation returned."""

    code: ClassVar[str] = "InvalidMarkerException"

    def __init__(self) -> None:
        super().__init__("Invalid marker")


class InvalidGrantIdException(AwsError):
    """A text is not the id of a grant."""

    code: ClassVar[str] = "InvalidGrantIdException"

    def __init__(self, grant_id: str) -> None:
        super().__init__(f"{grant_id} is not a grant ID: it has 64 hexadecimal digits")


class InvalidGrantTokenException(AwsError):
    """A grant token is not one that CreateGrant returned for a grant that exists."""

    code: ClassVar[str] = "InvalidGrantTokenException"

    def __init__(self) -> None:
        super().__init__("Invalid grant token")


class DisabledException(AwsError):
    """A key is disabled."""

    code: ClassVar[str] = "DisabledException"

    def __init__(self, arn: str) -> None:
        super().__init__(f"{arn} is disabled.")


class KMSInvalidStateException(AwsError):
    """The state of a key does not allow the operation."""

    code: ClassVar[str] = "KMSInvalidStateException"

    def __init__(self, arn: str, state: Literal["pending deletion", "pending import", "not pending deletion"]) -> None:
        super().__init__(f"{arn} is {state}.")


class InvalidKeyUsageException(AwsError):
    """A key is not for this use, or not with this algorithm."""

    code: ClassVar[str] = "InvalidKeyUsageException"

    @classmethod
    def of_usage(cls, arn: str, usage: str, operation: str) -> InvalidKeyUsageException:
        """Return the error for an operation that needs a key of another usage."""
        return cls(f"{arn} key usage is {usage} which is not valid for {operation}.")

    @classmethod
    def of_algorithm(cls, algorithm: str, spec: str) -> InvalidKeyUsageException:
        """Return the error for an algorithm that a key does not have."""
        return cls(f"Algorithm {algorithm} is incompatible with key spec {spec}.")


class InvalidCiphertextException(AwsError):
    """A ciphertext was changed, cut, made with another key or context, or is none. AWS's message is empty, too."""

    code: ClassVar[str] = "InvalidCiphertextException"

    def __init__(self) -> None:
        super().__init__("")


class IncorrectKeyException(AwsError):
    """A ciphertext was made with a key other than the one that the request names."""

    code: ClassVar[str] = "IncorrectKeyException"

    def __init__(self) -> None:
        super().__init__("The key ID in the request does not identify a CMK that can perform this operation.")


class KMSInvalidSignatureException(AwsError):
    """A signature is not that of the message."""

    code: ClassVar[str] = "KMSInvalidSignatureException"

    def __init__(self) -> None:
        super().__init__("The signature is not valid for this message, key and algorithm.")


class KMSInvalidMacException(AwsError):
    """A MAC is not that of the message."""

    code: ClassVar[str] = "KMSInvalidMacException"

    def __init__(self) -> None:
        super().__init__("The MAC is not valid for this message, key and algorithm.")


class DryRunOperationException(AwsError):
    """The call would succeed, and is a dry run."""

    code: ClassVar[str] = "DryRunOperationException"

    def __init__(self) -> None:
        super().__init__("The request would have succeeded, but the DryRun option is set.")


class KeyAccessDenied(AwsError):
    """A key of another account does not let the caller in, or does not exist: the caller cannot tell which."""

    code: ClassVar[str] = "AccessDeniedException"

    @classmethod
    def of_foreign_key(cls, caller: str, action: str, arn: str) -> KeyAccessDenied:
        """Return the error for a key that is named by its ARN."""
        return cls(
            f"User: {caller} is not authorized to perform: {action} on resource: {arn} because the resource does not "
            "exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly "
            "denies access"
        )

    @classmethod
    def of_ciphertext(cls) -> KeyAccessDenied:
        """Return the error for a ciphertext whose key does not exist."""
        return cls(
            "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you "
            "are not allowed to access."
        )


class InvalidImportTokenException(AwsError):
    """An import token is not one for this key."""

    code: ClassVar[str] = "InvalidImportTokenException"

    def __init__(self) -> None:
        super().__init__("The import token is not one that GetParametersForImport returned for this key.")


class ExpiredImportTokenException(AwsError):
    """An import token is older than a day."""

    code: ClassVar[str] = "ExpiredImportTokenException"

    def __init__(self) -> None:
        super().__init__("The import token has expired: call GetParametersForImport again.")


class IncorrectKeyMaterialException(AwsError):
    """Imported material does not fit a key."""

    code: ClassVar[str] = "IncorrectKeyMaterialException"

    @classmethod
    def of_length(cls, spec: str, size: int) -> IncorrectKeyMaterialException:
        """Return the error for material of another length."""
        return cls(f"The key material for {spec} must have {size} bytes.")

    @classmethod
    def of_other(cls) -> IncorrectKeyMaterialException:
        """Return the error for material other than the one that the key had first."""
        return cls("The key material is not the one that this key had before; a key accepts no other.")

"""Errors of access control lists and of the ownership of objects."""

from __future__ import annotations

from reading_room.s3.errors import S3Error


class AccessControlListNotSupported(S3Error):
    """The bucket is owner-enforced: only policies grant access, and lists cannot be set."""

    code = "AccessControlListNotSupported"
    status = 400

    def __init__(self) -> None:
        super().__init__("The bucket does not allow ACLs")


class MalformedACLError(S3Error):
    """The access control list in the body lacks its owner, or a grant lacks its grantee or has no known permission."""

    code = "MalformedACLError"
    status = 400

    def __init__(self) -> None:
        super().__init__("The XML you provided was not well-formed or did not validate against our published schema")


class MissingSecurityHeader(S3Error):
    """A request to set an access control list has none, neither in its headers nor in its body."""

    code = "MissingSecurityHeader"
    status = 400

    def __init__(self, header: str) -> None:
        super().__init__("Your request was missing a required header", {"MissingHeaderName": header})


class UnexpectedContent(S3Error):
    """A request has an access control list in its headers and another one in its body."""

    code = "UnexpectedContent"
    status = 400

    def __init__(self) -> None:
        super().__init__("This request does not support content")


class EmailGranteeNotAllowed(S3Error):
    """A grant names its grantee by e-mail address, which S3 has not supported since October 2025."""

    code = "MethodNotAllowed"
    status = 405

    def __init__(self) -> None:
        super().__init__(
            "The specified method is not allowed against this resource.",
            {"Method": "PUT", "ResourceType": "ACL"},
        )


class InvalidBucketAclWithObjectOwnership(S3Error):
    """A bucket whose owner owns every object can have no list that grants others something."""

    code = "InvalidBucketAclWithObjectOwnership"
    status = 400

    def __init__(self) -> None:
        super().__init__("Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")


class InvalidBucketAclWithBlockPublicAccessError(S3Error):
    """A new bucket blocks public access, so it cannot be created with a public list."""

    code = "InvalidBucketAclWithBlockPublicAccessError"
    status = 400

    def __init__(self) -> None:
        super().__init__("Bucket cannot have public ACLs set with BlockPublicAccess enabled")

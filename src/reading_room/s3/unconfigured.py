"""The 404 errors for settings that a bucket does not have. Terraform reads all of them after each change."""

from __future__ import annotations

from typing import ClassVar

from reading_room.s3.errors import S3Error


class NotConfigured(S3Error):
    """The base of these errors; ``text`` is S3's message."""

    status = 404
    text: ClassVar[str] = ""

    def __init__(self, bucket: str) -> None:
        super().__init__(self.text, {"BucketName": bucket})


class NoSuchBucketPolicy(NotConfigured):
    """The bucket has no policy."""

    code = "NoSuchBucketPolicy"
    text = "The bucket policy does not exist"


class NoSuchTagSet(NotConfigured):
    """The bucket has no tags."""

    code = "NoSuchTagSet"
    text = "The TagSet does not exist"


class NoSuchCORSConfiguration(NotConfigured):
    """The bucket has no CORS rules."""

    code = "NoSuchCORSConfiguration"
    text = "The CORS configuration does not exist"


class NoSuchWebsiteConfiguration(NotConfigured):
    """The bucket is not a website."""

    code = "NoSuchWebsiteConfiguration"
    text = "The specified bucket does not have a website configuration"


class NoSuchLifecycleConfiguration(NotConfigured):
    """The bucket has no lifecycle rules."""

    code = "NoSuchLifecycleConfiguration"
    text = "The lifecycle configuration does not exist"


class ReplicationConfigurationNotFound(NotConfigured):
    """The bucket is not replicated."""

    code = "ReplicationConfigurationNotFoundError"
    text = "The replication configuration was not found"


class ObjectLockConfigurationNotFound(NotConfigured):
    """The bucket has no object lock."""

    code = "ObjectLockConfigurationNotFoundError"
    text = "Object Lock configuration does not exist for this bucket"


class OwnershipControlsNotFound(NotConfigured):
    """The ownership controls were deleted from the bucket, so that writers own their objects."""

    code = "OwnershipControlsNotFoundError"
    text = "The bucket ownership controls were not found"


class NoAccountPublicAccessBlock(S3Error):
    """Block Public Access is not configured for the account."""

    code = "NoSuchPublicAccessBlockConfiguration"
    status = 404

    def __init__(self, account: str) -> None:
        super().__init__("The public access block configuration was not found", {"AccountId": account})


class NoSuchPublicAccessBlockConfiguration(NotConfigured):
    """Block Public Access was deleted from the bucket."""

    code = "NoSuchPublicAccessBlockConfiguration"
    text = "The public access block configuration was not found"

"""S3's errors: one class for each code and meaning, with S3's message. ``extra`` becomes elements of ``Error``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from reading_room.aws.errors import AwsError


class S3Error(AwsError):
    """The base of all errors here; ``headers`` are those that S3 sends with it."""

    code: ClassVar[str] = "InternalError"
    status: ClassVar[int] = 500

    def __init__(
        self, message: str, extra: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, extra)
        self.headers: Mapping[str, str] = dict(headers or {})


class InternalError(S3Error):
    """The service failed. The log has the details under the id of the request."""

    def __init__(self, extra: Mapping[str, str] | None = None) -> None:
        super().__init__("We encountered an internal error. Please try again.", extra)


class DamagedObject(InternalError):
    """The stored bytes are damaged. The log names the blob. ``Reason`` is ours, and tells clients not to try again."""

    def __init__(self) -> None:
        super().__init__({"Reason": "The stored bytes of this object are not those that were written."})


class Shortage(S3Error):
    """The service lacks resources for now. ``Reason`` is ours: the endpoint that the request came through exists."""

    code = "ServiceUnavailable"
    status = 503

    def __init__(self, message: str) -> None:
        super().__init__(message, {"Reason": "Unavailable"}, {"Retry-After": "1"})


class AccessDenied(S3Error):
    """The caller has no permission, or must not find out whether the resource exists."""

    code = "AccessDenied"
    status = 403

    def __init__(self, message: str = "Access Denied") -> None:
        super().__init__(message)


class InsufficientCapacity(S3Error):
    """There is no space for a write. The code is that of S3 on Outposts, where space is limited, too."""

    code = "InsufficientCapacity"
    status = 507

    @classmethod
    def of_account(cls, limit: int) -> InsufficientCapacity:
        """Return the error for an account whose objects have reached their limit."""
        return cls(
            f"The account of the bucket has no space left: its objects and unfinished uploads may take {limit:,} bytes "
            "(READING_ROOM_STORAGE_PER_ACCOUNT). Delete some, and try again after a few seconds."
        )

    @classmethod
    def of_all(cls, limit: int) -> InsufficientCapacity:
        """Return the error for the limit on the objects of all accounts."""
        return cls(
            f"There is no space left: the objects of all accounts may take {limit:,} bytes "
            "(READING_ROOM_STORAGE_TOTAL). Delete some, and try again after a few seconds."
        )

    @classmethod
    def of_disk(cls, floor: int) -> InsufficientCapacity:
        """Return the error for a full file system; ``floor`` bytes must stay free."""
        kept = f", except for the {floor:,} bytes that must stay free (READING_ROOM_STORAGE_FREE)" if floor else ""
        return cls(f"There is no space left: the disk of the service is full{kept}. Delete objects or free space.")


class MalformedXML(S3Error):
    """The body is not the XML that the operation expects."""

    code = "MalformedXML"
    status = 400

    def __init__(self) -> None:
        super().__init__("The XML you provided was not well-formed or did not validate against our published schema")


class MalformedPolicy(S3Error):
    """A bucket policy is invalid; ``problem`` is S3's own text."""

    code = "MalformedPolicy"
    status = 400

    def __init__(self, problem: str) -> None:
        super().__init__(problem)


class NoSuchBucket(S3Error):
    """No bucket has this name."""

    code = "NoSuchBucket"
    status = 404

    def __init__(self, bucket: str) -> None:
        super().__init__("The specified bucket does not exist", {"BucketName": bucket})


class NoSuchKey(S3Error):
    """No object has this key."""

    code = "NoSuchKey"
    status = 404

    def __init__(self, key: str) -> None:
        super().__init__("The specified key does not exist.", {"Key": key})


class InvalidPartNumber(S3Error):
    """GetObject names a part that the object does not have."""

    code = "InvalidPartNumber"
    status = 416

    def __init__(self, requested: int, count: int) -> None:
        extra = {"PartNumberRequested": str(requested), "ActualPartCount": str(count)}
        super().__init__("The requested partnumber is not satisfiable", extra)


class InvalidRange(S3Error):
    """No byte of the requested range exists."""

    code = "InvalidRange"
    status = 416

    def __init__(self, requested: str, size: int) -> None:
        super().__init__(
            "The requested range is not satisfiable",
            {"RangeRequested": requested, "ActualObjectSize": str(size)},
            {"content-range": f"bytes */{size}"},
        )


class PreconditionFailed(S3Error):
    """A conditional header does not hold."""

    code = "PreconditionFailed"
    status = 412

    def __init__(self, condition: str) -> None:
        super().__init__("At least one of the pre-conditions you specified did not hold", {"Condition": condition})


class NotModified(S3Error):
    """The caller has the current object already. This is an answer without a body rather than a failure."""

    code = "NotModified"
    status = 304

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__("Not Modified", headers=headers)


class KeyTooLong(S3Error):
    """A key has more than 1,024 bytes."""

    code = "KeyTooLongError"
    status = 400

    def __init__(self, size: int) -> None:
        super().__init__("Your key is too long", {"Size": str(size), "MaxSizeAllowed": "1024"})


class MetadataTooLarge(S3Error):
    """User metadata has more than 2 KB."""

    code = "MetadataTooLarge"
    status = 400

    def __init__(self, size: int) -> None:
        super().__init__(
            "Your metadata headers exceed the maximum allowed metadata size",
            {"Size": str(size), "MaxSizeAllowed": "2048"},
        )


class InvalidURI(S3Error):
    """The path cannot be decoded."""

    code = "InvalidURI"
    status = 400

    def __init__(self) -> None:
        super().__init__("Couldn't parse the specified URI.")


class InvalidArgument(S3Error):
    """A parameter has an invalid value."""

    code = "InvalidArgument"
    status = 400

    def __init__(self, name: str, value: str, problem: str) -> None:
        super().__init__(problem, {"ArgumentName": name, "ArgumentValue": value})


class InvalidRequest(S3Error):
    """The request is invalid, for example because parameters contradict each other; ``problem`` says why."""

    code = "InvalidRequest"
    status = 400

    def __init__(self, problem: str) -> None:
        super().__init__(problem)


class InvalidStorageClass(S3Error):
    """The storage class is unknown, or its objects would have to be restored before they could be read."""

    code = "InvalidStorageClass"
    status = 400

    def __init__(self, storage_class: str) -> None:
        super().__init__("The storage class you specified is not valid", {"StorageClassRequested": storage_class})


class KmsKeyNotFound(S3Error):
    """The request names a KMS key. There are none here."""

    code = "KMS.NotFoundException"
    status = 400

    def __init__(self, key_id: str) -> None:
        super().__init__(f"Key '{key_id}' does not exist")


class NotImplementedHeader(S3Error):
    """A header needs something that this S3 does not implement."""

    code = "NotImplemented"
    status = 501

    def __init__(self, header: str) -> None:
        super().__init__("A header you provided implies functionality that is not implemented", {"Header": header})


class NotImplementedParameter(S3Error):
    """A query parameter is unknown, or needs something that this S3 does not implement."""

    code = "NotImplemented"
    status = 501

    def __init__(self, name: str) -> None:
        super().__init__("A parameter you provided implies functionality that is not implemented", {"Parameter": name})


_FEATURES = {
    "Website": "static website hosting",
    "Replication": "replication",
    "Accelerate": "transfer acceleration",
    "RequestPayment": "requester pays",
    "Session": "directory buckets",
    "DirectoryBucket": "directory buckets",
    "Inventory": "inventories",
    "Analytics": "storage class analysis",
    "IntelligentTiering": "configurations of intelligent tiering",
    "Metrics": "request metrics",
    "Metadata": "metadata tables",
    "Annotation": "annotations",
    "Torrent": "BitTorrent",
    "Select": "S3 Select",
    "Restore": "restoring archived objects",
    "Abac": "access control by bucket tags",
    "Account": "Block Public Access for a whole account",
}
"""Features that are not implemented, by a part of the names of their operations."""


class NotImplementedOperation(S3Error):
    """An operation is not implemented by this S3. The message names the feature that it belongs to."""

    code = "NotImplemented"
    status = 501

    def __init__(self, operation: str) -> None:
        feature = next((feature for part, feature in _FEATURES.items() if part in operation), None)
        super().__init__(
            f"{operation} implies functionality that is not implemented" + (f": {feature}" if feature else ""),
            {"Operation": operation} | ({"Feature": feature} if feature else {}),
        )


class MethodNotAllowed(S3Error):
    """No operation has this method on this kind of resource."""

    code = "MethodNotAllowed"
    status = 405

    def __init__(self, method: str, resource_type: str) -> None:
        super().__init__(
            "The specified method is not allowed against this resource.",
            {"Method": method, "ResourceType": resource_type},
        )


class PermanentRedirect(S3Error):
    """The request names the S3 of another region."""

    code = "PermanentRedirect"
    status = 301

    def __init__(self, bucket: str, endpoint: str, region: str) -> None:
        super().__init__(
            "The bucket you are attempting to access must be addressed using the specified endpoint. Please send "
            "all future requests to this endpoint.",
            {"Endpoint": endpoint, "Bucket": bucket},
            {"x-amz-bucket-region": region},
        )

"""The headers that are stored with an object: which ones are stored, which are refused, and how reads return them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from reading_room.s3.backend import S3Request
from reading_room.s3.errors import (
    InvalidArgument,
    InvalidStorageClass,
    KmsKeyNotFound,
    NotImplementedHeader,
)
from reading_room.s3.metadata import check_size, user_metadata
from reading_room.s3.object_access import without_access
from reading_room.s3.object_lock import LOCK_PARAMETERS, requested_lock
from reading_room.s3.tagging import requested_tags
from reading_room.s3.versions import StoredVersion

ENCRYPTED = {"ServerSideEncryption": "AES256"}
"""The header that S3 has sent for every object since it encrypts by default."""
STANDARD = "STANDARD"
STORAGE_CLASSES = frozenset(
    (STANDARD, "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR")
)
"""S3's storage classes whose objects can be read at once. Objects of others could never be read, as there is no
restore here."""

WRITE_PARAMETERS = (
    "ACL GrantFullControl GrantRead GrantReadACP GrantWriteACP CacheControl ContentDisposition ContentEncoding "
    "ContentLanguage ContentType Expires Metadata ServerSideEncryption SSEKMSKeyId SSEKMSEncryptionContext "
    f"BucketKeyEnabled StorageClass Tagging {LOCK_PARAMETERS}"
)
"""The parameters of a write that ``check_write`` and ``kept_headers`` handle."""

_KEPT = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
)
CLASS_HEADER = "x-amz-storage-class"
"""The header with the storage class. It is stored like the others, unless it is ``STANDARD``."""
_OVERRIDES = {
    "ResponseCacheControl": "cache-control",
    "ResponseContentDisposition": "content-disposition",
    "ResponseContentEncoding": "content-encoding",
    "ResponseContentLanguage": "content-language",
    "ResponseContentType": "content-type",
    "ResponseExpires": "expires",
}
OVERRIDE_PARAMETERS = " ".join(_OVERRIDES)


def check_write(request: S3Request, now: dt.datetime) -> None:
    """Refuse parameters of a write: some storage classes, KMS, too much metadata, invalid tags and locks."""
    parameters = request.parameters
    requested_tags(parameters)
    if (storage_class := parameters.get("StorageClass", STANDARD)) not in STORAGE_CLASSES:
        raise InvalidStorageClass(storage_class)
    check_encryption(parameters)
    check_size(user_metadata(parameters))
    requested_lock(parameters, now)


def check_encryption(parameters: Mapping[str, Any]) -> None:
    """Refuse encryption with KMS keys. Raises ``KmsKeyNotFound`` for a named key."""
    if (key_id := parameters.get("SSEKMSKeyId")) is not None:
        raise KmsKeyNotFound(key_id)
    if parameters.get("ServerSideEncryption", "AES256") != "AES256":
        raise NotImplementedHeader("x-amz-server-side-encryption")
    if parameters.get("BucketKeyEnabled"):
        raise NotImplementedHeader("x-amz-server-side-encryption-bucket-key-enabled")
    if "SSEKMSEncryptionContext" in parameters:
        raise NotImplementedHeader("x-amz-server-side-encryption-context")


def kept_headers(request: S3Request) -> dict[str, str]:
    """Return the headers of a request that are stored, without ``aws-chunked``, which only encodes the transfer."""
    kept = {name: value for name in _KEPT if (value := request.incoming.header(name)) is not None}
    kept.setdefault("content-type", "binary/octet-stream")
    kept |= _class_header(request.parameters)
    if "content-encoding" in kept:
        codings = [coding.strip() for coding in kept["content-encoding"].split(",")]
        kept["content-encoding"] = ",".join(c for c in codings if c.lower() not in ("aws-chunked", ""))
        if not kept["content-encoding"]:
            del kept["content-encoding"]
    return kept


def copied_headers(source: Mapping[str, str], request: S3Request) -> dict[str, str]:
    """Return the stored headers of a copy: those of its source, with the storage class of the request.

    The access of the source is not copied.
    """
    kept = {name: value for name, value in without_access(source).items() if name != CLASS_HEADER}
    return kept | _class_header(request.parameters)


def _class_header(parameters: Mapping[str, Any]) -> dict[str, str]:
    storage_class = parameters.get("StorageClass", STANDARD)
    return {} if storage_class == STANDARD else {CLASS_HEADER: storage_class}


def storage_class_of(headers: Mapping[str, str]) -> str:
    """Return the storage class of an object or an upload with these stored headers."""
    return headers.get(CLASS_HEADER, STANDARD)


def described(row: StoredVersion, parameters: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the headers that describe an object, with the response-… overrides of a read.

    Raises ``InvalidArgument`` for an override that cannot be the value of a header.
    """
    headers = without_access(row.headers)
    for member, name in _OVERRIDES.items():
        if (value := parameters.get(member)) is not None:
            text = value if isinstance(value, str) else value.strftime("%a, %d %b %Y %H:%M:%S GMT")
            if not all(" " <= character <= "\xff" and character != "\x7f" for character in text):
                raise InvalidArgument(f"response-{name}", text, "Header value cannot be represented using ISO-8859-1.")
            headers[name] = text
    return tuple(headers.items())


def checksum_members(checksum: Mapping[str, str] | None) -> dict[str, str]:
    """Return a stored checksum under botocore's member names."""
    if checksum is None:
        return {}
    members = {f"Checksum{checksum['algorithm']}": checksum["value"]}
    return {**members, "ChecksumType": checksum["type"]} if "type" in checksum else members

"""Listing the keys of a bucket."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus

from reading_room.s3 import buckets
from reading_room.s3.access_lists import canonical_id
from reading_room.s3.backend import S3Request, S3Response
from reading_room.s3.errors import InvalidArgument
from reading_room.s3.listing import ListedObject, Listing, list_keys
from reading_room.s3.object_access import ENTRY, access_in
from reading_room.s3.operations.stored import STANDARD
from reading_room.s3.operations.table import respond, s3_operation
from reading_room.s3.storage import Storage
from reading_room.s3.versions_listing import ListedVersion

PAGE = 1000
OwnerOf = Callable[[ListedObject | ListedVersion], dict[str, str]]
"""Returns the owner of an entry of a listing, under botocore's member names."""
_TOKEN = b"after:"


def key_encoder(parameters: Mapping[str, Any]) -> Callable[[str], str]:
    """Return the function that writes keys in the response: unchanged, or URL-encoded if the request wants that."""
    encoding = parameters.get("EncodingType")
    if encoding is None:
        return lambda key: key
    if encoding != "url":
        raise InvalidArgument("encoding-type", encoding, "Invalid Encoding Method specified in Request")
    return lambda key: quote_plus(key, safe="/")


def page_size(parameters: Mapping[str, Any], member: str, argument: str) -> int:
    """Return the maximum number of entries of a page. Raises ``InvalidArgument``."""
    size = int(parameters.get(member, PAGE))
    if size < 0:
        raise InvalidArgument(argument, str(size), f"Argument {argument} must be an integer between 0 and 2147483647")
    return min(size, PAGE)


@s3_operation("ListObjects", "Prefix Delimiter Marker MaxKeys EncodingType")
def list_objects(store: Storage, request: S3Request) -> S3Response:
    """List keys, version 1: the marker is a key."""
    parameters = request.parameters
    marker = parameters.get("Marker", "")
    listing, result = _listed(store, request, marker, with_owner=True)
    result["Marker"] = key_encoder(parameters)(marker)
    if listing.truncated and listing.last is not None and parameters.get("Delimiter"):
        # Without a delimiter the last key is the next marker, and S3 does not repeat it.
        result["NextMarker"] = key_encoder(parameters)(listing.last)
    return respond(request, result)


@s3_operation("ListObjectsV2", "Prefix Delimiter StartAfter ContinuationToken FetchOwner MaxKeys EncodingType")
def list_objects_v2(store: Storage, request: S3Request) -> S3Response:
    """List keys, version 2: a token leads to the next page."""
    parameters = request.parameters
    token = parameters.get("ContinuationToken")
    start_after = parameters.get("StartAfter", "")
    after = _read_token(token) if token is not None else start_after
    listing, result = _listed(store, request, after, with_owner=bool(parameters.get("FetchOwner")))
    result["KeyCount"] = len(listing.objects) + len(listing.prefixes)
    if token is not None:
        result["ContinuationToken"] = token
    if start_after:
        result["StartAfter"] = key_encoder(parameters)(start_after)
    if listing.truncated and listing.last is not None:
        result["NextContinuationToken"] = base64.urlsafe_b64encode(_TOKEN + listing.last.encode()).decode()
    return respond(request, result)


def _read_token(token: str) -> str:
    try:
        marked = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
        if not marked.startswith(_TOKEN):
            raise ValueError("no token of ours")
        return marked.removeprefix(_TOKEN).decode()
    except (binascii.Error, UnicodeError, ValueError):
        raise InvalidArgument("continuation-token", token, "The continuation token provided is incorrect") from None


def _listed(store: Storage, request: S3Request, after: str, *, with_owner: bool) -> tuple[Listing, dict[str, Any]]:
    assert request.bucket is not None
    parameters = request.parameters
    prefix, delimiter = parameters.get("Prefix", ""), parameters.get("Delimiter", "")
    limit = page_size(parameters, "MaxKeys", "maxKeys")
    with store.database.reading() as session:
        bucket = buckets.find(session, request.bucket)
        account, enforced = bucket.account, buckets.ownership_of(bucket) == buckets.ENFORCED
        listing = list_keys(session, request.bucket, prefix=prefix, delimiter=delimiter, after=after, limit=limit)
    encode_key = key_encoder(parameters)
    owner = owner_of(account, enforced=enforced) if with_owner else None
    result: dict[str, Any] = {
        "Name": request.bucket,
        "Prefix": encode_key(prefix),
        "MaxKeys": limit,
        "EncodingType": parameters.get("EncodingType"),
        "IsTruncated": listing.truncated,
        "Contents": [entry_of(row, encode_key, owner) for row in listing.objects],
        "CommonPrefixes": [{"Prefix": encode_key(common)} for common in listing.prefixes],
    }
    if delimiter:
        result["Delimiter"] = encode_key(delimiter)
    return listing, result


def owner_of(account: str, *, enforced: bool) -> OwnerOf:
    """Return the function that returns owners of listed objects; with ``enforced`` it is the bucket's, ``account``."""
    owner = {"ID": canonical_id(account)}

    def found(row: ListedObject | ListedVersion) -> dict[str, str]:
        if enforced or row.access is None:
            return owner
        return {"ID": canonical_id(access_in({ENTRY: row.access}).owner_in(account))}

    return found


def entry_of(
    row: ListedObject | ListedVersion, encode_key: Callable[[str], str], owner: OwnerOf | None
) -> dict[str, Any]:
    """Return the entry of an object in a listing."""
    checksum = row.checksum or {}
    return {
        "Key": encode_key(row.key.decode()),
        "LastModified": row.last_modified,
        "ETag": f'"{row.etag}"',
        "Size": row.size,
        "StorageClass": row.storage_class or STANDARD,
        "Owner": None if owner is None else owner(row),
        "ChecksumAlgorithm": [checksum["algorithm"]] if checksum else None,
        "ChecksumType": checksum.get("type"),
    }

"""The bucket and the key of a request, from its host and path in every style that S3 clients use.

Path style is ``/BUCKET/KEY`` at a service name. Virtual-hosted style puts the bucket before the service name. A key is
never normalized: ``..``, doubled and leading slashes belong to it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from reading_room.aws.call import IncomingRequest
from reading_room.s3.errors import InvalidArgument, InvalidRequest, InvalidURI, KeyTooLong, PermanentRedirect

KEY_LIMIT = 1024
"""Bytes of UTF-8 that a key may have."""

_REGION = r"(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)"
_SERVICE_NAMES = (
    re.compile(r"(?:(?P<bucket>.+)\.)?s3\.amazonaws\.com"),
    re.compile(rf"(?:(?P<bucket>.+)\.)?s3[.-]{_REGION}\.amazonaws\.com"),
    re.compile(rf"(?:(?P<bucket>.+)\.)?s3\.dualstack\.{_REGION}\.amazonaws\.com"),
    re.compile(rf"(?:(?P<bucket>.+)\.)?bucket\.vpce-[0-9a-z-]+\.s3\.{_REGION}\.vpce\.amazonaws\.com"),
)


@dataclass(frozen=True, slots=True)
class Address:
    """The target of a request. ``bucket`` is ``None`` for the service itself, ``key`` is ``None`` for a bucket."""

    bucket: str | None
    key: str | None
    region: str | None = None
    """The region in the host name, or ``None``."""
    virtual: bool = False
    """Whether the bucket is in the host name instead of the path."""

    @property
    def resource_type(self) -> str:
        """``SERVICE``, ``BUCKET`` or ``OBJECT``, for S3's errors."""
        if self.bucket is None:
            return "SERVICE"
        return "BUCKET" if self.key is None else "OBJECT"


@dataclass(frozen=True, slots=True)
class HostNames:
    """The region of S3 here, and the host names, without port, at which it is served besides AWS's own."""

    region: str
    base_hosts: frozenset[str]

    def locate(self, request: IncomingRequest, headers: Mapping[str, str]) -> Address:
        """Return the address that a request names.

        Raises ``InvalidRequest`` for an operation of another service, ``PermanentRedirect`` for a bucket of another
        region, and the errors of ``locate``.
        """
        if "x-amz-target" in headers:
            raise InvalidRequest("This address serves only S3, but X-Amz-Target names another service's operation.")
        address = locate(headers.get("host", ""), request.raw_path, self.base_hosts)
        if address.region not in (None, self.region):
            raise PermanentRedirect(address.bucket or "", f"s3.{self.region}.amazonaws.com", self.region)
        return address


def locate(host: str, raw_path: str, base_hosts: Collection[str]) -> Address:
    """Return the address for ``host`` (with or without port) and ``raw_path``, which is still percent-encoded.

    ``base_hosts`` are the host names of S3 here, without port, besides AWS's own. Any other host is a bucket's own
    domain. Raises ``InvalidURI`` and ``KeyTooLong``.
    """
    name = _without_port(host).lower().rstrip(".")
    bucket, region = _bucket_of_host(name, base_hosts)
    virtual = bucket is not None
    path = raw_path.removeprefix("/")
    if bucket is None:
        encoded_bucket, _, path = path.partition("/")
        if not encoded_bucket:
            if path:
                raise InvalidURI
            return Address(None, None, region)
        bucket = _decode(encoded_bucket)
    return Address(bucket, _key(path) if path else None, region, virtual)


def parse_copy_source(header: str) -> tuple[str, str, str | None]:
    """Split ``x-amz-copy-source`` into bucket, key and version id.

    Raises ``InvalidArgument``, and ``InvalidURI`` and ``KeyTooLong`` as for the path of a request.
    """
    path, _, query = header.partition("?")
    bucket, _, key = path.removeprefix("/").partition("/")
    version = query.removeprefix("versionId=") if query.startswith("versionId=") else None
    if not bucket:
        raise InvalidArgument("x-amz-copy-source", header, "Invalid copy source bucket name")
    if not key or (query and version is None):
        raise InvalidArgument("x-amz-copy-source", header, "Invalid copy source object key")
    return _decode(bucket), _key(key), version


def _bucket_of_host(name: str, base_hosts: Collection[str]) -> tuple[str | None, str | None]:
    for pattern in _SERVICE_NAMES:
        if match := pattern.fullmatch(name):
            return match["bucket"], match.groupdict().get("region")
    if not name or name in base_hosts or _is_address(name):
        return None, None
    # The longest base wins, so that b.s3.localhost is not the bucket "b.s3" at localhost.
    for base in sorted(base_hosts, key=len, reverse=True):
        if name.endswith("." + base):
            return name[: -len(base) - 1], None
    return name, None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[: host.find("]") + 1]
    return host.partition(":")[0]


def _key(encoded: str) -> str:
    key = _decode(encoded)
    size = len(key.encode())
    if size > KEY_LIMIT:
        raise KeyTooLong(size)
    return key


def _decode(encoded: str) -> str:
    try:
        return unquote_to_bytes(encoded).decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidURI from None

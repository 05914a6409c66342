"""The access control list that a request names: a canned one, grants in headers, or a document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reading_room.s3.access_list_errors import (
    EmailGranteeNotAllowed,
    MalformedACLError,
    MissingSecurityHeader,
    UnexpectedContent,
)
from reading_room.s3.access_lists import GROUPS, PERMISSIONS, Grant, Grants, Target, canned, canonical_id
from reading_room.s3.errors import AccessDenied, InvalidArgument, InvalidRequest, NotImplementedHeader

MOST_GRANTS = 100
_BY_HEADER = {
    "GrantFullControl": ("x-amz-grant-full-control", "FULL_CONTROL"),
    "GrantRead": ("x-amz-grant-read", "READ"),
    "GrantWrite": ("x-amz-grant-write", "WRITE"),
    "GrantReadACP": ("x-amz-grant-read-acp", "READ_ACP"),
    "GrantWriteACP": ("x-amz-grant-write-acp", "WRITE_ACP"),
}
PARAMETERS = frozenset({"ACL", *_BY_HEADER})
"""The parameters with which any write can set a list."""
_GRANTEE = re.compile(r'\s*(id|uri|emailaddress)\s*=\s*("?)([^",]*)\2\s*', re.IGNORECASE)
Exists = Callable[[str], bool]
"""Says whether an account has a canonical user id."""


def names_list(parameters: Mapping[str, Any]) -> bool:
    """Say whether the headers of a request have an access control list."""
    return not PARAMETERS.isdisjoint(parameters)


def grants_in_headers(
    parameters: Mapping[str, Any], target: Target, owner: str, bucket_owner: str, exists: Exists
) -> Grants | None:
    """Return the grants that the headers of a request name; ``None`` without such headers.

    Raises ``InvalidRequest`` for a canned list with further grants, ``InvalidArgument`` for an unknown list, group or
    account, and ``EmailGranteeNotAllowed``.
    """
    named = [name for name in _BY_HEADER if name in parameters]
    if "ACL" in parameters:
        if named:
            raise InvalidRequest("Specifying both Canned ACLs and Header Grants is not allowed")
        return _canned(str(parameters["ACL"]), target, owner, bucket_owner)
    if not named:
        return None
    return _bounded([grant for name in named for grant in _in_header(str(parameters[name]), name, exists)])


def grants_to_put(
    parameters: Mapping[str, Any], target: Target, owner: str, bucket_owner: str, exists: Exists
) -> Grants:
    """Return the grants of a PutBucketAcl or PutObjectAcl, from its headers or its document.

    Besides the errors of ``grants_in_headers`` it raises ``MissingSecurityHeader``, ``UnexpectedContent``,
    ``MalformedACLError``, and ``AccessDenied`` for a document that names another owner.
    """
    named = grants_in_headers(parameters, target, owner, bucket_owner, exists)
    document = parameters.get("AccessControlPolicy")
    if named is None and document is None:
        raise MissingSecurityHeader("x-amz-acl")
    if named is not None and document is not None:
        raise UnexpectedContent
    if document is None:
        assert named is not None
        return named
    stated = document.get("Owner", {}).get("ID")
    if stated is None:
        raise MalformedACLError
    if stated != canonical_id(owner):
        raise AccessDenied
    return _bounded([_in_document(entry, exists) for entry in document.get("Grants", [])])


def _canned(name: str, target: Target, owner: str, bucket_owner: str) -> Grants:
    if name == "aws-exec-read":
        # It grants EC2 what it needs to start a machine from an image in the bucket. There are none here.
        raise NotImplementedHeader("x-amz-acl")
    grants = canned(name, target, owner, bucket_owner)
    if grants is None:
        raise InvalidArgument("x-amz-acl", name, "")
    return grants


def _in_header(value: str, name: str, exists: Exists) -> Iterator[Grant]:
    header, permission = _BY_HEADER[name]
    for text in value.split(","):
        found = _GRANTEE.fullmatch(text)
        if found is None:
            raise InvalidArgument(header, value, "Argument format not recognized")
        kind, grantee = found[1].lower(), found[3].strip()
        if kind == "emailaddress":
            raise EmailGranteeNotAllowed
        yield Grant(_group(grantee) if kind == "uri" else _user(grantee, exists), permission)


def _in_document(entry: Mapping[str, Any], exists: Exists) -> Grant:
    grantee, permission = entry.get("Grantee", {}), entry.get("Permission")
    kind = grantee.get("Type")
    if permission not in PERMISSIONS:
        raise MalformedACLError
    if kind == "AmazonCustomerByEmail":
        raise EmailGranteeNotAllowed
    if kind == "Group" and "URI" in grantee:
        return Grant(_group(grantee["URI"]), permission)
    if kind == "CanonicalUser" and "ID" in grantee:
        return Grant(_user(grantee["ID"], exists), permission)
    raise MalformedACLError


def _group(uri: str) -> str:
    if uri not in GROUPS:
        raise InvalidArgument("Group/URI", uri, "Invalid group uri")
    return uri


def _user(canonical: str, exists: Exists) -> str:
    if not exists(canonical):
        raise InvalidArgument("CanonicalUser/ID", canonical, "Invalid id")
    return canonical


def _bounded(grants: list[Grant]) -> Grants:
    """Return grants without repetitions. Raises ``MalformedACLError`` if they are too many."""
    if len(grants) > MOST_GRANTS:
        raise MalformedACLError
    return tuple(dict.fromkeys(grants))

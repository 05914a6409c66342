"""The owner and the grants of an object or an upload, as its row has them.

They are one entry of the stored headers, under a name that no header can have. Only an object that belongs to another
account than its bucket, or whose list is not private, has the entry.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from reading_room.s3.access_lists import Grants, loaded, private, stored

ENTRY = "(access)"
"""The name of the entry among the stored headers."""


@dataclass(frozen=True, slots=True)
class ObjectAccess:
    """The account that owns an object, ``None`` for that of the bucket, and the grants, ``None`` for a private one."""

    owner: str | None = None
    grants: Grants | None = None

    def owner_in(self, bucket_owner: str) -> str:
        """Return the account that owns the object."""
        return self.owner or bucket_owner

    def grants_in(self, bucket_owner: str) -> Grants:
        """Return the grants of the object."""
        return private(self.owner_in(bucket_owner)) if self.grants is None else self.grants


def access_in(headers: Mapping[str, str]) -> ObjectAccess:
    """Return the access of an object or upload with these stored headers."""
    entry = headers.get(ENTRY)
    if entry is None:
        return ObjectAccess()
    value = json.loads(entry)
    grants = value.get("grants")
    return ObjectAccess(value.get("owner"), None if grants is None else loaded(grants))


def with_access(headers: Mapping[str, str], access: ObjectAccess) -> dict[str, str]:
    """Return stored headers with this access in place of the one that they have."""
    kept = without_access(headers)
    if access != ObjectAccess():
        grants = None if access.grants is None else stored(access.grants)
        kept[ENTRY] = json.dumps({"owner": access.owner, "grants": grants})
    return kept


def without_access(headers: Mapping[str, str]) -> dict[str, str]:
    """Return stored headers without owner and grants, as for an object of the bucket's owner."""
    return {name: value for name, value in headers.items() if name != ENTRY}


def access_of(owner: str, grants: Grants | None, bucket_owner: str) -> ObjectAccess:
    """Return owner and grants in the form that is stored."""
    return ObjectAccess(None if owner == bucket_owner else owner, None if grants == private(owner) else grants)

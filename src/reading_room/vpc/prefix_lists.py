"""The AWS-managed prefix lists: which networks the S3 service has.

The networks look like S3's public ones so that clients and policies behave as they do with AWS. No packet to them ever
leaves a VPC of ours: they are either taken by an endpoint's listener or dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

from reading_room.vpc.errors import PrefixListNotFound

S3_PREFIX_LIST_ID = "pl-63a5400a"
S3_CIDRS: tuple[str, ...] = ("3.5.0.0/19", "52.216.0.0/15", "54.231.0.0/16")
S3_ADDRESS = "52.216.0.10"
"""The one address that names of S3 resolve to."""
API_PREFIX_LIST_ID = "pl-0a910a90"
"""The networks of the other services' public addresses. No list of AWS's stands for them, so no call shows this one."""
API_CIDRS: tuple[str, ...] = ("52.94.0.0/22",)
API_ADDRESS = "52.94.0.10"
"""The one public address that names of all services but S3 resolve to."""
PREFIX_LIST_OWNER = "AWS"


@dataclass(frozen=True, slots=True)
class ManagedPrefixList:
    """A named list of networks that AWS owns; the same in every account and VPC."""

    prefix_list_id: str
    name: str
    cidrs: tuple[str, ...]
    service: str
    weight: int = 1
    """How many rules it counts for in a security group."""


def s3_service_name(region: str) -> str:
    """Return the name of S3's endpoint service."""
    return f"com.amazonaws.{region}.s3"


def lists_of(region: str) -> tuple[ManagedPrefixList, ...]:
    """Return the prefix lists of a region."""
    return (ManagedPrefixList(S3_PREFIX_LIST_ID, s3_service_name(region), S3_CIDRS, "s3"),)


def known(prefix_list_id: str) -> bool:
    """Say whether a prefix list exists."""
    return prefix_list_id == S3_PREFIX_LIST_ID


def require(prefix_list_id: str) -> None:
    """Raise ``PrefixListNotFound`` unless the prefix list exists."""
    if not known(prefix_list_id):
        raise PrefixListNotFound(prefix_list_id)

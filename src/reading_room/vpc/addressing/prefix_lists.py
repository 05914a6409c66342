"""The AWS-managed prefix lists: the networks of S3, and the names of the other services' lists.

The networks look like S3's public ones, so that clients and policies behave as they do with AWS. No packet to them ever
leaves a VPC here: an endpoint's listener accepts it, or it is dropped. The services of the other lists do not exist
here, so these lists have no networks, and a rule or a route that names one matches no packet. Names and weights are
those of the VPC User Guide.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from reading_room.vpc.not_found import PrefixListNotFound

S3_PREFIX_LIST_ID = "pl-63a5400a"
S3_CIDRS: tuple[str, ...] = ("3.5.0.0/19", "52.216.0.0/15", "54.231.0.0/16")
S3_ADDRESS = "52.216.0.10"
"""The one address that S3's names resolve to."""
API_PREFIX_LIST_ID = "pl-0a910a90"
"""The networks of the other services' public addresses. AWS has no such list, so no call shows this one."""
API_CIDRS: tuple[str, ...] = ("52.94.0.0/22",)
API_ADDRESS = "52.94.0.10"
"""The one public address that the names of all services except S3 resolve to."""
PREFIX_LIST_OWNER = "AWS"


@dataclass(frozen=True, slots=True)
class ManagedPrefixList:
    """A named list of networks that AWS owns; the same in every account and VPC.

    ``name`` is as AWS writes it, with ``{region}`` in place of the region. ``weight`` is how many rules, or routes, of
    its address family it counts as.
    """

    prefix_list_id: str
    name: str
    weight: int
    family: Literal["IPv4", "IPv6"] = "IPv4"
    cidrs: tuple[str, ...] = ()


_LISTS = (
    ManagedPrefixList("pl-3b927c52", "com.amazonaws.global.cloudfront.origin-facing", 55),
    ManagedPrefixList("pl-00b02421d1113726c", "com.amazonaws.global.ipv6.cloudfront.origin-facing", 55, "IPv6"),
    ManagedPrefixList("pl-0de8cadcffe5e9ba4", "com.amazonaws.global.groundstation", 5),
    ManagedPrefixList("pl-02cd2c6b", "com.amazonaws.{region}.dynamodb", 1),
    ManagedPrefixList("pl-043aa6ed2c1aeb82e", "com.amazonaws.{region}.ec2-instance-connect", 2),
    ManagedPrefixList("pl-0ebdcee5345b91b74", "com.amazonaws.{region}.ipv6.ec2-instance-connect", 2, "IPv6"),
    ManagedPrefixList("pl-0691b325382a21a58", "com.amazonaws.{region}.route53-healthchecks", 25),
    ManagedPrefixList("pl-0f63beab28f8aa737", "com.amazonaws.{region}.ipv6.route53-healthchecks", 25, "IPv6"),
    ManagedPrefixList(S3_PREFIX_LIST_ID, "com.amazonaws.{region}.s3", 1, cidrs=S3_CIDRS),
    ManagedPrefixList("pl-0aeae52e9284d84fe", "com.amazonaws.{region}.s3express", 6),
    ManagedPrefixList("pl-09fd169927763baa4", "com.amazonaws.{region}.secretsmanager-managed-external-secrets", 20),
    ManagedPrefixList("pl-064cab92ef6343170", "com.amazonaws.{region}.vpc-lattice", 10),
    ManagedPrefixList("pl-04694e2097eddd414", "com.amazonaws.{region}.ipv6.vpc-lattice", 10, "IPv6"),
)
"""The lists of S3, DynamoDB and CloudFront have their ids from us-east-1; the other ids are ours."""
_BY_ID = {entry.prefix_list_id: entry for entry in _LISTS}


def s3_service_name(region: str) -> str:
    """Return the name of S3's endpoint service."""
    return f"com.amazonaws.{region}.s3"


def lists_of(region: str) -> tuple[ManagedPrefixList, ...]:
    """Return the prefix lists of a region."""
    return tuple(replace(entry, name=entry.name.format(region=region)) for entry in _LISTS)


def known(prefix_list_id: str) -> bool:
    """Return whether a prefix list is one of AWS's."""
    return prefix_list_id in _BY_ID


def is_ipv6(prefix_list_id: str) -> bool:
    """Return whether a prefix list holds IPv6 networks: some of AWS's do, a customer's never does."""
    return known(prefix_list_id) and _BY_ID[prefix_list_id].family == "IPv6"


def weights() -> dict[str, int]:
    """Return how many rules, or routes, each list counts as."""
    return {entry.prefix_list_id: entry.weight for entry in _LISTS}


def require(prefix_list_id: str) -> None:
    """Raise ``PrefixListNotFound`` unless the prefix list is one of AWS's."""
    if not known(prefix_list_id):
        raise PrefixListNotFound(prefix_list_id)

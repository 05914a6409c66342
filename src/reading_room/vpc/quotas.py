"""The quotas of an account, for each profile of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reading_room.vpc.errors import LimitExceeded


@dataclass(frozen=True, slots=True)
class Quotas:
    """Upper bounds, per account unless the name says otherwise. The defaults are AWS's."""

    vpcs: int = 5
    subnets_per_vpc: int = 200
    route_tables_per_vpc: int = 200
    routes_per_table: int = 50
    security_groups: int = 2_500
    rules_per_group: int = 60
    """Per direction and address family."""
    groups_per_interface: int = 5
    interfaces: int = 5_000
    addresses_per_interface: int = 50
    cidr_blocks_per_vpc: int = 5
    prefix_lists: int = 100
    gateway_endpoints: int = 20
    interface_endpoints_per_vpc: int = 50
    flow_logs_per_resource: int = 10
    internet_gateways: int = 5
    elastic_addresses: int = 5
    nat_gateways_per_zone: int = 5
    addresses_per_nat_gateway: int = 2
    """Elastic IP addresses of a public NAT gateway."""
    network_insights_paths: int = 1_000
    network_insights_analyses: int = 10_000
    network_insights_tries: int = 5_000
    """The most combinations of addresses and ports that an analysis tries; AWS has no such bound."""

    @classmethod
    def of_profile(cls, profile: Literal["open", "aws"]) -> Quotas:
        """Return AWS's quotas (``aws``), or quotas that only protect the machine (``open``)."""
        if profile == "aws":
            return cls()
        return cls(
            vpcs=1_000,
            cidr_blocks_per_vpc=50,
            routes_per_table=1_000,
            groups_per_interface=16,
            gateway_endpoints=255,
            internet_gateways=1_000,
            elastic_addresses=5_000,
            nat_gateways_per_zone=1_000,
            addresses_per_nat_gateway=8,
        )


def require_room(used: int | None, limit: int, code: str, what: str) -> None:
    """Raise ``LimitExceeded`` unless the limit allows one more."""
    if (used or 0) >= limit:
        raise LimitExceeded(code, what, limit)

"""How many of everything an account may have, for each profile of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reading_room.vpc.errors import LimitExceeded


@dataclass(frozen=True, slots=True)
class Quotas:
    """Upper bounds, counted per account unless the name says otherwise. The defaults are AWS's own."""

    vpcs: int = 5
    subnets_per_vpc: int = 200
    route_tables_per_vpc: int = 200
    routes_per_table: int = 50
    security_groups: int = 2_500
    rules_per_group: int = 60
    """Per direction and address family."""
    groups_per_interface: int = 5
    interfaces: int = 5_000
    gateway_endpoints: int = 20
    flow_logs_per_resource: int = 10

    @classmethod
    def of_profile(cls, profile: Literal["open", "aws"]) -> Quotas:
        """Return AWS's figures, or those that only protect the machine."""
        if profile == "aws":
            return cls()
        return cls(vpcs=1_000, routes_per_table=1_000, groups_per_interface=16, gateway_endpoints=255)


def require_room(used: int | None, limit: int, code: str, what: str) -> None:
    """Raise ``LimitExceeded`` unless one more fits under the limit."""
    if (used or 0) >= limit:
        raise LimitExceeded(code, what, limit)

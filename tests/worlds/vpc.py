"""A VPC with one subnet in an open transaction, for tests of the rules below the wire."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.orm import Session

from reading_room.database.engine import Database
from reading_room.vpc.addressing import dhcp_options, subnets
from reading_room.vpc.tables import Subnet, Vpc
from reading_room.vpc.vpcs import vpcs
from reading_room.vpc.zones import zones_of

ACCOUNT, REGION = "000000000001", "us-east-1"
NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


@dataclass
class Network:
    """An account's VPC and its subnet, and the session that made them."""

    session: Session
    vpc: Vpc
    subnet: Subnet
    account: str = ACCOUNT

    def another_vpc(self, cidr: str = "10.9.0.0/16", tenancy: str = "default") -> Vpc:
        """Make one more VPC in the account."""
        options = dhcp_options.default_set(self.session, ACCOUNT, REGION).dhcp_options_id
        return vpcs.create(self.session, ACCOUNT, cidr, NOW, dhcp_options_id=options, tenancy=tenancy)

    def another_subnet(self, cidr: str, vpc: Vpc | None = None) -> Subnet:
        """Make one more subnet, in this VPC unless another is given."""
        return subnets.create(self.session, vpc or self.vpc, cidr, zones_of(REGION)[0], NOW)


@contextmanager
def network(subnet: str = "10.0.0.0/24") -> Iterator[Network]:
    """Yield a fresh network, and roll its transaction back."""
    database = Database.open(None)
    database.create_tables()
    try:
        with database.reading() as session:
            options = dhcp_options.default_set(session, ACCOUNT, REGION).dhcp_options_id
            vpc = vpcs.create(session, ACCOUNT, "10.0.0.0/16", NOW, dhcp_options_id=options)
            made = subnets.create(session, vpc, subnet, zones_of(REGION)[0], NOW)
            yield Network(session, vpc, made)
    finally:
        database.close()

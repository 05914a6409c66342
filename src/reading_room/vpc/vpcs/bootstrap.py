"""What every account has from the start: its default VPC and its DHCP options set.

The default VPC has a subnet in each zone, an internet gateway, and a route to it in the main route table. Its subnets
map public addresses on launch, which in EC2 applies to instances only. An interface without an instance, like those of
jobs, has a public address only when an Elastic IP address is associated with it.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from reading_room.clock import system_clock
from reading_room.vpc import lookup
from reading_room.vpc.addressing import dhcp_options, subnets
from reading_room.vpc.gateways import internet_gateways
from reading_room.vpc.quotas import Quotas
from reading_room.vpc.routing import route_tables
from reading_room.vpc.tables import Route, Vpc
from reading_room.vpc.vpcs import vpcs
from reading_room.vpc.vpcs.errors import DefaultVpcAlreadyExists
from reading_room.vpc.zones import zones_of

DEFAULT_CIDR = "172.31.0.0/16"


def default_vpc(
    session: Session, account: str, region: str, *, now: dt.datetime | None = None, quotas: Quotas = Quotas()
) -> Vpc | None:
    """Return the account's default VPC; the first call for the account creates it.

    Returns ``None`` if the account has deleted it: only CreateDefaultVpc brings it back.
    """
    existing = lookup.default_vpc(session, account)
    # An account gets its DHCP options set with its first VPC and keeps it forever.
    if existing is not None or dhcp_options.has_default_set(session, account):
        return existing
    return create_default_vpc(session, account, region, now=now, quotas=quotas)


def create_default_vpc(
    session: Session, account: str, region: str, *, now: dt.datetime | None = None, quotas: Quotas = Quotas()
) -> Vpc:
    """Create a default VPC and its parts. Raises ``DefaultVpcAlreadyExists`` or ``LimitExceeded``."""
    if lookup.default_vpc(session, account) is not None:
        raise DefaultVpcAlreadyExists
    moment = now or system_clock()
    vpc = vpcs.create(
        session,
        account,
        DEFAULT_CIDR,
        moment,
        dhcp_options_id=dhcp_options.default_set(session, account, region).dhcp_options_id,
        quotas=quotas,
        is_default=True,
    )
    subnets.create_defaults(session, vpc, zones_of(region), moment)
    gateway = internet_gateways.create(session, account, moment, quotas=quotas)
    internet_gateways.attach(session, account, gateway.internet_gateway_id, vpc.vpc_id)
    main = route_tables.main_of(session, vpc.vpc_id)
    session.add(Route(route_table_id=main, destination="0.0.0.0/0", target=gateway.internet_gateway_id))
    session.flush()
    return vpc

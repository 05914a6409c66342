"""What an account has without asking: its default VPC, with a subnet in each zone, and its DHCP options set.

In EC2 a default VPC also has an internet gateway and a route to it. Nothing here leads to the internet, so it has
neither, and its subnets give out no public addresses.
"""

from __future__ import annotations

import datetime as dt
import ipaddress

from sqlalchemy.orm import Session

from reading_room.clock import system_clock
from reading_room.vpc import dhcp_options, subnets, vpcs
from reading_room.vpc.errors import DefaultVpcAlreadyExists
from reading_room.vpc.quotas import Quotas
from reading_room.vpc.tables import Vpc
from reading_room.vpc.zones import zones_of

DEFAULT_CIDR = "172.31.0.0/16"


def default_vpc(
    session: Session, account: str, region: str, *, now: dt.datetime | None = None, quotas: Quotas = Quotas()
) -> Vpc | None:
    """Return the account's default VPC, made by the first call for the account.

    ``None`` where the account has deleted it: only CreateDefaultVpc brings it back.
    """
    existing = vpcs.default_of(session, account)
    # An account gets its DHCP options set with its first VPC and keeps it for ever.
    if existing is not None or dhcp_options.has_default_set(session, account):
        return existing
    return create_default_vpc(session, account, region, now=now, quotas=quotas)


def create_default_vpc(
    session: Session, account: str, region: str, *, now: dt.datetime | None = None, quotas: Quotas = Quotas()
) -> Vpc:
    """Make a default VPC with a /20 subnet in each zone. Raises ``DefaultVpcAlreadyExists`` or ``LimitExceeded``."""
    if vpcs.default_of(session, account) is not None:
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
    blocks = ipaddress.IPv4Network(DEFAULT_CIDR).subnets(new_prefix=20)
    for zone, block in zip(zones_of(region), blocks, strict=False):
        subnet = subnets.create(session, vpc, str(block), zone, moment)
        subnet.default_for_az = True
    session.flush()
    return vpc

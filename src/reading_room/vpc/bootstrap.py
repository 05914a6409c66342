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
from reading_room.vpc.quotas import Quotas
from reading_room.vpc.tables import Vpc
from reading_room.vpc.zones import zones_of

DEFAULT_CIDR = "172.31.0.0/16"


def default_vpc(
    session: Session, account: str, region: str, *, now: dt.datetime | None = None, quotas: Quotas = Quotas()
) -> Vpc:
    """Return the account's default VPC; the first call makes it, with a /20 subnet in each zone of the region."""
    existing = vpcs.default_of(session, account)
    if existing is not None:
        return existing
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

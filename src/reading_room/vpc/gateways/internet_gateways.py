"""Internet gateways: a VPC has at most one, and each is attached to at most one VPC.

A VPC without a gateway cannot reach public addresses. A gateway cannot be detached while anything in its VPC has a
public address.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.ids import resource_id
from reading_room.vpc import lookup, tags
from reading_room.vpc.errors import DependencyViolation
from reading_room.vpc.gateways import elastic_addresses
from reading_room.vpc.gateways.errors import (
    InternetGatewayAttached,
    InternetGatewayNotAttached,
    NetworkHasInternetGateway,
    PublicAddressesMapped,
)
from reading_room.vpc.identifiers import INTERNET_GATEWAY, VPC
from reading_room.vpc.quotas import Quotas, require_room
from reading_room.vpc.tables import InternetGateway, Vpc


def create(session: Session, account: str, now: dt.datetime, *, quotas: Quotas = Quotas()) -> InternetGateway:
    """Create a detached gateway. Raises ``LimitExceeded``."""
    used = session.scalar(select(func.count()).select_from(InternetGateway).where(InternetGateway.account == account))
    require_room(used, quotas.internet_gateways, "InternetGatewayLimitExceeded", "internet gateways")
    gateway = InternetGateway(internet_gateway_id=resource_id("igw"), account=account, created_at=now)
    session.add(gateway)
    session.flush()
    return gateway


def attach(session: Session, account: str, gateway_id: str, vpc_id: str) -> None:
    """Attach a gateway to a VPC. Raises ``InternetGatewayAttached`` or ``NetworkHasInternetGateway``."""
    gateway: InternetGateway = lookup.one(session, INTERNET_GATEWAY, account, gateway_id)
    vpc: Vpc = lookup.one(session, VPC, account, vpc_id)
    if gateway.vpc_id is not None:
        raise InternetGatewayAttached(gateway_id, gateway.vpc_id)
    if of_vpc(session, vpc.vpc_id) is not None:
        raise NetworkHasInternetGateway(vpc_id)
    gateway.vpc_id = vpc.vpc_id
    session.flush()


def detach(session: Session, account: str, gateway_id: str, vpc_id: str) -> None:
    """Detach a gateway; routes to it become blackholes.

    Raises ``InternetGatewayNotAttached``, and ``PublicAddressesMapped`` while anything in the VPC has a public address.
    """
    gateway: InternetGateway = lookup.one(session, INTERNET_GATEWAY, account, gateway_id)
    lookup.one(session, VPC, account, vpc_id)
    if gateway.vpc_id != vpc_id:
        raise InternetGatewayNotAttached(gateway_id, vpc_id)
    if elastic_addresses.mapped_in(session, vpc_id):
        raise PublicAddressesMapped(vpc_id)
    gateway.vpc_id = None
    session.flush()


def delete_gateway(session: Session, account: str, gateway_id: str) -> None:
    """Delete a detached gateway. Raises ``DependencyViolation`` if it is attached."""
    gateway: InternetGateway = lookup.one(session, INTERNET_GATEWAY, account, gateway_id)
    if gateway.vpc_id is not None:
        raise DependencyViolation("internetGateway", gateway_id)
    tags.forget(session, gateway_id)
    session.delete(gateway)
    session.flush()


def of_vpc(session: Session, vpc_id: str) -> InternetGateway | None:
    """Return the gateway that is attached to a VPC, if any."""
    return session.scalar(select(InternetGateway).where(InternetGateway.vpc_id == vpc_id))

"""DHCP options sets: the default one of each account, shared by all its new VPCs."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from reading_room.ids import resource_id
from reading_room.vpc.tables import DhcpOptions


def private_domain(region: str) -> str:
    """Return the domain of private host names, ``ec2.internal`` in us-east-1."""
    return "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"


def default_set(session: Session, account: str, region: str) -> DhcpOptions:
    """Return the account's default set; the first call makes it."""
    row = session.scalar(_default_of(account))
    if row is None:
        row = DhcpOptions(
            dhcp_options_id=resource_id("dopt"),
            account=account,
            options={"domain-name": [private_domain(region)], "domain-name-servers": ["AmazonProvidedDNS"]},
            is_default=True,
        )
        session.add(row)
        session.flush()
    return row


def has_default_set(session: Session, account: str) -> bool:
    """Say whether the account has its default set already, that is, whether it ever had a VPC."""
    return session.scalar(_default_of(account)) is not None


def _default_of(account: str) -> Select[DhcpOptions]:
    return select(DhcpOptions).where(DhcpOptions.account == account, DhcpOptions.is_default.is_(True))

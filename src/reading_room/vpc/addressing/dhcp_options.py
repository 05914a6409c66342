"""DHCP options sets: the name servers and the domain that the containers of a VPC use.

Each account has a default set, which all its new VPCs share. A set never changes; a VPC can be given another one.
Containers read their set when they get their job, so another set applies to the jobs that start after the change.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from reading_room.ids import resource_id
from reading_room.vpc import lookup, tags
from reading_room.vpc.errors import (
    DependencyViolation,
    InvalidParameterValue,
    MissingParameter,
    UnsupportedOperation,
)
from reading_room.vpc.identifiers import DHCP_OPTIONS, VPC
from reading_room.vpc.tables import DhcpOptions, Vpc

NO_SET = "default"
"""EC2's name for having no set: containers get no name server and no domain."""
AMAZON_DNS = "AmazonProvidedDNS"
"""The value that stands for the resolver of the VPC."""
_MOST_VALUES = {
    "domain-name-servers": 4,
    "domain-name": 1,
    "ntp-servers": 4,
    "netbios-name-servers": 4,
    "netbios-node-type": 1,
}
_SETS = select(DhcpOptions.dhcp_options_id, DhcpOptions.options)
_SETS_OF_VPCS = select(Vpc.vpc_id, Vpc.dhcp_options_id)
_NODE_TYPES = ("1", "2", "4", "8")
_LABEL = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
# Some systems take several search domains separated by spaces, so EC2 accepts them.
_DOMAINS = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?(?: {_LABEL}(?:\.{_LABEL})*\.?)*")


@dataclass(frozen=True, slots=True)
class NameServers:
    """What a container gets: its name servers in order (``AMAZON_DNS`` or an address), and its search domains."""

    servers: tuple[str, ...]
    domains: tuple[str, ...]


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
            options={"domain-name": [private_domain(region)], "domain-name-servers": [AMAZON_DNS]},
            is_default=True,
        )
        session.add(row)
        session.flush()
    return row


def has_default_set(session: Session, account: str) -> bool:
    """Return whether the account already has its default set, that is, whether it ever had a VPC."""
    return session.scalar(_default_of(account)) is not None


def create(session: Session, account: str, configurations: Sequence[Mapping[str, Any]]) -> DhcpOptions:
    """Create a set of ``{"Key": …, "Values": […]}``. Raises ``MissingParameter`` or ``InvalidParameterValue``."""
    options: dict[str, list[str]] = {}
    for entry in configurations:
        key, values = str(entry.get("Key", "")), [str(value) for value in entry.get("Values") or ()]
        if key in options:
            raise InvalidParameterValue("dhcpConfiguration", key, "The option is given twice.")
        options[key] = _checked(key, values)
    if not options:
        raise MissingParameter("DhcpConfiguration")
    row = DhcpOptions(dhcp_options_id=resource_id("dopt"), account=account, options=options)
    session.add(row)
    session.flush()
    return row


def associate(session: Session, account: str, dhcp_options_id: str, vpc_id: str) -> None:
    """Give a VPC a set, or none (``NO_SET``). Raises ``VpcNotFound`` or ``DhcpOptionsNotFound``."""
    vpc: Vpc = lookup.one(session, VPC, account, vpc_id)
    if dhcp_options_id != NO_SET:
        lookup.one(session, DHCP_OPTIONS, account, dhcp_options_id)
    vpc.dhcp_options_id = dhcp_options_id


def delete_set(session: Session, account: str, dhcp_options_id: str) -> None:
    """Delete a set. Raises ``DependencyViolation`` while a VPC has it, and for the account's default one."""
    row: DhcpOptions = lookup.one(session, DHCP_OPTIONS, account, dhcp_options_id)
    used = session.scalar(select(func.count()).select_from(Vpc).where(Vpc.dhcp_options_id == dhcp_options_id))
    if used or row.is_default:
        raise DependencyViolation("dhcpOptions", dhcp_options_id)
    tags.forget(session, dhcp_options_id)
    session.delete(row)
    session.flush()


def name_servers(session: Session) -> dict[str, NameServers]:
    """Return the name servers and domains that the containers of each VPC get, by VPC id."""
    sets = {row.dhcp_options_id: row.options for row in session.execute(_SETS)}
    return {
        vpc_id: _name_servers_in(sets.get(dhcp_options_id, {}))
        for vpc_id, dhcp_options_id in session.execute(_SETS_OF_VPCS)
    }


def _name_servers_in(options: Mapping[str, Sequence[str]]) -> NameServers:
    domains = " ".join(options.get("domain-name", ())).split()
    return NameServers(tuple(options.get("domain-name-servers", ())), tuple(domains))


def _default_of(account: str) -> Select[DhcpOptions]:
    return select(DhcpOptions).where(DhcpOptions.account == account, DhcpOptions.is_default.is_(True))


def _checked(key: str, values: list[str]) -> list[str]:
    if key == "ipv6-address-preferred-lease-time":
        raise UnsupportedOperation("The option ipv6-address-preferred-lease-time needs IPv6, which no VPC has here.")
    if key not in _MOST_VALUES:
        raise InvalidParameterValue("dhcpConfiguration", key, f"Expecting one of {', '.join(_MOST_VALUES)}.")
    if not 1 <= len(values) <= _MOST_VALUES[key]:
        raise InvalidParameterValue(key, ", ".join(values), f"Expecting 1 to {_MOST_VALUES[key]} values.")
    for value in values:
        if not _fits(key, value):
            raise InvalidParameterValue(key, value, "The value does not fit this option.")
    return values


def _fits(key: str, value: str) -> bool:
    if key == "domain-name":
        return len(value) <= 253 and _DOMAINS.fullmatch(value) is not None
    if key == "netbios-node-type":
        return value in _NODE_TYPES
    if key == "domain-name-servers" and value == AMAZON_DNS:
        return True
    try:
        address = ipaddress.IPv4Address(value)
    except ValueError:
        return False
    return not (address.is_multicast or address.is_unspecified or address.is_loopback or value == "255.255.255.255")

"""Whether a job can have the subnets and groups that its VpcConfig names, and in which subnet its interface goes.

The errors here are not of the wire: a job that cannot have its network ends FAILED, and who runs jobs turns each of
these into a failure code and a message. Each says in ``identifier`` what it is about.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.vpc import addresses
from reading_room.vpc.tables import SecurityGroup, Subnet, Vpc

FREE_ADDRESSES_NEEDED = 2
"""Per container, in all the subnets together, as Comprehend's guide asks."""


class JobNetworkError(Exception):
    """A job cannot have the network that it asks for."""

    def __init__(self, identifier: str, message: str) -> None:
        super().__init__(message)
        self.identifier = identifier


class UnknownSubnet(JobNetworkError):
    """A subnet does not exist in the account."""

    def __init__(self, subnet_id: str) -> None:
        super().__init__(subnet_id, f"The subnet {subnet_id} does not exist")


class UnknownSecurityGroup(JobNetworkError):
    """A security group does not exist in the account."""

    def __init__(self, group_id: str) -> None:
        super().__init__(group_id, f"The security group {group_id} does not exist")


class SubnetsInDifferentVpcs(JobNetworkError):
    """The subnets are of more than one VPC."""

    def __init__(self, subnet_id: str, vpc_id: str, other_subnet_id: str, other_vpc_id: str) -> None:
        super().__init__(
            other_subnet_id,
            f"The subnet {other_subnet_id} is in {other_vpc_id}, but {subnet_id} is in {vpc_id}: "
            "name subnets of one VPC",
        )


class SecurityGroupNotInVpc(JobNetworkError):
    """A security group is of another VPC than the subnets."""

    def __init__(self, group_id: str, group_vpc_id: str, vpc_id: str) -> None:
        super().__init__(
            group_id,
            f"The security group {group_id} is in {group_vpc_id}, but the subnets are in {vpc_id}: "
            f"name security groups of {vpc_id}",
        )


class VpcTenancyNotSupported(JobNetworkError):
    """The VPC's tenancy is not ``default``."""

    def __init__(self, vpc_id: str, tenancy: str) -> None:
        super().__init__(
            vpc_id, f"The VPC {vpc_id} has the tenancy {tenancy}: jobs run only in VPCs of default tenancy"
        )


class TooFewAddresses(JobNetworkError):
    """The subnets together have fewer free addresses than a container needs."""

    def __init__(self, subnet_ids: Sequence[str], free: int, needed: int) -> None:
        names = ", ".join(subnet_ids)
        super().__init__(
            names,
            f"The subnets {names} have {free} free IP addresses together, but {needed} are needed: "
            "delete unused network interfaces or name a larger subnet",
        )


def validate_job_network(
    session: Session,
    subnets: Sequence[str],
    groups: Sequence[str],
    *,
    account: str | None = None,
    containers: int = 1,
) -> str:
    """Check a VpcConfig and return the id of its VPC. Raises the first ``JobNetworkError`` that holds.

    With ``account`` only that account's subnets and groups count as existing.
    """
    rows = _subnets(session, subnets, account)
    first = rows[0]
    vpc = session.get_one(Vpc, first.vpc_id)
    for row in rows:
        if row.vpc_id != vpc.vpc_id:
            raise SubnetsInDifferentVpcs(first.subnet_id, first.vpc_id, row.subnet_id, row.vpc_id)
    for group_id in groups:
        group = session.get(SecurityGroup, group_id)
        if group is None or account not in (None, group.account):
            raise UnknownSecurityGroup(group_id)
        if group.vpc_id != vpc.vpc_id:
            raise SecurityGroupNotInVpc(group_id, group.vpc_id, vpc.vpc_id)
    if vpc.tenancy != "default":
        raise VpcTenancyNotSupported(vpc.vpc_id, vpc.tenancy)
    free = addresses.free_counts(session, rows)
    needed = FREE_ADDRESSES_NEEDED * containers
    if sum(free.values()) < needed:
        raise TooFewAddresses(list(free), sum(free.values()), needed)
    return vpc.vpc_id


def choose_subnet(session: Session, subnet_ids: Sequence[str]) -> Subnet:
    """Return the subnet with the most free addresses, of equals the one named first.

    Raises ``UnknownSubnet``, and ``TooFewAddresses`` when all of them together have less than two.
    """
    rows = _subnets(session, subnet_ids, None)
    free = addresses.free_counts(session, rows)
    if sum(free.values()) < FREE_ADDRESSES_NEEDED:
        raise TooFewAddresses(list(free), sum(free.values()), FREE_ADDRESSES_NEEDED)
    return max(rows, key=lambda row: free[row.subnet_id])


def _subnets(session: Session, subnet_ids: Sequence[str], account: str | None) -> list[Subnet]:
    wanted = list(dict.fromkeys(subnet_ids))
    if not wanted:
        raise ValueError("a job network needs at least one subnet")
    found = {row.subnet_id: row for row in session.scalars(select(Subnet).where(Subnet.subnet_id.in_(wanted)))}
    for subnet_id in wanted:
        if subnet_id not in found or account not in (None, found[subnet_id].account):
            raise UnknownSubnet(subnet_id)
    return [found[subnet_id] for subnet_id in wanted]

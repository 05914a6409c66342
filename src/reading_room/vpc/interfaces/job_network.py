"""Checking the subnets and groups of a job's VpcConfig, and choosing the subnet of each interface.

The errors here are not API errors. A job that cannot have its network ends as FAILED, and the job controller turns each
of these into a failure code and a message. ``identifier`` is the id of the resource that an error is about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.vpc.addressing import addresses
from reading_room.vpc.tables import SecurityGroup, Subnet, Vpc

FREE_ADDRESSES_NEEDED = 2
"""Per container, over all the subnets together, as Comprehend's guide requires."""


class JobNetworkError(Exception):
    """A job cannot have the network that its VpcConfig names."""

    def __init__(self, identifier: str, message: str) -> None:
        super().__init__(message)
        self.identifier = identifier


class UnknownSubnet(JobNetworkError):
    """The account has no such subnet."""

    def __init__(self, subnet_id: str) -> None:
        super().__init__(subnet_id, f"The subnet {subnet_id} does not exist")


class UnknownSecurityGroup(JobNetworkError):
    """The account has no such security group."""

    def __init__(self, group_id: str) -> None:
        super().__init__(group_id, f"The security group {group_id} does not exist")


class SubnetsInDifferentVpcs(JobNetworkError):
    """The subnets are in more than one VPC."""

    def __init__(self, subnet_id: str, vpc_id: str, other_subnet_id: str, other_vpc_id: str) -> None:
        super().__init__(
            other_subnet_id,
            f"The subnet {other_subnet_id} is in {other_vpc_id}, but {subnet_id} is in {vpc_id}: "
            "name subnets of one VPC",
        )


class SecurityGroupNotInVpc(JobNetworkError):
    """A security group is not in the VPC of the subnets."""

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
    """The subnets together have fewer free addresses than the job's containers need."""

    def __init__(self, free: Mapping[str, int], needed: int, containers: int = 1) -> None:
        """``free`` is the number of free addresses by subnet, in the order in which the subnets were named."""
        names = ", ".join(free)
        each = f" ({', '.join(map(str, free.values()))})" if len(free) > 1 else ""
        wanted = f"{needed} are needed" if containers == 1 else f"{needed} are needed for {containers} containers"
        fewer = "" if containers == 1 else ", or run the job in fewer containers by its tag reading-room:containers"
        super().__init__(
            names,
            f"The subnets {names} have {sum(free.values())} free IP addresses together{each}, but {wanted}: "
            f"delete unused network interfaces or name a larger subnet{fewer}",
        )


def validate_job_network(
    session: Session,
    subnets: Sequence[str],
    groups: Sequence[str],
    *,
    account: str | None = None,
    containers: int = 1,
    made: int = 0,
) -> str:
    """Check a VpcConfig and return the id of its VPC. Raises the first ``JobNetworkError`` that applies.

    With ``account``, only that account's subnets and groups count as existing. ``made`` is the number of interfaces
    that the job's ``containers`` already have; their addresses count towards those needed.
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
    _require_addresses(session, rows, containers, made)
    return vpc.vpc_id


def choose_subnet(
    session: Session,
    subnet_ids: Sequence[str],
    *,
    containers: int = 1,
    made: int = 0,
    others: Mapping[str, int] | None = None,
) -> Subnet:
    """Return the subnet for the next interface of a job, as ``next_subnet`` chooses it.

    ``others`` is the number of the job's other interfaces, by subnet. Raises ``UnknownSubnet``, and ``TooFewAddresses``
    as ``validate_job_network`` does.
    """
    rows = _subnets(session, subnet_ids, None)
    free = _require_addresses(session, rows, containers, made)
    chosen = next_subnet(free, others or {})
    return next(row for row in rows if row.subnet_id == chosen)


def choose_subnets(session: Session, subnet_ids: Sequence[str], containers: int) -> list[Subnet]:
    """Return the subnets for a job without interfaces, as ``spread`` chooses them. Raises as ``choose_subnet`` does."""
    rows = {row.subnet_id: row for row in _subnets(session, subnet_ids, None)}
    free = _require_addresses(session, list(rows.values()), containers, 0)
    return [rows[subnet_id] for subnet_id in spread(free, containers)]


def free_by_zone(session: Session, subnet_ids: Sequence[str]) -> dict[str, int] | None:
    """Return how many interfaces the subnets can still get in each zone, or ``None`` if none of them exists.

    If they can get none at all, each zone counts as if it could have one, so that the attempt says what is missing.
    """
    rows = session.scalars(select(Subnet).where(Subnet.subnet_id.in_(list(subnet_ids)))).all()
    counts: dict[str, int] = {}
    free = addresses.free_counts(session, rows)
    for row in rows:
        counts[row.availability_zone] = counts.get(row.availability_zone, 0) + free[row.subnet_id]
    left = {zone: count - FREE_ADDRESSES_NEEDED + 1 for zone, count in counts.items()}
    usable = {zone: count for zone, count in left.items() if count > 0}
    return (usable or dict.fromkeys(counts, 1)) if rows else None


def subnets_in(session: Session, subnet_ids: Sequence[str], zone: str) -> list[str]:
    """Return the subnets in a zone, in the order in which they were named."""
    query = select(Subnet.subnet_id).where(Subnet.subnet_id.in_(list(subnet_ids)), Subnet.availability_zone == zone)
    here = set(session.scalars(query))
    return [subnet_id for subnet_id in dict.fromkeys(subnet_ids) if subnet_id in here]


def next_subnet(free: Mapping[str, int], made: Mapping[str, int]) -> str:
    """Return the subnet for a job's next interface.

    It is the subnet with a free address and the fewest interfaces of the job. Ties go to the subnet with the most free
    addresses, then to the one named first. ``free`` and ``made`` are counts by subnet, ``free`` in the order in which
    the subnets were named. Raises ``TooFewAddresses`` if no address is free.
    """
    open_ones = [subnet_id for subnet_id, count in free.items() if count > 0]
    if not open_ones:
        raise TooFewAddresses(free, FREE_ADDRESSES_NEEDED)
    return min(open_ones, key=lambda subnet_id: (made.get(subnet_id, 0), -free[subnet_id]))


def spread(free: Mapping[str, int], containers: int) -> tuple[str, ...]:
    """Return the subnet of each of a job's interfaces, in the order of its containers, if nobody else allocates any.

    Raises ``TooFewAddresses`` if there are fewer free addresses than containers.
    """
    left, made = dict(free), dict.fromkeys(free, 0)
    chosen: list[str] = []
    for _ in range(containers):
        chosen.append(next_subnet(left, made))
        left[chosen[-1]] -= 1
        made[chosen[-1]] += 1
    return tuple(chosen)


def _require_addresses(session: Session, rows: Sequence[Subnet], containers: int, made: int) -> dict[str, int]:
    """Return the free addresses by subnet, in the order of the rows."""
    free = addresses.free_counts(session, rows)
    needed = FREE_ADDRESSES_NEEDED * containers
    if sum(free.values()) + made < needed:
        raise TooFewAddresses(free, needed, containers)
    return free


def _subnets(session: Session, subnet_ids: Sequence[str], account: str | None) -> list[Subnet]:
    wanted = list(dict.fromkeys(subnet_ids))
    if not wanted:
        raise ValueError("a job network needs at least one subnet")
    found = {row.subnet_id: row for row in session.scalars(select(Subnet).where(Subnet.subnet_id.in_(wanted)))}
    for subnet_id in wanted:
        if subnet_id not in found or account not in (None, found[subnet_id].account):
            raise UnknownSubnet(subnet_id)
    return [found[subnet_id] for subnet_id in wanted]

"""The host that owns each VPC's internet gateway, with the VPC's NAT gateways and Elastic IP addresses.

With several hosts, one of them owns the way out of a VPC. It keeps it while it is active and has its lease. Then
another host follows. If the earlier owner still runs, because it is being drained, the next one waits until that host
has put a spec into force in which it is no longer the owner: no two hosts ever translate to one public address.
``choose`` is pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from reading_room.fleet.members import Member
from reading_room.fleet.tables import ACTIVE
from reading_room.vpc.tables import GatewayHost

UPLINK = "uplink"
"""The label of hosts that own gateways before all others, with any value: those with a way to the internet."""


class OwnerChanged(Exception):
    """The owner of a VPC's gateway is not the one on which a decision was based: another process decided."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner of a VPC's gateway. ``previous`` is the host that may still act as the owner, so this one must not."""

    host: str
    fence: int
    previous: str | None = None


def choose(
    present: Mapping[str, Collection[str]], owners: Mapping[str, Owner], members: Sequence[Member]
) -> dict[str, Owner]:
    """Return the owners that change, each with the next fence.

    ``present`` has the hosts with interfaces of each VPC that has an internet gateway. ``members`` are all hosts.
    """
    known = {member.host: member for member in members if not member.lost}
    able = [member for member in known.values() if member.state == ACTIVE and member.leased] or list(known.values())
    named = [member for member in able if UPLINK in member.labels] or able
    owned = Counter(owner.host for vpc_id, owner in owners.items() if vpc_id in present)
    changes: dict[str, Owner] = {}
    for vpc_id in sorted(present):
        now = owners.get(vpc_id)
        previous = None if now is None or now.previous not in known else now.previous
        if now is not None and known.get(now.host) in able:
            if previous != now.previous:
                changes[vpc_id] = Owner(now.host, now.fence + 1)
            continue
        near = [member for member in named if member.host in present[vpc_id]] or named
        if not near:
            continue
        best = min(near, key=lambda member: (owned[member.host], member.number)).host
        if now is None:
            changes[vpc_id] = Owner(best, 1)
        elif best != now.host:
            # An owner that still waits for the one before it has never acted as the owner.
            acting = previous if now.previous is not None else now.host if now.host in known else None
            changes[vpc_id] = Owner(best, now.fence + 1, acting if acting != best else None)
        owned[best] += 1
    return changes


def read(session: Session) -> dict[str, Owner]:
    """Return the owner of each VPC's gateway that ever had one."""
    rows = session.scalars(select(GatewayHost))
    return {row.vpc_id: Owner(row.host, row.fence, row.previous) for row in rows}


def write(session: Session, changes: Mapping[str, Owner], gone: Collection[str] = ()) -> None:
    """Write owners, and delete the rows of VPCs that are ``gone``.

    Raises ``OwnerChanged`` if an owner's fence is not the next one.
    """
    for vpc_id, owner in changes.items():
        if owner.fence == 1:
            if session.get(GatewayHost, vpc_id) is not None:
                raise OwnerChanged(vpc_id)
            session.add(GatewayHost(vpc_id=vpc_id, host=owner.host, fence=1, previous=owner.previous))
            continue
        statement = update(GatewayHost).where(GatewayHost.vpc_id == vpc_id, GatewayHost.fence == owner.fence - 1)
        done = session.execute(statement.values(host=owner.host, fence=owner.fence, previous=owner.previous))
        if not isinstance(done, CursorResult) or done.rowcount != 1:
            raise OwnerChanged(vpc_id)
    if gone:
        session.execute(delete(GatewayHost).where(GatewayHost.vpc_id.in_(sorted(gone))))

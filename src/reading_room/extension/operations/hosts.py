"""The hosts of the installation, for its operator: tokens with which they join, their list, changes and removal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.extension.errors import HostNotFoundException, HostRefusedException, HostsOffException
from reading_room.extension.operator import check_operator
from reading_room.fleet import authority, database_time, hosts, tokens
from reading_room.fleet.errors import HostError, HostIsUsed, UnknownHost
from reading_room.fleet.invitation import Invitation
from reading_room.fleet.tables import HostRow
from reading_room.jobs.tables import JobContainerRow
from reading_room.settings import Settings
from reading_room.vpc.zones import zones_of


class HostOperations:
    """Tells of hosts and changes them. Only the operator may call it."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._zones = tuple(zone.name for zone in zones_of(settings.region))

    @operation("reading-room", "CreateHostToken")
    def create_token(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """CreateHostToken, for the address at which the server listens for hosts."""
        check_operator(call, self._settings)
        if not self._settings.hosts_listen:
            raise HostsOffException
        with self._writing() as session:
            now = database_time.now(session)
            token = tokens.create(session, now, request.get("ExpiresInSeconds", tokens.SECONDS))
            # Certificates are judged by the clocks of machines.
            fingerprint = authority.of_installation(session, system_clock()).fingerprint
            invitation = Invitation.to(self._settings.hosts_listen, fingerprint, token.secret)
        return {"Token": invitation.text, "ExpiresAt": token.expires_at}

    @operation("reading-room", "DescribeHosts")
    def describe(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """DescribeHosts."""
        check_operator(call, self._settings)
        with self._database.reading() as session:
            return {"Hosts": [_structure(row) for row in hosts.every(session)]}

    @operation("reading-room", "UpdateHost")
    def update(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """UpdateHost."""
        check_operator(call, self._settings)
        name, state = request["Host"], request.get("State")
        changes = hosts.Changes(
            state=None if state is None else "active" if state == "ACTIVE" else "draining",
            zone=request.get("Zone"),
            cores=request.get("Cores"),
            memory_bytes=request.get("MemoryBytes"),
            labels=request.get("Labels", {}),
            without=request.get("RemoveLabels", ()),
        )
        with self._writing() as session:
            before = hosts.found(session, name).zone
            row = hosts.change(session, name, changes, self._zones)
            if row.zone != before and (containers := _containers(session, name)):
                raise HostIsUsed(name, containers)
            return {"Host": _structure(row)}

    @operation("reading-room", "RemoveHost")
    def remove(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """RemoveHost."""
        check_operator(call, self._settings)
        with self._writing() as session:
            now = database_time.now(session)
            row = hosts.remove(session, request["Host"], now, force=request.get("Force", False))
        return {"Removed": row is None}

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """Yield a session that commits; turn the errors of the rules into those of the API."""
        try:
            with self._database.transaction() as session:
                yield session
        except UnknownHost as error:
            raise HostNotFoundException(error) from error
        except HostError as error:
            raise HostRefusedException(error) from error


def _containers(session: Session, host: str) -> int:
    """Return how many containers of jobs a host has."""
    query = select(func.count()).select_from(JobContainerRow).where(JobContainerRow.host == host)
    return session.scalar(query) or 0


def _structure(row: HostRow) -> dict[str, Any]:
    members = {
        "Host": row.host,
        "Number": row.number,
        "State": row.state.upper(),
        "Zone": row.zone,
        "Underlay": row.underlay,
        "Mtu": row.mtu,
        "Cores": row.cores,
        "MemoryBytes": row.memory_bytes,
        "Program": row.program,
        "Labels": dict(row.labels),
        "JoinedAt": row.joined_at,
        "SeenAt": row.seen_at,
        "LeaseUntil": row.lease_until,
    }
    return {name: value for name, value in members.items() if value is not None}

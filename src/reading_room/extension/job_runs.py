"""How jobs run, read from the tables with a fixed number of queries for any number of jobs."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from reading_room.comprehend.pii_profiles import PROFILE, shown
from reading_room.fleet.tables import HostRow
from reading_room.jobs.job import Phase
from reading_room.jobs.progress import EVENT, LOG_GROUP, WORKING, Seen, earlier, measure, read
from reading_room.jobs.tables import JobContainerRow, JobEventRow, JobRow
from reading_room.vpc.tables import NetworkInterface
from reading_room.vpc.vpcs import service_network

EVENTS = 500
"""The most events of a job's story in a response, which are the newest ones."""


@dataclass(frozen=True, slots=True)
class Details:
    """The containers, events, queue positions and progress of jobs, by job id."""

    containers: Mapping[str, Sequence[tuple[JobContainerRow, NetworkInterface | None]]]
    several_hosts: bool
    """Whether the installation has several hosts."""
    events: Mapping[str, Sequence[JobEventRow]]
    left_out: Mapping[str, int]
    waiting: Mapping[str, int]
    seen: Mapping[str, Sequence[Seen]]
    """The last two progress reports of each running job, oldest first."""


def find(session: Session, account: str, identifiers: Sequence[str]) -> dict[str, JobRow]:
    """Return an account's jobs and trainings by identifier: the id, the ARN, or the ARN of the trained model."""
    rows = session.scalars(
        select(JobRow).where(JobRow.account == account, JobRow.job_id.in_(identifiers) | JobRow.arn.in_(identifiers))
    ).all()
    named = {row.job_id: row for row in rows} | {row.arn: row for row in rows}
    return {each: named[each] for each in identifiers if each in named}


def details_of(session: Session, rows: Sequence[JobRow], with_events: bool) -> Details:
    """Return the details of jobs, including their newest events if ``with_events`` is set."""
    ids = [row.job_id for row in rows]
    containers: dict[str, list[tuple[JobContainerRow, NetworkInterface | None]]] = defaultdict(list)
    rows_of_containers = session.execute(
        select(JobContainerRow, NetworkInterface)
        .outerjoin(NetworkInterface, NetworkInterface.interface_id == JobContainerRow.interface_id)
        .where(JobContainerRow.job_id.in_(ids))
        .order_by(JobContainerRow.attempt, JobContainerRow.member)
    )
    for container, interface in rows_of_containers:
        containers[container.job_id].append((container, interface))
    events, left_out = _events(session, ids) if with_events else ({}, {})
    several = session.scalar(select(exists(select(HostRow)))) is True
    return Details(containers, several, events, left_out, _waiting(session, rows), _seen(session, rows))


def _events(session: Session, ids: Sequence[str]) -> tuple[dict[str, list[JobEventRow]], dict[str, int]]:
    numbered = (
        select(
            JobEventRow.sequence,
            func.row_number().over(partition_by=JobEventRow.job_id, order_by=JobEventRow.sequence.desc()).label("age"),
            func.count().over(partition_by=JobEventRow.job_id).label("lines"),
        )
        .where(JobEventRow.job_id.in_(ids))
        .subquery()
    )
    found = session.execute(
        select(JobEventRow, numbered.c.lines)
        .join(numbered, numbered.c.sequence == JobEventRow.sequence)
        .where(numbered.c.age <= EVENTS)
        .order_by(JobEventRow.sequence)
    )
    events: dict[str, list[JobEventRow]] = defaultdict(list)
    left_out: dict[str, int] = {}
    for event, lines in found:
        events[event.job_id].append(event)
        left_out[event.job_id] = max(0, lines - EVENTS)
    return events, left_out


def _seen(session: Session, rows: Sequence[JobRow]) -> dict[str, list[Seen]]:
    numbered = (
        select(
            JobEventRow.sequence,
            func.row_number().over(partition_by=JobEventRow.job_id, order_by=JobEventRow.sequence.desc()).label("age"),
        )
        .where(JobEventRow.job_id.in_([row.job_id for row in rows if row.phase in WORKING]), JobEventRow.event == EVENT)
        .subquery()
    )
    found = session.scalars(
        select(JobEventRow)
        .join(numbered, numbered.c.sequence == JobEventRow.sequence)
        .where(numbered.c.age <= 2)
        .order_by(JobEventRow.sequence)
    )
    seen: dict[str, list[Seen]] = defaultdict(list)
    for event in found:
        if (progress := read(f"{event.event}: {event.text}")) is not None:
            seen[event.job_id].append(Seen(event.at, progress.documents))
    return seen


def _waiting(session: Session, rows: Sequence[JobRow]) -> dict[str, int]:
    """Return, for each queued job, the number of jobs of its account and kind that wait before it.

    Other kinds and accounts are not counted: kinds and accounts take turns, so a total would mean little, and other
    accounts' jobs are private.
    """
    waiting: dict[str, int] = {}
    queued = [row for row in rows if row.phase == Phase.QUEUED.value]
    for account, kind in {(row.account, row.kind) for row in queued}:
        last = max((row.submitted_at, row.job_id) for row in queued if (row.account, row.kind) == (account, kind))
        ids = session.scalars(
            select(JobRow.job_id)
            .where(
                JobRow.phase == Phase.QUEUED.value,
                JobRow.account == account,
                JobRow.kind == kind,
                JobRow.submitted_at <= last[0],
            )
            .order_by(JobRow.submitted_at, JobRow.job_id)
        )
        waiting |= {job_id: place for place, job_id in enumerate(ids)}
    return waiting


def structure(identifier: str, row: JobRow, details: Details, with_events: bool, now: dt.datetime) -> dict[str, Any]:
    """Return a job as ``JobRun``."""
    measured = measure(row, now, earlier(details.seen.get(row.job_id, ())))
    working = row.phase in WORKING
    members: dict[str, Any] = {
        "JobId": row.job_id,
        "JobArn": row.arn,
        "JobIdentifier": identifier,
        "Phase": row.phase.upper(),
        "Attempt": row.attempt,
        "QueuePosition": details.waiting.get(row.job_id) if row.phase == Phase.QUEUED.value else None,
        "Documents": measured.documents,
        "TotalDocuments": measured.total,
        "DocumentsPerSecond": measured.rate if working else None,
        "SecondsLeft": None if measured.left is None else math.ceil(measured.left.most),
        "SecondsLeftAtLeast": None if measured.left is None else int(measured.left.least),
        "Containers": [_container(*each, details.several_hosts) for each in details.containers.get(row.job_id, ())],
        "LogGroupName": LOG_GROUP,
        "LogStreamName": row.job_id,
    }
    if (profile := row.request.get(PROFILE)) is not None:
        members["PiiProfile"] = {"Name": profile["Name"], **shown(profile)}
    if with_events:
        members["Events"] = [
            {"At": round(event.at.timestamp() * 1000), "Event": event.event, "Text": event.text}
            for event in details.events.get(row.job_id, ())
        ]
        members["EventsLeftOut"] = details.left_out.get(row.job_id, 0)
    return {name: value for name, value in members.items() if value is not None}


def _container(container: JobContainerRow, interface: NetworkInterface | None, several_hosts: bool) -> dict[str, Any]:
    if not container.wanted:
        state = "REMOVING"
    elif container.interface_id is None:
        state = "PREPARING"
    else:
        state = "STOPPING" if container.stop else "RUNNING"
    members: dict[str, Any] = {
        "ContainerId": container.container_id,
        "Member": container.member,
        "Attempt": container.attempt,
        "State": state,
        "NetworkInterfaceId": container.interface_id,
        "PrivateIpAddress": None if interface is None else interface.address,
        "SubnetId": None if interface is None or interface.account == service_network.OWNER else interface.subnet_id,
        "Host": container.host if several_hosts else None,
    }
    return {name: value for name, value in members.items() if value is not None}

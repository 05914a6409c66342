"""The containers that hosts should run for jobs now, read from the tables."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.analysis.job_file import ClusterPlace, InputFormat, JobFile, ModelPlace
from reading_room.analysis.kind import EngineName, Kind
from reading_room.containers.spec import RESOLVER, ContainerSpec, Limits
from reading_room.fleet.members import Member
from reading_room.jobs.job import width
from reading_room.jobs.needs import epochs
from reading_room.jobs.places import location_of
from reading_room.jobs.record import container_id
from reading_room.jobs.tables import JobContainerRow, JobRow
from reading_room.settings import Settings
from reading_room.trace_context import traceparent
from reading_room.vpc.addressing import dhcp_options
from reading_room.vpc.tables import NetworkInterface

_ATTACHED = select(NetworkInterface.container_id, NetworkInterface.host).where(NetworkInterface.host.is_not(None))
_WANTED = (
    select(JobContainerRow, JobRow)
    .join(JobRow, JobRow.job_id == JobContainerRow.job_id)
    .where(
        JobContainerRow.wanted,
        JobContainerRow.interface_id.is_not(None),
        JobContainerRow.vpc_id.is_not(None),
    )
    .order_by(JobContainerRow.container_id)
)
_ADDRESSES = (
    select(JobContainerRow.container_id, NetworkInterface.address)
    .join(NetworkInterface, NetworkInterface.interface_id == JobContainerRow.interface_id)
    .where(JobContainerRow.wanted)
)


def containers(session: Session, host: str, limits: Limits = Limits()) -> tuple[ContainerSpec, ...]:
    """Return the containers that a host should run, in order of their ids."""
    return tuple(by_host(session, limits).get(host, ()))


def by_host(
    session: Session, limits: Limits = Limits(), members: Sequence[Member] = ()
) -> dict[str, list[ContainerSpec]]:
    """Return the containers that each host should run, in order of their ids.

    These are only containers whose interface is attached to them now. A container whose interface was detached has no
    network, and without the first container the others of a cluster have nothing to connect to. With several hosts,
    a host runs only what was placed there in its present epoch.
    """
    now = {member.host: member.epoch for member in members}
    placed_in = epochs(session) if members else {}
    homes = {row.container_id: row.host for row in session.execute(_ATTACHED)}
    found: dict[str, list[ContainerSpec]] = defaultdict(list)
    for host, each in _wanted(session, limits):
        at_home = homes.get(each.container_id) == host
        ended = members and placed_in.get(each.container_id, 0) != now.get(host)
        if at_home and not ended and (each.job.cluster is None or each.job.cluster.scheduler):
            found[host].append(each)
    return found


def wanted(session: Session, host: str, limits: Limits = Limits()) -> tuple[ContainerSpec, ...]:
    """Return the containers that jobs want on a host, in order of their ids.

    A container is wanted from when its interface exists until the end of its job is decided.
    """
    return tuple(each for at, each in _wanted(session, limits) if at == host)


def _wanted(session: Session, limits: Limits) -> list[tuple[str, ContainerSpec]]:
    found = session.execute(_WANTED).all()
    if not found:
        return []
    name_servers = dhcp_options.name_servers(session)
    addresses = _addresses(session)
    return [
        (container.host, _container(container, job, limits, name_servers.get(str(container.vpc_id)), addresses))
        for container, job in found
    ]


def _addresses(session: Session) -> dict[str, str]:
    """Return the addresses of the wanted containers' interfaces, by container."""
    return {row[0]: row[1] for row in session.execute(_ADDRESSES)}


def limits_from(settings: Settings) -> Limits:
    """Return the limits of every job's container."""
    return Limits(
        memory_bytes=settings.container_memory,
        processes=settings.container_processes,
        cpus=settings.container_cpus,
        seconds=settings.job_seconds,
    )


def _container(
    container: JobContainerRow,
    job: JobRow,
    limits: Limits,
    name_servers: dhcp_options.NameServers | None,
    addresses: Mapping[str, str],
) -> ContainerSpec:
    servers = () if name_servers is None else name_servers.servers
    return ContainerSpec(
        container_id=container.container_id,
        vpc_id=str(container.vpc_id),
        interface_id=str(container.interface_id),
        engine=cast(EngineName, job.engine),
        job=JobFile(
            job_id=job.job_id,
            attempt=container.attempt,
            kind=cast(Kind, job.analysis),
            region=job.region,
            language=job.language,
            input=location_of(job.input_uri),
            input_format=cast(InputFormat, job.input_format),
            output=location_of(job.output_uri),
            document_limit=job.document_limit,
            total_limit=job.total_limit,
            documents_limit=job.documents_limit,
            request=json.dumps(job.request, separators=(",", ":")),
            model=_model(container, job),
            part_bytes=job.part_bytes,
            cluster=_cluster(container, job, addresses),
            traceparent="" if job.trace is None else traceparent(job.trace, container.container_id),
        ),
        credentials_path=container.credentials_path,
        limits=limits,
        stop=container.stop,
        name_servers=tuple(RESOLVER if server == dhcp_options.AMAZON_DNS else server for server in servers),
        search_domains=() if name_servers is None else name_servers.domains,
    )


def _cluster(container: JobContainerRow, job: JobRow, addresses: Mapping[str, str]) -> ClusterPlace | None:
    """Return the place of a container in its cluster; the address of a removed interface is empty."""
    if container.cluster_path is None:
        return None
    first = container_id(job.job_id, container.attempt)
    return ClusterPlace(
        member=container.member,
        containers=width(job.containers, container.attempt),
        address=addresses.get(container.container_id, ""),
        scheduler=addresses.get(first, ""),
        path=container.cluster_path,
    )


def _model(container: JobContainerRow, job: JobRow) -> ModelPlace | None:
    if job.artifact_uri is None or container.model_credentials_path is None:
        return None
    # A training gets no digest, because it creates the artifact.
    sha256 = "" if job.is_training else str(job.artifact_sha256)
    return ModelPlace(location_of(job.artifact_uri), container.model_credentials_path, sha256)

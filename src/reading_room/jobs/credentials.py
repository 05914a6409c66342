"""The credentials that an address in a VPC may fetch and use: those of the job that has its interface now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.analysis.flywheel.layout import EVALUATED
from reading_room.aws.call import NetworkPath, Principal
from reading_room.database.engine import Database
from reading_room.database.kept import Kept
from reading_room.iam.container_credentials import CredentialsOwner
from reading_room.iam.role_sessions import revoke, role_by_arn
from reading_room.jobs.needs import container_at
from reading_room.jobs.places import location_of
from reading_room.jobs.record import session_arn, session_name
from reading_room.jobs.tables import JobContainerRow, JobRow
from reading_room.s3 import service_bucket
from reading_room.vpc.gateways import source_addresses
from reading_room.vpc.gateways.source_addresses import SourceAddresses
from reading_room.vpc.interfaces.senders import SENDER_TABLES, senders
from reading_room.vpc.tables import NetworkInterface, Vpc


def owner_of(session: Session, vpc_id: str, source_ip: str) -> CredentialsOwner | None:
    """Return the owner of the credentials for requests from ``source_ip`` in a VPC, or ``None``.

    The address must belong to an interface whose container is wanted now, so that a job that is ending is never
    confused with a later job that got the same address.
    """
    query = container_at(vpc_id, source_ip).join(Vpc, Vpc.vpc_id == NetworkInterface.vpc_id)
    found = session.execute(query.add_columns(NetworkInterface, Vpc.internal)).first()
    if found is None:
        return None
    container, job, interface, internal = found
    return CredentialsOwner(
        role_arn=container.role_arn,
        path=container.credentials_path,
        job_id=job.job_id,
        job_arn=job.arn,
        session_name=container.session_name,
        model=_for_model(session, container, job, interface, internal),
    )


def owners(database: Database) -> Callable[[str, str], CredentialsOwner | None]:
    """Return ``owner_of`` bound to a database."""

    def find(vpc_id: str, source_ip: str) -> CredentialsOwner | None:
        with database.reading() as session:
            return owner_of(session, vpc_id, source_ip)

    return find


class JobsBehind:
    """Finds the jobs that may have sent a request. Results are cached until a table that they depend on is written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept = Kept[NetworkPath, frozenset[str]](database, JobContainerRow, *SENDER_TABLES)

    def __call__(self, path: NetworkPath) -> frozenset[str]:
        """Return the ids of the jobs with a wanted container on an interface from which a path may start."""
        if path.vpc_id is None and path.router_vpc_id is None:
            return frozenset()
        return self._kept.get(path, self._read) or frozenset()

    def _read(self, path: NetworkPath) -> frozenset[str] | None:
        with self._database.reading() as session:
            query = (
                select(JobContainerRow.job_id)
                .join(NetworkInterface, NetworkInterface.interface_id == JobContainerRow.interface_id)
                .where(
                    JobContainerRow.interface_id.in_(senders(session, path)),
                    NetworkInterface.container_id == JobContainerRow.container_id,
                    JobContainerRow.wanted,
                )
            )
            return frozenset(session.scalars(query)) or None


def _for_model(
    session: Session, container: JobContainerRow, job: JobRow, interface: NetworkInterface, internal: bool
) -> CredentialsOwner | None:
    """Return the owner of the service's own session for the model's artifact: a training writes it, a job reads it."""
    if job.artifact_uri is None or container.model_credentials_path is None:
        return None
    return CredentialsOwner(
        role_arn=service_bucket.ROLE_ARN,
        path=container.model_credentials_path,
        job_id=job.job_id,
        job_arn=job.arn,
        session_name=container.session_name,
        policy=_model_policy(session, artifacts_of(job), job.is_training, interface, internal),
    )


def model_session(session: Session, job: JobRow, interface: NetworkInterface, now: dt.datetime) -> Principal | None:
    """Return the principal with which a job will access the bucket of models, or ``None`` for a job without a model.

    It is for checking policies and has no credentials. The interface must be in a customer's VPC.
    """
    if job.artifact_uri is None:
        return None
    role = role_by_arn(session, service_bucket.ROLE_ARN)
    if role is None:
        raise LookupError(f"the role {service_bucket.ROLE_ARN} is missing: the service creates it when it starts")
    return Principal(
        kind="session",
        account=role.account,
        arn=model_session_arn(job.job_id),
        user_id=f"{role.unique_id}:{session_name(job.job_id)}",
        role_arn=role.arn,
        token_issued_at=now,
        session_policy=_model_policy(session, artifacts_of(job), job.is_training, interface, internal=False),
    )


def artifacts_of(job: JobRow) -> tuple[str, ...]:
    """Return the locations of the models that a job writes or reads: an evaluation may read a second one."""
    if job.artifact_uri is None:
        return ()
    evaluated = job.request.get(EVALUATED) if job.is_described else None
    return (job.artifact_uri,) if evaluated is None else (job.artifact_uri, str(evaluated["ArtifactUri"]))


def _model_policy(
    session: Session, artifacts: Sequence[str], writes: bool, interface: NetworkInterface, internal: bool
) -> str:
    places = [location_of(uri) for uri in artifacts]
    sources = SourceAddresses((), (interface.address,)) if internal else source_addresses.of(session, interface)
    return service_bucket.session_policy(
        places[0].bucket,
        [place.key for place in places],
        writes=writes,
        vpc_id=None if internal else interface.vpc_id,
        inside=sources.inside,
        outside=sources.outside,
    )


def model_session_arn(job_id: str) -> str:
    """Return the ARN of the service's own session of a job."""
    return session_arn(service_bucket.ROLE_ARN, job_id)


def revoke_sessions(session: Session, container: JobContainerRow) -> None:
    """Revoke the sessions of a container that is no longer wanted: its role's, and the service's own."""
    for role_arn in (container.role_arn, service_bucket.ROLE_ARN):
        revoke(session, role_arn, container.session_name)

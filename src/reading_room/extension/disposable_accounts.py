"""Accounts that a test creates for itself and deletes with everything in them.

A deleted account leaves only its events in the trail, which nobody can change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import Session

from reading_room.clock import Clock
from reading_room.comprehend.tables import ModelRow
from reading_room.database.engine import Database
from reading_room.extension.owned_rows import delete_rows
from reading_room.iam import accounts
from reading_room.iam.tables import AccessKey, Account, RoleSession, SignIn, SignInSession, UserSession
from reading_room.ids import account_number
from reading_room.jobs.job import TERMINAL
from reading_room.jobs.tables import JobContainerRow, JobEventRow, JobRow
from reading_room.logs import exports
from reading_room.logs.streams import milliseconds
from reading_room.logs.tables import ExportTask
from reading_room.s3.backend import Backend
from reading_room.s3.tables import S3Bucket, S3Object, S3Upload, S3Version
from reading_room.vpc.tables import NETWORK_TABLES, FlowLog, NetworkInterface, VpcEndpoint
from reading_room.vpc.vpcs.bootstrap import default_vpc

NAME = "of a test"
"""The name of these accounts in ``reading-room accounts list``."""
_FIRST = tuple(table.__tablename__ for table in (SignIn, RoleSession, UserSession, SignInSession, AccessKey, FlowLog))
"""The tables whose rows go first, so that nobody uses an account that is being deleted, or writes to it."""
_ON_HOSTS = frozenset({NetworkInterface.__tablename__, VpcEndpoint.__tablename__})
"""The tables without whose rows a VPC is on no host."""
_TRIES = 3


class UnknownAccount(Exception):
    """There is no such account that a call created."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account and the key of its administrator."""

    account: str
    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True, slots=True)
class _Rest:
    """What keeps an account from being deleted now."""

    jobs: tuple[str, ...]
    buckets: tuple[str, ...]
    other: bool

    def __bool__(self) -> bool:
        return bool(self.jobs or self.buckets or self.other)


class DisposableAccounts:
    """Creates accounts and deletes them.

    ``end_job`` ends a running job at once. ``add_calls`` adds the synchronous calls that were counted so far to the
    table of usage, where a later turn would make rows of a deleted account.
    """

    def __init__(
        self,
        database: Database,
        backend: Backend,
        region: str,
        clock: Clock,
        end_job: Callable[[str], None],
        add_calls: Callable[[], None],
    ) -> None:
        self._add_calls = add_calls
        self._database = database
        self._backend = backend
        self._region = region
        self._clock = clock
        self._end_job = end_job

    def create(self, account: str | None = None) -> NewAccount:
        """Create an account with an administrator and a default VPC. Raises ``AccountExists`` for a given number.

        Nothing is announced: nobody has read rows of an account that did not exist, and a VPC without interfaces and
        endpoints is on no host. So the product keeps what it knows of other accounts.
        """
        with self._database.transaction(announced=False) as session:
            number = account or account_number()
            while account is None and session.get(Account, number) is not None:
                number = account_number()
            now = self._clock()
            key = accounts.create(session, number, NAME, now)
            default_vpc(session, number, self._region, now=now)
            return NewAccount(number, key.access_key_id, key.secret_access_key)

    def remove(self, account: str) -> bool:
        """Delete an account and everything in it; return whether it is gone.

        If not, its keys are invalid and its jobs are being ended: call this again. Raises ``UnknownAccount`` if there
        is no such account, and for one that ``create`` did not make.
        """
        self._add_calls()
        for _ in range(_TRIES):
            with self._database.transaction() as session:
                row = session.get(Account, account)
                if row is None or row.name != NAME:
                    raise UnknownAccount(account)
                rest = _rest_of(session, account)
                if rest:
                    session.execute(update(ModelRow).where(ModelRow.account == account).values(deleting=True))
                    _cancel_exports(session, account, milliseconds(self._clock()))
                written = delete_rows(session, account, _FIRST if rest else None)
            if not written & _ON_HOSTS:
                written -= NETWORK_TABLES
            self._database.announce(written)
            if not rest:
                return True
            for job_id in rest.jobs:
                self._end_job(job_id)
            for bucket in rest.buckets:
                self._backend.empty(bucket)
            if rest.jobs or rest.other:
                return False
        return False


def _rest_of(session: Session, account: str) -> _Rest:
    own = JobRow.account == account
    ended = [phase.value for phase in TERMINAL]
    jobs = session.scalars(select(JobRow.job_id).where(own, JobRow.phase.not_in(ended))).all()
    of_jobs = select(JobRow.job_id).where(own)
    used = or_(
        exists().where(S3Object.bucket == S3Bucket.name),
        exists().where(S3Version.bucket == S3Bucket.name),
        exists().where(S3Upload.bucket == S3Bucket.name),
    )
    buckets = session.scalars(select(S3Bucket.name).where(S3Bucket.account == account, used)).all()
    other = session.scalar(
        select(
            or_(
                exists().where(JobContainerRow.job_id.in_(of_jobs)),
                # The loop that copies them to the job's log stream would create the stream again.
                exists().where(~JobEventRow.told, JobEventRow.job_id.in_(of_jobs)),
                # A loop deletes their artifacts, and then their rows.
                exists().where(ModelRow.account == account),
                exists().where(ExportTask.account == account, ExportTask.state.in_(exports.ACTIVE)),
            )
        )
    )
    return _Rest(tuple(jobs), tuple(buckets), bool(other))


def _cancel_exports(session: Session, account: str, now: int) -> None:
    for task_id in session.scalars(
        select(ExportTask.task_id).where(ExportTask.account == account, ExportTask.state.in_(exports.ACTIVE))
    ):
        exports.cancel(session, account, task_id, now)

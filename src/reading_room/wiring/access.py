"""Access, wired: credentials, policies, rate limits, and the record of every call."""

from __future__ import annotations

from reading_room.aws.call_record import CallRecord, Recorder, forget
from reading_room.aws.counts import Counts
from reading_room.aws.refusals import Refusals
from reading_room.aws.throttling import Throttle
from reading_room.clock import Clock, MovableClock
from reading_room.comprehend.resource_tags import resource_tags
from reading_room.database.engine import Database
from reading_room.iam.authorization_messages import AuthorizationMessages
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.iam.bonds import Bonds
from reading_room.iam.credentials import ByMachineTime, StoredCredentials
from reading_room.iam.key_uses import KeyUses
from reading_room.jobs.credentials import JobsBehind
from reading_room.kms.access import KeyAccess
from reading_room.kms.granting import Granting
from reading_room.kms.service_keys import ServiceKeys
from reading_room.kms.use import KeyUse
from reading_room.measures import IGNORED, Measures
from reading_room.organizations.view import CurrentOrganization
from reading_room.s3.authorization import S3Authorization
from reading_room.s3.backend import Backend
from reading_room.sealing import SealedFile
from reading_room.settings import Settings
from reading_room.trail.chain import FOLDER as TRAIL_FOLDER
from reading_room.trail.kept_heads import KeptHeads
from reading_room.trail.recording import Trail
from reading_room.vpc.endpoints.endpoints import EndpointAccounts, EndpointPolicies

_MESSAGE_KEY = "authorization-messages.key"


class Access:
    """The checks that every call passes before it is handled, and the trail that records it afterwards.

    ``throttle`` and ``refusals`` replace those that the settings would make.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        database: Database,
        backend: Backend,
        clock: Clock,
        throttle: Throttle | None = None,
        refusals: Refusals | None = None,
        measures: Measures = IGNORED,
        traced: Recorder = forget,
        server: str = "",
    ) -> None:
        """``traced`` also takes the record of each call. ``server`` is as for ``Product``."""
        self.measures = measures
        self._traced = traced
        stored = StoredCredentials(database)
        self.credentials = ByMachineTime(stored, clock) if isinstance(clock, MovableClock) else stored
        self.key_uses = KeyUses(database)
        self.trail = Trail(
            folder=settings.data / TRAIL_FOLDER,
            clock=clock,
            days=settings.trail_days,
            most=settings.trail_bytes,
            most_unidentified=settings.trail_unidentified_bytes,
            bucket_owner=lambda name: facts.account if (facts := backend.bucket(name)) is not None else None,
            endpoint_owner=EndpointAccounts(database),
            heads=KeptHeads(database, settings.data / TRAIL_FOLDER, clock, server),
            most_of_account=settings.trail_bytes_per_account,
        )
        self.messages = AuthorizationMessages(SealedFile(database.sealer, settings.data / _MESSAGE_KEY, _MESSAGE_KEY))
        self.authorizer = PolicyAuthorizer(
            database=database,
            region=settings.region,
            clock=clock,
            endpoint_policies=EndpointPolicies(database),
            denied=self.trail.denied,
            messages=self.messages,
            resource_tags=resource_tags(database),
            organization=CurrentOrganization(database),
            bonds=Bonds(JobsBehind(database), enforced=settings.binds_credentials),
            measures=measures,
        )
        self.keys = KeyAccess(database, self.authorizer, clock)
        self.key_use = KeyUse(self.keys, clock)
        granting = Granting(database, self.keys, clock)
        self.service_keys = ServiceKeys(
            database, self.key_use, granting, clock, settings.region, trail=self.record, gate=self.trail.check
        )
        self.s3 = S3Authorization(authorizer=self.authorizer, backend=backend, region=settings.region)
        self.throttle = throttle or Throttle(settings.profile)
        self.refusals = refusals or Refusals(Counts(self.trail.refused, clock))

    def record(self, record: CallRecord) -> None:
        """Record a call, and the use of its access key."""
        self.trail.record(record)
        self.key_uses.take(record)
        self._traced(record)

    def close(self) -> None:
        """Write what is still in memory, and take no more records."""
        self.trail.close()
        self.key_uses.close()

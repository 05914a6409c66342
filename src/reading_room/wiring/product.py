"""The product: everything that serves AWS calls, without sockets and without an agent. API tests use it in process."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from reading_room.aws.call_record import CallRecord
from reading_room.aws.counts import Counts
from reading_room.aws.dispatch import Dispatcher
from reading_room.aws.operations import OperationTable
from reading_room.aws.probes import Check, Probes
from reading_room.aws.refusals import Refusals
from reading_room.aws.server import AwsApplication
from reading_room.aws.throttling import Throttle
from reading_room.clock import Clock, system_clock
from reading_room.comprehend.models.metadata import check_metadata
from reading_room.comprehend.models.upkeep import ModelUpkeep
from reading_room.comprehend.network.preparation import NetworkPreparation
from reading_room.comprehend.network.storage_policy import StoragePolicies
from reading_room.comprehend.operations.jobs import JobOperations
from reading_room.comprehend.operations.model_policies import ModelPolicyOperations
from reading_room.comprehend.operations.models import ModelOperations
from reading_room.comprehend.operations.realtime import RealtimeEngines, RealtimeOperations
from reading_room.comprehend.operations.tags import TagOperations as ComprehendTagOperations
from reading_room.comprehend.quotas import Quotas
from reading_room.comprehend.resource_tags import resource_tags
from reading_room.comprehend.sizing import JobSizing
from reading_room.database.disk import Floor, free_bytes
from reading_room.database.engine import Database
from reading_room.extension.operations.check_job import CheckJobOperations
from reading_room.extension.operations.explain_request import ExplainRequestOperations
from reading_room.extension.operations.job_runs import JobRunOperations
from reading_room.extension.operations.sign_in import SignInOperations
from reading_room.flowlogs.deliver import FlowLogDelivery
from reading_room.hosts.listen_addresses import certificate_names
from reading_room.hosts.readiness import database_check, disk_check, trail_check
from reading_room.hosts.realtime import RealtimePool
from reading_room.iam.authorization_messages import AuthorizationMessages
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.iam.bonds import Bonds
from reading_room.iam.bootstrap import first_administrator
from reading_room.iam.container_credentials import ContainerCredentials
from reading_room.iam.credentials import StoredCredentials
from reading_room.iam.key_uses import KeyUses
from reading_room.iam.operations.authorization_messages import AuthorizationMessageOperations
from reading_room.iam.operations.sts import StsOperations
from reading_room.iam.operations.table import iam_operations
from reading_room.jobs.cluster_identity import Authorities
from reading_room.jobs.controller import JobController
from reading_room.jobs.credentials import JobsBehind, owners
from reading_room.jobs.job_log import JobLog
from reading_room.jobs.part_requests import PartRequests
from reading_room.jobs.record import LOCAL_HOST
from reading_room.logs.export_operations import ExportOperations
from reading_room.logs.operations import LogOperations
from reading_room.logs.room import LogRoom
from reading_room.logs.upkeep import LogUpkeep
from reading_room.s3 import service_bucket
from reading_room.s3.authorization import S3Authorization
from reading_room.s3.backends.backend import Backend
from reading_room.s3.log_delivery import LogBuckets
from reading_room.s3.log_exports import S3ExportBuckets
from reading_room.s3.server import S3Application
from reading_room.s3.store import ObjectStore
from reading_room.sealing import SealedFile
from reading_room.settings import Settings
from reading_room.trail.chain import FOLDER as TRAIL_FOLDER
from reading_room.trail.kept_heads import KeptHeads
from reading_room.trail.operations import TrailOperations
from reading_room.trail.recording import Trail
from reading_room.vpc.ec2 import ec2_operations
from reading_room.vpc.endpoints.endpoints import EndpointAccounts, EndpointPolicies
from reading_room.vpc.quotas import Quotas as VpcQuotas
from reading_room.vpc.vpcs import service_network
from reading_room.vpc.vpcs.bootstrap import default_vpc


class Product:
    """Everything that answers AWS calls, wired."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        backend: Backend,
        engines: RealtimeEngines,
        clock: Clock = system_clock,
        *,
        throttle: Throttle | None = None,
        refusals: Refusals | None = None,
        host: Sequence[Check] = (),
    ) -> None:
        """``throttle`` bounds the rates of calls; by default it has those of the settings' profile.

        ``refusals`` decides what is written down of requests that prove nobody; by default few of each address.
        ``host`` are the checks of what runs containers, without which the product is not ready.
        """
        self.settings = settings
        self.database = database
        self.clock = clock
        region = settings.region
        self.credentials = StoredCredentials(database)
        self.key_uses = KeyUses(database)
        self.trail = Trail(
            folder=settings.data / TRAIL_FOLDER,
            clock=clock,
            days=settings.trail_days,
            most=settings.trail_bytes,
            most_unidentified=settings.trail_unidentified_bytes,
            bucket_owner=lambda name: facts.account if (facts := backend.bucket(name)) is not None else None,
            endpoint_owner=EndpointAccounts(database),
            heads=KeptHeads(database, settings.data / TRAIL_FOLDER, clock),
            most_of_account=settings.trail_bytes_per_account,
        )
        name = "authorization-messages.key"
        self.messages = AuthorizationMessages(SealedFile(database.sealer, settings.data / name, name))
        self.authorizer = PolicyAuthorizer(
            database=database,
            region=region,
            clock=clock,
            endpoint_policies=EndpointPolicies(database),
            denied=self.trail.denied,
            messages=self.messages,
            resource_tags=resource_tags(database),
            bonds=Bonds(JobsBehind(database), enforced=settings.binds_credentials),
        )
        self.s3_authorization = S3Authorization(authorizer=self.authorizer, backend=backend, region=region)
        self._throttle = throttle or Throttle(settings.profile)
        self.refusals = refusals or Refusals(Counts(self.trail.refused, clock))
        floor = Floor(settings.storage_free, lambda: free_bytes(settings.data))
        room = LogRoom(settings.log_bytes_per_account, floor)
        self.store = ObjectStore(
            backend=backend, authorization=self.s3_authorization, clock=clock, region=region, trail=self.trail.record
        )
        self.s3 = self._s3(backend, vpc_only=False)
        self.s3_in_vpcs = self._s3(backend, vpc_only=True)
        self.exported = S3ExportBuckets(
            backend=backend, authorization=self.s3_authorization, store=self.store, region=region, clock=clock
        )
        policies = StoragePolicies(self.s3_authorization, backend)
        sizing = JobSizing(backend, settings)
        self.dispatcher = Dispatcher(
            table=self._operations(engines, backend, policies, sizing, floor, room),
            authorizer=self.authorizer,
            clock=clock,
            trail=self._record,
            gate=self.trail.check,
        )
        self.app = AwsApplication(
            self.dispatcher,
            self.credentials,
            self.s3,
            region=region,
            clock=clock,
            throttle=self._throttle,
            trail=self._record,
            refusals=self.refusals,
            probes=Probes((database_check(database), disk_check(floor), trail_check(self.trail.fault), *host)),
            gate=self.trail.check,
        )
        self.flow_logs = FlowLogDelivery(
            database=database,
            put_object=self.store.put,
            authorizer=self.authorizer,
            clock=clock,
            region=region,
            keep=settings.data / "flow-windows.json",
            trail=self._record,
            room=room,
        )
        self.network = NetworkPreparation(
            database=database,
            dispatcher=self.dispatcher,
            authorizer=self.authorizer,
            clock=clock,
            region=region,
            host=LOCAL_HOST,
            policies=policies,
        )
        authorities = Authorities(database, clock, dt.timedelta(seconds=settings.job_seconds))
        self.controller = JobController(
            database=database,
            settings=settings,
            clock=clock,
            network=self.network,
            store=self.store,
            denials=self.s3_authorization.recent_denial,
            storyteller=JobLog(database=database, region=region, clock=clock, room=room),
            check_model=check_metadata,
            sizing=sizing,
            identities=authorities,
            held=self.trail.fault,
        )
        self.container_credentials = ContainerCredentials(
            database=database,
            owner_of=owners(database),
            clock=clock,
            trail=self._record,
            cluster=PartRequests(database, authorities, clock),
            gate=self.trail.check,
        )
        self.models = ModelUpkeep(database, self.store, clock)
        self.logs = LogUpkeep(database, self.exported, clock)

    def _s3(self, backend: Backend, *, vpc_only: bool) -> S3Application:
        hosts = {*certificate_names(self.settings), self.settings.host}
        return S3Application(
            backend,
            self.credentials,
            self.s3_authorization,
            region=self.settings.region,
            clock=self.clock,
            base_hosts=hosts,
            vpc_only=vpc_only,
            throttle=self._throttle,
            trail=self._record,
            refusals=self.refusals,
            gate=self.trail.check,
        )

    def _record(self, record: CallRecord) -> None:
        self.trail.record(record)
        self.key_uses.take(record)

    def _operations(
        self,
        engines: RealtimeEngines,
        backend: Backend,
        policies: StoragePolicies,
        sizing: JobSizing,
        floor: Floor,
        room: LogRoom,
    ) -> OperationTable:
        database, clock, authorizer = self.database, self.clock, self.authorizer
        quotas = Quotas(self.settings, clock, floor)
        of_aws = (
            *ec2_operations(
                database=database,
                clock=clock,
                authorizer=authorizer,
                bucket_check=LogBuckets(
                    backend=backend, authorization=self.s3_authorization, region=self.settings.region, clock=clock
                ),
                quotas=VpcQuotas.of_profile(self.settings.profile),
                elastic_ip_pool=self.settings.elastic_ip_pool,
            ),
            *iam_operations(database, clock, self.key_uses),
            StsOperations(database, authorizer, clock),
            AuthorizationMessageOperations(self.messages),
            TrailOperations(self.trail, clock),
            LogOperations(database, clock, room),
            ExportOperations(database, clock, self.exported),
            JobOperations(database, clock, quotas, self.settings.topics),
            ModelOperations(database, clock, quotas, authorizer),
            ModelPolicyOperations(database, clock),
            RealtimeOperations(engines, quotas),
            ComprehendTagOperations(database, quotas),
        )
        # Ours ask what the operations of AWS would answer.
        table = OperationTable(*of_aws)
        return OperationTable(
            *of_aws,
            SignInOperations(database, clock),
            ExplainRequestOperations(self.trail, EndpointAccounts(database), self.settings.trail_days),
            JobRunOperations(database=database, table=table, authorizer=authorizer, clock=clock),
            CheckJobOperations(
                database=database,
                table=table,
                authorizer=authorizer,
                clock=clock,
                policies=policies,
                sizing=sizing,
                capacity=lambda: self.controller.capacity(),
                quotas=quotas,
                topics=self.settings.topics,
                host=LOCAL_HOST,
            ),
        )

    def first_start(self) -> None:
        """Make what exists without being created; idempotent."""
        settings = self.settings
        self.trail.adopt_heads()
        first_administrator(self.database, settings.account, settings.region, settings.data / "credentials", self.clock)
        with self.database.transaction() as session:
            default_vpc(session, settings.account, settings.region)
            service_bucket.ensure(session, settings.region, self.clock())
            service_network.ensure(session, settings.region)

    def close(self) -> None:
        """Finish the calls that run and take no more."""
        for application in (self.app, self.s3, self.s3_in_vpcs):
            application.close()
        self.trail.close()
        self.key_uses.close()


def operation_table() -> OperationTable:
    """Return the table of operations of a product that serves nobody; for the reference and its tests."""
    from reading_room.s3.backends.memory import memory_backend

    settings = Settings()
    database = Database.open(None)
    database.create_tables()
    pool = RealtimePool(lambda: None)
    backend = memory_backend(database, settings.region, system_clock)
    return Product(settings, database, backend, pool).dispatcher.table

"""Every operation that the product answers, in one table: AWS's operations, and our own, which use AWS's."""

from __future__ import annotations

from collections.abc import Callable

from reading_room.agent.spec import Capacity
from reading_room.aws.operations import OperationTable
from reading_room.clock import Clock
from reading_room.comprehend.call_meter import CallMeter
from reading_room.comprehend.network.storage_policy import StoragePolicies
from reading_room.comprehend.operations.endpoint_calls import EndpointCalls
from reading_room.comprehend.operations.endpoints import EndpointOperations
from reading_room.comprehend.operations.flywheels import FlywheelOperations
from reading_room.comprehend.operations.jobs import JobOperations
from reading_room.comprehend.operations.model_policies import ModelPolicyOperations
from reading_room.comprehend.operations.models import ModelOperations
from reading_room.comprehend.operations.realtime import RealtimeEngines, RealtimeOperations
from reading_room.comprehend.operations.tags import TagOperations
from reading_room.comprehend.operations.toxicity import ToxicityOperations
from reading_room.comprehend.quotas import Quotas
from reading_room.comprehend.sizing import JobSizing
from reading_room.database.disk import Floor
from reading_room.database.engine import Database
from reading_room.extension.disposable_accounts import DisposableAccounts
from reading_room.extension.operations.check_job import CheckJobOperations
from reading_room.extension.operations.disk_use import DiskUseOperations
from reading_room.extension.operations.endpoint_metrics import EndpointMetricsOperations
from reading_room.extension.operations.explain_request import ExplainRequestOperations
from reading_room.extension.operations.hosts import HostOperations
from reading_room.extension.operations.job_runs import JobRunOperations
from reading_room.extension.operations.pii_profiles import PiiProfileOperations
from reading_room.extension.operations.purge_job import PurgeJobOperations
from reading_room.extension.operations.sign_in import SignInOperations
from reading_room.extension.operations.state_events import StateEventOperations
from reading_room.extension.operations.testing import TestingOperations
from reading_room.extension.operations.usage import UsageOperations
from reading_room.iam.operations.authorization_messages import AuthorizationMessageOperations
from reading_room.iam.operations.sts import StsOperations
from reading_room.iam.operations.table import iam_operations
from reading_room.kms.operations.table import kms_operations
from reading_room.logs.export_operations import ExportOperations
from reading_room.logs.operations import LogOperations
from reading_room.logs.room import LogRoom
from reading_room.organizations.operations.table import organization_operations
from reading_room.s3.backend import Backend
from reading_room.settings import Settings
from reading_room.trail.operations import TrailOperations
from reading_room.vpc.ec2 import ec2_operations
from reading_room.vpc.endpoints.endpoints import EndpointAccounts
from reading_room.vpc.quotas import Quotas as VpcQuotas
from reading_room.vpc.vpcs.bootstrap import default_vpc
from reading_room.wiring.access import Access
from reading_room.wiring.objects import Objects


def every_operation(
    *,
    settings: Settings,
    database: Database,
    clock: Clock,
    access: Access,
    objects: Objects,
    backend: Backend,
    engines: RealtimeEngines,
    policies: StoragePolicies,
    sizing: JobSizing,
    quotas: Quotas,
    capacity: Callable[[], Capacity | None],
    end_job: Callable[[str], None],
    floor: Floor,
    room: LogRoom,
    meter: CallMeter,
) -> OperationTable:
    """Return the table.

    ``capacity`` returns the hosts' capacity for jobs; ``None`` until one has reported. ``end_job`` ends a job at
    once.
    """
    authorizer = access.authorizer
    profiles = PiiProfileOperations(database, clock)
    endpoint_calls = EndpointCalls(database, engines, quotas, meter.count, access.measures)
    of_aws = (
        *ec2_operations(
            database=database,
            clock=clock,
            authorizer=authorizer,
            bucket_check=objects.log_buckets,
            quotas=VpcQuotas.of_profile(settings.profile),
            elastic_ip_pool=settings.elastic_ip_pool,
        ),
        *iam_operations(database, clock, access.key_uses, authorizer.organization),
        *organization_operations(
            database,
            clock,
            first=settings.account,
            profile=settings.profile,
            prepare=lambda session, account: default_vpc(session, account, settings.region, now=clock()),
        ),
        StsOperations(database, authorizer, clock),
        AuthorizationMessageOperations(access.messages),
        *kms_operations(database, access.keys, access.key_use, clock),
        TrailOperations(access.trail, clock),
        LogOperations(database, clock, room, settings.log_days),
        ExportOperations(database, clock, objects.export_buckets),
        JobOperations(database, clock, quotas, settings.topics),
        ModelOperations(database, clock, quotas, authorizer),
        ModelPolicyOperations(database, clock),
        EndpointOperations(database, clock, quotas, authorizer),
        FlywheelOperations(database, clock, quotas),
        endpoint_calls,
        RealtimeOperations(
            engines, quotas, meter.count, endpoint_calls.answer, access.measures, profiles.default_thresholds
        ),
        ToxicityOperations(engines, quotas, meter.count, access.measures),
        TagOperations(database, quotas),
    )
    table = OperationTable(*of_aws)
    accounts = DisposableAccounts(database, backend, settings.region, clock, end_job, meter.fold)
    return OperationTable(
        *of_aws,
        SignInOperations(database, clock),
        ExplainRequestOperations(access.trail, EndpointAccounts(database), settings.trail_days),
        TestingOperations(settings, accounts, clock),
        JobRunOperations(database=database, table=table, authorizer=authorizer, clock=clock),
        UsageOperations(database, clock, meter.fold),
        StateEventOperations(database, settings, clock),
        DiskUseOperations(database, objects.store, settings),
        EndpointMetricsOperations(database, quotas.units),
        HostOperations(database, settings),
        profiles,
        PurgeJobOperations(database, objects.store, settings.trail_days),
        CheckJobOperations(
            database=database,
            table=table,
            authorizer=authorizer,
            clock=clock,
            policies=policies,
            sizing=sizing,
            capacity=capacity,
            quotas=quotas,
            topics=settings.topics,
        ),
    )

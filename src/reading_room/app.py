"""The composition root: settings in, the wired product out. The one module that knows everybody.

``Product`` is everything that serves AWS calls, without sockets and without an agent: API tests use it in process.
``run_server`` adds the sockets, the loops and the conversation with the agent.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Collection, Sequence

import uvloop

from reading_room.aws.call_record import CallRecord
from reading_room.aws.cors import CrossOrigin
from reading_room.aws.counts import Counts
from reading_room.aws.dispatch import Dispatcher
from reading_room.aws.operations import OperationTable
from reading_room.aws.probes import Check, Probes
from reading_room.aws.receive import AsgiApplication
from reading_room.aws.refusals import Refusals
from reading_room.aws.server import AwsApplication
from reading_room.aws.throttling import Throttle
from reading_room.clock import Clock, system_clock
from reading_room.comprehend import tags as comprehend_tags
from reading_room.comprehend.model_metadata import check_metadata
from reading_room.comprehend.model_upkeep import ModelUpkeep
from reading_room.comprehend.operations.jobs import JobOperations
from reading_room.comprehend.operations.model_policies import ModelPolicyOperations
from reading_room.comprehend.operations.models import ModelOperations
from reading_room.comprehend.operations.realtime import RealtimeEngines, RealtimeOperations
from reading_room.comprehend.operations.tags import TagOperations as ComprehendTagOperations
from reading_room.comprehend.preparation import NetworkPreparation
from reading_room.comprehend.quotas import Quotas
from reading_room.comprehend.sizing import JobSizing
from reading_room.comprehend.storage_policy import StoragePolicies
from reading_room.console.application import console_application
from reading_room.console.door import OPTION, Origins, console_door
from reading_room.database.disk import Floor, free_bytes
from reading_room.database.engine import Database
from reading_room.database.opening import open_database
from reading_room.database.outside import LOOK_SECONDS, OutsideWrites
from reading_room.extension.operations.check_job import CheckJobOperations
from reading_room.extension.operations.explain_request import ExplainRequestOperations
from reading_room.extension.operations.job_runs import JobRunOperations
from reading_room.extension.operations.sign_in import SignInOperations
from reading_room.flowlogs.deliver import FlowLogDelivery
from reading_room.hosts import authority
from reading_room.hosts.authority import Certificates
from reading_room.hosts.channel import AgentConnection
from reading_room.hosts.desired import DesiredHost
from reading_room.hosts.doors import Door, DoorCertificate, DoorError, bound, certificate_names, doors, is_loopback
from reading_room.hosts.http_listener import PEER_CONNECTIONS, HttpListener
from reading_room.hosts.known_names import KnownNames
from reading_room.hosts.listeners import VpcListeners
from reading_room.hosts.names import VpcNames, bucket_names
from reading_room.hosts.readiness import database_check, disk_check, host_checks, trail_check
from reading_room.hosts.realtime import RealtimePool
from reading_room.hosts.server_side import ServerSide
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
from reading_room.jobs.part_requests import ClusterDoor
from reading_room.jobs.record import LOCAL_HOST
from reading_room.jobs.tables import WISH_TABLES
from reading_room.logs.export_operations import ExportOperations
from reading_room.logs.exports import ExportBuckets, LogExports
from reading_room.logs.operations import LogOperations
from reading_room.logs.retention import LogRetention
from reading_room.logs.room import LogRoom
from reading_room.reconcile import Loop
from reading_room.s3 import service_bucket
from reading_room.s3.authorization import S3Authorization
from reading_room.s3.backends.backend import Backend
from reading_room.s3.backends.files import file_backend
from reading_room.s3.log_delivery import LogBuckets
from reading_room.s3.log_exports import S3ExportBuckets
from reading_room.s3.server import S3Application
from reading_room.s3.space import SpaceLimits
from reading_room.s3.store import ObjectStore
from reading_room.sealing import SealedFile, Sealer
from reading_room.settings import Settings
from reading_room.trail.chain import FOLDER as TRAIL_FOLDER
from reading_room.trail.kept_heads import KeptHeads
from reading_room.trail.operations import TrailOperations
from reading_room.trail.recording import Trail
from reading_room.vpc import service_network
from reading_room.vpc.bootstrap import default_vpc
from reading_room.vpc.elastic_addresses import overlaps_with_services
from reading_room.vpc.endpoints import EndpointAccounts, EndpointPolicies
from reading_room.vpc.network_spec import NETWORK_TABLES
from reading_room.vpc.operations import ec2_operations
from reading_room.vpc.quotas import Quotas as VpcQuotas

log = logging.getLogger(__name__)

SWITCH_SECONDS = 0.0005
"""After how long a thread that computes lets another one go on. Python's own 5 ms would be added to each answer of a
call that changes the network, twice: the wish for the hosts is put together meanwhile."""
CERTIFICATE_SECONDS = 1.0
"""How often it is looked whether the certificate of HTTPS is another."""
DRAIN_SECONDS = 3.0
"""How long requests in progress may take to end when the server is told to."""
WISH_REST, WISH_APART = 3.0, 0.03
"""Between two wishes for a host, unless a container waits for one: times what the first took, if long; and seconds."""


class ServerError(Exception):
    """The server cannot start; the message says what is in the way and what to change."""


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
            settings.data / TRAIL_FOLDER,
            clock,
            settings.trail_days,
            settings.trail_bytes,
            settings.trail_unidentified_bytes,
            lambda name: facts.account if (facts := backend.bucket(name)) is not None else None,
            EndpointAccounts(database),
            KeptHeads(database, settings.data / TRAIL_FOLDER, clock),
        )
        name = "authorization-messages.key"
        self.messages = AuthorizationMessages(SealedFile(database.sealer, settings.data / name, name))
        self.authorizer = PolicyAuthorizer(
            database,
            region,
            clock,
            EndpointPolicies(database),
            self.trail.denied,
            self.messages,
            comprehend_tags.resource_tags(database),
            Bonds(JobsBehind(database), enforced=settings.binds_credentials),
        )
        self.s3_authorization = S3Authorization(self.authorizer, backend, region)
        self._throttle = throttle or Throttle(settings.profile)
        self.refusals = refusals or Refusals(Counts(self.trail.refused, clock))
        floor = Floor(settings.storage_free, lambda: free_bytes(settings.data))
        room = LogRoom(settings.log_bytes_per_account, floor)
        self.store = ObjectStore(backend, self.s3_authorization, clock, region, self.trail.record)
        self.s3 = self._s3(backend, vpc_only=False)
        self.s3_in_vpcs = self._s3(backend, vpc_only=True)
        exported = S3ExportBuckets(backend, self.s3_authorization, self.store, region, clock)
        self.log_exports = LogExports(database, exported, clock)
        policies = StoragePolicies(self.s3_authorization, backend)
        sizing = JobSizing(backend, settings)
        self.dispatcher = Dispatcher(
            self._operations(engines, backend, policies, sizing, floor, room, exported),
            self.authorizer,
            clock,
            self._record,
            self.trail.check,
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
            database,
            self.store.put,
            self.authorizer,
            clock,
            region,
            settings.data / "flow-windows.json",
            self._record,
            room,
        )
        self.network = NetworkPreparation(
            database, self.dispatcher, self.authorizer, clock, region, LOCAL_HOST, policies
        )
        authorities = Authorities(database, clock, dt.timedelta(seconds=settings.job_seconds))
        self.controller = JobController(
            database,
            settings,
            clock,
            self.network,
            self.store,
            self.s3_authorization.recent_denial,
            JobLog(database, region, clock, room),
            check_model=check_metadata,
            sizing=sizing,
            identities=authorities,
            held=self.trail.fault,
        )
        self.container_credentials = ContainerCredentials(
            database,
            owners(database),
            clock,
            self._record,
            ClusterDoor(database, authorities, clock),
            self.trail.check,
        )
        self.models = ModelUpkeep(database, self.store, clock)
        self.log_retention = LogRetention(database, clock)

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
        exported: ExportBuckets,
    ) -> OperationTable:
        database, clock, authorizer = self.database, self.clock, self.authorizer
        quotas = Quotas(self.settings, clock, floor)
        of_aws = (
            *ec2_operations(
                database,
                clock,
                authorizer,
                LogBuckets(backend, self.s3_authorization, self.settings.region, clock),
                VpcQuotas.of_profile(self.settings.profile),
                self.settings.elastic_ip_pool,
            ),
            *iam_operations(database, clock, self.key_uses),
            StsOperations(database, authorizer, clock),
            AuthorizationMessageOperations(self.messages),
            TrailOperations(self.trail, clock),
            LogOperations(database, clock, room),
            ExportOperations(database, clock, exported),
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
            JobRunOperations(database, table, authorizer, clock),
            CheckJobOperations(
                database,
                table,
                authorizer,
                clock,
                policies,
                sizing,
                lambda: self.controller.capacity(),
                quotas,
                self.settings.topics,
                LOCAL_HOST,
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


def run_server(settings: Settings, sealer: Sealer, working: Callable[[], None], ready: Callable[[], None]) -> None:
    """Serve until SIGTERM. ``working`` is called before what may take minutes, ``ready`` once calls are taken.

    Raises ``ServerError``, ``SchemaError``, ``WrongRootKey`` and ``SealBroken``.
    """
    overlapped = overlaps_with_services(settings.elastic_ip_pool)
    if overlapped is not None:
        raise ServerError(
            f"READING_ROOM_ELASTIC_IP_POOL={settings.elastic_ip_pool} overlaps {overlapped}, where the services' own "
            "public addresses are: choose another network"
        )
    sys.setswitchinterval(SWITCH_SECONDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, open_database(settings.data, sealer, working), ready))


async def _serve(settings: Settings, database: Database, ready: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    limits = SpaceLimits.of(settings, settings.data)
    backend = file_backend(database, settings.data / "objects", settings.region, system_clock, limits)

    def send_wish() -> None:
        agent.send(desired.read())

    # A turn reads all that the accounts have: with thousands of interfaces, changes in a row would keep it reading.
    wishes = Loop("wishes", send_wish, every=1.0, rest=WISH_REST, apart=WISH_APART)
    pool = RealtimePool(wishes.hurry, lacks=lambda: server_side.state.lacks())
    product = Product(settings, database, backend, pool, host=host_checks(lambda: server_side.state))
    try:
        await asyncio.to_thread(product.first_start)
    except service_bucket.ServiceBucketTaken as error:
        raise ServerError(str(error)) from error
    certificates = Certificates(
        authority.prepare(settings.data / "authority", settings.region, system_clock(), database.sealer),
        settings.region,
        lambda vpc_endpoint_id: bucket_names(database, settings.region, vpc_endpoint_id),
        system_clock,
    )
    listeners = VpcListeners(
        product.s3_in_vpcs,
        product.app,
        VpcNames(database),
        product.container_credentials,
        certificates.pem,
    )

    def deliver_flow_logs() -> None:
        if product.trail.fault() is None:  # Their calls would not be recorded; what they have to tell waits.
            product.flow_logs.turn(system_clock())

    flow_logs = Loop("flow logs", deliver_flow_logs, every=1.0)
    outside = Loop("outside writes", OutsideWrites(database).look, every=LOOK_SECONDS)

    def interface_gone(interface_id: str) -> None:
        product.flow_logs.interface_deleted(interface_id)
        flow_logs.wake()

    server_side = ServerSide(
        loop,
        listeners,
        pool,
        product.controller.report,
        product.flow_logs.record,
        product.flow_logs.interfaces_seen,
        interface_gone,
        product.flow_logs.interrupted,
    )
    agent = AgentConnection(settings.installation.socket, server_side)
    desired = DesiredHost(database, settings, LOCAL_HOST, pool.wish)

    def changed(tables: frozenset[str]) -> None:
        if tables & WISH_TABLES:
            wishes.hurry()
        elif tables & NETWORK_TABLES:
            wishes.wake()

    database.on_commit(changed)
    try:
        opened, certificate = _open_doors(
            settings, product.app, database.sealer, lambda name: backend.bucket(name) is not None
        )
    except DoorError as error:
        raise ServerError(str(error)) from error
    for _, listener in opened:
        await listener.start()

    def renew_certificate() -> None:
        if certificate is not None and (renewed := certificate.renewed()) is not None:
            log.info("HTTPS has another certificate from now on")
            for door, listener in opened:
                if door.secure:
                    loop.call_soon_threadsafe(listener.renew, renewed)

    renewal = Loop("certificate", renew_certificate, every=CERTIFICATE_SECONDS)
    ended = threading.Event()
    conversation = threading.Thread(target=agent.run, args=(ended,), name="agent-connection", daemon=True)
    # What start-up made lives as long as the process: the collector need not walk it again and again.
    gc.collect()
    gc.freeze()
    product.controller.start()
    product.models.start()
    product.log_retention.start()
    product.log_exports.start()
    wishes.start()
    flow_logs.start()
    outside.start()
    if certificate is not None:
        renewal.start()
    conversation.start()
    ready()
    log.info("serving %s", " and ".join(door.url for door, _ in opened))
    try:
        await stop.wait()
    finally:
        await asyncio.gather(*(listener.drain(DRAIN_SECONDS) for _, listener in opened))
        ended.set()
        for each in (
            renewal,
            wishes,
            product.controller,
            product.models,
            product.log_retention,
            product.log_exports,
            flow_logs,
            outside,
        ):
            await asyncio.to_thread(each.stop)
        listeners.close()
        # Records of windows that are still open would be lost with this process.
        await asyncio.to_thread(product.flow_logs.close, system_clock())
        await asyncio.to_thread(product.close)
        backend.close()
        database.close()


def _open_doors(
    settings: Settings, app: AsgiApplication, sealer: Sealer, is_bucket: Callable[[str], bool]
) -> tuple[list[tuple[Door, HttpListener]], DoorCertificate | None]:
    """Return a listener at each door, the console's the last, and what looks after the certificate where there is one.

    Raises ``DoorError`` and ``ServerError``.
    """
    wanted = doors(settings)
    certificate, context = None, None
    if any(door.secure for door in wanted):
        certificate = DoorCertificate(settings, system_clock, sealer)
        context = certificate.context()
    origins = Origins.of(settings).apis
    apis = KnownNames(
        CrossOrigin(app, origins),
        settings,
        lambda: certificate.given_names if certificate is not None else (),
        is_bucket,
    )
    served: list[tuple[Door, AsgiApplication, socket.socket, Collection[str]]] = [
        (door, apis, bound(door), origins) for door in wanted
    ]
    if (console := console_door(settings)) is not None:
        served.append((console, console_application(settings), bound(console, OPTION), ()))
    opened = []
    for door, application, sock, readers in served:
        sock.listen(1024)
        # On loopback every client has the same address.
        most = None if is_loopback(door.host) else PEER_CONNECTIONS
        opened.append((door, HttpListener(application, sock, context if door.secure else None, most, readers)))
    return opened, certificate

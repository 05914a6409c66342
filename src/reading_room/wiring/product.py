"""The product: everything that answers AWS calls, without sockets and agent. API tests use it in their own process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reading_room.agent.spec import Capacity, HostReport
from reading_room.aws.call_record import forget
from reading_room.aws.dispatch import Dispatcher
from reading_room.aws.operations import OperationTable
from reading_room.aws.probes import Check, Probes
from reading_room.aws.refusals import Refusals
from reading_room.aws.server import AwsApplication
from reading_room.aws.throttling import Throttle
from reading_room.clock import Clock, ClockSteps, MovableClock, system_clock
from reading_room.comprehend import call_meter
from reading_room.comprehend.endpoints.upkeep import EndpointUpkeep, Room
from reading_room.comprehend.network.storage_policy import StoragePolicies
from reading_room.comprehend.operations.realtime import RealtimeEngines
from reading_room.comprehend.quotas import Quotas
from reading_room.comprehend.sizing import JobSizing
from reading_room.database.disk import Floor, free_bytes
from reading_room.database.engine import Database
from reading_room.fleet.host_leases import HostLeases
from reading_room.fleet.members import Fleet
from reading_room.fleet.rates import SharedRates
from reading_room.flowlogs.deliver import FlowLogDelivery
from reading_room.flowlogs.kept_windows import FileKeep, RowKeep
from reading_room.hosts.pressure import Pulse, descriptors_check, memory_check, resources_check
from reading_room.hosts.readiness import database_check, disk_check, trail_check
from reading_room.hosts.realtime import RealtimePool
from reading_room.iam.bootstrap import first_administrator
from reading_room.jobs.retention import Retention
from reading_room.kms.upkeep import KeyUpkeep
from reading_room.logs.exports import LogExports
from reading_room.logs.room import LogRoom
from reading_room.measures import IGNORED, Measures
from reading_room.s3 import service_bucket
from reading_room.s3.backend import Backend
from reading_room.s3.lifecycle_loop import LifecycleLoop
from reading_room.settings import Settings
from reading_room.traces.recorder import Traces
from reading_room.vpc.vpcs import service_network
from reading_room.vpc.vpcs.bootstrap import default_vpc
from reading_room.wiring.access import Access
from reading_room.wiring.jobs import Jobs
from reading_room.wiring.objects import Objects
from reading_room.wiring.operations import every_operation
from reading_room.wiring.state_events import state_event_loops


class Product:
    """Everything that answers AWS calls, wired."""

    def __init__(
        self,
        *,
        settings: Settings,
        database: Database,
        backend: Backend,
        engines: RealtimeEngines,
        clock: Clock = system_clock,
        throttle: Throttle | None = None,
        refusals: Refusals | None = None,
        host: Sequence[Check] = (),
        measures: Measures = IGNORED,
        clock_steps: ClockSteps | None = None,
        traces: Traces | None = None,
        server: str = "",
        leases: HostLeases | None = None,
        capacity_of_leader: Callable[[], Capacity | None] = lambda: None,
    ) -> None:
        """``throttle`` limits the rates of calls, by default to those of the settings' profile.

        ``refusals`` decides which unauthenticated requests are recorded, by default a few of each address. ``host`` are
        the checks of the host that runs containers, without which the product is not ready. ``measures``
        receives measurements of the product's work. ``clock_steps`` notices when the machine's clock is set. ``traces``
        takes what spans are made of. ``server`` is the identity of the data folder, if others share the database.
        ``leases`` are those of the hosts; without them, none is ever lost.
        ``capacity_of_leader`` returns the host's capacity as the leader knows it, if this process does not lead.
        """
        self.settings = settings
        self.database = database
        self.clock = clock
        # Clients sign, certificates expire and the kernel records flows by the machine's clock, wherever a test moved
        # the product's.
        machine_clock = system_clock if isinstance(clock, MovableClock) else clock
        self.fleet = Fleet(database)
        self.access = Access(
            settings=settings,
            database=database,
            backend=backend,
            clock=clock,
            throttle=throttle,
            refusals=refusals,
            measures=measures,
            traced=forget if traces is None else traces.take,
            server=server,
        )
        self.objects = Objects(
            settings=settings, backend=backend, access=self.access, clock=clock, machine_clock=machine_clock
        )
        floor = Floor(settings.storage_free, lambda: free_bytes(settings.data))
        room = LogRoom(settings.log_bytes_per_account, floor)
        self.meter = call_meter.CallMeter(database, settings.data / call_meter.FILE, clock, server=server)
        policies = StoragePolicies(self.access.s3, backend)
        sizing = JobSizing(backend, settings)
        trail = self.access.trail
        quotas = Quotas(settings, clock, floor)
        self.units = quotas.units
        self.rates = (
            SharedRates(database, [self.access.throttle.of_aws, quotas.buckets, quotas.units])
            if database.shared
            else None
        )
        self.dispatcher = Dispatcher(
            table=every_operation(
                settings=settings,
                database=database,
                clock=clock,
                access=self.access,
                objects=self.objects,
                backend=backend,
                engines=engines,
                policies=policies,
                sizing=sizing,
                quotas=quotas,
                capacity=lambda: self.jobs.controller.capacity_of_all() or capacity_of_leader(),
                end_job=lambda job_id: self.jobs.controller.end_at_once(job_id),
                floor=floor,
                room=room,
                meter=self.meter,
            ),
            authorizer=self.access.authorizer,
            clock=clock,
            trail=self.access.record,
            gate=trail.check,
        )
        self.pulse = Pulse()
        self.probes = Probes(
            (
                database_check(database),
                disk_check(floor),
                trail_check(trail.fault),
                *host,
                # The server itself must not read files outside its own.
                memory_check(lambda: self.jobs.controller.capacity()),
                descriptors_check(),
                resources_check(),
                *self.pulse.checks,
            )
        )
        self.app = AwsApplication(
            self.dispatcher,
            self.access.credentials,
            self.objects.app,
            region=settings.region,
            clock=clock,
            machine_clock=machine_clock,
            throttle=self.access.throttle,
            trail=self.access.record,
            refusals=self.access.refusals,
            probes=self.probes,
            gate=trail.check,
            measures=measures,
            trace_of=None if traces is None else traces.trace_of,
        )
        self.flow_logs = FlowLogDelivery(
            database=database,
            put_object=self.objects.store.put,
            authorizer=self.access.authorizer,
            clock=machine_clock,
            region=settings.region,
            keep=RowKeep(database) if database.shared else FileKeep(settings.data / "flow-windows.json"),
            trail=self.access.record,
            room=room,
            measures=measures,
            clock_steps=None if clock_steps is None else ClockSteps(),
        )
        self.jobs = Jobs(
            settings=settings,
            database=database,
            clock=clock,
            access=self.access,
            objects=self.objects,
            dispatcher=self.dispatcher,
            policies=policies,
            sizing=sizing,
            room=room,
            fleet=self.fleet,
            leases=leases,
            host_lost=self.flow_logs.interrupted,
            clock_steps=clock_steps,
        )
        self.endpoints = EndpointUpkeep(database, engines, clock, self._room_of_endpoints)
        self.exports = LogExports(database, self.objects.export_buckets, clock, settings.log_days)
        self.retention = Retention(database, settings, clock)
        self.key_upkeep = KeyUpkeep(database, clock)
        self.lifecycle = LifecycleLoop(backend, settings.lifecycle_day)
        self.state_events = state_event_loops(settings, database, clock, self.objects.store.put, room)
        self.traces = traces

    def _room_of_endpoints(self) -> Room | None:
        capacity = self.jobs.controller.capacity_of_all()
        if capacity is None:
            return None
        return Room(self.settings.endpoints_memory or capacity.memory_bytes // 2, capacity.memory_free)

    def first_start(self) -> None:
        """Create the resources that exist from the start; idempotent."""
        settings = self.settings
        self.access.trail.adopt_heads()
        first_administrator(self.database, settings.account, settings.region, settings.data / "credentials", self.clock)
        with self.database.transaction() as session:
            now = self.clock()
            default_vpc(session, settings.account, settings.region, now=now)
            service_bucket.ensure(session, settings.region, now)
            service_network.ensure(session, settings.region, now=now)

    def report(self, report: HostReport) -> None:
        """Take a host's report. Never blocks."""
        self.jobs.controller.report(report)
        if self.traces is not None:
            self.traces.report(report)

    def close(self) -> None:
        """Finish the running calls and take no more."""
        self.app.close()
        self.objects.close()
        self.meter.close()
        self.access.close()
        if self.traces is not None:
            self.traces.close()


def operation_table() -> OperationTable:
    """Return the operation table of a product without clients, for the reference and its tests."""
    from reading_room.s3.backends.memory import memory_backend

    settings = Settings()
    database = Database.open(None)
    database.create_tables()
    return Product(
        settings=settings,
        database=database,
        backend=memory_backend(database, settings.region, system_clock),
        engines=RealtimePool(lambda: None),
    ).dispatcher.table

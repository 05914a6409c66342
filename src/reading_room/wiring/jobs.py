"""Jobs, wired: the controller, the network that it prepares, the requests of containers, and custom models."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path

from reading_room.aws.dispatch import Dispatcher
from reading_room.clock import Clock, ClockSteps, MovableClock, system_clock
from reading_room.comprehend.flywheels.upkeep import FlywheelUpkeep
from reading_room.comprehend.models.metadata import check_metadata
from reading_room.comprehend.models.upkeep import ModelUpkeep
from reading_room.comprehend.network.preparation import NetworkPreparation
from reading_room.comprehend.network.storage_policy import StoragePolicies
from reading_room.comprehend.quotas import Quotas
from reading_room.comprehend.sizing import JobSizing
from reading_room.database.engine import Database
from reading_room.fleet.host_leases import HostLeases
from reading_room.fleet.members import Fleet
from reading_room.iam.container_credentials import ContainerCredentials, unchanged
from reading_room.jobs.cluster_identity import Authorities
from reading_room.jobs.controller import JobController
from reading_room.jobs.credentials import owners
from reading_room.jobs.job_log import JobLog
from reading_room.jobs.part_requests import PartRequests
from reading_room.jobs.placement import ByRoom, Placer
from reading_room.jobs.slurm.client import SlurmClient
from reading_room.jobs.slurm.placer import SlurmPlacer
from reading_room.jobs.slurm.slot import SlotSize
from reading_room.logs.room import LogRoom
from reading_room.settings import Settings
from reading_room.wiring.access import Access
from reading_room.wiring.objects import Objects


class Jobs:
    """Takes jobs and trainings from SUBMITTED to their end. ``dispatcher`` handles their roles' EC2 calls.

    ``host_lost`` is called when containers are lost with their host.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        database: Database,
        clock: Clock,
        access: Access,
        objects: Objects,
        dispatcher: Dispatcher,
        policies: StoragePolicies,
        sizing: JobSizing,
        room: LogRoom,
        fleet: Fleet,
        leases: HostLeases | None,
        host_lost: Callable[[str], None],
        clock_steps: ClockSteps | None = None,
    ) -> None:
        region = settings.region
        movable = clock if isinstance(clock, MovableClock) else None
        lifetime = dt.timedelta(seconds=settings.job_seconds)
        # Certificates are verified by the machine's clock.
        authorities = Authorities(database, clock if movable is None else system_clock, lifetime)
        network = NetworkPreparation(
            database=database,
            dispatcher=dispatcher,
            authorizer=access.authorizer,
            clock=clock,
            region=region,
            policies=policies,
        )
        self.slurm = _slurm(settings, database)
        """The loop of the driver that asks Slurm for slots, ``None`` if another driver places containers."""
        placer: Placer = ByRoom("pack" if settings.placement == "pack" else "spread")
        self.controller = JobController(
            database=database,
            settings=settings,
            clock=clock,
            network=network,
            store=objects.store,
            denials=access.s3.recent_denial,
            storyteller=JobLog(region=region, clock=clock, room=room),
            check_model=check_metadata,
            sizing=sizing,
            identities=authorities,
            pause_reason=access.trail.fault,
            clock_steps=clock_steps,
            members=fleet.members,
            leases=leases,
            host_lost=host_lost,
            placer=placer if self.slurm is None else self.slurm,
        )
        if self.slurm is not None:
            self.slurm.on_change(self.controller.wake)
        self.container_credentials = ContainerCredentials(
            database=database,
            owner_of=owners(database),
            clock=clock,
            trail=access.record,
            cluster=PartRequests(database, authorities, clock),
            gate=access.trail.check,
            machine_time=unchanged if movable is None else movable.machine_time,
            organization=access.authorizer.organization,
        )
        self.models = ModelUpkeep(database, objects.store, clock)
        self.flywheels = FlywheelUpkeep(database, clock, access.trail, Quotas(settings, clock).flywheels)


def _slurm(settings: Settings, database: Database) -> SlurmPlacer | None:
    if settings.placement != "slurm":
        return None
    return SlurmPlacer(SlurmClient(Path(settings.slurm_socket)), database, SlotSize.of(settings), os.geteuid())

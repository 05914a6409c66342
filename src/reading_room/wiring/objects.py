"""S3, wired: the endpoint outside VPCs, the one inside, and the object store for the rest of the service."""

from __future__ import annotations

from reading_room.clock import Clock
from reading_room.hosts.listen_addresses import certificate_names
from reading_room.s3.backend import Backend
from reading_room.s3.log_delivery import LogBuckets
from reading_room.s3.log_exports import S3ExportBuckets
from reading_room.s3.server import S3Application
from reading_room.s3.store import ObjectStore
from reading_room.settings import Settings
from reading_room.wiring.access import Access


class Objects:
    """Serves S3, and writes objects for the service itself: job results, flow logs, exported logs."""

    def __init__(
        self, *, settings: Settings, backend: Backend, access: Access, clock: Clock, machine_clock: Clock
    ) -> None:
        """``machine_clock`` is the clock by which clients sign."""
        self._settings = settings
        self._backend = backend
        self._access = access
        self._clock = clock
        self._machine_clock = machine_clock
        region = settings.region
        self.store = ObjectStore(
            backend=backend, authorization=access.s3, clock=clock, region=region, trail=access.trail.record
        )
        self.app = self._application(vpc_only=False)
        self.app_in_vpcs = self._application(vpc_only=True)
        self.log_buckets = LogBuckets(backend=backend, authorization=access.s3, region=region, clock=clock)
        self.export_buckets = S3ExportBuckets(
            backend=backend, authorization=access.s3, store=self.store, region=region, clock=clock
        )

    def _application(self, *, vpc_only: bool) -> S3Application:
        access = self._access
        return S3Application(
            self._backend,
            access.credentials,
            access.s3,
            region=self._settings.region,
            clock=self._clock,
            machine_clock=self._machine_clock,
            base_hosts={*certificate_names(self._settings), self._settings.host},
            vpc_only=vpc_only,
            throttle=access.throttle,
            trail=access.record,
            refusals=access.refusals,
            gate=access.trail.check,
            measures=access.measures,
        )

    def close(self) -> None:
        """Finish the running requests and take no more."""
        self.app.close()
        self.app_in_vpcs.close()

"""What runs in a server's process: the product, its loops, its listeners, and the connections to the agents."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from reading_room.agent.spec import Capacity
from reading_room.agent.underlay_addresses import read_addresses
from reading_room.clock import Clock, ClockSteps, system_clock
from reading_room.database import shared_files
from reading_room.database.engine import Database
from reading_room.database.outside import LOOK_SECONDS, OutsideWrites
from reading_room.fleet.host_listeners import ANNOUNCE_SECONDS, HostListeners
from reading_room.fleet.leadership import Leadership, LeasedLeadership, OnlyProcess, ignored
from reading_room.flowlogs.deliver import FlowLogDelivery
from reading_room.hosts.engine_calls import SharedEngines
from reading_room.hosts.listen_addresses import (
    HOSTS_OPTION,
    ListenAddressError,
    ListenerCertificate,
    bound,
    hosts_address,
)
from reading_room.hosts.pressure import BEAT_SECONDS as PULSE_SECONDS
from reading_room.hosts.public_fronts import PublicFronts
from reading_room.hosts.public_listener import PublicListener
from reading_room.hosts.readiness import leader_check, objects_check
from reading_room.iam.credentials_file import KeyNotWritten
from reading_room.jobs.controller import JobController
from reading_room.measures import IGNORED
from reading_room.reconcile import Loop, PeriodicWork
from reading_room.s3 import service_bucket
from reading_room.s3.backends.opening import open_backend
from reading_room.s3.backends.place import Bucket, PlaceError
from reading_room.s3.servers import BEAT_SECONDS
from reading_room.settings import Settings
from reading_room.traces.recorder import Traces
from reading_room.traces.spool import FOLDER as TRACES_FOLDER
from reading_room.traces.spool import Spool
from reading_room.wiring.leader import OthersError, capacity_in, check_listeners, check_others, facts_of
from reading_room.wiring.membership import Members
from reading_room.wiring.network import HostLink
from reading_room.wiring.product import Product
from reading_room.wiring.sockets import Listener, open_listeners

log = logging.getLogger(__name__)

CERTIFICATE_SECONDS = 1.0
"""How often the certificate of HTTPS is checked for changes."""
CONDITIONS_SECONDS = 15.0
"""How often the conditions of readiness are checked for the log if nobody asks for them."""
DRAIN_SECONDS = 3.0
"""How long requests in progress may take to finish when the server ends."""


class ServerError(Exception):
    """The server cannot start; the message says why and what to change."""


class RunningServer:
    """Everything that runs in this process. Its methods are called in order, in the event loop."""

    def __init__(
        self, settings: Settings, database: Database, clock: Clock, bucket: Bucket | None, server: str
    ) -> None:
        """Build the product. ``server`` is the identity of the data folder. Raises ``ServerError``."""
        self._settings = settings
        self._database = database
        self._server = server
        try:
            self._objects = open_backend(settings, database, clock, bucket)
        except PlaceError as error:
            raise ServerError(str(error)) from error
        self._leadership: Leadership = self._open_leadership()
        self._link = HostLink(settings, database, self._leads)
        self._metrics = None
        if settings.metrics_port:
            from reading_room.wiring.metrics import Metrics  # Nobody else needs its package in memory.

            self._metrics = Metrics()
        self._traces = None
        if settings.traces:
            spool = Spool(settings.data / TRACES_FOLDER)
            self._traces = Traces(database, spool, settings.traces_share, leads=self._leads)
        self._engines = SharedEngines(database, self._link.engines, self._leads)
        self._product = self._build(clock)
        jobs = self._product.jobs
        self._of_leader: list[Loop | JobController | PeriodicWork | HostLink] = [
            *(jobs.controller, jobs.models, jobs.flywheels),
            *(self._product.endpoints, self._product.exports, self._product.retention),
            *(self._product.key_upkeep, self._product.lifecycle),
            *self._product.state_events,
            *([] if jobs.slurm is None else [jobs.slurm]),
            *([self._engines.loop] if database.shared else []),
            # Reports of the agent wake the other loops, so the link to it starts last and stops first.
            self._link,
        ]
        self._loops: list[Loop | PeriodicWork | Traces] = []
        self._listeners: Sequence[Listener] = ()
        self._fronts: PublicFronts | None = None
        self._certificate: ListenerCertificate | None = None
        self._for_hosts: tuple[socket.socket, Members] | None = None
        self._steps_aside = False
        """Whether this process is about to leave the lead to another one."""
        self._places = HostListeners(database, server, settings.hosts_listen, lambda: _exists(settings.agent_socket))

    def _open_leadership(self) -> Leadership:
        if not self._database.shared:
            return OnlyProcess(self._settings.hosts_listen)
        shares = bool(self._settings.objects)
        try:
            check_others(self._database, self._server, shares_objects=shares)
        except OthersError as error:
            raise ServerError(str(error)) from error
        return LeasedLeadership(
            self._database,
            self._server,
            url=self._settings.hosts_listen,
            facts=lambda: facts_of(shares, self._product.jobs.controller.capacity_of_all()),
        )

    def _leads(self) -> bool:
        return self._leadership.fence is not None

    def _build(self, clock: Clock) -> Product:
        shared, fault = self._database.shared, self._objects.fault
        return Product(
            settings=self._settings,
            database=self._database,
            backend=self._objects.backend,
            engines=self._engines if shared else self._link.engines,
            clock=clock,
            host=(
                leader_check(self._leads, lambda: self._leadership.url() is not None),
                *self._link.checks,
                *(() if fault is None else (objects_check(fault),)),
            ),
            measures=self._metrics.measures if self._metrics is not None else IGNORED,
            # The clock of tests does not follow the machine's while it stands still.
            clock_steps=ClockSteps(self._settings.data / "clock-ahead") if clock is system_clock else None,
            traces=self._traces,
            server=self._server if shared else "",
            leases=self._link.leases,
            capacity_of_leader=lambda: capacity_in(self._leadership.facts()),
        )

    async def open(self) -> None:
        """Do what a first start does, and open the sockets of all listeners. Raises ``ServerError``."""
        settings, database, product = self._settings, self._database, self._product
        received = shared_files.contents(settings.data)
        try:
            await asyncio.to_thread(product.first_start)
        except service_bucket.ServiceBucketTaken as error:
            raise ServerError(str(error)) from error
        except KeyNotWritten as error:
            raise ServerError(f"{error}: make room there, and start again") from error
        self._link.connect(product, asyncio.get_running_loop())
        if database.shared:
            product.access.messages.prepare()
            shared_files.exchange(database, settings.data, received)
        metrics, backend = self._metrics, self._objects.backend
        try:
            self._listeners, self._certificate = open_listeners(
                settings,
                product.app,
                database.sealer,
                lambda name: backend.bucket(name) is not None,
                None if metrics is None else lambda found: metrics.page(product, self._link, found),
            )
            self._for_hosts = await asyncio.to_thread(_for_hosts, settings, database, self._link)
            if database.shared:
                check_listeners(await asyncio.to_thread(self._places.others), settings.hosts_listen)
        except (ListenAddressError, OthersError) as error:
            raise ServerError(str(error)) from error

    async def start(self) -> None:
        """Accept calls, and start the loops."""
        await self._begin_to_lead()
        for listener in self._listeners:
            await listener.serving.start()
        fronted = {each.name: each.serving for each in self._listeners if isinstance(each.serving, PublicListener)}
        if fronted:
            self._fronts = PublicFronts(self._settings.agent_socket, fronted)
            self._fronts.start()
        # Objects from the start-up live as long as the process, so the collector need not check them even once.
        gc.freeze()
        _return_freed_memory()
        self._loops = self._loops_of_process()
        self._database.listen()
        for each in self._loops:
            each.start()
        for work in self._of_leader:
            work.start(self._leadership.turn)
        await self._accept_hosts()
        log.info("serving %s", " and ".join(listener.address.url for listener in self._listeners))

    async def _begin_to_lead(self) -> None:
        leadership = self._leadership
        if self._database.shared:  # Otherwise nobody has moved anything since this process began.
            leadership.on_change(_if_leading(self._product.jobs.controller.begin))
            leadership.on_change(_if_leading(self._product.flow_logs.begin))
            if self._product.jobs.slurm is not None:
                leadership.on_change(_if_leading(self._product.jobs.slurm.begin))
        leadership.on_change(self._link.lead)
        for work in self._of_leader:
            leadership.on_change(ignored, work.wake)
        await asyncio.to_thread(leadership.start)

    def _loops_of_process(self) -> list[Loop | PeriodicWork | Traces]:
        """Return the loops that run whether this process leads or not."""
        product, database, objects = self._product, self._database, self._objects
        found: list[Loop | PeriodicWork | Traces | None] = [
            None if objects.turn is None else Loop("shared objects", objects.turn, every=BEAT_SECONDS),
            Loop("pulse", product.pulse.beat, every=PULSE_SECONDS),
            Loop("conditions", _once_started(product.probes.look), every=CONDITIONS_SECONDS),
            product.meter,
            Loop("outside writes", OutsideWrites(database).look, every=LOOK_SECONDS),
        ]
        if self._certificate is not None:
            found.append(_renewal(self._certificate, self._listeners, asyncio.get_running_loop()))
        found += [None if product.rates is None else product.rates.loop, self._traces]
        if self._for_hosts is not None and database.shared:
            listed = Loop("listener for hosts", self._announce, every=ANNOUNCE_SECONDS)
            self._leadership.on_change(ignored, listed.wake)
            found.append(listed)
        return [each for each in found if each is not None]

    def _announce(self) -> None:
        self._places.announce()
        if self._places.other_should_lead(leads=self._leads()):
            log.warning("this process has no agent: it leaves the lead to one that has")
            self._steps_aside = True
            try:
                # What agents observe from now on, they keep for the next leader.
                self._link.lead(None)
                _close_windows(self._leadership, self._product.flow_logs)
            finally:
                self._leadership.step_aside()
                self._steps_aside = False

    def _leader_elsewhere(self) -> str | None:
        """Return where hosts reach the leader: ``None`` if it is this process, an empty text if nobody leads now."""
        if self._steps_aside:
            return ""
        return None if self._leads() else self._leadership.url() or ""

    def _no_longer_listed(self) -> None:
        try:
            self._places.announce(seconds=0)
        except SQLAlchemyError as error:
            log.warning("this process is listed among those that hosts can find until its time is over: %s", error)

    async def _accept_hosts(self) -> None:
        if self._for_hosts is None:
            return
        sock, members = self._for_hosts
        context = await asyncio.to_thread(members.context)
        self._link.joined.listen(
            sock,
            context,
            members,
            leader=self._leader_elsewhere,
            places=self._places.others if self._database.shared else tuple,
            keep_first=members.keep_first,
        )
        log.info("hosts of this installation connect to %s", self._settings.hosts_listen)

    async def end(self) -> None:
        """End everything; requests in progress may take ``DRAIN_SECONDS``."""
        await asyncio.gather(*(listener.serving.drain(DRAIN_SECONDS) for listener in self._listeners))
        if self._fronts is not None:
            self._fronts.close()
        for work in reversed(self._of_leader):
            await asyncio.to_thread(work.stop)
        for each in reversed(self._loops):
            await asyncio.to_thread(each.stop)
        if self._for_hosts is not None and self._database.shared:
            await asyncio.to_thread(self._no_longer_listed)
        self._link.close()
        self._engines.close()
        await asyncio.to_thread(_close_windows, self._leadership, self._product.flow_logs)
        await asyncio.to_thread(self._leadership.stop)
        if self._metrics is not None:
            self._metrics.close()
        await asyncio.to_thread(self._product.close)
        self._objects.backend.close()
        self._objects.close()
        self._database.close()


def _for_hosts(settings: Settings, database: Database, link: HostLink) -> tuple[socket.socket, Members] | None:
    """Return what the listener for hosts needs, ``None`` if no host can join. Raises ``ListenAddressError``."""
    address = hosts_address(settings)
    if address is None:
        return None

    def capacity() -> Capacity | None:
        # This process must not read the files that say it.
        report = link.report()
        return None if report is None else report.capacity

    def addresses() -> Mapping[str, int]:
        # Nor may it enter the namespace of an underlay without encryption.
        report = link.report()
        return {} if report is None else {each.address: each.mtu for each in report.underlay}

    known = read_addresses if settings.underlay == "encrypted" else addresses
    return bound(address, HOSTS_OPTION, HOSTS_OPTION), Members(settings, database, capacity, known)


def _exists(socket: Path) -> bool:
    """Return whether a socket exists."""
    try:
        return socket.is_socket()
    except OSError:
        return False


def _if_leading(begin: Callable[[], None]) -> Callable[[int | None], None]:
    """Return a listener that calls a function when this process begins to lead."""
    return lambda fence: None if fence is None else begin()


def _close_windows(leadership: Leadership, flow_logs: FlowLogDelivery) -> None:
    """Deliver the records of open windows, which would be lost with this process."""
    with leadership.turn() as allowed:
        if allowed:
            flow_logs.close(system_clock())


def _once_started(look: Callable[[], None]) -> Callable[[], None]:
    """Return a turn that does nothing at first, because no agent is connected yet when the server starts."""
    began = time.monotonic()

    def turn() -> None:
        if time.monotonic() - began >= CONDITIONS_SECONDS / 2:
            look()

    return turn


def _return_freed_memory() -> None:
    """Return to the kernel what starting has freed. Does nothing where the C library is not glibc."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _renewal(
    certificate: ListenerCertificate,
    opened: Sequence[Listener],
    loop: asyncio.AbstractEventLoop,
) -> Loop:
    """Return the loop that gives listeners with TLS a new certificate when there is one."""

    def renew() -> None:
        if (renewed := certificate.renewed()) is not None:
            log.info("HTTPS uses a new certificate from now on")
            for listener in opened:
                loop.call_soon_threadsafe(listener.renew, renewed)

    return Loop("certificate", renew, every=CERTIFICATE_SECONDS)

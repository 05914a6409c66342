"""The server: the product with its loops, its listeners and the connection to the agent, until SIGTERM."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence

import uvloop

from reading_room.agent.spec import Capacity
from reading_room.agent.underlay_addresses import read_addresses
from reading_room.analysis.kinds import CONTAINER_BYTES
from reading_room.clock import Clock, ClockSteps, system_clock
from reading_room.codec import DocumentError
from reading_room.database import shared_files
from reading_room.database.engine import Database
from reading_room.database.opening import open_database
from reading_room.database.outside import LOOK_SECONDS, OutsideWrites
from reading_room.fleet.host_listeners import ANNOUNCE_SECONDS, HostListeners
from reading_room.fleet.identity import FolderInUse, ServerIdentity
from reading_room.fleet.leadership import Leadership, LeasedLeadership, OnlyProcess, ignored
from reading_room.flowlogs.deliver import FlowLogDelivery
from reading_room.hosts.engine_calls import SharedEngines
from reading_room.hosts.http_listener import HttpListener
from reading_room.hosts.listen_addresses import (
    HOSTS_OPTION,
    ListenAddress,
    ListenAddressError,
    ListenerCertificate,
    bound,
    hosts_address,
)
from reading_room.hosts.pressure import BEAT_SECONDS as PULSE_SECONDS
from reading_room.hosts.readiness import leader_check, objects_check
from reading_room.jobs.controller import JobController
from reading_room.jobs.restored import begin_again
from reading_room.measures import IGNORED
from reading_room.reconcile import Loop, PeriodicWork
from reading_room.s3 import service_bucket
from reading_room.s3.backends.opening import open_backend
from reading_room.s3.backends.place import Bucket, PlaceError
from reading_room.s3.servers import BEAT_SECONDS
from reading_room.sealing import Sealer
from reading_room.settings import Settings, kind_variable
from reading_room.traces.recorder import Traces
from reading_room.traces.spool import FOLDER as TRACES_FOLDER
from reading_room.traces.spool import Spool
from reading_room.vpc.gateways.elastic_addresses import overlaps_with_services
from reading_room.wiring.for_tests import KeptClock
from reading_room.wiring.leader import OthersError, capacity_in, check_others, facts_of
from reading_room.wiring.membership import Members
from reading_room.wiring.network import HostLink
from reading_room.wiring.product import Product
from reading_room.wiring.sockets import open_listeners

log = logging.getLogger(__name__)

SWITCH_SECONDS = 0.0005
"""How long a busy thread runs before another one may. Python's default of 5 ms would be added twice to the answer of
each call that changes the network, because the spec of the host is read at the same time."""
CERTIFICATE_SECONDS = 1.0
"""How often the certificate of HTTPS is checked for changes."""
CONDITIONS_SECONDS = 15.0
"""How often the conditions of readiness are checked for the log if nobody asks for them."""
DRAIN_SECONDS = 3.0
"""How long requests in progress may take to finish when the server ends."""


class ServerError(Exception):
    """The server cannot start; the message says why and what to change."""


def run_server(
    settings: Settings,
    sealer: Sealer,
    working: Callable[[], None],
    ready: Callable[[], None],
    bucket: Bucket | None = None,
) -> None:
    """Serve until SIGTERM. ``working`` is called before work that may take minutes, ``ready`` once calls are accepted.

    ``bucket`` is where the settings put the bytes of objects, if in an S3 service.

    Raises ``ServerError``, ``SchemaError``, ``WrongRootKey`` and ``SealBroken``.
    """
    overlapped = overlaps_with_services(settings.elastic_ip_pool)
    if overlapped is not None:
        raise ServerError(
            f"READING_ROOM_ELASTIC_IP_POOL={settings.elastic_ip_pool} overlaps {overlapped}, where the services' own "
            "public addresses are: choose another network"
        )
    for kind in settings.container_input:
        if kind not in CONTAINER_BYTES:
            known = ", ".join(kind_variable("container_input", each) for each in CONTAINER_BYTES)
            name = kind_variable("container_input", kind)
            raise ServerError(f"{name} is the setting of no kind that has several containers: choose one of {known}")
    sys.setswitchinterval(SWITCH_SECONDS)
    if settings.testing_seed and settings.testing == "off":
        raise ServerError(
            "READING_ROOM_TESTING_SEED is only for tests: set READING_ROOM_TESTING=on too, or leave the seed out"
        )
    try:
        identity = ServerIdentity(settings.data)
    except FolderInUse as error:
        raise ServerError(str(error)) from error
    database = open_database(settings.data, sealer, working, url=settings.database)
    clock: Clock = system_clock
    if settings.testing == "on":
        database.leave_syncs_out()
        try:
            clock = KeptClock(settings)
        except (OSError, DocumentError) as error:
            raise ServerError(
                f"the clock of tests cannot be continued ({error}): start with an empty folder"
            ) from error
    begin_again(database, settings.data, clock())
    if database.shared:
        shared_files.receive(database, settings.data)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, database, clock, ready, bucket, identity))
    identity.close()


async def _serve(
    settings: Settings,
    database: Database,
    clock: Clock,
    ready: Callable[[], None],
    bucket: Bucket | None,
    identity: ServerIdentity,
) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        objects = open_backend(settings, database, clock, bucket)
    except PlaceError as error:
        raise ServerError(str(error)) from error
    backend = objects.backend
    capacities: list[Callable[[], Capacity | None]] = []
    leadership: Leadership = OnlyProcess(settings.hosts_listen)
    if database.shared:
        try:
            check_others(database, identity.id, shares_objects=bool(settings.objects))
        except OthersError as error:
            raise ServerError(str(error)) from error
        leadership = LeasedLeadership(
            database,
            identity.id,
            url=settings.hosts_listen,
            facts=lambda: facts_of(bool(settings.objects), *(each() for each in capacities)),
        )

    def leads() -> bool:
        return leadership.fence is not None

    link = HostLink(settings, database, leads)
    metrics = None
    if settings.metrics_port:
        from reading_room.wiring.metrics import Metrics  # Nobody else needs its package in memory.

        metrics = Metrics()
    traces = None
    if settings.traces:
        traces = Traces(database, Spool(settings.data / TRACES_FOLDER), settings.traces_share, leads=leads)
    engines = SharedEngines(database, link.engines, leads)
    product = Product(
        settings=settings,
        database=database,
        backend=backend,
        engines=engines if database.shared else link.engines,
        clock=clock,
        host=(
            leader_check(leads, lambda: leadership.url() is not None),
            *link.checks,
            *(() if objects.fault is None else (objects_check(objects.fault),)),
        ),
        measures=metrics.measures if metrics is not None else IGNORED,
        # The clock of tests does not follow the machine's while it stands still.
        clock_steps=ClockSteps(settings.data / "clock-ahead") if clock is system_clock else None,
        traces=traces,
        server=identity.id if database.shared else "",
        leases=link.leases,
        capacity_of_leader=lambda: capacity_in(leadership.facts()),
    )
    capacities.append(product.jobs.controller.capacity_of_all)
    received = shared_files.contents(settings.data)
    try:
        await asyncio.to_thread(product.first_start)
    except service_bucket.ServiceBucketTaken as error:
        raise ServerError(str(error)) from error
    link.connect(product, loop)
    if database.shared:
        product.access.messages.prepare()
        shared_files.exchange(database, settings.data, received)
    try:
        opened, certificate = open_listeners(
            settings,
            product.app,
            database.sealer,
            lambda name: backend.bucket(name) is not None,
            None if metrics is None else lambda found: metrics.page(product, link, found),
        )
        for_hosts = await asyncio.to_thread(_for_hosts, settings, database, link)
    except ListenAddressError as error:
        raise ServerError(str(error)) from error
    jobs = product.jobs
    of_leader: list[Loop | JobController | PeriodicWork | HostLink] = [
        *(jobs.controller, jobs.models, product.exports, product.retention),
        *([engines.loop] if database.shared else []),
        link,
    ]
    if database.shared:  # Otherwise nobody has moved anything since this process began.
        leadership.on_change(_if_leading(jobs.controller.begin))
        leadership.on_change(_if_leading(product.flow_logs.begin))
    leadership.on_change(link.lead)
    for work in of_leader:
        leadership.on_change(ignored, work.wake)
    await asyncio.to_thread(leadership.start)
    for _, listener in opened:
        await listener.start()
    # Objects from the start-up live as long as the process, so the collector need not check them even once.
    gc.freeze()
    _return_freed_memory()
    renewal = None if certificate is None else _renewal(certificate, opened, loop)
    outside = Loop("outside writes", OutsideWrites(database).look, every=LOOK_SECONDS)
    database.listen()
    pulse = Loop("pulse", product.pulse.beat, every=PULSE_SECONDS)
    conditions = Loop("conditions", _once_started(product.probes.look), every=CONDITIONS_SECONDS)
    sharing = None if objects.turn is None else Loop("shared objects", objects.turn, every=BEAT_SECONDS)
    rates = None if product.rates is None else product.rates.loop
    listeners, announcing = HostListeners(database, identity.id, settings.hosts_listen), None
    if for_hosts is not None and database.shared:
        announcing = Loop("listener for hosts", listeners.announce, every=ANNOUNCE_SECONDS)
    every = (sharing, pulse, conditions, product.meter, outside, renewal, rates, traces, announcing)
    loops = [each for each in every if each is not None]
    for each in loops:
        each.start()
    # Reports of the agent wake the other loops, so the link to it starts last and stops first.
    for work in of_leader:
        work.start(leadership.turn)
    if for_hosts is not None:
        sock, members = for_hosts
        context = await asyncio.to_thread(members.context)
        link.joined.listen(
            sock,
            context,
            members,
            leader=lambda: None if leads() else leadership.url() or "",
            places=listeners.others if database.shared else tuple,
            keep_first=members.keep_first,
        )
        log.info("hosts of this installation connect to %s", settings.hosts_listen)
    ready()
    log.info("serving %s", " and ".join(address.url for address, _ in opened))
    try:
        await stop.wait()
    finally:
        await asyncio.gather(*(listener.drain(DRAIN_SECONDS) for _, listener in opened))
        for work in reversed(of_leader):
            await asyncio.to_thread(work.stop)
        for each in reversed(loops):
            await asyncio.to_thread(each.stop)
        link.close()
        engines.close()
        await asyncio.to_thread(_close_windows, leadership, product.flow_logs)
        await asyncio.to_thread(leadership.stop)
        if metrics is not None:
            metrics.close()
        await asyncio.to_thread(product.close)
        backend.close()
        objects.close()
        database.close()


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
    opened: Sequence[tuple[ListenAddress, HttpListener]],
    loop: asyncio.AbstractEventLoop,
) -> Loop:
    """Return the loop that gives listeners with TLS a new certificate when there is one."""

    def renew() -> None:
        if (renewed := certificate.renewed()) is not None:
            log.info("HTTPS uses a new certificate from now on")
            for address, listener in opened:
                if address.secure:
                    loop.call_soon_threadsafe(listener.renew, renewed)

    return Loop("certificate", renew, every=CERTIFICATE_SECONDS)

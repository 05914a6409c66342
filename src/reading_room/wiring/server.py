"""The server: the product with its loops and the conversation with the agent, until it is told to end."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
import threading
from collections.abc import Callable

import uvloop

from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.database.opening import open_database
from reading_room.database.outside import LOOK_SECONDS, OutsideWrites
from reading_room.hosts import authority
from reading_room.hosts.authority import Certificates
from reading_room.hosts.channel import AgentConnection
from reading_room.hosts.desired import DesiredHost
from reading_room.hosts.listen_addresses import ListenAddressError
from reading_room.hosts.listeners import VpcListeners
from reading_room.hosts.names import VpcNames, bucket_names
from reading_room.hosts.readiness import host_checks
from reading_room.hosts.realtime import RealtimePool
from reading_room.hosts.server_side import ServerSide
from reading_room.jobs.record import LOCAL_HOST
from reading_room.jobs.tables import WISH_TABLES
from reading_room.reconcile import Loop
from reading_room.s3 import service_bucket
from reading_room.s3.backends.files import file_backend
from reading_room.s3.space import SpaceLimits
from reading_room.sealing import Sealer
from reading_room.settings import Settings
from reading_room.vpc.gateways.elastic_addresses import overlaps_with_services
from reading_room.vpc.network_spec import NETWORK_TABLES
from reading_room.wiring.product import Product
from reading_room.wiring.sockets import open_doors

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
        authority=authority.prepare(settings.data / "authority", settings.region, system_clock(), database.sealer),
        region=settings.region,
        own_names=lambda vpc_endpoint_id: bucket_names(database, settings.region, vpc_endpoint_id),
        clock=system_clock,
    )
    listeners = VpcListeners(
        s3=product.s3_in_vpcs,
        api=product.app,
        resolver=VpcNames(database),
        credentials=product.container_credentials,
        certificate=certificates.pem,
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
        loop=loop,
        listeners=listeners,
        realtime=pool,
        take_report=product.controller.report,
        take_flows=product.flow_logs.record,
        interfaces_seen=product.flow_logs.interfaces_seen,
        interface_gone=interface_gone,
        agent_replaced=product.flow_logs.interrupted,
    )
    agent = AgentConnection(settings.installation.socket, server_side)
    desired = DesiredHost(database=database, settings=settings, host=LOCAL_HOST, realtime=pool.wish)

    def changed(tables: frozenset[str]) -> None:
        if tables & WISH_TABLES:
            wishes.hurry()
        elif tables & NETWORK_TABLES:
            wishes.wake()

    database.on_commit(changed)
    try:
        opened, certificate = open_doors(
            settings, product.app, database.sealer, lambda name: backend.bucket(name) is not None
        )
    except ListenAddressError as error:
        raise ServerError(str(error)) from error
    for _, listener in opened:
        await listener.start()

    def renew_certificate() -> None:
        if certificate is not None and (renewed := certificate.renewed()) is not None:
            log.info("HTTPS has another certificate from now on")
            for listen_address, listener in opened:
                if listen_address.secure:
                    loop.call_soon_threadsafe(listener.renew, renewed)

    renewal = Loop("certificate", renew_certificate, every=CERTIFICATE_SECONDS)
    ended = threading.Event()
    conversation = threading.Thread(target=agent.run, args=(ended,), name="agent-connection", daemon=True)
    # What start-up made lives as long as the process: the collector need not walk it again and again.
    gc.collect()
    gc.freeze()
    product.controller.start()
    product.models.start()
    product.logs.start()
    wishes.start()
    flow_logs.start()
    outside.start()
    if certificate is not None:
        renewal.start()
    conversation.start()
    ready()
    log.info("serving %s", " and ".join(listen_address.url for listen_address, _ in opened))
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
            product.logs,
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

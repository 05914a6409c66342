"""The server: the checks before its start, and its process until SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable

import uvloop

from reading_room.analysis.kinds import CONTAINER_BYTES
from reading_room.clock import Clock, system_clock
from reading_room.codec import DocumentError
from reading_room.database import shared_files
from reading_room.database.engine import Database
from reading_room.database.opening import open_database
from reading_room.fleet.identity import FolderInUse, ServerIdentity
from reading_room.jobs.restored import begin_again
from reading_room.s3.backends.place import Bucket
from reading_room.sealing import Sealer
from reading_room.setting_values import kind_variable
from reading_room.settings import Settings
from reading_room.vpc.gateways.elastic_addresses import overlaps_with_services
from reading_room.wiring.for_tests import KeptClock
from reading_room.wiring.running import RunningServer, ServerError

SWITCH_SECONDS = 0.0005
"""How long a busy thread runs before another one may. Python's default of 5 ms would be added twice to the answer of
each call that changes the network, because the spec of the host is read at the same time."""


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
        runner.run(_serve(settings, database, clock, ready, bucket, identity.id))
    identity.close()


async def _serve(
    settings: Settings,
    database: Database,
    clock: Clock,
    ready: Callable[[], None],
    bucket: Bucket | None,
    server: str,
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    running = RunningServer(settings, database, clock, bucket, server)
    await running.open()
    await running.start()
    ready()
    try:
        await stop.wait()
    finally:
        await running.end()

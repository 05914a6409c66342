"""The agents, wired: each gets the spec of its host, and its reports go to the modules that need them."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from reading_room.agent.spec import HostReport
from reading_room.aws.probes import Check
from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.fleet.host_leases import HostLeases
from reading_room.fleet.tables import HostRow
from reading_room.fleet.tunnel_keys import TunnelKeys
from reading_room.hosts import authority
from reading_room.hosts.authority import Certificates
from reading_room.hosts.channel import AgentConnection
from reading_room.hosts.desired import DesiredHosts
from reading_room.hosts.engines_of_hosts import EnginesOfHosts
from reading_room.hosts.listeners import VpcListeners
from reading_room.hosts.names import VpcNames, bucket_names
from reading_room.hosts.readiness import host_checks
from reading_room.hosts.realtime import Bounds, RealtimePool
from reading_room.hosts.realtime_models import Artifacts, stored_artifact
from reading_room.hosts.server_side import ServerSide
from reading_room.jobs.record import LOCAL_HOST
from reading_room.jobs.tables import CONTAINER_TABLES
from reading_room.reconcile import Guard, Loop, always
from reading_room.settings import Settings
from reading_room.vpc.network_spec import NETWORK_TABLES
from reading_room.vpc.tables import INTERFACE_TABLES, UNATTACHED
from reading_room.wiring.joined_hosts import JoinedHosts
from reading_room.wiring.product import Product

SPEC_SECONDS = 1.0
"""How often a spec is read without a signal."""
SPEC_REST, SPEC_APART = 3.0, 0.03
"""The pause between two specs, unless a container waits for the second: as a multiple of the time that the first one
took, if that was long, and in seconds."""


def urgency(tables: frozenset[str]) -> Literal["at once", "soon", "can wait"]:
    """Return when hosts need a spec after a commit that announced these names. What can wait, waits about a second.

    An interface that is attached to nothing sends no packet, and nobody receives those for its address. So a client
    that makes and deletes many has the tables read once a second, rather than for each.
    """
    container, network = bool(tables & CONTAINER_TABLES), tables & NETWORK_TABLES
    # A container gets its interface, or loses it; or a host joins, leaves, or begins another epoch.
    if (container and network) or HostRow.__tablename__ in tables:
        return "at once"
    if container or (network and not (UNATTACHED in tables and network <= INTERFACE_TABLES)):
        return "soon"
    return "can wait"


class HostLink:
    """The connections to the agents of this host and of joined ones: specs go out, reports and requests come in.

    The product needs ``engines`` and ``checks``; it is then passed to ``connect``.
    """

    def __init__(self, settings: Settings, database: Database, leads: Callable[[], bool] = lambda: True) -> None:
        """``leads`` says whether this process leads now: no other one has a connection to the agent."""
        self.leads = leads
        self._settings = settings
        self._database = database
        # A turn reads all accounts' networks: with thousands of interfaces, successive changes would keep it busy.
        self._spec_loop = Loop("spec", self._send, every=SPEC_SECONDS, rest=SPEC_REST, apart=SPEC_APART)
        self._pool = self._new_pool(lambda: self._server_side.state.lacks())
        self.engines = EnginesOfHosts(self._pool)
        self.checks: Sequence[Check] = host_checks(
            lambda: self._server_side.state, leads=leads, others=lambda: self._desired.taking_elsewhere()
        )
        self.leases = HostLeases(database)
        self._ended = threading.Event()
        self._authority: authority.Authority
        self._server_side: ServerSide
        self._agent: AgentConnection
        self._desired: DesiredHosts
        self._listeners: VpcListeners
        self.joined: JoinedHosts
        """The other hosts."""
        self._in_turn_of_jobs: Callable[[], bool]
        self._artifacts: Artifacts

    def connect(self, product: Product, loop: asyncio.AbstractEventLoop) -> None:
        """Prepare the connection for a product whose VPC listeners run in ``loop``."""
        settings, database = self._settings, self._database
        self._authority = authority.prepare(
            settings.data / "authority", settings.region, system_clock(), database.sealer
        )
        certificates = Certificates(
            authority=self._authority,
            region=settings.region,
            own_names=lambda vpc_endpoint_id: bucket_names(database, settings.region, vpc_endpoint_id),
            clock=system_clock,
        )

        def listeners() -> VpcListeners:
            return VpcListeners(
                s3=product.objects.app_in_vpcs,
                api=product.app,
                resolver=VpcNames(database),
                credentials=product.jobs.container_credentials,
                certificate=certificates.pem,
            )

        def deliver_flow_logs() -> None:
            if product.access.trail.fault() is None:  # Otherwise its calls would not be recorded.
                product.flow_logs.turn(system_clock())

        self._flow_logs = Loop("flow logs", deliver_flow_logs, every=1.0)

        def interface_gone(interface_id: str) -> None:
            product.flow_logs.interface_deleted(interface_id)
            self._flow_logs.wake()

        keys = TunnelKeys(database, product.fleet)

        def take_report(host: str, report: HostReport) -> None:
            if report.generation > 0:
                keys.reported(host, report.tunnel_key, report.tunnel_port)
            if self._desired.behind(report):
                self._spec_loop.hurry()
            elif self._desired.waits():
                self._spec_loop.wake()
            product.report(report)

        def server_side(host: str, listeners: VpcListeners, engines: RealtimePool) -> ServerSide:
            return ServerSide(
                loop=loop,
                listeners=listeners,
                realtime=engines,
                take_report=partial(take_report, host),
                take_flows=product.flow_logs.record,
                interfaces_seen=product.flow_logs.interfaces_seen,
                interface_gone=interface_gone,
                agent_replaced=lambda: product.flow_logs.interrupted(host),
                renew=lambda request: self.leases.answer(host, request),
                agent="the agent" if host == LOCAL_HOST else f"the agent of the host {host}",
            )

        self._listeners = listeners()
        self._server_side = server_side(LOCAL_HOST, self._listeners, self._pool)
        self._agent = AgentConnection(settings.agent_socket, self._server_side, paused=True)
        self._desired = DesiredHosts(
            database=database,
            settings=settings,
            host=LOCAL_HOST,
            realtime=lambda host: self._pool.specs() if host == LOCAL_HOST else self.joined.realtime(host),
            fleet=product.fleet,
        )
        self.joined = JoinedHosts(
            loop=loop,
            hurry=self._spec_loop.hurry,
            listeners=listeners,
            server_side=server_side,
            pool=self._new_pool,
            authority=lambda: self._authority.certificate.read_text(),
        )
        self._in_turn_of_jobs = product.jobs.controller.turning_here
        self._artifacts = partial(stored_artifact, product.objects.store)
        self._shortage = product.endpoints.shortage
        database.on_commit(self._changed)
        self._conversation = threading.Thread(
            target=self._agent.run, args=(self._ended,), name="agent-connection", daemon=True
        )

    def _new_pool(self, lacks: Callable[[], str | None]) -> RealtimePool:
        return RealtimePool(
            self._spec_loop.hurry,
            Bounds(sleep_seconds=self._settings.endpoints_idle),
            lacks=lacks,
            # Each test has a new account, and must not wait for an engine of its own.
            only_account=self._settings.account if self._settings.testing == "on" else None,
            artifacts=lambda model: self._artifacts(model),
            shortage=lambda model: self._shortage(model),
        )

    def _send(self) -> None:
        specs = dict(self._desired.read())
        self._agent.send(specs.pop(LOCAL_HOST))
        self.joined.send(specs)
        pools = {LOCAL_HOST: self._pool, **self.joined.pools}
        self.engines.use([pools[host] for host in self._desired.taking if host in pools])

    def _changed(self, tables: frozenset[str]) -> None:
        soon = urgency(tables)
        if soon == "at once":
            self._spec_loop.hurry()
        elif soon == "soon" and not self._in_turn_of_jobs():
            # What a turn of the jobs does before an interface is attached, or after it was detached, can wait.
            self._spec_loop.wake()

    def report(self) -> HostReport | None:
        """Return the agent's newest report, or ``None`` while none is connected."""
        return self._server_side.state.latest

    def certificate_expiry(self) -> dt.datetime:
        """Return when the certificate of the services inside VPCs ends. Raises ``OSError`` and ``SealBroken``."""
        return authority.expiry_of(self._authority.leaf.read())

    def authority_expiry(self) -> dt.datetime:
        """Return when the authority that signed it ends. Raises ``OSError``."""
        return authority.expiry_of(self._authority.certificate.read_bytes())

    def start(self, guard: Guard = always) -> None:
        """Start the loops and the connection, which ``lead`` then opens; ``guard`` is as for ``Loop.start``."""
        self._spec_loop.start(guard)
        self._flow_logs.start(guard)
        self._conversation.start()

    def lead(self, fence: int | None) -> None:
        """Talk to the agents as the leader with this fence, or leave them to the next one. Never blocks."""
        if fence is None:
            self._agent.pause()
        else:
            self.leases.lead()
            self._desired.begin()
            self._agent.resume(fence)
        self.joined.lead(fence)

    def wake(self) -> None:
        """Request a turn of each loop."""
        self._spec_loop.hurry()
        self._flow_logs.wake()

    def stop(self) -> None:
        """End the connection and the loops."""
        self._ended.set()
        self.joined.stop()
        self._spec_loop.stop()
        self._flow_logs.stop()

    def close(self) -> None:
        """Close the listeners inside VPCs; call it in the event loop."""
        self._listeners.close()
        self.joined.close()

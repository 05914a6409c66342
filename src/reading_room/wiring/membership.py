"""Who belongs to the installation, wired: the certificates of hosts, and the admission of new ones."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Mapping

from reading_room.agent.capacity import read_capacity
from reading_room.agent.spec import Capacity
from reading_room.agent.underlay_addresses import read_addresses
from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.fleet import authority, database_time, hosts
from reading_room.fleet.errors import HostError
from reading_room.fleet.hosts import NewHost
from reading_room.hosts.joining.admission import Admission
from reading_room.hosts.joining.errors import JoinError
from reading_room.hosts.joining.tls import key_of, server_context
from reading_room.jobs.record import LOCAL_HOST
from reading_room.settings import Settings
from reading_room.versions import VERSION
from reading_room.vpc.zones import zones_of

log = logging.getLogger(__name__)


class Members:
    """The hosts that belong to the installation. Thread-safe; its methods work with the database, so they block."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        capacity: Callable[[], Capacity | None] = read_capacity,
        addresses: Callable[[], Mapping[str, int]] = read_addresses,
    ) -> None:
        """Make the authority for hosts if there is none yet.

        ``capacity`` returns that of this host, or ``None`` if it is not known yet, and ``addresses`` those that it
        could have in the underlay, with the MTU of each.
        """
        self._capacity = capacity
        self._addresses = addresses
        self._first_is_kept = False
        self._settings = settings
        self._database = database
        self._zones = tuple(zone.name for zone in zones_of(settings.region))
        with database.transaction() as session:
            self._authority = authority.of_installation(session, system_clock())
            self._first_has_row = hosts.of_serve(session) is not None
        self._admission = Admission(database, self._authority, settings.region, self._zones, self.first)

    def context(self) -> ssl.SSLContext:
        """Return the TLS context of the listener for hosts, with a new certificate."""
        return server_context(self._authority, system_clock())

    def identify(self, certificate: bytes) -> str | None:
        """Return the name of the host with a certificate (DER) that was verified; ``None`` if it belongs to none."""
        with self._database.reading() as session:
            row = hosts.of_key(session, key_of(certificate))
            return None if row is None else row.host

    def can_admit(self) -> bool:
        """Return whether what is needed of this host is known, which is one of the hosts as soon as there are others.

        It was needed once, so a process without an agent, or that does not lead, can admit the hosts that follow.
        """
        return self._first_has_row or self._capacity() is not None

    def admit(self, question: bytes, address: str) -> bytes:
        """Return the answer to a host that has no certificate yet, at an address."""
        return self._admission.answer(question, address)

    def first(self) -> NewHost:
        """Describe this host, which runs ``serve``. Raises ``JoinError`` if it cannot be one of several."""
        settings = self._settings
        underlay = settings.hosts_underlay or settings.hosts_listen.rpartition(":")[0]
        capacity = self._capacity()
        if capacity is None:
            raise JoinError(
                "The agent of the server's own host has not reported yet: try again in a few seconds. If there are "
                "several servers, make the token of the first host to join at the one beside that agent."
            )
        mtu = self._addresses().get(underlay)
        if mtu is None:
            where = "" if settings.underlay == "encrypted" else f" in {settings.underlay.removeprefix('plain:')}"
            raise JoinError(
                f"{underlay} is no IPv4 address of the server's own host{where}: set READING_ROOM_HOSTS_UNDERLAY there "
                "to its address in the network between hosts, and start the server again."
            )
        return NewHost(
            host=LOCAL_HOST,
            zone=settings.hosts_zone or self._zones[0],
            underlay=underlay,
            mtu=mtu,
            cores=capacity.cores,
            memory_bytes=capacity.memory_bytes,
            public_key="",
            program=VERSION,
        )

    def keep_first(self) -> None:
        """Give this host's row the values of now, once, as soon as they are known; call it again and again."""
        if self._first_is_kept or self._capacity() is None:
            return
        self._first_is_kept = True
        try:
            self.renew_first()
        except HostError as error:
            log.error("this host keeps its former values among the hosts: %s", error)

    def renew_first(self) -> None:
        """Give this host's row, if it has one, the values of now: its settings may have changed.

        Raises ``JoinError`` and ``HostRefused``.
        """
        with self._database.transaction() as session:
            if hosts.of_serve(session) is not None:
                hosts.admit(session, self.first(), self._zones, database_time.now(session))

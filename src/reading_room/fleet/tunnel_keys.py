"""The keys with which hosts encrypt what they send each other: each host's agent reports its own, for all others.

Another host could use a key only if it had the private one, so a report is trusted as far as the host is. But a key
that no agent would accept must not reach any, since they refuse the whole spec then.
"""

from __future__ import annotations

import logging
import threading

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from reading_room.agent.network_check import MOST_PORT
from reading_room.database.engine import Database
from reading_room.dataplane.rules.encryption import raw_key
from reading_room.fleet.members import Fleet
from reading_room.fleet.tables import HostRow

_log = logging.getLogger(__name__)


class TunnelKeys:
    """Keeps what hosts report. Thread-safe."""

    def __init__(self, database: Database, fleet: Fleet) -> None:
        self._database = database
        self._fleet = fleet
        self._lock = threading.Lock()
        self._refused: dict[str, tuple[str, int]] = {}
        """What was refused last, by host, so that it is logged once."""

    def reported(self, host: str, key: str, port: int) -> None:
        """Keep a host's public key and the port at which it receives encrypted packets; an empty key means none.

        Without other hosts nothing is read or written. What cannot be kept is logged, and tried at the next report.
        """
        try:
            with self._database.reading() as session:
                row = next((each for each in self._fleet.members(session) if each.host == host), None)
            if row is None or (row.tunnel_key, row.tunnel_port) == (key, port):
                return
            fault = _fault(key, port) or self._keep(host, key, port)
        except SQLAlchemyError as error:
            fault = f"the database cannot be written: {error}"
        with self._lock:
            if fault and self._refused.get(host) != (key, port):
                self._refused[host] = (key, port)
                _log.error("the key of the host %s for the underlay is not used: %s", host, fault)

    def _keep(self, host: str, key: str, port: int) -> str:
        """Write a key; return why it is not used, or empty text."""
        with self._database.transaction() as session:
            others = select(HostRow.host).where(HostRow.tunnel_key == key, HostRow.host != host)
            if key and (other := session.scalars(others).first()) is not None:
                return f"the host {other} has the same"
            row = session.get(HostRow, host)
            if row is not None:
                row.tunnel_key, row.tunnel_port = key, port
        return ""


def _fault(key: str, port: int) -> str:
    if not key:
        return "" if port == 0 else f"there is a port without a key: {port}"
    try:
        raw_key(key)
    except ValueError as error:
        return str(error)
    return "" if 1 <= port <= MOST_PORT else f"its port is {port}"

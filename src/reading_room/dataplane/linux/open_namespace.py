"""A network namespace of ours, held open: its sockets, and a cached picture of its state.

Every socket here was opened inside the namespace and stays there, so the agent need not enter it to read or change
links and rules. The picture is fresh as long as no netlink event has reported a change of a link, an address, a route
or a policy rule, nftables' generation id is still that of our last transaction, and the last full look is not older
than ``LOOK_SECONDS``.
"""

from __future__ import annotations

import errno
import logging
import os
import struct
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from reading_room.dataplane.linux import namespaces, rtnetlink
from reading_room.dataplane.linux.libnftables import Rules, RulesetError
from reading_room.dataplane.linux.netlink import NETLINK_NETFILTER, NetlinkSocket, Request
from reading_room.dataplane.linux.rtnetlink import LOOPBACK, TO_BLACKHOLE, TO_TABLE, RouteSocket
from reading_room.dataplane.rules.compile.between_hosts import LEASE
from reading_room.dataplane.rules.nftables import TABLE, Ruleset
from reading_room.dataplane.rules.steps import Stray
from reading_room.dataplane.rules.transactions import lease_transaction
from reading_room.dataplane.rules.uplink import PolicyRule

_log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
NFT_GET_GENERATION = 10 << 8 | 16
FIRST_INDEX = 1000


class Closable(Protocol):
    """An object that holds a descriptor."""

    def close(self) -> None:
        """Close the descriptor."""
        ...


Opened = TypeVar("Opened", bound=Closable)
Picture = TypeVar("Picture")


class OpenNamespace(ABC, Generic[Picture]):
    """A namespace and everything this process holds open in it."""

    def __init__(self, name: str, descriptor: int, prepare: Callable[[], None]) -> None:
        """Run ``prepare`` inside (kernel settings), set ``lo`` up, and open the sockets. Take over ``descriptor``.

        This may be repeated for a namespace found after a crash. Raises ``SettingError``, ``LibraryMissingError`` or
        ``OSError`` after closing everything, including the descriptor.
        """
        self.name = name
        self.descriptor = descriptor
        self.ruleset: Ruleset | None = None
        """The ruleset that the kernel certainly has, or ``None`` if it is unknown."""
        self._generation = -1
        self._picture: Picture | None = None
        self._looked = 0.0
        self._closers: list[Closable] = []
        try:
            with namespaces.inside(descriptor):
                prepare()
                self.routes = self.keep(RouteSocket())
                self.rules = Rules(descriptor)
                self._netfilter = self.keep(NetlinkSocket(NETLINK_NETFILTER))
                self._events = self.keep(rtnetlink.change_events())
            self.routes.batch([rtnetlink.set_up(LOOPBACK, "lo")])
        except BaseException:
            self.close()
            raise

    def keep(self, opened: Opened) -> Opened:
        """Return ``opened``, and close it together with the namespace."""
        self._closers.append(opened)
        return opened

    def close(self) -> None:
        """Close every descriptor; the namespace stays if it is pinned."""
        for opened in self._closers:
            opened.close()
        self._closers.clear()
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    @abstractmethod
    def look(self) -> Picture:
        """Read the namespace anew."""

    def _policy_rules(self) -> tuple[list[PolicyRule], list[Stray]]:
        """Return the policy rules of the kinds that we create, and all others as strays."""
        rules, strays = [], []
        for rule in self.routes.rules():
            if rule.plain and rule.action in (TO_TABLE, TO_BLACKHOLE):
                rules.append(PolicyRule(rule.preference, rule.table, rule.mark, rule.from_here))
            else:
                what = f"the policy rule {rule.preference} (table {rule.table})"
                strays.append(Stray(what, rtnetlink.DELRULE, rule.body))
        return rules, strays

    def generation(self) -> int:
        """Return the namespace's nftables generation id. Every transaction, whoever runs it, increments it."""
        request = Request(NFT_GET_GENERATION, 0, struct.pack("=BBH", 0, 0, 0), "read the ruleset's generation")
        _kind, body = self._netfilter.ask(request)
        number: int = struct.unpack_from("!I", body, 8)[0]
        return number

    def has_table(self) -> bool:
        """Return whether our table exists. From its first transaction on, it drops unknown packets."""
        return f"table {TABLE}" in self.rules.run("list tables\n")

    def changed(self, now: float) -> bool:
        """Return whether the picture may be stale. This reads the events, so call it once per turn."""
        stale = self._picture is None or now - self._looked > LOOK_SECONDS
        if self._drain_events():
            stale = True
        if self.ruleset is not None and (generation := self.generation()) != self._generation:
            _log.warning(
                "%s: somebody else changed its firewall rules (generation %d instead of %d): they are replaced",
                *(self.name, generation, self._generation),
            )
            self.ruleset = None
            stale = True
        if stale:
            self._picture = None
        return stale

    def _drain_events(self) -> bool:
        happened = False
        while True:
            try:
                self._events.recv(1 << 16)
                happened = True
            except BlockingIOError:
                return happened
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                happened = True  # Some events did not fit. A full look sees what they were about.

    def touched(self) -> None:
        """Forget the picture, because we changed, or may have changed, the namespace."""
        self._picture = None

    def observe(self) -> Picture:
        """Return the namespace's state, from the cache if that is fresh."""
        if self._picture is None:
            self._drain_events()
            self._picture = self.look()
            self._looked = time.monotonic()
        return self._picture

    def renew(self, seconds: int) -> None:
        """Put the host's lease into the table for so many seconds, unless the rules in force are unknown.

        One transaction replaces the element, so no packet falls between the old one and the new one. Raises
        ``RulesetError``.
        """
        known = self.ruleset
        if known is None or self.generation() != self._generation:
            return  # The next look finds out who changed it, and creates the table again.
        if any(each.name == LEASE for each in known.sets):
            self.apply_rules((lease_transaction(seconds),), known)

    def apply_rules(self, transactions: tuple[str, ...], ruleset: Ruleset) -> None:
        """Run transactions; raise ``RulesetError``. Several are checked first, so that a refusal changes nothing."""
        if len(transactions) > 1:
            self.rules.check("".join(transactions))
        known, self.ruleset = self.ruleset, None
        for number, text in enumerate(transactions):
            try:
                self.rules.run(text)
            except RulesetError:
                if number == 0:
                    self.ruleset = known  # A refused transaction leaves the rules unchanged.
                raise
        self._generation = self.generation()
        self.ruleset = ruleset

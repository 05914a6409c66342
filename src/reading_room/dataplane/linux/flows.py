"""Flow events of all VPCs with a logged interface, read by one thread.

The thread never waits for a turn of the agent, because unread DESTROY events would keep tracked connections in the
kernel. ``flow_watch.py`` reads one VPC, and ``flow_counts.py`` keeps the counts.
"""

from __future__ import annotations

import os
import selectors
import threading
import time
from collections.abc import Callable
from pathlib import Path

from reading_room.dataplane.linux import namespaces
from reading_room.dataplane.linux.flow_counts import Tallies
from reading_room.dataplane.linux.flow_journal import Journal
from reading_room.dataplane.linux.flow_watch import Watch
from reading_room.dataplane.rules.flow_places import Places
from reading_room.dataplane.spec import FlowEvent, Problem

SWEEP_SECONDS = 1.0


class FlowCollector:
    """Reads the flows of every watched VPC in its own thread; ``flush`` reads one VPC in the caller's thread."""

    def __init__(self, folder: Path) -> None:
        """Start the thread, and take over what an earlier process left in ``folder``. Raises ``OSError``."""
        self._journal = Journal(folder)
        self._tallies = Tallies(self._journal)
        self._watches: dict[str, Watch] = {}
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._failures: dict[str, str] = {}
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._selector.register(self._wake_read, selectors.EVENT_READ, None)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="flows", daemon=True)
        self._thread.start()

    def _wake(self) -> None:
        os.write(self._wake_write, b"w")

    def watching(self, vpc_id: str) -> bool:
        """Whether a VPC's flows are read."""
        return vpc_id in self._watches

    def watch(self, vpc_id: str, namespace: int) -> None:
        """Begin to read a VPC's flows; ``namespace`` is its router's. Raises ``OSError``."""
        with namespaces.inside(namespace):
            watch = Watch(vpc_id, self._tallies, self._journal.places(vpc_id))
        with self._lock:
            self._watches[vpc_id] = watch
            for opened in watch.sockets():
                self._selector.register(opened, selectors.EVENT_READ, watch)
        self._wake()

    def resume(self, vpc_id: str, namespace: int) -> None:
        """Continue to read a VPC that an earlier process watched until it ended. Failures go to ``problems``.

        After a failure, ``watch`` tries again later. It also counts the traffic in between for the interfaces that
        existed then.
        """
        if self._journal.places(vpc_id) is None:
            return
        try:
            self.watch(vpc_id, namespace)
            self.flush(vpc_id, namespace)
        except OSError as error:
            self._failures[vpc_id] = f"flow logs could not be read at once: {error}"

    def unwatch(self, vpc_id: str) -> None:
        """Stop reading a VPC's flows, if they are read. Counts stay until ``drain``."""
        self._stop(vpc_id)
        self._journal.forget_places(vpc_id)

    def _stop(self, vpc_id: str) -> None:
        with self._lock:
            watch = self._watches.pop(vpc_id, None)
            if watch is None:
                return
            for opened in watch.sockets():
                self._selector.unregister(opened)
        with watch.lock:
            watch.close()

    def place(self, vpc_id: str, namespace: int, places: Places) -> None:
        """Set which interface each address of a VPC belongs to from now on. Earlier packets keep their interfaces."""
        watch = self._watches.get(vpc_id)
        if watch is None or watch.places == places:
            return
        if watch.places.logged() - places.logged():
            self.flush(vpc_id, namespace)
        self._journal.keep_places(vpc_id, places)
        with watch.lock:
            watch.places = places

    def flush(self, vpc_id: str, namespace: int) -> None:
        """Count everything that was seen in a VPC until now, before one of its interfaces is forgotten."""
        watch = self._watches.get(vpc_id)
        if watch is not None:
            with namespaces.inside(namespace):
                watch.flush()

    def drain(self) -> list[FlowEvent]:
        """Return the events since the last call, oldest first. Raises ``OSError``."""
        return self._tallies.drain()

    def forgetting(self) -> Callable[[], None]:
        """Return a function to call once the drained events are safe. Until then a new process returns them again."""
        return self._tallies.forgetting()

    def drops(self) -> dict[str, int]:
        """Return the packets that watched VPCs dropped since this process began, by the name of their fate."""
        return self._tallies.drops()

    def problems(self) -> tuple[Problem, ...]:
        """Return what was lost or could not be read since the last call; ``about`` is the VPC."""
        lost = [
            Problem(vpc_id, f"{count} flow log messages were lost: more flows at once than can be read in time")
            for vpc_id, count in sorted(self._tallies.take_lost().items())
        ]
        failures, self._failures = self._failures, {}
        return (*lost, *(Problem(vpc_id, message) for vpc_id, message in sorted(failures.items())))

    def close(self) -> None:
        """Stop the thread and close every socket. Closing twice is allowed."""
        if self._closing:
            return
        self._closing = True
        self._wake()
        self._thread.join()
        for vpc_id in list(self._watches):
            self._stop(vpc_id)
        self._journal.close()
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _run(self) -> None:
        """Read until closed: a socket as soon as it is ready, and every VPC once in ``SWEEP_SECONDS``."""
        due = time.monotonic() + SWEEP_SECONDS
        while not self._closing:
            ready = self._selector.select(max(0.0, due - time.monotonic()) if self._watches else None)
            for key, _mask in ready:
                watch = key.data
                if watch is None:
                    os.read(self._wake_read, 4096)
                else:
                    self._guard(watch, sweep=False)
            if time.monotonic() >= due:
                with self._lock:
                    watches = list(self._watches.values())
                for watch in watches:
                    self._guard(watch, sweep=True)
                due = time.monotonic() + SWEEP_SECONDS

    def _guard(self, watch: Watch, *, sweep: bool) -> None:
        """Read one VPC. A failure is reported and does not affect the logs of other VPCs."""
        with watch.lock:
            if watch.closed:
                return
            try:
                if sweep:
                    watch.sweep()
                else:
                    watch.read()
            except Exception as error:
                # The thread must survive any failure: the kernel keeps the other VPCs' connections until it reads them.
                self._failures[watch.vpc_id] = f"flow logs could not be read: {type(error).__name__}: {error}"

"""Liveness and readiness: unsigned pages for whatever monitors the product.

``live`` only shows that the process answers; a process that does not is restarted. ``ready`` checks what a job needs.
The checks may write to the disk, so they run once a second at most, however many requests come, and the requests are
neither logged nor recorded. The log has a line when a check begins to fail and one when it passes again. The pages
disclose no path and no name of the machine.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass

from reading_room.aws.call import Reply
from reading_room.aws.receive import Headers, Scope, Send, send_reply
from reading_room.shortage import Threads

log = logging.getLogger(__name__)

FOLDER = "/_reading_room/"
GOOD_SECONDS = 1.0
"""Seconds for which the results of the checks are reused."""
LOOK_SECONDS = 3.0
"""Seconds that the checks may take. A check that takes longer has failed, for example because the disk hangs."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A problem and its remedy, a sentence each."""

    says: str
    remedy: str
    stops: bool = True
    """Whether the service is not ready because of it. Otherwise it is a warning: work goes on, but may be slow."""


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of readiness. ``look`` returns the fault, if there is one. It runs in a thread of its own."""

    name: str
    look: Callable[[], Fault | None]
    note: Callable[[], str] | None = None
    """Returns what the page says of a condition that is met."""


class Probes:
    """Answers ``live``, ``ready`` and ``health``, the former name of ``live``."""

    def __init__(
        self,
        checks: Sequence[Check] = (),
        look_seconds: float = LOOK_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._checks = checks
        self._look_seconds = look_seconds
        self._clock = clock
        self._thread = Threads(1, "ready")
        self._looking: Future[dict[str, Fault | None]] | None = None
        self._began = 0.0
        self._logged: dict[str, bool] = {}
        """The checks whose faults are in the log, and whether the fault stops the service."""
        self._hangs = False
        """Whether the log has that the checks do not end."""
        self._lock = threading.Lock()

    def close(self) -> None:
        """Run no more checks."""
        self._thread.shutdown(wait=False)

    async def serve(self, scope: Scope, headers: Headers, send: Send) -> bool:
        """Answer a request if it is for one of the pages and has no signature; say whether it was."""
        if not scope["path"].startswith(FOLDER) or any(name == "authorization" for name, _ in headers):
            return False
        page = await self.answer(scope["method"], scope["path"])
        if page is None:
            return False
        await send_reply(send, page, head=scope["method"] == "HEAD")
        return True

    async def answer(self, method: str, path: str) -> Reply | None:
        """Return the page at a path, or ``None``."""
        page = path.removeprefix(FOLDER)
        if not path.startswith(FOLDER) or page not in ("live", "ready", "health"):
            return None
        if method not in ("GET", "HEAD"):
            return _reply(405, {"status": "method not allowed"}, ("allow", "GET, HEAD"))
        if page != "ready":
            return _reply(200, {"status": "ok"})
        found = await self.found()
        ready = not any(fault is not None and fault.stops for fault in found.values())
        checks = {
            name: self._met(name)
            if fault is None
            else {"ok": not fault.stops, "says": fault.says, "remedy": fault.remedy}
            for name, fault in found.items()
        }
        return _reply(200 if ready else 503, {"status": "ready" if ready else "not ready", "checks": checks})

    def _met(self, name: str) -> dict[str, object]:
        note = next((check.note for check in self._checks if check.name == name), None)
        return {"ok": True} if note is None else {"ok": True, "says": note()}

    async def found(self) -> dict[str, Fault | None]:
        """Return the results of the latest checks. All requests that arrive meanwhile wait for the same checks."""
        looking, left = self._current()
        if not looking.done() and left > 0:
            await asyncio.wait([asyncio.wrap_future(looking)], timeout=left)
        if looking.done():
            return looking.result()
        late = Fault(f"no answer within {self._look_seconds:g} s", "look at the disk and at what else writes to it")
        return {check.name: late for check in self._checks}

    def look(self) -> None:
        """Run the checks for the log, and wait for them as long as they may take."""
        looking, left = self._current()
        hangs = bool(wait([looking], max(0.0, left)).not_done)
        if hangs and not self._hangs:
            log.warning("the checks of readiness do not end: look at the disk and at what else writes to it")
        self._hangs = hangs

    def _current(self) -> tuple[Future[dict[str, Fault | None]], float]:
        """Return the checks that run or whose results are good, and the seconds that they may still take."""
        with self._lock:
            now = self._clock()
            if self._looking is None or (self._looking.done() and now >= self._began + GOOD_SECONDS):
                self._began = now
                self._looking = self._thread.submit(self._look)
            return self._looking, self._began + self._look_seconds - now

    def _look(self) -> dict[str, Fault | None]:
        found = {check.name: _fault(check) for check in self._checks}
        for name, fault in found.items():
            if fault is None and self._logged.pop(name, None) is not None:
                log.info("the check of %s passes again", name, extra={"check": name})
            elif fault is not None and self._logged.get(name) != fault.stops:
                self._logged[name] = fault.stops
                log.warning("the check of %s: %s; %s", name, fault.says, fault.remedy, extra={"check": name})
        return found


def _fault(check: Check) -> Fault | None:
    try:
        return check.look()
    except Exception:
        log.exception("the readiness check of %s failed", check.name)
        return Fault("the check failed", "see the log of `reading-room serve`")


def _reply(status: int, document: dict[str, object], *headers: tuple[str, str]) -> Reply:
    own = (("content-type", "application/json"), ("cache-control", "no-store"), *headers)
    return Reply(status, own, json.dumps(document).encode())

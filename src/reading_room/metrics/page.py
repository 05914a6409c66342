"""The page ``/metrics`` as an ASGI application. It answers nothing else."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from reading_room.aws.call import Reply
from reading_room.aws.probes import Fault, Probes
from reading_room.aws.receive import Receive, Scope, Send, send_reply
from reading_room.shortage import Threads

log = logging.getLogger(__name__)

PATH = "/metrics"
GOOD_SECONDS = 1.0
"""Seconds for which a page is reused, so that nobody can keep the service busy by asking for it."""
SCRAPE_SECONDS = 5.0
"""Seconds that reading everything may take. Prometheus gives up after ten."""

Read = Callable[[Mapping[str, Fault | None]], None]
"""Reads state into the registry; it gets the results of the checks of readiness."""


class MetricsPage:
    """Serves the metrics of ``registry`` after ``reads``, in a thread of its own, one scrape at a time."""

    def __init__(
        self,
        registry: CollectorRegistry,
        probes: Probes,
        reads: Mapping[str, Read],
        seconds: float = SCRAPE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``seconds`` is how long a scrape may take. The name of a read is for the log."""
        self._registry = registry
        self._probes = probes
        self._reads = reads
        self._seconds = seconds
        self._clock = clock
        self._thread = Threads(1, "metrics")
        self._page: Future[bytes] | None = None
        self._began = 0.0

    def close(self) -> None:
        """Read no more."""
        self._thread.shutdown(wait=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI request."""
        if scope["type"] != "http":
            raise ValueError(f"the page of metrics does not speak {scope['type']}")
        await send_reply(send, await self.answer(scope["method"], scope["path"]), head=scope["method"] == "HEAD")

    async def answer(self, method: str, path: str) -> Reply:
        """Return the answer to a request."""
        if path != PATH:
            return _said(404, f"The metrics are at {PATH}.\n")
        if method not in ("GET", "HEAD"):
            return _said(405, "Only GET and HEAD are answered here.\n", ("allow", "GET, HEAD"))
        found = await self._probes.found()
        now = self._clock()
        if self._page is None or (self._page.done() and now >= self._began + GOOD_SECONDS):
            self._began = now
            self._page = self._thread.submit(self._read, found)
        page = self._page
        if not page.done():
            await asyncio.wait([asyncio.wrap_future(page)], timeout=max(0.0, self._began + self._seconds - now))
        if not page.done():
            return _said(503, f"The metrics could not be read within {self._seconds:g} s.\n", ("retry-after", "15"))
        return Reply(200, (("content-type", CONTENT_TYPE_PLAIN_0_0_4), ("cache-control", "no-store")), page.result())

    def _read(self, found: Mapping[str, Fault | None]) -> bytes:
        for name, read in self._reads.items():
            try:
                read(found)
            except Exception:
                # The other metrics are needed most when something is wrong.
                log.exception("the metrics of %s could not be read", name)
        return generate_latest(WithoutCreated(self._registry))


class WithoutCreated:
    """A registry without the times at which counters were made, which are no metrics of their own in this format."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


def _said(status: int, text: str, *headers: tuple[str, str]) -> Reply:
    own = (("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-store"))
    return Reply(status, (*own, *headers), text.encode())

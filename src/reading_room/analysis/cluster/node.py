"""This process's place in the cluster: a Dask worker, in the first container also a client, and their event loop.

All of Dask runs in a thread of its own. The rest of the process sees a few values, and futures that any thread may wait
for.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import distributed
from distributed.client import ClosedClientError

from reading_room.analysis.cluster.identity import Identity
from reading_room.analysis.cluster.security import LOOPBACK, configure, security_of
from reading_room.analysis.cluster.tasks import PROGRESS_TOPIC, end_early
from reading_room.analysis.job_file import SCHEDULER_PORT, WORKER_PORT, ClusterPlace
from reading_room.analysis.storage import JobFailure

SILENT_SECONDS = 90.0
"""How long a scheduler may answer nothing before it is given up."""

FETCH_SECONDS = 30.0
"""How long a finished result may fail to arrive before its container counts as unreachable."""

_COUNT_SECONDS = 0.5
_LOOK_SECONDS = 1.0
_ENDED_IN_ORDER = "scheduler-close"
"""The reason that Dask gives a worker when its scheduler was closed."""


class TaskLost(Exception):
    """The connection over which a task was sent is gone; what became of the task is unknown."""


class _Worker(distributed.Worker):
    """A worker that reports when it begins to close, and why."""

    on_close: Callable[[str], None]

    async def close(  # type: ignore[override] # the signature of Dask's own method
        self, timeout: float = 30, executor_wait: bool = True, nanny: bool = True, reason: str = "worker-close"
    ) -> str | None:
        """Report the reason, then close as every worker does."""
        self.on_close(reason)
        return await super().close(timeout, executor_wait, nanny, reason)


class Node:
    """Joins a cluster when it is created. Every method may be called from any thread.

    ``left`` is set when the worker is no longer part of the cluster, and ``in_order`` says whether the first container
    ended the cluster. ``workers`` is the number of containers in it, on a node with a client.
    """

    def __init__(
        self,
        place: ClusterPlace,
        identity: Identity,
        scratch: Path,
        *,
        client: bool,
        seconds: float,
        progress: Callable[[int, int], None] = lambda part, documents: None,
    ) -> None:
        """``progress`` receives a part's number and how many of its documents are analysed, if there is a client.

        Raise ``JobFailure`` (``CLUSTER_LOST``) if the process is not in the cluster within ``seconds``.
        """
        # TLS libraries read keys only from files. Each key is a file for a moment, in the job's own folder.
        tempfile.tempdir = str(scratch)
        configure(scratch)
        self._place = place
        self._security = security_of(identity)
        self._scratch = scratch
        self._with_client = client
        self._progress = progress
        self._worker: Any = None
        self._client: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None
        self._joined: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._reason = ""
        self.left = threading.Event()
        self.workers = 1
        self._heard = time.monotonic()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), name="cluster", daemon=True)
        self._thread.start()
        try:
            self._joined.result(seconds)
        except (Exception, concurrent.futures.CancelledError) as error:
            text = str(error) or type(error).__name__
            raise JobFailure("CLUSTER_LOST", f"container {place.member} could not join the cluster: {text}") from error

    @property
    def in_order(self) -> bool:
        """Whether the worker left because the cluster was ended."""
        return self._reason == _ENDED_IN_ORDER

    def lost(self) -> JobFailure | None:
        """Return why the cluster cannot go on, or ``None`` while it works."""
        if self.left.is_set():
            return JobFailure("CLUSTER_LOST", f"container {self._place.member} is out of the cluster: {self._reason}")
        if self._with_client and time.monotonic() - self._heard > SILENT_SECONDS:
            return JobFailure("CLUSTER_LOST", f"the cluster's scheduler has not answered for {SILENT_SECONDS:.0f} s")
        return None

    def submit(self, name: str, function: Callable[..., Any], *arguments: Any) -> concurrent.futures.Future[Any]:
        """Have any free container call a function; the future may raise ``TaskLost``.

        ``name`` must be one that no other call has.
        """
        return self._soon(self._call(name, function, arguments))

    def tell_all_to_end_early(self) -> None:
        """Tell every container to end its current part early. Does not wait."""
        self._soon(self._run(end_early))

    def let_go(self) -> None:
        """Send no more tasks. The worker stays until the cluster ends. Does not wait."""
        assert self._loop is not None
        assert self._ending is not None
        self._loop.call_soon_threadsafe(self._ending.set)

    def _soon(self, what: Coroutine[Any, Any, Any]) -> concurrent.futures.Future[Any]:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(what, self._loop)

    async def _live(self) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        try:
            await self._join()
        except BaseException as error:
            self._joined.set_exception(error)
            return
        self._joined.set_result(None)
        counting = asyncio.create_task(self._count()) if self._with_client else None
        await self._ending.wait()
        if counting is not None:
            counting.cancel()
            # So that the client does not try to reconnect to a scheduler that is ending.
            await self._client.close()
        await self._worker.finished()

    async def _join(self) -> None:
        scheduler = f"tls://{self._place.scheduler}:{SCHEDULER_PORT}"
        make_worker: Any = _Worker
        worker = make_worker(
            scheduler,
            name=str(self._place.member),
            nthreads=1,
            host=self._place.address,
            port=WORKER_PORT,
            protocol="tls",
            security=self._security,
            local_directory=str(self._scratch),
            memory_limit=0,
            nanny=None,
            dashboard=False,
            dashboard_address=LOOPBACK,
        )
        worker.on_close = self._leave
        self._worker = worker
        await worker
        if self._with_client:
            make_client: Any = distributed.Client
            self._client = await make_client(
                scheduler, security=self._security, asynchronous=True, set_as_default=False, name="first"
            )
            self._client.subscribe_topic(PROGRESS_TOPIC, self._on_progress)

    def _leave(self, reason: str) -> None:
        if not self.left.is_set():
            self._reason = reason
            self.left.set()

    def _on_progress(self, event: tuple[float, Any]) -> None:
        part, documents = event[1]
        self._progress(int(part), int(documents))

    async def _count(self) -> None:
        while True:
            try:
                self.workers = max(1, len(await self._client.nthreads()))
                self._heard = time.monotonic()
            except Exception:
                # The callers that wait for results decide whether the cluster is gone; it may be back in a moment.
                self.workers = 1
            await asyncio.sleep(_COUNT_SECONDS)

    async def _call(self, name: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        try:
            return await fetched(self._client.submit(function, *arguments, key=name, pure=False))
        except distributed.KilledWorker as error:
            lost = "several containers were lost while they analysed the same part"
            raise JobFailure("CLUSTER_LOST", f"{lost}: {error}") from error
        except (asyncio.CancelledError, concurrent.futures.CancelledError, ClosedClientError, OSError) as error:
            raise TaskLost(str(error)) from error

    async def _run(self, function: Callable[[], None]) -> None:
        try:
            await self._client.run(function, on_error="ignore")
        except (Exception, asyncio.CancelledError):
            # The caller tells the containers again, for as long as any of them runs a part.
            return


async def fetched(future: Any, seconds: float = FETCH_SECONDS, look_seconds: float = _LOOK_SECONDS) -> Any:
    """Wait for the result of a Dask future, which the scheduler fetches from the container that computed it.

    If the network drops the packets between them, the scheduler tries for ever, and every other result waits too. So a
    result that is finished for ``seconds`` without arriving, checked every ``look_seconds``, is given up with
    ``JobFailure`` (``CLUSTER_LOST``). Raise also whatever the task raised.
    """
    result = asyncio.ensure_future(future.result())
    waited = 0.0
    try:
        while not (await asyncio.wait([result], timeout=look_seconds))[0]:
            # After each failed try, the future is unfinished for a moment.
            waited = waited + look_seconds if future.status == "finished" else max(0.0, waited - 2 * look_seconds)
            if waited >= seconds:
                text = f"a finished result could not be fetched from its container for {waited:.0f} s"
                raise JobFailure("CLUSTER_LOST", text)
        return result.result()
    finally:
        result.cancel()

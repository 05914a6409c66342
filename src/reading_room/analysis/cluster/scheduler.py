"""The scheduler of a job's cluster: a process beside the first container's worker, which starts it and ends it.

It reads its settings as one line of JSON from standard input, so that no key is in a file, an argument or the
environment. It writes ``ready`` to standard output when it listens. The line ``end`` ends the cluster: the scheduler
tells every worker. It also ends, without telling anybody, when its standard input closes or its parent ends.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reading_room.analysis.cluster.identity import Identity
from reading_room.analysis.job_file import SCHEDULER_PORT

READY, END = b"ready\n", b"end\n"
LINE_LIMIT = 1 << 20
_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Run until a signal ends it; return the exit code."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in (signal.SIGTERM, signal.SIGINT):
        # A signal to the container goes to the worker, and the worker ends this process.
        signal.signal(number, signal.SIG_IGN)
    line = sys.stdin.buffer.readline(LINE_LIMIT)
    if not line:
        return 0
    given = json.loads(line)
    tempfile.tempdir = given["scratch"]
    asyncio.run(_serve(given["address"], Identity(**given["identity"]), Path(given["scratch"]), given["worker_ttl"]))
    return 0


async def _serve(address: str, identity: Identity, scratch: Path, worker_ttl: float) -> None:
    from distributed import Scheduler

    from reading_room.analysis.cluster.security import LOOPBACK, configure, security_of

    configure(scratch, worker_ttl)
    make: Any = Scheduler
    scheduler = make(
        host=address,
        port=SCHEDULER_PORT,
        protocol="tls",
        security=security_of(identity),
        dashboard=False,
        dashboard_address=LOOPBACK,
    )
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    threading.Thread(target=_wait_for_end, args=(lambda: loop.call_soon_threadsafe(ended.set),), daemon=True).start()
    await scheduler
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    await ended.wait()
    await scheduler.close(reason="the job no longer needs it")


def _wait_for_end(end: Callable[[], object]) -> None:
    if sys.stdin.buffer.readline(LINE_LIMIT) != END:
        os._exit(0)
    end()


if __name__ == "__main__":
    os._exit(main())

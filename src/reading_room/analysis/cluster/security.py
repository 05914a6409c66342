"""Dask's settings: from this file alone, with mutual TLS, and without the features that are only convenient.

Dask reads no configuration file and no environment variable. It keeps nothing on disk, takes no profiles, and serves no
web page.
"""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path
from typing import Any

import dask.config
import distributed
import tornado.ioloop

from reading_room.analysis.cluster.identity import Identity
from reading_room.analysis.cluster.timing import WORKER_TTL_SECONDS

ALLOWED_FAILURES = 3
"""How many containers may be lost with the same part before the part itself counts as the reason."""
LOOPBACK = "127.0.0.1:0"
"""The address of Dask's HTTP servers: each process has one, even with its dashboard off."""

_SETTINGS: dict[str, Any] = {
    "distributed.comm.require-encryption": True,
    "distributed.comm.default-scheme": "tls",
    "distributed.comm.tls.min-version": 1.2,
    # Connections that the network drops are detected elsewhere, and sooner. This timeout is for a busy machine.
    "distributed.comm.timeouts.connect": "10s",
    "distributed.comm.timeouts.tcp": f"{WORKER_TTL_SECONDS}s",
    "distributed.comm.retry.count": 0,
    "distributed.scheduler.allowed-failures": ALLOWED_FAILURES,
    "distributed.scheduler.idle-timeout": None,
    "distributed.scheduler.no-workers-timeout": None,
    "distributed.scheduler.preload": [],
    "distributed.scheduler.http.routes": ["distributed.http.health"],
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.worker.preload": [],
    "distributed.worker.http.routes": ["distributed.http.health"],
    "distributed.worker.use-file-locking": False,
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.client.preload": [],
    "distributed.client.security-loader": None,
    "distributed.diagnostics.nvml": False,
    "distributed.diagnostics.cudf": False,
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.tick.limit": "60s",
    "distributed.admin.system-monitor.interval": "2s",
    "distributed.admin.system-monitor.disk": False,
    "distributed.admin.system-monitor.gil.enabled": False,
}


def configure(scratch: Path, worker_ttl: float = WORKER_TTL_SECONDS) -> None:
    """Configure Dask in this process; any files it makes go to ``scratch``. ``worker_ttl`` is in seconds."""
    dask.config.refresh(paths=[], env={})
    ours = {"temporary-directory": str(scratch), "distributed.scheduler.worker-ttl": f"{worker_ttl}s"}
    dask.config.set({**_SETTINGS, **ours})
    _measure_by_monotonic_clock()
    # The code that meets an error reports it; Dask's own lines describe its internals.
    for name in ("distributed", "tornado"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _measure_by_monotonic_clock() -> None:
    """Make Dask and Tornado measure periods by the monotonic clock.

    By the wall clock, a scheduler would give up all its workers if the clock is set forward, and send nothing for as
    long as it is set back.
    """
    tornado.ioloop.IOLoop.time = _monotonic  # type: ignore[method-assign]
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "distributed" and getattr(module, "time", None) is time.time:
            module.time = time.monotonic  # type: ignore[attr-defined]


def _monotonic(self: tornado.ioloop.IOLoop) -> float:
    return time.monotonic()


def security_of(identity: Identity) -> distributed.Security:
    """Return TLS settings for all three roles: they show the certificate, and trust the authority only."""
    roles = {
        f"tls_{role}_{kind}": text
        for role in ("scheduler", "worker", "client")
        for kind, text in (("cert", identity.certificate), ("key", identity.key))
    }
    make: Any = distributed.Security
    security: distributed.Security = make(require_encryption=True, tls_ca_file=identity.authority, **roles)
    return security

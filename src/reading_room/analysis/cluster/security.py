"""How Dask is set up here: from this file alone, with mutual TLS, and with nothing that serves convenience.

No configuration file and no environment variable is read. Nothing is kept on disk, measured by the millisecond, or
shown on a web page.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import dask.config
import distributed

from reading_room.analysis.cluster.identity import Identity
from reading_room.analysis.cluster.timing import WORKER_TTL_SECONDS

ALLOWED_FAILURES = 3
"""Containers that may be lost with the same part before the part itself is held to be the reason."""
LOOPBACK = "127.0.0.1:0"
"""For Dask's HTTP servers: each process has one, also with its dashboard off."""

_SETTINGS: dict[str, Any] = {
    "distributed.comm.require-encryption": True,
    "distributed.comm.default-scheme": "tls",
    "distributed.comm.tls.min-version": 1.2,
    # The wait for a connection that the network drops is judged elsewhere, and sooner. This is for a busy machine.
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
    """Set Dask up in this process; its files, if it makes any, go to ``scratch``. ``worker_ttl`` is in seconds."""
    dask.config.refresh(paths=[], env={})
    told = {"temporary-directory": str(scratch), "distributed.scheduler.worker-ttl": f"{worker_ttl}s"}
    dask.config.set({**_SETTINGS, **told})
    # What goes wrong is said by whoever meets it; Dask's own lines speak of its insides.
    for name in ("distributed", "tornado"):
        logging.getLogger(name).setLevel(logging.ERROR)


def security_of(identity: Identity) -> distributed.Security:
    """Return TLS for all three roles: a process proves itself with the certificate, and trusts the authority only."""
    roles = {
        f"tls_{role}_{kind}": text
        for role in ("scheduler", "worker", "client")
        for kind, text in (("cert", identity.certificate), ("key", identity.key))
    }
    make: Any = distributed.Security
    security: distributed.Security = make(require_encryption=True, tls_ca_file=identity.authority, **roles)
    return security

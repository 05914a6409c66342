"""The ports that the containers of a job reach each other at: what the rule of a job's security group has to let pass.

Every other port of Dask is on the container's own loopback.
"""

from __future__ import annotations

SCHEDULER_PORT = 8786
"""Of the first container: where all others find the cluster."""
WORKER_PORT = 8787
"""Of every container: where results are fetched from it."""
RESERVED_PORT = 8788
"""Nobody listens there yet. Rules are written for the three together, so that they need not change."""

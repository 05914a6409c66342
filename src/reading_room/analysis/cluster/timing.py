"""Time limits between the containers of one job."""

from __future__ import annotations

WORKER_TTL_SECONDS = 20
"""A container that sends nothing for so many seconds is removed, and another one takes its part."""

"""A product that tests may kill: its processes by role, what it holds of the machine, and what must not stay.

Each product runs in control groups of its own, so that every process it ever started is found there, wherever its
parent went; and with a user id range of its own, so that products side by side are told apart.
"""

from __future__ import annotations

import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reading_room.agent import holder as holders
from reading_room.cli import reading
from reading_room.cli.running import Endpoint, endpoint_of, free_port
from reading_room.containers.processes import ProcessHandle, worker_of
from reading_room.containers.record import Folder, Record
from reading_room.settings import Settings

READY_SECONDS = 60.0
STOP_SECONDS = 10.0
"""What the product promises after SIGTERM."""
SETTLE_SECONDS = 20.0
CONTROLLERS = ("pids", "cpu", "memory")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="control groups and other users' processes need root")


def eventually[T](look: Callable[[], T], seconds: float = SETTLE_SECONDS, what: str = "") -> T:
    """Look again and again until the answer is true; return it. Fails with the last answer after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what or look} (last: {found!r})")
        time.sleep(0.02)

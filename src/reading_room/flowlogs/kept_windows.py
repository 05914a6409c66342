"""The file of the open windows, so that a crash loses seconds rather than a minute of flows.

The file is beside the database and is replaced atomically. It is written before closed windows are delivered, so a
crash in between causes SKIPDATA records, but never duplicate records.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import astuple
from pathlib import Path

from reading_room.flowlogs.aggregate import FlowSum, KeptWindow
from reading_room.flowlogs.record import FlowKey

logger = logging.getLogger(__name__)

MOST_FLOWS = 20_000
"""With more open flows than this, writing the file is not worthwhile, and nothing is saved."""


def write(path: Path, windows: list[KeptWindow]) -> None:
    """Replace the file, or remove it if there is nothing to save, or too much. Raises ``OSError``."""
    flows = sum(len(window.sums) for window in windows)
    if not flows or flows > MOST_FLOWS:
        path.unlink(missing_ok=True)
        return
    document = [
        [window.flow_log_id, window.interface_id, window.start, [[astuple(key), astuple(each)] for key, each in sums]]
        for window in windows
        if (sums := window.sums)
    ]
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w") as file:
        json.dump(document, file)
    new.replace(path)


def read(path: Path) -> list[KeptWindow]:
    """Return the windows that the previous process saved; empty if it ended normally."""
    try:
        document = json.loads(path.read_text())
        return [
            KeptWindow(flow_log_id, interface_id, start, [(FlowKey(*key), FlowSum(*each)) for key, each in sums])
            for flow_log_id, interface_id, start, sums in document
        ]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError) as error:
        logger.warning("%s cannot be read, so the open flow log windows are lost: %s", path, error)
        return []

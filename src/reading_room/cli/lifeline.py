"""The lifeline: a pipe by which the children of ``up`` notice that it is gone."""

from __future__ import annotations

import os
import signal
import threading


def watch_lifeline(descriptor: int | None) -> threading.Event:
    """Send this process SIGTERM when ``up`` has ended, which closes the other end of the pipe.

    Returns an event that is set when this happens.
    """
    gone = threading.Event()
    if descriptor is None:
        return gone
    os.set_inheritable(descriptor, False)

    def watch() -> None:
        os.read(descriptor, 1)
        gone.set()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
    return gone

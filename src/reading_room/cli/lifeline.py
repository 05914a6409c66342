"""The lifeline: a pipe that tells a process when ``up``, which started it, has ended."""

from __future__ import annotations

import os
import signal
import threading


def watch_lifeline(descriptor: int | None) -> threading.Event:
    """End this process as SIGTERM would when ``up`` ends, because the other end of the pipe closes then.

    Return an event that is set when this has happened.
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

"""Threads that cannot start at first, as without memory."""

from __future__ import annotations

import threading

import pytest


def refuse_first_starts(monkeypatch: pytest.MonkeyPatch, *names: str) -> set[str]:
    """Let the first start of each named thread fail; return the names whose start is still to fail."""
    refused, start = set(names), threading.Thread.start

    def start_second_time(thread: threading.Thread) -> None:
        if thread.name in refused:
            refused.remove(thread.name)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_second_time)
    return refused

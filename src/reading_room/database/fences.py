"""Fences: what each transaction of a block checks first, so that a process that has lost its lease changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy.orm import Session

Check = Callable[[Session], None]
"""Raises an exception in a transaction that must not write."""
_CHECK: ContextVar[Check | None] = ContextVar("fence", default=None)


@contextmanager
def fenced(check: Check) -> Iterator[None]:
    """Call ``check`` at the beginning of every writing transaction of this thread during the block.

    A transaction in which it raises is rolled back. Threads that the block starts are not fenced.
    """
    token = _CHECK.set(check)
    try:
        yield
    finally:
        _CHECK.reset(token)


def check_fence(session: Session) -> None:
    """Call the check of the block around this, if there is one."""
    check = _CHECK.get()
    if check is not None:
        check(session)

"""A product for tests of programs that use AWS: a context manager, and a pytest plugin with the same as fixtures.

    from reading_room.testing import running

    with running() as service, service.new_account() as account:
        account.clients("s3").create_bucket(Bucket="papers")

pytest imports this package at its start, so a name here is imported only when it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reading_room.cli.folder import StartError as StartError
    from reading_room.testing.account import Account as Account
    from reading_room.testing.account import JobNotCompleted as JobNotCompleted
    from reading_room.testing.job_waiters import waiters as waiters
    from reading_room.testing.service import Service as Service
    from reading_room.testing.service import running as running

_MODULES = {
    "StartError": "reading_room.cli.folder",
    "Account": "reading_room.testing.account",
    "JobNotCompleted": "reading_room.testing.account",
    "Service": "reading_room.testing.service",
    "running": "reading_room.testing.service",
    "waiters": "reading_room.testing.job_waiters",
}
__all__ = ["Account", "JobNotCompleted", "Service", "StartError", "running", "waiters"]


def __getattr__(name: str) -> Any:
    """Return a public name, imported now."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)

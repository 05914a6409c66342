"""The lock that a backup holds on a blob store, and the deletions that wait for its end.

A backup copies the database first, and then the blobs that the copy names. The store must not delete any of these
blobs meanwhile. A blob is deleted only after the commit that removed its row, so a store that finds the lock free
deletes no blob that a later copy of the database names.

The kernel releases the lock with its process. A backup also renews the time of the lock's file, so one that is
suspended keeps deletions back for ``STALE_SECONDS`` at most.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import stat
import threading
import time
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

logger = logging.getLogger(__name__)

NAME = "backup.lock"
"""The lock's file in the folder of the blob store."""
RENEW_SECONDS = 5.0
STALE_SECONDS = 60.0
LOOK_SECONDS = 1.0
"""How often a store looks whether a backup has ended."""
_OPEN = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class LockTaken(Exception):
    """Another backup holds the lock."""


class Held:
    """A lock that this process holds."""

    def __init__(self, file: int, clock: Callable[[], float]) -> None:
        self._file = file
        self._clock = clock
        self._renewed = clock()
        os.utime(file)

    def renew(self) -> None:
        """Renew the time of the lock, at most every ``RENEW_SECONDS``. To be called again and again."""
        now = self._clock()
        if now - self._renewed >= RENEW_SECONDS:
            self._renewed = now
            os.utime(self._file)


@contextmanager
def hold(folder: int, owner: int, patience: float = 2.0, clock: Callable[[], float] = time.monotonic) -> Iterator[Held]:
    """Hold the lock of the store in a folder, which is given as a descriptor, while the block runs.

    ``owner`` is the user id of the store's process, which must be able to open the file. Raises ``LockTaken`` after
    ``patience`` seconds, and ``OSError``.
    """
    file = os.open(NAME, _OPEN, 0o600, dir_fd=folder)
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise OSError(errno.EINVAL, "it is not a regular file with a single name", NAME)
        if found.st_uid != owner and os.geteuid() == 0:
            os.fchown(file, owner, owner)
        _take(file, clock() + patience, clock)
        yield Held(file, clock)
    finally:
        os.close(file)


def _take(file: int, deadline: float, clock: Callable[[], float]) -> None:
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            # A store that looks at the lock takes it for some microseconds.
            if clock() > deadline:
                raise LockTaken from None
        time.sleep(0.01)


class Deletions:
    """Deletes blobs, or keeps them until the backup that may still copy them has ended. Thread-safe.

    If the process ends earlier, a sweep after its next start deletes them.
    """

    def __init__(
        self,
        folder: Path,
        unlink: Callable[[Iterable[str]], None],
        look_seconds: float = LOOK_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``folder`` is the store's; ``unlink`` deletes the files of blobs."""
        self._clock = clock
        self._renewed = (0, 0.0)
        self._file = os.open(folder / NAME, _OPEN, 0o600)
        weakref.finalize(self, os.close, self._file)
        self._unlink = unlink
        self._look_seconds = look_seconds
        self._mutex = threading.Lock()
        self._waiting: set[str] = set()
        self._thread: threading.Thread | None = None

    def delete(self, blob_ids: Collection[str]) -> None:
        """Delete blobs, now or after the backup. Raises ``OSError``."""
        if not blob_ids:
            return
        if not self.held_back():
            self._unlink(blob_ids)
            return
        with self._mutex:
            self._waiting.update(blob_ids)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="deletions", daemon=True)
                self._thread.start()

    def waiting(self) -> bool:
        """Return whether blobs are kept that are to be deleted."""
        with self._mutex:
            return bool(self._waiting)

    def held_back(self) -> bool:
        """Return whether a backup runs."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            # The wall clock, which the time of the file shows, may be set meanwhile.
            renewed, now = os.fstat(self._file).st_mtime_ns, self._clock()
            if renewed != self._renewed[0]:
                self._renewed = renewed, now
            return now - self._renewed[1] < STALE_SECONDS
        fcntl.flock(self._file, fcntl.LOCK_UN)
        return False

    def _run(self) -> None:
        failed = False
        while True:
            time.sleep(self._look_seconds)
            if self.held_back():
                continue
            with self._mutex:
                freed = set(self._waiting)
            try:
                self._unlink(freed)
            except OSError as error:
                if not failed:
                    logger.error("blobs that a backup had kept cannot be deleted, which will be retried: %s", error)
                failed = True
                continue
            with self._mutex:
                self._waiting -= freed
                if not self._waiting:
                    self._thread = None
                    return

"""How much space objects may take: those of one account, all together, and how much of the disk must stay free.

The database keeps the stored bytes of each bucket (``tables.S3Stored``). They are read once, before the first write,
with the sizes of the parts of unfinished uploads; the rows of objects are not. Every byte written later is added as it
is written, including parts and bodies that are still arriving. Bytes that are deleted or replaced are subtracted by
counting again, which happens only before a write would be refused. So the count is never too low, and costs no request
anything.
"""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.database.disk import LOOK_SECONDS, all_bytes
from reading_room.s3.blobs import BlobWriter, StorageAway
from reading_room.s3.errors import InsufficientCapacity
from reading_room.s3.object_cipher import DataKey
from reading_room.s3.servers import Activity
from reading_room.s3.tables import S3Bucket, S3Part, S3Stored, S3Upload
from reading_room.settings import Settings

logger = logging.getLogger(__name__)

LEAST_REST = 1.0
_RESTS = 20
"""Between two counts there is at least a second, and at least twenty times the duration of the first. So a client that
keeps writing beyond a limit keeps the database busy for a twentieth of the time at most."""
LOOK_REST = 60.0
"""How old a count may be, in seconds, for somebody who only wants to know."""


@dataclass(frozen=True, slots=True)
class SpaceLimits:
    """Limits in bytes: on the objects of an account, on all objects, and on the space that stays free. 0 is none."""

    per_account: int = 0
    total: int = 0
    free: int = 0

    @classmethod
    def of(cls, settings: Settings) -> SpaceLimits:
        """Return the limits of the settings.

        By default an account may use three quarters of the file system; an S3 service has no such size.
        """
        folder = settings.objects_folder
        return cls(
            per_account=settings.storage_per_account or (0 if folder is None else all_bytes(folder) * 3 // 4),
            total=settings.storage_total,
            free=settings.storage_free,
        )


def stored_by_account(session: Session) -> dict[str, int]:
    """Return the bytes of each account's objects, and of the parts of its unfinished uploads."""
    objects = (
        select(S3Bucket.account, func.sum(S3Stored.bytes))
        .join(S3Stored, S3Stored.bucket == S3Bucket.name)
        .group_by(S3Bucket.account)
    )
    parts = (
        select(S3Bucket.account, func.sum(S3Part.size))
        .join(S3Upload, S3Upload.bucket == S3Bucket.name)
        .join(S3Part, S3Part.upload_id == S3Upload.upload_id)
        .group_by(S3Bucket.account)
    )
    found: Counter[str] = Counter()
    for query in (objects, parts):
        for account, size in session.execute(query):
            found[account] += size
    return dict(found)


class Space:
    """Keeps account of the space. Thread-safe.

    ``count`` returns the stored bytes by account, ``free`` the bytes that the file system has left.
    """

    def __init__(
        self,
        limits: SpaceLimits = SpaceLimits(),
        count: Callable[[], Mapping[str, int]] = dict,
        free: Callable[[], int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._read = count
        self._free = free if limits.free else None
        self._clock = clock
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()
        """Bytes by account, stored or being written."""
        self._writing: Counter[str] = Counter()
        """Those of them that no committed row names yet."""
        self._since: Counter[str] = Counter()
        """Changes since the last count began."""
        self._counting = threading.Lock()
        self._next_count = self._next_look = clock()
        self._counted = not (limits.per_account or limits.total)
        """Whether the stored bytes are known, as far as there is a limit for them."""
        self._left, self._left_until = 0, clock()
        """Bytes that may be written according to the latest look at the file system, and until when it is valid."""

    def count(self) -> None:
        """Count the stored bytes again."""
        with self._counting:
            self._count()

    def refresh(self) -> None:
        """Count again if the last count is a minute old, because other processes write, too."""
        if self._clock() >= self._next_look and (self._limits.per_account or self._limits.total):
            self.count()

    def stored(self, account: str) -> int:
        """Return the bytes of an account, stored or being written. Deletions of the last minute may not be known.

        Counts again if the last count is older and no other count runs.
        """
        if self._clock() >= self._next_look and self._counting.acquire(blocking=False):
            try:
                self._count()
            finally:
                self._counting.release()
        with self._lock:
            return self._held[account]

    def await_count(self) -> None:
        """Return once the stored bytes have been counted for the first time."""
        if not self._counted:
            with self._counting:
                if not self._counted:
                    self._count()

    def _count(self) -> None:
        began = self._clock()
        with self._lock:
            self._since.clear()
            known = Counter(self._writing)
        # Bytes that are committed during the count may be in both. The sum is then too high until the next count.
        known.update(self._read())
        with self._lock:
            known.update(self._since)
            self._held = known
        self._counted = True
        ended = self._clock()
        self._next_count = ended + max(LEAST_REST, _RESTS * (ended - began))
        self._next_look = max(self._next_count, ended + LOOK_REST)

    def has_room(self, account: str, size: int) -> bool:
        """Say whether an account may store ``size`` more bytes, by the known counts. Never waits."""
        return self._counted and self._refusal(account, size) is None

    def check(self, account: str, size: int) -> None:
        """Raise ``InsufficientCapacity`` unless an account may store ``size`` more bytes.

        Before it raises, it counts again, unless that happened a moment ago.
        """
        self.await_count()
        if self.has_room(account, size):
            return
        if self._counting.acquire(blocking=False):
            try:
                if self._clock() >= self._next_count:
                    self._count()
            finally:
                self._counting.release()
        if (refusal := self._refusal(account, size)) is not None:
            raise refusal

    def claim(self, account: str) -> Claim:
        """Return an empty claim for a write to a bucket of an account."""
        return Claim(self, account)

    def _refusal(self, account: str, size: int) -> InsufficientCapacity | None:
        with self._lock:
            return self._refused(account, size)

    def _refused(self, account: str, size: int) -> InsufficientCapacity | None:
        limits = self._limits
        if limits.per_account and self._held[account] + size > limits.per_account:
            return InsufficientCapacity.of_account(limits.per_account)
        if limits.total and self._held.total() + size > limits.total:
            return InsufficientCapacity.of_all(limits.total)
        if self._free is not None:
            now = self._clock()
            if now >= self._left_until or size > self._left:
                self._left, self._left_until = self._free() - limits.free, now + LOOK_SECONDS
            if size > self._left:
                return InsufficientCapacity.of_disk(limits.free)
        return None

    def _grow(self, claim: Claim, size: int) -> None:
        self.await_count()
        with self._lock:
            if (refusal := self._refused(claim.account, size)) is not None:
                raise refusal
            self._left -= size
            for counts in (self._held, self._writing, self._since):
                counts[claim.account] += size
            claim.size += size

    def _end(self, claim: Claim, *counts: Counter[str]) -> None:
        with self._lock:
            for each in (self._writing, *counts):
                each[claim.account] -= claim.size
            claim.size = 0


class Claim:
    """The space of one write, from its first byte until its row is committed or the write is given up."""

    def __init__(self, space: Space, account: str) -> None:
        self._space = space
        self.account = account
        self.size = 0

    def grow(self, size: int) -> None:
        """Claim ``size`` more bytes. Raises ``InsufficientCapacity``."""
        self._space._grow(self, size)

    def keep(self) -> None:
        """Keep the space, because a committed row names the bytes."""
        self._space._end(self)

    def drop(self) -> None:
        """Give the space back. Does nothing after ``keep``."""
        self._space._end(self, self._space._held, self._space._since)


class MeteredWriter:
    """A blob being written that claims space as it grows.

    Its id is in ``unsettled`` until a committed row names it, or it is discarded.
    """

    def __init__(
        self,
        writer: BlobWriter,
        claim: Claim,
        unsettled: set[str],
        activity: Activity | None = None,
        key: DataKey | None = None,
    ) -> None:
        """``activity`` notes the time from sealing until then, in a store that other processes share.

        ``key`` is the one that the writer encrypts with.
        """
        self.key = key
        self._writer = writer
        self._claim = claim
        self._unsettled = unsettled
        self._activity = activity
        self._sealing: int | None = None
        self.blob_id = writer.blob_id
        self.is_in_row = False
        """Whether the bytes are in the row of the object, so that there is no blob."""
        unsettled.add(writer.blob_id)

    def write(self, data: bytes) -> None:
        """Append bytes. Raises ``InsufficientCapacity``, also if the file system is full."""
        self._claim.grow(len(data))
        with _disk_full():
            self._writer.write(data)

    def take_small(self) -> bytes | None:
        """Return all written bytes, encrypted if there is a key, if the store leaves them to the row of the object."""
        small = self._writer.take_small()
        self.is_in_row = small is not None
        return small if small is None or self.key is None else self.key.seal_row(small)

    def seal(self) -> None:
        """Make the blob durable. Raises ``InsufficientCapacity``."""
        if self._activity is not None:
            self._sealing = self._activity.begin()
        with _disk_full():
            self._writer.seal()

    def keep(self) -> None:
        """Keep the space, because a committed row names the blob."""
        self._claim.keep()
        self._settle()

    def discard(self) -> None:
        """Delete the written bytes, and give their space back."""
        try:
            self._writer.discard()
        except StorageAway as error:
            # The blob stays unsettled, so that the end of this process leaves it to a sweep.
            logger.warning("blob %s cannot be deleted now, which a sweep does later: %s", self.blob_id, error)
            self._claim.drop()
            self._end_sealing()
            return
        self._claim.drop()
        self._settle()

    def leave(self) -> None:
        """Leave the blob to a sweep, because it is not certain whether a row names it."""
        self._claim.keep()
        # Without other processes, no sweep removes the blob before the next start.
        if self._activity is not None:
            self._settle()

    def _settle(self) -> None:
        self._unsettled.discard(self.blob_id)
        self._end_sealing()

    def _end_sealing(self) -> None:
        if self._activity is not None and self._sealing is not None:
            self._activity.end(self._sealing)


@contextmanager
def _disk_full() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise InsufficientCapacity.of_disk(0) from error

"""The seam between the worker and whatever analyses text."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any, Protocol, TypeVar

from reading_room.analysis.kinds import ENTRIES

T = TypeVar("T")

# Options of glibc's mallopt(3).
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3

Result = list[dict[str, Any]]
"""What one document gets: a list of entities, or of languages, in the API's own members."""
Members = dict[str, Any]
"""What one document gets where the API has several members side by side: ``Sentiment`` and ``SentimentScore``."""


class Engine(Protocol):
    """Analyses documents, one result each, in their order.

    Engines are loaded once per process and serve one caller at a time. They never open a file or a socket after
    ``load_engine`` returned.
    """

    result_member: str
    """The member of a line that holds the list (``Entities``, ``Languages``); empty where results are members."""

    def analyse(self, texts: Iterable[str]) -> Iterator[Result] | Iterator[Members]:
        """Yield one result per text. A text may be empty and may be a megabyte long.

        Texts are a stream without end in sight: an engine reads ahead no more than a batch of its own choice.
        """
        ...


def load_engine(name: str) -> Engine:
    """Load an engine that needs nothing but its name. Raises ``ValueError`` for a name that is none."""
    entry = ENTRIES.get(name)
    if entry is None or entry.loads is None:
        raise ValueError(f"unknown engine {name!r}")
    engine: Engine = named(f"engines.{entry.loads}")(*entry.arguments)
    return engine


def named(name: str) -> Callable[..., Any]:
    """Import what the registry names: ``module:name``, below this package."""
    module, _, attribute = name.partition(":")
    made: Callable[..., Any] = getattr(import_module(f"{__package__}.{module}"), attribute)
    return made


def one_thread() -> None:
    """Keep numerical libraries to the one thread that asks them; to be called before an engine is loaded.

    Their matrices here are small: a second thread mostly waits, spinning, and a container's share of the processor pays
    for it. Measured: a fifth more time for the same entities.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"


def keep_memory(most: int = 1 << 30) -> None:
    """Have the C library keep what it was given, up to so many bytes, instead of returning it and asking for it again.

    An engine allocates the same large matrices for every batch, and the kernel clears each page anew: half a million
    page faults per megabyte of text. Measured: a tenth of the time. Where the C library is not glibc nothing changes.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, size in ((_M_MMAP_THRESHOLD, most), (_M_TRIM_THRESHOLD, most), (_M_TOP_PAD, most >> 4)):
            mallopt(option, size)


def return_freed_memory() -> None:
    """Return to the kernel what loading has freed, which ``keep_memory`` keeps. Does nothing where libc is not glibc.

    Measured: 14 MB of a container for entities, 31 MB of one for languages, in 2 ms. The first document costs no more.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def in_batches(items: Iterable[T], size: Callable[[T], int], most: int, most_size: int) -> Iterator[list[T]]:
    """Group items so that a batch has at most so many and, unless one alone is larger, at most so much size."""
    batch: list[T] = []
    total = 0
    for item in items:
        added = size(item)
        if batch and (len(batch) == most or total + added > most_size):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += added
    if batch:
        yield batch

"""The seam between the worker and whatever analyses text."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

Result = list[dict[str, Any]]
"""What one document gets: a list of entities, or of languages, in the API's own members."""


class Engine(Protocol):
    """Analyses documents, one result each, in their order.

    Engines are loaded once per process and serve one caller at a time. They never open a file or a socket after
    ``load_engine`` returned.
    """

    result_member: str
    """The member of a result line that holds the list: ``Entities`` or ``Languages``."""

    def analyse(self, texts: Sequence[str]) -> Iterator[Result]:
        """Yield one result per text. A text may be empty and may be a megabyte long."""
        ...


ENGINE_NAMES = ("entities-en", "dominant-language")


def load_engine(name: str) -> Engine:
    """Load an engine by name. Raises ``ValueError`` for a name that is not in ``ENGINE_NAMES``."""
    if name == "entities-en":
        from reading_room.analysis.engines.spacy_entities import SpacyEntities

        return SpacyEntities()
    if name == "dominant-language":
        from reading_room.analysis.engines.language_vote import LanguageVote

        return LanguageVote()
    raise ValueError(f"unknown engine {name!r}, expected one of {', '.join(ENGINE_NAMES)}")


def one_thread() -> None:
    """Keep numerical libraries to the one thread that asks them; to be called before an engine is loaded.

    Their matrices here are small: a second thread mostly waits, spinning, and a container's share of the processor pays
    for it. Measured: a fifth more time for the same entities.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"


def in_batches(items: Iterable[str], most: int, most_characters: int) -> Iterator[list[str]]:
    """Group texts so that a batch has at most so many texts and, unless one text alone is longer, characters."""
    batch: list[str] = []
    characters = 0
    for item in items:
        if batch and (len(batch) == most or characters + len(item) > most_characters):
            yield batch
            batch, characters = [], 0
        batch.append(item)
        characters += len(item)
    if batch:
        yield batch

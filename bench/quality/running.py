"""Running an engine over texts, with the type of its results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

from reading_room.analysis.engine import Engine


def lists(engine: Engine, texts: Iterable[str]) -> Iterator[list[dict[str, Any]]]:
    """Yield each text's list from an engine that answers with lists (entities, phrases, tokens, languages)."""
    return cast("Iterator[list[dict[str, Any]]]", engine.analyse(texts))


def members(engine: Engine, texts: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the members of each text, of an engine that answers members side by side (sentiment)."""
    return cast("Iterator[dict[str, Any]]", engine.analyse(texts))

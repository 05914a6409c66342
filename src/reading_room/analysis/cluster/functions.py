"""The functions that a job's containers run for each other, by name; each takes the program and one item.

A program calls them through ``Work.map``. In a job of one container that is a loop in the same process. In a job of
several, any free container runs the function, with the same result, because all of them have loaded the same program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from reading_room.analysis.program import Mapper


def _vectors(program: Any, texts: Sequence[tuple[str, str]]) -> Any:
    return program.vectors(texts)


FUNCTIONS: Mapping[str, Callable[[Any, Any], Any]] = {"vectors": _vectors}
"""``vectors``: the sentence vectors of texts, one row each, from the encoder that the program has loaded. An item has a
name and a text for each row; the name is for messages."""


def here(program: Any) -> Mapper:
    """Return a map that does everything in this process, one item after another."""

    def mapped(name: str, items: Sequence[Any]) -> Iterator[Any]:
        function = FUNCTIONS[name]
        for item in items:
            yield function(program, item)

    return mapped

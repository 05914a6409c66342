"""What the containers of a job do for each other, by name: a function of the program and one item.

Whoever needs one calls ``Work.map``. In one container that is a loop here; over several it is the same function in
whichever container is free, with the same result, for all of them have loaded the same program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from reading_room.analysis.program import Mapper


def _vectors(program: Any, texts: Sequence[str]) -> Any:
    return program.vectors(texts)


FUNCTIONS: Mapping[str, Callable[[Any, Any], Any]] = {"vectors": _vectors}
"""``vectors``: sentence vectors of texts, a row each, by the encoder that the program has loaded."""


def here(program: Any) -> Mapper:
    """Return a map that does everything in this process, one item after the other."""

    def mapped(name: str, items: Sequence[Any]) -> Iterator[Any]:
        function = FUNCTIONS[name]
        for item in items:
            yield function(program, item)

    return mapped

"""Random values for botocore's shapes, as a parser would return them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import strategies as st

TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), min_size=1, max_size=8
)
MOMENTS = st.integers(0, 2**32 - 1).map(lambda seconds: dt.datetime.fromtimestamp(seconds, dt.UTC))
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXT,
    "character": TEXT,
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "timestamp": MOMENTS,
    "blob": st.binary(min_size=1, max_size=8),
}


def values(shape: Shape, depth: int = 0, *, empty_lists: bool = True) -> st.SearchStrategy[Any]:
    """Return a strategy for values of a shape; structures get rarer with depth, so that recursion ends."""
    if isinstance(shape, StructureShape):
        members = list(shape.members.items()) if depth < 5 else []
        if shape.metadata.get("union"):
            members = members[:1]
        return st.fixed_dictionaries(
            {},
            optional={
                name: values(member, depth + 1, empty_lists=empty_lists)
                for name, member in members
                if not (isinstance(member, StructureShape) and (depth >= 4 or not member.members))
            },
        )
    if isinstance(shape, ListShape):
        least = 0 if empty_lists else 1
        return st.lists(values(shape.member, depth + 1, empty_lists=empty_lists), min_size=least, max_size=3)
    if isinstance(shape, MapShape):
        return st.dictionaries(TEXT, values(shape.value, depth + 1), min_size=1, max_size=3)
    if getattr(shape, "enum", None):
        return st.sampled_from(shape.metadata["enum"])
    return SCALARS[shape.type_name]


def pruned(value: Any) -> Any:
    """Return a value without empty structures and lists, which a form cannot express."""
    if isinstance(value, dict):
        kept = {name: pruned(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if item not in ({}, [])}
    if isinstance(value, list):
        return [item for item in (pruned(item) for item in value) if item not in ({}, [])]
    return value

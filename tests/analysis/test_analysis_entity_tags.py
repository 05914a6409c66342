"""Shapes, the best valid row of tags, and the entities in it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.analysis.engines.entity_tags import SHAPES, TAGS, TYPES, best_tags, shape, spans


def valid(tags: tuple[int, ...]) -> bool:
    """Whether every I- follows a tag of its own type."""
    names = [TAGS[tag] for tag in tags]
    return all(
        not name.startswith("I-") or (index > 0 and names[index - 1][2:] == name[2:])
        for index, name in enumerate(names)
    )


def test_words_of_different_case_have_different_shapes() -> None:
    words = ["word", "Word", "WORD", "W", "wOrd", "12", "1st", "語", "?!"]
    found = [shape(word, 0, len(word)) for word in words]
    assert len(set(found)) == len(words)


def test_a_word_that_touches_the_one_before_has_a_shape_of_its_own() -> None:
    assert shape("a b", 2, 3) != shape("a-b", 2, 3)


@given(st.text(min_size=1, max_size=12), st.integers(0, 11))
def test_every_word_has_a_shape_that_the_graph_knows(text: str, begin: int) -> None:
    begin = min(begin, len(text) - 1)
    assert 0 < shape(text, begin, len(text)) < SHAPES


@pytest.mark.parametrize("seed", range(20))
def test_the_best_row_is_the_best_of_all_valid_rows(seed: int) -> None:
    words = 3
    scores = np.random.default_rng(seed).normal(size=(words, len(TAGS))).astype(np.float32)
    rows = [row for row in itertools.product(range(len(TAGS)), repeat=words) if valid(row)]
    best = max(rows, key=lambda row: float(sum(scores[index, tag] for index, tag in enumerate(row))))
    assert tuple(best_tags(scores)) == best


def test_adjacent_entities_of_one_type_stay_separate() -> None:
    person = TYPES.index("PERSON")
    begin, inside = 1 + 2 * person, 2 + 2 * person
    assert spans(np.array([0, begin, inside, begin, 0, begin])) == [(1, 3, person), (3, 4, person), (5, 6, person)]

"""Long runs of letters or punctuation marks are tokenized in parts of limited length."""

from __future__ import annotations

import re
from functools import cache

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language

from reading_room.analysis.engines.spacy_pipeline import CHUNK_CODE_POINTS, chunks, tokenized

PARTS = ["a", "'", "(", ")", " ", "\n", "\u3000", "é", "\U0001f600", "'" * 300, "x" * 600]
TEXTS = st.lists(st.sampled_from(PARTS)).map("".join)


@cache
def english() -> Language:
    """Return English without trained components."""
    return spacy.blank("en")


@given(TEXTS)
def test_the_parts_are_the_text_and_none_has_a_longer_run(text: str) -> None:
    parts = chunks(text)
    assert "".join(parts) == text
    assert all(len(run) <= CHUNK_CODE_POINTS for part in parts for run in re.findall(r"\S+", part))
    if re.search(rf"\S{{{CHUNK_CODE_POINTS + 1}}}", text) is None:
        assert parts == [text]


@given(TEXTS)
def test_tokens_have_their_offsets_in_the_text(text: str) -> None:
    doc = tokenized(english(), text)
    assert doc.text == text
    assert all(text[token.idx : token.idx + len(token)] == token.text for token in doc)


@pytest.mark.parametrize("mark", ["'", "(", ")", '"'])
def test_the_tokenizer_never_gets_a_part_over_the_limit(mark: str) -> None:
    class Watched:
        longest = 0

        def make_doc(self, text: str) -> object:
            self.longest = max(self.longest, len(text))
            return english().make_doc(text)

    watched = Watched()
    assert tokenized(watched, mark * 5_000).text == mark * 5_000  # type: ignore[arg-type]
    assert watched.longest == CHUNK_CODE_POINTS

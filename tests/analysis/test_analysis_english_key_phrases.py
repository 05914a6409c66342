"""English key phrases: what counts as one, which words are left out, and where a phrase ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reading_room.analysis.engine import load_engine
from reading_room.analysis.engines.english_key_phrases import EnglishKeyPhrases, _list_beginnings


@pytest.fixture(scope="module")
def engine() -> EnglishKeyPhrases:
    """The engine, loaded once by its name."""
    engine = load_engine("key-phrases-en")
    assert isinstance(engine, EnglishKeyPhrases)
    return engine


def phrases(engine: EnglishKeyPhrases, text: str) -> list[str]:
    """Return the phrases of a text."""
    (found,) = engine.analyse([text])
    return [phrase["Text"] for phrase in found]


def test_noun_phrases_keep_their_articles(engine: EnglishKeyPhrases) -> None:
    found = phrases(engine, "The new phone has a large screen.")
    assert found == ["The new phone", "a large screen"]


def test_pronouns_are_not_phrases(engine: EnglishKeyPhrases) -> None:
    assert phrases(engine, "She gave it to them and he liked that.") == []


def test_pointing_and_counting_words_are_left_out(engine: EnglishKeyPhrases) -> None:
    found = phrases(engine, "These results and several other methods improve such systems.")
    assert {"results", "methods", "systems"} <= set(found)


def test_phrases_joined_by_a_conjunction_are_separated(engine: EnglishKeyPhrases) -> None:
    assert {"Knowledge discovery", "data mining"} <= set(
        phrases(engine, "Knowledge discovery and data mining are important for the company.")
    )


def test_brackets_end_a_phrase(engine: EnglishKeyPhrases) -> None:
    found = phrases(engine, "A support vector machine (SVM) classifies the images.")
    assert "A support vector machine" in found
    assert all("(" not in phrase and ")" not in phrase for phrase in found)


def test_amounts_of_money_are_phrases(engine: EnglishKeyPhrases) -> None:
    assert "$24.53" in phrases(engine, "You have a minimum payment of $24.53 due by July.")


def test_empty_and_blank_texts_have_no_phrases(engine: EnglishKeyPhrases) -> None:
    assert list(engine.analyse(["", " \n "])) == [[], []]


def test_whole_phrases_score_higher_than_cut_ones(engine: EnglishKeyPhrases) -> None:
    whole, cut = engine.analyse(["I saw the red car.", "I like planning and control of big ships."])
    assert whole[-1]["Score"] > min(phrase["Score"] for phrase in cut)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["the", "red", "car", "and", "(", ")", ",", "runs", "London", "$", "5", "of", "his", "\n", "'s", "-", "😀"]
        ),
        max_size=40,
    )
)
def test_phrases_are_slices_of_the_text_in_order_without_overlap(engine: EnglishKeyPhrases, words: list[str]) -> None:
    text = " ".join(words)
    (found,) = engine.analyse([text])
    reached = 0
    for phrase in found:
        assert phrase["BeginOffset"] >= reached
        assert text[phrase["BeginOffset"] : phrase["EndOffset"]] == phrase["Text"]
        assert 0 < phrase["Score"] <= 1
        reached = phrase["EndOffset"]


@dataclass
class Word:
    """A parsed word with the attributes that the engine reads; it counts how often its head is read."""

    i: int
    dep_: str
    looked: list[int]
    words: list[Word]
    at: int

    @property
    def head(self) -> Word:
        self.looked.append(self.i)
        return self.words[self.at]


def parsed(tree: Sequence[tuple[str, int]]) -> tuple[list[Word], list[int]]:
    """Return the words of a tree, and the record of which heads were read."""
    words: list[Word] = []
    looked: list[int] = []
    words += [Word(i, dep, looked, words, min(head, len(tree) - 1)) for i, (dep, head) in enumerate(tree)]
    return words, looked


def begins_list(word: Word) -> Word:
    """Return the definition of the result: follow conjunctions to the left from a member of a list."""
    if word.dep_ != "conj":
        return word
    head = word.head
    while head.dep_ == "conj" and head.head.i < head.i:
        head = head.head
    return head


@given(st.lists(st.tuples(st.sampled_from(["conj", "nsubj", "ROOT"]), st.integers(0, 12)), min_size=1, max_size=13))
def test_each_member_of_a_list_leads_to_the_first_one(tree: list[tuple[str, int]]) -> None:
    words, _ = parsed(tree)
    found: Any = _list_beginnings(words)  # type: ignore[arg-type] # has the attributes of spaCy's tokens that are read
    assert [word.i for word in found] == [begins_list(word).i for word in words]


def test_a_list_as_long_as_the_text_is_walked_once() -> None:
    words, looked = parsed([("ROOT", 0), *(("conj", i) for i in range(2000))])
    assert {word.i for word in _list_beginnings(words)} == {0}  # type: ignore[arg-type]
    assert len(looked) < 4 * len(words)

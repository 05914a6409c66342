"""English key phrases: what is one, what is left out of it, and where it ends."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reading_room.analysis.engine import load_engine
from reading_room.analysis.engines.english_key_phrases import EnglishKeyPhrases


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


def test_noun_phrases_are_answered_with_their_articles(engine: EnglishKeyPhrases) -> None:
    found = phrases(engine, "The new phone has a large screen.")
    assert found == ["The new phone", "a large screen"]


def test_pronouns_are_no_phrases(engine: EnglishKeyPhrases) -> None:
    assert phrases(engine, "She gave it to them and he liked that.") == []


def test_pointing_and_counting_words_are_left_out(engine: EnglishKeyPhrases) -> None:
    found = phrases(engine, "These results and several other methods improve such systems.")
    assert {"results", "methods", "systems"} <= set(found)


def test_joined_phrases_are_parted(engine: EnglishKeyPhrases) -> None:
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
def test_phrases_slice_the_text_in_order_without_overlap(engine: EnglishKeyPhrases, words: list[str]) -> None:
    text = " ".join(words)
    (found,) = engine.analyse([text])
    reached = 0
    for phrase in found:
        assert phrase["BeginOffset"] >= reached
        assert text[phrase["BeginOffset"] : phrase["EndOffset"]] == phrase["Text"]
        assert 0 < phrase["Score"] <= 1
        reached = phrase["EndOffset"]

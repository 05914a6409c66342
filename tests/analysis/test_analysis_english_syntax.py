"""English parts of speech on sentences with undisputed tags, and the format of the weights."""

from __future__ import annotations

import numpy as np
import pytest

from reading_room.analysis.engine import load_engine
from reading_room.analysis.engines.english_syntax import (
    TAGS,
    EnglishSyntax,
    WordClasses,
    from_halves,
    network,
    to_halves,
)
from reading_room.analysis.engines.packaged_pipeline import load_english
from reading_room.analysis.trained import weights


@pytest.fixture(scope="module")
def engine() -> EnglishSyntax:
    """The engine, loaded once by its name."""
    engine = load_engine("syntax-en")
    assert isinstance(engine, EnglishSyntax)
    return engine


def tags(engine: EnglishSyntax, text: str) -> dict[str, str]:
    """Return the tag of each word of a text without repeated words."""
    (found,) = engine.analyse([text])
    return {token["Text"]: token["PartOfSpeech"]["Tag"] for token in found}


def test_words_have_their_parts_of_speech(engine: EnglishSyntax) -> None:
    found = tags(engine, "She quickly bought two red apples in London and ate them.")
    assert found == {
        "She": "PRON", "quickly": "ADV", "bought": "VERB", "two": "NUM", "red": "ADJ", "apples": "NOUN", "in": "ADP",
        "London": "PROPN", "and": "CCONJ", "ate": "VERB", "them": "PRON", ".": "PUNCT",
    }  # fmt: skip


def test_tags_are_universal_and_not_mapped_from_penn_tags(engine: EnglishSyntax) -> None:
    assert tags(engine, "I have a car.")["have"] == "VERB"
    assert tags(engine, "I have seen it.")["have"] == "AUX"


@pytest.mark.costs(1.2, reason="a text of 4,000 sentences is analysed")
def test_tokens_are_numbered_from_one_over_the_whole_text(engine: EnglishSyntax) -> None:
    text = "The cat sat.  " * 4_000
    (found,) = engine.analyse([text])
    assert [token["TokenId"] for token in found] == list(range(1, 4 * 4_000 + 1))
    assert all(text[token["BeginOffset"] : token["EndOffset"]] == token["Text"] for token in found)


def test_blanks_are_not_tokens_and_empty_texts_have_none(engine: EnglishSyntax) -> None:
    blank, words, empty = engine.analyse([" \n\t ", "Well \n\n done", ""])
    assert blank == empty == []
    assert [token["Text"] for token in words] == ["Well", "done"]


def test_scores_are_probabilities_and_unclear_words_score_lower(engine: EnglishSyntax) -> None:
    (found,) = engine.analyse(["The dog barks. Buffalo buffalo buffalo glorp."])
    scores = [token["PartOfSpeech"]["Score"] for token in found]
    assert all(1 / len(TAGS) <= score <= 1 for score in scores)
    assert min(scores) < 0.9 < max(scores)


@pytest.mark.costs(1.2, reason="the weights are loaded twice, and written once")
def test_a_higher_temperature_lowers_scores_and_changes_no_tag() -> None:
    nlp = load_english(())
    model = network()
    from_halves(model, weights("english-syntax", "tagger.msgpack").read_bytes())
    docs = [nlp.make_doc("Time flies like an arrow.")]
    (cold,), (warm,) = WordClasses(model, 1.0).predict(docs), WordClasses(model, 3.0).predict(docs)
    assert (cold.argmax(axis=1) == warm.argmax(axis=1)).all()
    assert (warm.max(axis=1) < cold.max(axis=1)).all()
    assert np.allclose(warm.sum(axis=1), 1, atol=1e-5)
    other = network()
    from_halves(other, to_halves(model))
    assert np.array_equal(other.predict(docs)[0], model.predict(docs)[0])

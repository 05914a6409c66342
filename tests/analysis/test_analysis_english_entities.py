"""The English entity engine: what it finds and where, also in long or unusual texts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reading_room.analysis.engine import load_engine
from reading_room.analysis.engines.english_entities import BATCH_TOKENS, WINDOW_TOKENS, EnglishEntities, batches
from reading_room.analysis.engines.entity_tags import TYPES


@pytest.fixture(scope="module")
def engine() -> EnglishEntities:
    """The engine, loaded once by its name."""
    engine = load_engine("entities-en")
    assert isinstance(engine, EnglishEntities)
    return engine


def texts_and_types(engine: EnglishEntities, text: str) -> set[tuple[str, str]]:
    """Return the texts and types of the entities in a text."""
    (found,) = engine.analyse([text])
    return {(entity["Text"], entity["Type"]) for entity in found}


def test_names_places_dates_and_amounts_are_found(engine: EnglishEntities) -> None:
    text = "😀 Angela Merkel visited Paris on 3 May 2021 and spent $24.53 at Siemens."
    assert texts_and_types(engine, text) >= {
        ("Angela Merkel", "PERSON"),
        ("Paris", "LOCATION"),
        ("3 May 2021", "DATE"),
        ("$24.53", "QUANTITY"),
        ("Siemens", "ORGANIZATION"),
    }


def test_offsets_count_code_points_and_scores_are_probabilities(engine: EnglishEntities) -> None:
    text = "👩‍👩‍👧 Ünal met İbrahim Çelik in São Paulo, Café Ōkubo."
    (found,) = engine.analyse([text])
    assert found
    for entity in found:
        assert text[entity["BeginOffset"] : entity["EndOffset"]] == entity["Text"]
        assert entity["Type"] in TYPES
        assert 0 < entity["Score"] < 1


@pytest.mark.costs(0.08, reason="a text of 60 sentences is analysed")
def test_entities_are_in_order_and_do_not_overlap(engine: EnglishEntities) -> None:
    text = (
        "Mary Jones of IBM flew from New York to Rome on Monday. John Smith of Apple stayed in London until June. " * 30
    )
    (found,) = engine.analyse([text])
    places = [(entity["BeginOffset"], entity["EndOffset"]) for entity in found]
    assert len(places) > 150
    assert all(before[1] <= after[0] for before, after in pairwise(places))


@pytest.mark.costs(1.1, reason="a text of 1,500 sentences is analysed")
def test_a_text_of_many_windows_has_the_entities_of_all_its_sentences(engine: EnglishEntities) -> None:
    sentence = "Barack Obama was born in Hawaii. "
    (one,) = engine.analyse([sentence])
    (many,) = engine.analyse([sentence * 1500])
    assert one
    assert {entity["BeginOffset"] % len(sentence) for entity in many} == {entity["BeginOffset"] for entity in one}
    assert len(many) == 1500 * len(one)


def test_texts_in_a_batch_get_the_same_entities_as_alone(engine: EnglishEntities) -> None:
    texts = ["Paris is in France.", "", "Tim Cook runs Apple.", " \n", "She was born on 4 July 1976 in Boston."]
    together = list(engine.analyse(texts))
    alone = [next(iter(engine.analyse([text]))) for text in texts]
    assert [[(e["Text"], e["Type"]) for e in each] for each in together] == [
        [(e["Text"], e["Type"]) for e in each] for each in alone
    ]
    assert together[1] == together[3] == []


@given(st.lists(st.integers(1, 4 * WINDOW_TOKENS), max_size=80))
def test_windows_that_are_read_together_have_one_length_and_all_are_read(lengths: list[int]) -> None:
    found = list(batches(lengths))
    assert sorted(index for batch in found for index in batch) == list(range(len(lengths)))
    for batch in found:
        (length,) = {lengths[index] for index in batch}
        assert len(batch) == 1 or len(batch) * (length + 2) <= BATCH_TOKENS


@pytest.mark.costs(0.2, reason="thirty texts are analysed, once together and once alone")
def test_texts_of_many_lengths_get_their_own_entities(engine: EnglishEntities) -> None:
    towns = ("Paris", "Berlin", "Madrid", "Vienna", "London")
    texts = [f"{towns[at % 5]} is a town. " + "It is old. " * (at % 9) for at in range(30)]
    for text, found in zip(texts, engine.analyse(texts), strict=True):
        assert (text.split()[0], "LOCATION") in {(entity["Text"], entity["Type"]) for entity in found}


def test_a_name_does_not_span_an_empty_line(engine: EnglishEntities) -> None:
    text = "Dear Sir,\n\nKind regards\n\nJohn Smith\n\nMary Jones\n\nAcme Corporation"
    (found,) = engine.analyse([text])
    assert found
    assert all("\n\n" not in entity["Text"] for entity in found)


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.text(max_size=300), max_size=4))
def test_every_entity_is_a_slice_of_its_text(engine: EnglishEntities, texts: list[str]) -> None:
    answers = list(engine.analyse(texts))
    assert len(answers) == len(texts)
    for text, found in zip(texts, answers, strict=True):
        assert all(text[entity["BeginOffset"] : entity["EndOffset"]] == entity["Text"] for entity in found)


@pytest.mark.costs(2, reason="three texts of tens of thousands of characters are analysed")
def test_a_very_long_word_and_a_text_without_blanks_are_analysed(engine: EnglishEntities) -> None:
    answers = list(engine.analyse(["x" * 50_000, "語" * 3 * WINDOW_TOKENS, "a,b;" * 5_000]))
    assert len(answers) == 3


@pytest.mark.costs(0.25, reason="the engine is loaded")
def test_the_engine_reads_no_more_than_a_batch_ahead() -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield "Paris is in France."

    stream = EnglishEntities().analyse(endless())
    next(stream)
    assert taken < 1_000


@pytest.mark.costs(0.3, reason="a process is started, which loads the engine")
def test_the_engine_loads_without_spacy() -> None:
    code = (
        "import sys; from reading_room.analysis.engine import load_engine; load_engine('entities-en');"
        " sys.exit(any(name in sys.modules for name in ('spacy', 'sklearn', 'scipy', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""Personal data with the entity model: names, places and dates that no rule introduces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from reading_room.analysis.engine import load_engine
from reading_room.analysis.engines.pii.again import joined, named_again
from reading_room.analysis.engines.pii.engine import Pii
from reading_room.analysis.engines.pii.finding import Finding
from reading_room.analysis.engines.pii.model import CURVES, personal, scored


@pytest.fixture(scope="module")
def engine() -> Pii:
    """The English engine, loaded once."""
    loaded = load_engine("pii-en")
    assert isinstance(loaded, Pii)
    return loaded


def results(engine: Pii, texts: list[str]) -> Iterator[list[dict[str, Any]]]:
    """Yield the findings of each text."""
    return engine.analyse(texts)


def marks(text: str, findings: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return the type and the text of each finding."""
    return [(each["Type"], text[each["BeginOffset"] : each["EndOffset"]]) for each in findings]


@pytest.mark.costs(4, reason="an engine is loaded")
def test_a_name_without_any_introduction_is_found_and_so_is_its_short_form(engine: Pii) -> None:
    text = "Barack Obama met Angela Merkel in Berlin on 3 May 2015. Later Obama left. card 4111 1111 1111 1111"
    (found,) = results(engine, [text])
    assert marks(text, found) == [
        ("NAME", "Barack Obama"),
        ("NAME", "Angela Merkel"),
        ("ADDRESS", "Berlin"),
        ("DATE_TIME", "3 May 2015"),
        ("NAME", "Obama"),
        ("CREDIT_DEBIT_NUMBER", "4111 1111 1111 1111"),
    ]
    assert all(set(each) == {"BeginOffset", "EndOffset", "Score", "Type"} and 0 < each["Score"] < 1 for each in found)


def test_each_text_has_its_own_result_in_order_and_an_empty_one_has_none(engine: Pii) -> None:
    texts = ["", " ", "Write to a@example.com.", "Nothing here."]
    assert [marks(text, found) for text, found in zip(texts, results(engine, texts), strict=True)] == [
        [],
        [],
        [("EMAIL", "a@example.com")],
        [],
    ]


@pytest.mark.costs(2, reason="a text that is longer than a segment is analysed")
def test_offsets_of_a_long_text_are_those_of_the_whole(engine: Pii) -> None:
    text = "The weather was fine. " * 1_200 + "Call (212) 736-5000."
    (found,) = results(engine, [text])
    assert marks(text, found)[-1] == ("PHONE", "(212) 736-5000")


def entity(text: str, part: str, kind: str) -> dict[str, Any]:
    """Return an entity as the model gives it."""
    begin = text.index(part)
    return {"BeginOffset": begin, "EndOffset": begin + len(part), "Type": kind, "Score": 0.9}


@pytest.mark.parametrize(
    ("text", "given", "kind", "expected"),
    [
        ("Mr. John Smith left", "Mr. John Smith", "PERSON", "John Smith"),
        ("Dr. left", "Dr.", "PERSON", None),
        ("Smith's car", "Smith's", "PERSON", "Smith"),
        ("Emily P. Tran came", "Emily", "PERSON", "Emily P. Tran"),
        ("Emily P. Tran came", "Tran", "PERSON", "Emily P. Tran"),
        ("The VIN is", "VIN", "PERSON", None),
        ("for 45 minutes", "45 minutes", "DATE", None),
        ("on 4 May 2001", "4 May 2001", "DATE", "4 May 2001"),
        ("the Senate", "Senate", "ORGANIZATION", None),
    ],
)
def test_an_entity_becomes_a_finding_with_the_limits_of_the_api(
    text: str, given: str, kind: str, expected: str | None
) -> None:
    found = [text[each.begin : each.end] for each in personal(text, [entity(text, given, kind)])]
    assert found == ([] if expected is None else [expected])


def test_a_place_that_a_rule_knows_as_a_name_is_none() -> None:
    text = "Dear Wei Hill,"
    entities = [entity(text, "Wei Hill", "LOCATION")]
    assert list(personal(text, entities, sure=[Finding(5, 13, "NAME", 0.9)])) == []
    assert [each.type for each in personal(text, entities)] == ["ADDRESS"]


def test_scores_are_probabilities_that_grow_with_those_of_the_model() -> None:
    for curve in CURVES.values():
        scores = [scored(curve, each) for each in (0.0, 0.2, 0.5, 0.9, 1.0)]
        assert scores == sorted(scores)
        assert all(0 < each < 1 for each in scores)


def test_words_of_a_sure_name_are_found_again_and_those_of_a_doubtful_one_are_not() -> None:
    text = "Ann Polat wrote. Polat and ann and Kanar."
    sure, doubtful = Finding(0, 9, "NAME", 0.9), Finding(35, 40, "NAME", 0.5)
    assert {text[each.begin : each.end] for each in named_again(text, [sure, doubtful])} == {"Ann", "Polat"}


def test_halves_of_a_name_or_an_address_are_joined_and_neighbours_are_not() -> None:
    text = "Ann Polat, 12 Main Street, Boston"
    ann, polat, street, city = (
        Finding(text.index(part), text.index(part) + len(part), kind, 0.9)
        for part, kind in (("Ann", "NAME"), ("Polat", "NAME"), ("12 Main Street", "ADDRESS"), ("Boston", "ADDRESS"))
    )
    assert joined(text, [ann, polat, street, city]) == [Finding(0, 9, "NAME", 0.9), Finding(11, 33, "ADDRESS", 0.9)]
    assert joined(text, [polat._replace(type="ADDRESS"), street]) == [polat._replace(type="ADDRESS"), street]

"""Redaction: what was found is replaced wherever it stands, and a check of its own finds what was not."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.analysis.redaction import Redaction, left_in, redacted

MASK = Redaction(None)
LABELS = Redaction(None, replace=True)
CHARACTERS = st.sampled_from(string.ascii_letters + "0123456789 -.\n@éñß")


def found(text: str, **strings: str) -> list[dict[str, Any]]:
    """Return findings as an engine would: the first place of each string, by its type in lower case."""
    return [
        {"Type": kind.upper(), "Score": 1.0, "BeginOffset": text.index(each), "EndOffset": text.index(each) + len(each)}
        for kind, each in strings.items()
    ]


def redact(text: str, redaction: Redaction = MASK, /, **strings: str) -> str:
    """Return a redacted text, of which nothing must be left."""
    done = redacted(text, found(text, **strings), redaction)
    assert done.left == 0
    return done.text


def test_a_mask_replaces_each_character_that_is_not_blank() -> None:
    text = "Call Maria López\non +34 612 345 678."
    assert redact(text, name="Maria López", phone="+34 612 345 678") == "Call ***** *****\non *** *** *** ***."
    assert redact(text, Redaction(None, character="#"), name="Maria López") == "Call ##### #####\non +34 612 345 678."


def test_a_type_in_brackets_can_take_the_place_of_what_was_found() -> None:
    text = "Maria López: maria@example.com"
    written = redact(text, LABELS, name="Maria López", email="maria@example.com")
    assert written == "[NAME]: [EMAIL]"


def test_only_the_chosen_types_are_redacted() -> None:
    text = "Maria López: maria@example.com"
    only = Redaction.of({"PiiEntityTypes": ["EMAIL"], "MaskMode": "MASK", "MaskCharacter": "&"})
    assert redact(text, only, name="Maria López", email="maria@example.com") == f"Maria López: {'&' * 17}"
    every = Redaction.of({"PiiEntityTypes": ["EMAIL", "ALL"]})
    assert "María" not in redact(text, every, name="Maria López")


def test_findings_that_overlap_are_replaced_together() -> None:
    text = "at maria@example.com now"
    assert redact(text, LABELS, email="maria@example.com", url="example.com") == "at [EMAIL] now"


@pytest.mark.parametrize(
    ("kind", "first", "again"),
    [
        ("name", "Maria López", "Maria\nLópez"),
        ("name", "Maria López", "MARIA LÓPEZ"),
        ("name", "Maria López", "maria  \t lópez"),
        ("name", "Maria", "MARIA"),
        ("email", "Maria@example.com", "maria@EXAMPLE.com"),
        ("credit_debit_number", "4111 1111 1111 1111", "4111111111111111"),
        ("credit_debit_number", "4111111111111111", "4111-1111-1111-1111"),
        ("credit_debit_number", "4111-1111-1111-1111", "4111 1111\n1111 1111"),
        ("ssn", "123-45-6789", "123456789"),
        ("international_bank_account_number", "ES9121000418450200051332", "ES91 2100 0418 4502 0005 1332"),
        ("phone", "+1 (555) 010-4477", "555.010.4477"),
        ("phone", "555-010-4477", "+1 555 010 4477"),
        ("phone", "+34 612 345 678", "612345678"),
    ],
)
def test_every_other_spelling_of_a_found_string_is_replaced_too(kind: str, first: str, again: str) -> None:
    text = f"First {first} and then {again}, or once more {first}; no more."
    done = redacted(text, found(text, **{kind: first}), MASK)
    assert done.left == 0
    written = done.text
    assert not any(character.isalnum() for character in written.split("First ")[1].split(" and then")[0])
    assert not any(character.isalnum() for character in written.split("and then ")[1].split(", or once more")[0])
    assert written.endswith("; no more.")


def test_a_word_that_only_looks_like_a_name_stays() -> None:
    assert redact("Mark will mark it, says MARK.", name="Mark") == "**** will mark it, says ****."
    assert redact("Al also called al.", name="Al") == "** also called al."


def test_a_longer_number_is_another_number() -> None:
    assert redact("PIN 1234, order 991234, 12345 and 12.34", pin="1234") == "PIN ****, order 991234, 12345 and *****"


def test_a_name_that_is_also_a_label_does_not_count_as_left() -> None:
    assert redact("Mr Name calls", LABELS, name="Name") == "Mr [NAME] calls"


def test_a_file_s_name_with_a_found_string_is_reported() -> None:
    text = "Dear Maria López,"
    assert redacted(text, found(text, name="Maria López"), MASK, "letter-maria_lópez.txt").named
    assert not redacted(text, found(text, name="Maria López"), MASK, "letter.txt").named
    only = Redaction(frozenset({"EMAIL"}))
    assert not redacted(text, found(text, name="Maria López"), only, "Maria López.txt").named


@pytest.mark.parametrize(
    ("kind", "string", "left"),
    [
        ("NAME", "Maria López", "and maria lópez"),
        ("NAME", "Maria López", "and Maria\n  López"),
        ("NAME", "Maria", "and MARIA"),
        ("EMAIL", "a@b.example", "A@B.EXAMPLE"),
        ("SSN", "123-45-6789", "is 123 45 6789"),
        ("SSN", "123-45-6789", "is 123456789."),
        ("PHONE", "+1 555 010 4477", "(555) 010-4477"),
        ("PASSPORT_NUMBER", "X1234567", "x 1234 567"),
    ],
)
def test_the_check_finds_what_a_redacted_text_still_has(kind: str, string: str, left: str) -> None:
    assert left_in(left, {string: kind}) == 1
    assert left_in("nothing of it, not even 123 or 45", {string: kind}) == 0


@pytest.mark.costs(4, reason="many random texts")
@given(
    st.lists(st.text(CHARACTERS, min_size=1, max_size=12), max_size=8),
    st.data(),
)
def test_nothing_that_was_found_is_ever_left(parts: list[str], data: st.DataObject) -> None:
    text = " ".join(parts)
    types = st.sampled_from(["NAME", "PHONE", "SSN", "EMAIL", "ADDRESS"])
    entities: list[dict[str, Any]] = []
    for _ in range(data.draw(st.integers(0, 3)) if text else 0):
        begin = data.draw(st.integers(0, len(text) - 1))
        end = data.draw(st.integers(begin + 1, len(text)))
        entities.append({"Type": data.draw(types), "Score": 1.0, "BeginOffset": begin, "EndOffset": end})
    done = redacted(text, entities, MASK, "file.txt")
    assert len(done.text) == len(text)
    for each in entities:
        assert not any(map(str.isalnum, done.text[each["BeginOffset"] : each["EndOffset"]]))

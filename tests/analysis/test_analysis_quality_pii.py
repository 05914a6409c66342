"""The bench for personal data: synthetic texts with right spans, and how answers and judgments are counted."""

from __future__ import annotations

import json

import pytest

from bench.quality.pii import CHECKSUMS, judgment, overlapping, promised, tokens_joined
from bench.quality.pii_held_out import HELD_OUT, NOTHING
from models.pii_texts import NOTHING as TUNING_NOTHING
from models.pii_texts import SLOT, TUNING, texts
from reading_room.analysis.kinds import PII

LANGUAGES = PII.languages


@pytest.mark.costs(0.5, reason="texts with right check digits are drawn")
@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_the_same_for_a_seed_and_their_spans_do_not_overlap(language: str) -> None:
    sample = texts(language, HELD_OUT[language], NOTHING[language], part=1, count=40, seed=1)
    assert sample == texts(language, HELD_OUT[language], NOTHING[language], part=1, count=40, seed=1)
    for text, spans in sample:
        ends = [0, *(end for _, end, _ in sorted(spans))]
        assert all(last <= begin < end <= len(text) for last, (begin, end, _) in zip(ends, sorted(spans), strict=False))
        assert all(text[begin:end].strip() == text[begin:end] for begin, end, _ in spans)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_and_no_name_is_in_both_parts(language: str) -> None:
    assert not {*HELD_OUT[language]} & {*TUNING[language]}
    assert not {*NOTHING[language]} & {*TUNING_NOTHING[language]}


def test_english_texts_have_every_type_with_a_checksum() -> None:
    assert {slot for each in HELD_OUT["en"] for slot in SLOT.findall(each)} >= CHECKSUMS


def test_an_answer_overlaps_one_gold_span_of_its_type_at_most_once() -> None:
    gold = [(0, 10, "NAME"), (20, 30, "NAME")]
    assert overlapping([(0, 4, "NAME"), (5, 10, "NAME"), (29, 40, "NAME"), (20, 30, "AGE")], gold) == 2


def test_a_judgment_has_its_direct_identifiers_and_persons_without_titles() -> None:
    text = "Mr Cem Kara v. Turkey (no. 1/04), on 3 May."
    kinds = (("Mr Cem Kara", "PERSON", "DIRECT"), ("1/04", "CODE", "DIRECT"), ("3 May", "DATETIME", "QUASI"))
    entities = [
        {
            "start_offset": text.index(part),
            "end_offset": text.index(part) + len(part),
            "entity_type": kind,
            "identifier_type": need,
        }
        for part, kind, need in kinds
    ]
    found = judgment(json.dumps({"text": text, "entities": entities}))
    assert found.direct == ((3, 11, "PERSON"), (27, 31, "CODE"))
    assert found.persons == ((3, 11),)


def test_tokens_are_joined_as_people_write_them() -> None:
    lines = "La O\nSra B-PER\n. I-PER\nE I-PER\n. I-PER\nPalm I-PER\n, O\nvino O\n. O\n\nFin O"
    assert list(tokens_joined(lines)) == [("La Sra. E. Palm, vino.", [(8, 15)]), ("Fin", [])]


@pytest.mark.costs(1, reason="a hundred splits")
def test_a_refused_promise_counts_as_broken() -> None:
    kept, thresholds = promised([[-1.0]] * 20)
    assert not any(kept)
    assert thresholds == []
    kept, thresholds = promised([[0.9]] * 100)
    assert all(kept)
    assert {*thresholds} == {0.9}

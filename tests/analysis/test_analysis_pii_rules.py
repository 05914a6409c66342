"""Personal data by rules: each type with a sentence that has it, and sentences that only look as if they had."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.analysis.engines.pii.engine import PiiRules, lowered
from reading_room.analysis.engines.pii.finding import Finding, resolved, whole_numbers, without_overlaps

ENGLISH, SPANISH = PiiRules("en"), PiiRules("es")

SENTENCES = [
    ("CREDIT_DEBIT_NUMBER", "Please charge my card <4111 1111 1111 1111> today."),
    ("CREDIT_DEBIT_NUMBER", "It was <378282246310005>, an American Express."),
    ("CREDIT_DEBIT_CVV", "The CVV is <417>."),
    ("CREDIT_DEBIT_EXPIRY", "The card expires <08/29>."),
    ("PIN", "My PIN for this card is <4417>, do not tell."),
    ("INTERNATIONAL_BANK_ACCOUNT_NUMBER", "Pay to <GB29 NWBK 6016 1331 9268 19> by Friday."),
    ("INTERNATIONAL_BANK_ACCOUNT_NUMBER", "IBAN:<NO9386011117947>"),
    ("SWIFT_CODE", "Our SWIFT code is <DEUTDEFF500>."),
    ("BANK_ROUTING", "The routing number is <021000021>."),
    ("BANK_ACCOUNT_NUMBER", "Deposit it into account <0012345678>."),
    ("BANK_ACCOUNT_NUMBER", "your account ending in <4455>"),
    ("SSN", "His number is <536-22-8726>."),
    ("SSN", "SSN <536228726>"),
    ("US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER", "Her ITIN is <912-70-1234>."),
    ("UK_NATIONAL_INSURANCE_NUMBER", "I gave them <AB 12 34 56 C> at the desk."),
    ("UK_NATIONAL_HEALTH_SERVICE_NUMBER", "NHS number: <943 476 5919>"),
    ("UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER", "My UTR is <1955839661>."),
    ("CA_SOCIAL_INSURANCE_NUMBER", "My SIN is <130 692 544>."),
    ("CA_HEALTH_NUMBER", "Ontario health card <9876543217> on file"),
    ("IN_AADHAAR", "Aadhaar <2341 2341 2346>"),
    ("IN_PERMANENT_ACCOUNT_NUMBER", "PAN <ABCPE1234F> was quoted."),
    ("IN_VOTER_NUMBER", "voter ID <ABC1234567>"),
    ("IN_NREGA", "Job card <UP-48-008-009-001/234> was issued."),
    ("PASSPORT_NUMBER", "passport number <C01234567>"),
    ("DRIVER_ID", "Driver's license: <D123-4567-8901>"),
    ("LICENSE_PLATE", "License plate <7ABC123> was seen."),
    ("VEHICLE_IDENTIFICATION_NUMBER", "It is a Volvo, <1M8GDM9AXKP042788>, in red."),
    ("AWS_ACCESS_KEY", "export AWS_ACCESS_KEY_ID=<AKIAIOSFODNN7EXAMPLE>"),
    ("AWS_SECRET_KEY", "aws_secret_access_key = <wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY>"),
    ("EMAIL", "Write to <jane.doe+x@mail.example.co.uk>."),
    ("URL", "See (<https://example.com/a_(b)?q=1>)."),
    ("URL", "Look at <www.example.org/page>, please."),
    ("IP_ADDRESS", "from <192.0.2.17> at night"),
    ("IP_ADDRESS", "It answered from <2001:db8::8a2e:370:7334>."),
    ("MAC_ADDRESS", "device <00:1B:44:11:3A:B7> joined"),
    ("MAC_ADDRESS", "port <001b.4411.3ab7> is down"),
    ("PHONE", "Call me at <(212) 736-5000>."),
    ("PHONE", "Phone <+44 20 7946 0958>, any time."),
    ("USERNAME", "My username is <jdoe_84>."),
    ("PASSWORD", "The password is <hunter2!x>, keep it."),
    ("AGE", "She is <42 years> old."),
    ("AGE", "a <17-year-old> student"),
    ("DATE_TIME", "born on <March 3rd, 1981>, as they say"),
    ("DATE_TIME", "due <2024-02-29>."),
    ("NAME", "Signed for Mr. <John Smith> today."),
    ("ADDRESS", "He lives at <123 Main Street, Apt 4B, Springfield, IL 62704>."),
]

SPANISH_SENTENCES = [
    ("CREDIT_DEBIT_NUMBER", "Mi tarjeta es <5555 5555 5555 4444>."),
    ("INTERNATIONAL_BANK_ACCOUNT_NUMBER", "La cuenta es <ES91 2100 0418 4502 0005 1332>."),
    ("PHONE", "Mi teléfono es el <612 345 678>."),
    ("DATE_TIME", "Nació el <12 de marzo de 1980>."),
    ("AGE", "Tiene <42 años>."),
    ("PASSWORD", "La contraseña es <Luna-2024!>."),
    ("ADDRESS", "Vive en la <Calle de Alcalá 45, 3º B, 28014 Madrid>."),
    ("NAME", "Llamó la señora <María García López>."),
    ("PASSPORT_NUMBER", "Pasaporte: <AAB123456>"),
    ("PIN", "El PIN es <9911>."),
]


def found(rules: PiiRules, text: str) -> list[tuple[str, str]]:
    """Return the type and the text of each finding."""
    return [(each.type, text[each.begin : each.end]) for each in resolved(text, rules.find(text))]


def marked(sentence: str) -> tuple[str, str]:
    """Return a sentence without its marks, and what stands between them."""
    begin, end = sentence.index("<"), sentence.rindex(">")
    return sentence[:begin] + sentence[begin + 1 : end] + sentence[end + 1 :], sentence[begin + 1 : end]


@pytest.mark.costs(0.3, reason="the library of telephone numbers loads the plans of a country")
@pytest.mark.parametrize(("kind", "sentence"), SENTENCES)
def test_each_type_is_found_from_its_first_to_its_last_character(kind: str, sentence: str) -> None:
    text, value = marked(sentence)
    assert (kind, value) in found(ENGLISH, text)


@pytest.mark.costs(0.3, reason="the library of telephone numbers loads the plans of a country")
@pytest.mark.parametrize(("kind", "sentence"), SPANISH_SENTENCES)
def test_spanish_has_words_of_its_own(kind: str, sentence: str) -> None:
    text, value = marked(sentence)
    assert (kind, value) in found(SPANISH, text)


@pytest.mark.parametrize(
    "text",
    [
        "Order 4111 1111 1111 1112 was sent.",
        "The routing number is 021000022.",
        "NHS number: 943 476 5918",
        "IBAN GB29 NWBK 6016 1331 9268 18",
        "SSN 000-12-3456",
        "We use version 10.2.3.4 of it.",
        "Pi is 3.14159265358979.",
        "The total was 1,234,567.89 dollars.",
        "std::string and a::b",
        "I forgot my password again.",
        "Please pin this note to the wall.",
        "The march went on.",
    ],
)
def test_what_only_looks_like_personal_data_is_not(text: str) -> None:
    assert found(ENGLISH, text) == []


def test_results_have_no_text_and_stand_in_order_without_overlaps() -> None:
    text = "I am jane@example.com at https://10.0.0.1/x, card 4111-1111-1111-1111, on 3 May 2020 at 10:30 pm."
    result = [finding.result() for finding in resolved(text, ENGLISH.find(text))]
    assert all(set(each) == {"BeginOffset", "EndOffset", "Score", "Type"} for each in result)
    assert all(0 < each["Score"] < 1 for each in result)
    ends = [0, *(each["EndOffset"] for each in result)]
    assert all(end <= each["BeginOffset"] < each["EndOffset"] for end, each in zip(ends, result, strict=False))
    assert [each["Type"] for each in result] == ["EMAIL", "URL", "CREDIT_DEBIT_NUMBER", "DATE_TIME", "DATE_TIME"]


def test_a_finding_grows_to_the_whole_number() -> None:
    text = "id 123-45-6789 and 2019"
    assert whole_numbers(text, [Finding(3, 9, "AGE", 0.5)]) == [Finding(3, 14, "AGE", 0.5)]
    assert whole_numbers(text, [Finding(10, 14, "AGE", 0.5)]) == [Finding(3, 14, "AGE", 0.5)]
    assert whole_numbers(text, [Finding(19, 23, "AGE", 0.5)]) == [Finding(19, 23, "AGE", 0.5)]


spans = st.builds(
    lambda begin, length, kind, score: Finding(begin, begin + length, kind, score),
    st.integers(0, 40),
    st.integers(1, 12),
    st.sampled_from(["NAME", "SSN", "ADDRESS", "PHONE"]),
    st.sampled_from([0.5, 0.9]),
)


@given(st.lists(spans, max_size=12), st.randoms())
def test_of_overlapping_findings_the_same_one_wins_in_whatever_order_they_come(
    given: list[Finding], chance: Any
) -> None:
    kept = without_overlaps(given)
    shuffled = list(given)
    chance.shuffle(shuffled)
    assert without_overlaps(shuffled) == kept
    assert kept == sorted(kept)
    assert all(one.end <= two.begin for one, two in itertools.pairwise(kept))
    assert all(any(each.begin < one.end and one.begin < each.end for one in kept) for each in given)


@given(st.text(st.sampled_from("Aa9 0-.:/@<>#İß("), max_size=60))
def test_any_text_has_findings_with_offsets_that_exist_and_cut_no_number(text: str) -> None:
    for rules in (ENGLISH, SPANISH):
        for begin, end, _, _ in resolved(text, rules.find(text)):
            assert 0 <= begin < end <= len(text)
            assert not (text[begin - 1 : begin].isdigit() and text[begin].isdigit())
            assert not (text[end - 1].isdigit() and text[end : end + 1].isdigit())


@given(st.text(max_size=30))
def test_lower_case_keeps_each_character_in_its_place(text: str) -> None:
    assert len(lowered(text)) == len(text)


HOSTILE = {
    "digits": "1",
    "digits and blanks": "1 ",
    "digits and hyphens": "1-",
    "capitals": "A",
    "words": "Aa ",
    "letters": "a",
    "at signs": "@",
    "at signs and letters": "a@",
    "dots": "a.",
    "colons": ":",
    "hexadecimal": "a:",
    "labels": "pin ",
    "passwords": "password: ",
    "sites": ".com",
    "addresses": "1 A ",
    "schemes": "a://",
    "months": "may ",
    "brackets": "(1",
}


@pytest.mark.costs(5, reason="eighteen texts of 20,000 and of 80,000 characters")
@pytest.mark.parametrize("name", HOSTILE)
def test_the_time_of_a_hostile_text_is_that_of_its_length(name: str) -> None:
    pattern = HOSTILE[name]

    def seconds(length: int) -> float:
        text = (pattern * length)[:length]
        taken = []
        for _ in range(2):
            began = time.process_time()
            resolved(text, ENGLISH.find(text))
            taken.append(time.process_time() - began)
        return min(taken)

    # Quadratic time would be sixteen times as much.
    assert seconds(80_000) < 9 * max(seconds(20_000), 0.003)

"""Checksums of numbers and codes: published examples pass, and no single wrong digit does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reading_room.analysis.engines.pii import checks

EXAMPLES: dict[str, tuple[Callable[[str], bool], str]] = {
    "Visa": (checks.card, "4111111111111111"),
    "American Express": (checks.card, "378282246310005"),
    "Mastercard": (checks.card, "5555555555554444"),
    "IBAN, United Kingdom": (checks.iban, "GB29NWBK60161331926819"),
    "IBAN, Spain": (checks.iban, "ES9121000418450200051332"),
    "IBAN, Norway": (checks.iban, "NO9386011117947"),
    "routing": (checks.routing, "021000021"),
    "NHS": (checks.health_service, "9434765919"),
    "social insurance, Canada": (checks.canadian_insurance, "130692544"),
    "Aadhaar": (checks.aadhaar, "234123412346"),
    "vehicle": (checks.vehicle, "1M8GDM9AXKP042788"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_published_example_passes_and_with_one_digit_changed_it_does_not(name: str) -> None:
    check, code = EXAMPLES[name]
    assert check(code)
    for place, character in enumerate(code):
        if character.isdigit():
            changed = code[:place] + str((int(character) + 1) % 10) + code[place + 1 :]
            assert not check(changed), changed


@pytest.mark.parametrize(
    ("digits", "valid"),
    [("078051120", True), ("000123456", False), ("666123456", False), ("912345678", False), ("123004567", False)],
)
def test_social_security_numbers_have_no_zero_group_and_no_reserved_area(digits: str, valid: bool) -> None:
    assert checks.social_security(digits) is valid


def test_taxpayer_numbers_begin_with_nine_and_have_a_group_that_is_given_out() -> None:
    assert checks.taxpayer("912701234")
    assert not checks.taxpayer("912931234")
    assert not checks.taxpayer("812701234")


def test_letters_of_a_national_insurance_number_are_restricted() -> None:
    assert checks.national_insurance("AB123456C")
    assert not checks.national_insurance("BG123456C")
    assert not checks.national_insurance("QQ123456C")
    assert not checks.national_insurance("AB123456E")

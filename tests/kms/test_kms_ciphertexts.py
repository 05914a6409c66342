"""Ciphertexts as values: every change is noticed."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.kms.ciphertexts import decrypt, encrypt, parse
from reading_room.kms.encryption_context import bound, context_keys
from reading_room.kms.errors import InvalidCiphertextException, ValidationException
from reading_room.kms.keys import Material

KEY = "12345678-1234-4234-8234-123456789012"
MATERIAL = Material("ab" * 32, secrets.token_bytes(32))
CONTEXTS = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4)


@given(st.binary(max_size=100), CONTEXTS)
def test_a_ciphertext_has_its_ids_and_its_plaintext(plaintext: bytes, context: dict[str, str]) -> None:
    ciphertext = parse(encrypt(KEY, MATERIAL, plaintext, context))
    assert (ciphertext.key_id, ciphertext.material_id) == (KEY, MATERIAL.material_id)
    assert decrypt(ciphertext, MATERIAL, context) == plaintext


@given(st.integers(0, 200), st.integers(1, 255))
def test_every_changed_byte_is_noticed(place: int, change: int) -> None:
    blob = bytearray(encrypt(KEY, MATERIAL, b"x" * 20, {"a": "b"}))
    blob[place % len(blob)] ^= change
    with pytest.raises(InvalidCiphertextException):
        decrypt(parse(bytes(blob)), MATERIAL, {"a": "b"})


@given(CONTEXTS, CONTEXTS)
def test_different_contexts_are_bound_differently(one: dict[str, str], other: dict[str, str]) -> None:
    assert (bound(one) == bound(other)) is (one == other)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(blob: bytes) -> None:
    try:
        ciphertext = parse(blob)
    except InvalidCiphertextException:
        return
    with pytest.raises(InvalidCiphertextException):
        decrypt(ciphertext, MATERIAL, {})


def test_two_ciphertexts_of_the_same_are_different() -> None:
    assert encrypt(KEY, MATERIAL, b"x", {}) != encrypt(KEY, MATERIAL, b"x", {})


def test_a_context_that_is_not_unicode_or_too_large_is_refused() -> None:
    for context in ({"\ud800": ""}, {"a": "x" * 8192}):
        with pytest.raises(ValidationException):
            bound(context)


def test_names_that_differ_in_case_share_a_condition_key() -> None:
    assert context_keys({}) == {}
    assert context_keys({"A": "1", "a": "2", "b": "3"}) == {
        "kms:EncryptionContextKeys": ("A", "a", "b"),
        "kms:EncryptionContext:A": ("1", "2"),
        "kms:EncryptionContext:b": ("3",),
    }

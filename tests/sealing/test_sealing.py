"""Sealing: sealed data can be read only in its place, with the same root key, and unchanged."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.sealing import KEY_BYTES, SealBroken, SealedFile, Sealer

SEALER = Sealer(bytes(range(KEY_BYTES)))
PLACES = st.lists(st.text(max_size=8), max_size=3).map(tuple)


@given(content=st.binary(max_size=200), place=PLACES, other=PLACES)
def test_sealed_data_can_be_read_only_in_its_place(
    content: bytes, place: tuple[str, ...], other: tuple[str, ...]
) -> None:
    sealed = SEALER.seal(content, *place)
    assert SEALER.unseal(sealed, *place) == content
    if other != place:
        with pytest.raises(SealBroken):
            SEALER.unseal(sealed, *other)


@given(content=st.binary(max_size=50), at=st.integers(0), change=st.integers(1, 255))
def test_any_changed_byte_is_detected(content: bytes, at: int, change: int) -> None:
    sealed = bytearray(SEALER.seal(content, "place"))
    sealed[at % len(sealed)] ^= change
    with pytest.raises(SealBroken):
        SEALER.unseal(bytes(sealed), "place")


@given(st.binary(max_size=80))
def test_unsealed_data_is_refused(content: bytes) -> None:
    with pytest.raises(SealBroken):
        SEALER.unseal(content, "place")


def test_sealing_twice_gives_different_results() -> None:
    assert SEALER.seal(b"secret", "place") != SEALER.seal(b"secret", "place")


def test_another_root_key_has_another_id_and_cannot_unseal() -> None:
    other = Sealer.of_the_moment()
    assert other.key_id != SEALER.key_id
    with pytest.raises(SealBroken, match="sealed with another root key"):
        other.unseal(SEALER.seal(b"secret", "place"), "place")


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_root_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=f"32 bytes, not {length}"):
        Sealer(bytes(length))


def test_a_file_is_private_sealed_and_bound_to_its_name(tmp_path: Path) -> None:
    file = SealedFile(SEALER, tmp_path / "key", "folder/key")
    file.write(b"secret")
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert b"secret" not in file.path.read_bytes()
    assert file.read() == b"secret"
    with pytest.raises(SealBroken, match="folder/other"):
        SealedFile(SEALER, tmp_path / "key", "folder/other").read()


def test_a_plain_text_file_is_sealed_once_and_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"secret")
    # A process that has the file open sees its bytes being overwritten.
    with path.open("rb") as before:
        for _ in range(2):
            SealedFile(SEALER, path, "key").seal_what_is_plain()
        assert before.read() == bytes(6)
    assert SealedFile(SEALER, path, "key").read() == b"secret"
    SealedFile(SEALER, tmp_path / "none", "none").seal_what_is_plain()
    assert [each.name for each in tmp_path.iterdir()] == ["key"]

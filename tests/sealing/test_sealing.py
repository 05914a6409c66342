"""Sealing: what is sealed for a place is read there, with the same root key, unchanged, and nowhere else."""

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
def test_what_is_sealed_for_a_place_is_read_there_alone(
    content: bytes, place: tuple[str, ...], other: tuple[str, ...]
) -> None:
    sealed = SEALER.seal(content, *place)
    assert SEALER.unseal(sealed, *place) == content
    if other != place:
        with pytest.raises(SealBroken):
            SEALER.unseal(sealed, *other)


@given(content=st.binary(max_size=50), at=st.integers(0), change=st.integers(1, 255))
def test_a_changed_byte_is_noticed_wherever_it_is(content: bytes, at: int, change: int) -> None:
    sealed = bytearray(SEALER.seal(content, "place"))
    sealed[at % len(sealed)] ^= change
    with pytest.raises(SealBroken):
        SEALER.unseal(bytes(sealed), "place")


@given(st.binary(max_size=80))
def test_what_was_never_sealed_is_refused(content: bytes) -> None:
    with pytest.raises(SealBroken):
        SEALER.unseal(content, "place")


def test_the_same_is_never_sealed_in_the_same_way_twice() -> None:
    assert SEALER.seal(b"secret", "place") != SEALER.seal(b"secret", "place")


def test_another_root_key_has_another_id_and_reads_nothing() -> None:
    other = Sealer.of_the_moment()
    assert other.key_id != SEALER.key_id
    with pytest.raises(SealBroken, match="sealed with another root key"):
        other.unseal(SEALER.seal(b"secret", "place"), "place")


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_root_key_of_another_length_is_none(length: int) -> None:
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


def test_a_plain_file_is_sealed_once_and_nothing_of_it_stays(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"secret")
    # Whoever has the file open sees what becomes of its bytes.
    with path.open("rb") as before:
        for _ in range(2):
            SealedFile(SEALER, path, "key").seal_what_is_plain()
        assert before.read() == bytes(6)
    assert SealedFile(SEALER, path, "key").read() == b"secret"
    SealedFile(SEALER, tmp_path / "none", "none").seal_what_is_plain()
    assert [each.name for each in tmp_path.iterdir()] == ["key"]

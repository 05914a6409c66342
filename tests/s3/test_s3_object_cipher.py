"""Encrypted blobs: only what was written with the key is read, and from nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reading_room.s3.backends.files import FileBlobStore
from reading_room.s3.backends.sums import BLOCK, SealedBlocks
from reading_room.s3.blobs import SMALL, DamagedBlob, read_segments
from reading_room.s3.object_cipher import TAG, DataKey

KEY, OTHER = DataKey(bytes(range(32))), DataKey(bytes(32))
SIZES = st.one_of(st.integers(0, 300), st.integers(BLOCK - 3, BLOCK + 3), st.integers(2 * BLOCK - 3, 2 * BLOCK + 3))


def content_of(size: int) -> bytes:
    """Return bytes in which every position can be told from its neighbours."""
    return (b"".join(number.to_bytes(4) for number in range(size // 4 + 1)))[:size]


def stored(content: bytes, blob_id: str = "a" * 32, key: DataKey = KEY, piece: int = 70_001) -> bytes:
    """Return what a store has of a blob."""
    blocks = SealedBlocks(key.of_blob(blob_id))
    pieces = [blocks.take(content[start : start + piece]) for start in range(0, len(content), piece)]
    return b"".join([*pieces, blocks.end()])


def read(found: bytes, size: int, blob_id: str = "a" * 32, key: DataKey = KEY) -> bytes | None:
    """Return the content of what a store has, ``None`` if it is refused."""
    blocks = SealedBlocks(key.of_blob(blob_id))
    if not blocks.accept(found[size:], size):
        return None
    return blocks.verified(0, found[:size])


@given(size=SIZES, piece=st.integers(1, 3 * BLOCK))
def test_a_blob_is_read_as_it_was_written_however_its_pieces_arrive(size: int, piece: int) -> None:
    content = content_of(size)
    found = stored(content, piece=max(piece, size // 50 + 1))
    assert len(found) == size + SealedBlocks(KEY.of_blob("a" * 32)).footer_size(size)
    assert read(found, size) == content
    assert size < 16 or content not in found


@given(size=SIZES, data=st.data())
def test_any_change_is_refused(size: int, data: st.DataObject) -> None:
    found = bytearray(stored(content_of(size)))
    found[data.draw(st.integers(0, len(found) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert read(bytes(found), size) is None


@given(
    size=SIZES, cut=st.integers(1, 40), name=st.sampled_from(("a" * 32, "b" * 32)), key=st.sampled_from((KEY, OTHER))
)
def test_a_truncated_blob_and_one_of_another_name_key_or_size_is_refused(
    size: int, cut: int, name: str, key: DataKey
) -> None:
    found = stored(content_of(size))
    assert read(found[:-cut], size) is None
    assert read(found, max(size - cut, 0)) is None or size == 0
    assert (read(found, size, name, key) is not None) == (name == "a" * 32 and key is KEY)


def test_blocks_cannot_be_exchanged_or_repeated() -> None:
    size = 3 * BLOCK
    found = stored(content_of(size))
    first, second, third = (found[start : start + BLOCK] for start in range(0, size, BLOCK))
    tags = [found[size + number * TAG : size + (number + 1) * TAG] for number in range(3)]
    end = found[size + 3 * TAG :]
    assert read(second + first + third + tags[1] + tags[0] + tags[2] + end, size) is None
    assert read(first + first + third + tags[0] + tags[0] + tags[2] + end, size) is None
    assert read(first + second + tags[0] + tags[1] + end, 2 * BLOCK) is None


def test_equal_contents_have_nothing_in_common_in_two_blobs_or_under_two_keys() -> None:
    content = bytes(1000)
    found = {stored(content), stored(content, "b" * 32), stored(content, key=OTHER)}
    assert len(found) == 3
    assert len({each[:16] for each in found}) == 3


def test_the_content_of_a_row_is_read_with_its_key_only() -> None:
    sealed = KEY.seal_row(b"a letter")
    assert b"letter" not in sealed
    assert KEY.open_row(sealed) == b"a letter"
    for key, found in ((OTHER, sealed), (KEY, sealed[:-1]), (KEY, b""), (KEY, bytes([sealed[0] ^ 1]) + sealed[1:])):
        assert key.open_row(found) is None


@pytest.fixture(scope="module")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> FileBlobStore:
    """Return a store of blobs."""
    return FileBlobStore(tmp_path_factory.mktemp("blobs"))


@given(size=st.integers(SMALL + 1, 3 * BLOCK), data=st.data())
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_any_range_of_an_encrypted_file_is_read_exactly(blobs: FileBlobStore, size: int, data: st.DataObject) -> None:
    content = content_of(size)
    writer = blobs.create(KEY)
    for start in range(0, size, 50_003):
        writer.write(content[start : start + 50_003])
    writer.seal()
    start = data.draw(st.integers(0, size))
    length = data.draw(st.integers(0, size - start))
    segments = [(writer.blob_id, size)]
    assert b"".join(read_segments(blobs, segments, start, length, 2 * BLOCK, KEY)) == content[start : start + length]
    blobs.delete([writer.blob_id])


def test_a_file_in_plain_text_is_not_read_in_place_of_an_encrypted_one(blobs: FileBlobStore) -> None:
    content = content_of(SMALL + 1)
    encrypted, plain = blobs.create(KEY), blobs.create()
    for writer in (encrypted, plain):
        writer.write(content)
        writer.seal()
    blobs.path(plain.blob_id).rename(blobs.path(encrypted.blob_id))
    with pytest.raises(DamagedBlob, match="does not end with its own checksums"):
        blobs.open(encrypted.blob_id, len(content), key=KEY)

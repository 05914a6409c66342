"""The manifest: what is written is read, and anything else is refused."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.backup import manifest
from reading_room.backup.errors import BackupError, DamagedBackup
from reading_room.backup.manifest import Description, Stored
from reading_room.sealing import Sealer

SEALER = Sealer(bytes(32))
DESCRIPTION = Description(
    program="0.1.0", database_schema=7, at="2026-03-01T12:00:00Z", root_key=SEALER.key_id.hex(), keys="none"
)
BLOBS = st.from_regex(r"objects/objects/[0-9a-f]{2}/[0-9a-f]{32}", fullmatch=True)
STORED = st.builds(
    Stored, st.integers(0, 1 << 40), st.binary(min_size=32, max_size=32), st.integers(-(1 << 63), (1 << 63) - 1)
)
FILES = st.dictionaries(BLOBS, STORED, max_size=5).map(lambda files: {**files, "db.sqlite": Stored(1, bytes(32), 0)})
SAMPLE = b"".join(manifest.lines(DESCRIPTION, {"db.sqlite": Stored(1, bytes(32), 0)}, SEALER))


def read(content: bytes) -> manifest.Manifest:
    """Read a manifest from bytes."""
    return manifest.read(io.BytesIO(content), "manifest.jsonl")


@given(FILES)
def test_what_is_written_is_read(files: dict[str, Stored]) -> None:
    found = read(b"".join(manifest.lines(DESCRIPTION, files, SEALER)))
    assert (found.description, found.files) == (DESCRIPTION, files)
    assert found.is_sealed_with(SEALER)


@given(st.data())
def test_a_manifest_that_was_cut_or_changed_anywhere_is_refused_or_loses_its_seal(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(SAMPLE) - 1))
    with pytest.raises(DamagedBackup, match=r"^manifest\.jsonl "):
        read(SAMPLE[:place])
    other = data.draw(st.binary(min_size=1, max_size=1).filter(lambda byte: byte[0] != SAMPLE[place]))
    try:
        changed = read(SAMPLE[:place] + other + SAMPLE[place + 1 :])
    except BackupError:
        return
    # Only the seal itself is not covered by the digest of the lines before it.
    assert not changed.is_sealed_with(SEALER) or changed.end == read(SAMPLE).end


@pytest.mark.parametrize(
    "path",
    [
        *("../db.sqlite", "/etc/passwd", "trail/../../x", "objects/objects/ab/..", "objects/objects/ab/" + "A" * 32),
        *("credentials", "root.key", "trail/management-2026-03-01.jsonl\n", "restored", "", "trail/x-2026-03-01.jsonl"),
        "objects/objects/ab/" + "a" * 32 + "/x",
    ],
)
def test_a_path_that_no_backup_has_is_refused(path: str) -> None:
    first, entry, end = (json.loads(line) for line in SAMPLE.splitlines())
    entry["path"] = path
    with pytest.raises(DamagedBackup, match="invalid line 2"):
        read(b"".join(json.dumps(each, separators=(",", ":")).encode() + b"\n" for each in (first, entry, end)))


@pytest.mark.parametrize(
    ("member", "value", "says"),
    [
        ("version", 2, "has version 2, and this program knows 1: use a newer Reading Room"),
        ("format", "another", "is not a manifest"),
        ("keys", "sealed", "was altered"),
        ("more", 1, "is not a manifest"),
        ("database_schema", "7", "is not a manifest"),
    ],
)
def test_a_description_of_another_form_is_refused(member: str, value: Any, says: str) -> None:
    first, rest = SAMPLE.split(b"\n", 1)
    changed = json.dumps(json.loads(first) | {member: value}, separators=(",", ":")).encode()
    with pytest.raises(BackupError, match=says):
        read(changed + b"\n" + rest)


def test_a_path_that_is_there_twice_is_refused() -> None:
    first, entry, end = SAMPLE.splitlines(True)
    with pytest.raises(DamagedBackup, match=r"has db\.sqlite twice"):
        read(first + entry + entry + end)

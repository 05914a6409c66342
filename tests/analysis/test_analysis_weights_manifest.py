"""Every shipped file of weights has an entry, a correct hash and an allowed size."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.manifest import hashes, problems, update


def test_files_and_manifest_agree() -> None:
    assert problems() == []


@pytest.fixture
def shipped(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A folder of weights, its manifest and the list of hashes, in agreement."""
    weights = tmp_path / "weights"
    (weights / "one").mkdir(parents=True)
    (weights / "one" / "model.bin").write_bytes(b"weights")
    manifest = tmp_path / "MANIFEST.toml"
    manifest.write_text('[one]\nrecipe = "r"\nlicence = "MIT"\ncorpora = []\n\n[one.files]\n')
    shipped = weights, manifest, tmp_path / "SHA256SUMS"
    update(*shipped)
    return shipped


def test_update_writes_the_hashes_once(shipped: tuple[Path, Path, Path]) -> None:
    weights, manifest, _ = shipped
    before = manifest.read_text()
    update(*shipped)
    assert manifest.read_text() == before
    assert hashes(weights / "one")["model.bin"] in before
    assert problems(*shipped) == []


def test_a_changed_file_is_reported_by_name(shipped: tuple[Path, Path, Path]) -> None:
    weights, *_ = shipped
    (weights / "one" / "model.bin").write_bytes(b"others")
    assert problems(*shipped) == ["one/model.bin has another hash"]


def test_a_folder_without_entry_is_reported(shipped: tuple[Path, Path, Path]) -> None:
    weights, *_ = shipped
    (weights / "two").mkdir()
    assert problems(*shipped) == ["the folder two has no entry"]

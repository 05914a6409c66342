"""The bytes of each kind of file in a data folder, as this program writes them, recorded for the number of its format.

If a test fails, this program writes another form than its predecessors. If they could not read it, raise the number in
``versions.DATA_FORMATS``, and record the new form beside the old one. ``test_released_folders.py`` reads the old ones.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from reading_room import versions
from reading_room.analysis.custom.artifact import Artifact, save_artifact
from reading_room.flowlogs.aggregate import FlowSum, KeptWindow
from reading_room.flowlogs.kept_windows import FileKeep
from reading_room.flowlogs.record import FlowKey
from reading_room.s3.backends.files import FileBlobStore
from reading_room.trail.books import Book
from reading_room.trail.kept_heads import NoHeads

BLOB = "0123456789abcdef" * 2
LINES = """\
{"previous":"0000000000000000000000000000000000000000000000000000000000000000","event":{"eventName":"GetObject"}}
{"previous":"148ce888a981b5c9b384fe922e8175334053a9e6cfd376d4101db8baf50407d8","event":{"eventName":"PutObject"}}
"""
RECORDED = {
    ("objects", 1): {
        "backup.lock": "",
        f"objects/01/{BLOB}": "7fb39f789c0617842079746c83df04720603355eaa5ef78f767b946416a17d24",
    },
    ("trail", 1): {"data-2026-11-30.jsonl": LINES},
    ("models", 1): {"model": "bb71b5e1ec4edb7f6123435060028d5be1552d15ee07877df6ace06790439ad3"},
    ("flow-log windows", 1): {
        "flow-windows.json": '[["fl-1", "eni-1", 60.0, ['
        '[["10.0.1.5", "52.216.0.9", 40000, 443, 6, "egress", "ACCEPT", "", "10.0.1.6"], [3, 180, 1.5, 2.5, 19]], '
        '[["10.0.1.5", "10.0.1.9", 40001, 22, 6, "ingress", "REJECT", "", ""], [1, 60, 3.0, 3.0, 2]]]]]'
    },
}
"""The names and the content of files, by kind and number of the format. Of long content the SHA-256."""


def objects(folder: Path) -> None:
    """Write an object of more than one block."""
    writer = FileBlobStore(folder, lambda: BLOB).create()
    writer.write(b"Marie Curie. " * 12_000)
    writer.seal()


def trail(folder: Path) -> None:
    """Write two events of one day."""
    book = Book(folder, "data", 90, 1_000_000, NoHeads())
    book.append(dt.date(2026, 11, 30), ['{"eventName":"GetObject"}', '{"eventName":"PutObject"}'])
    book.close()


def models(folder: Path) -> None:
    """Write a model with each kind of content."""
    arrays = {"weights": np.array([[0.5, 1.0]], dtype="<f4")}
    content = Artifact("classifier", {"labels": ["a", "b"]}, arrays, {"words": ["Köln"]}, {"pipeline": b"\x00\x01"})
    save_artifact(folder / "model", content)


def windows(folder: Path) -> None:
    """Write an open window with two flows."""
    accepted = FlowKey("10.0.1.5", "52.216.0.9", 40_000, 443, 6, "egress", "ACCEPT", "", "10.0.1.6")
    refused = FlowKey("10.0.1.5", "10.0.1.9", 40_001, 22, 6, "ingress", "REJECT")
    flows = [(accepted, FlowSum(3, 180, 1.5, 2.5, 19)), (refused, FlowSum(1, 60, 3.0, 3.0, 2))]
    FileKeep(folder / "flow-windows.json").write([KeptWindow("fl-1", "eni-1", 60.0, flows)])


@pytest.mark.parametrize(
    ("kind", "write"),
    [("objects", objects), ("trail", trail), ("models", models), ("flow-log windows", windows)],
)
def test_the_form_of_files_belongs_to_the_number_of_their_format(
    tmp_path: Path, kind: str, write: Callable[[Path], None]
) -> None:
    write(tmp_path)
    written = {path.relative_to(tmp_path).as_posix(): shown(path) for path in tmp_path.rglob("*") if path.is_file()}
    assert written == RECORDED[kind, versions.DATA_FORMATS[kind]]


def shown(path: Path) -> str:
    content = path.read_bytes()
    return content.decode() if len(content) < 1_000 and content.isascii() else hashlib.sha256(content).hexdigest()

"""Which files of a folder ``jobs run`` reads, and what it says about the others before it starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.cli import texts
from reading_room.cli.document_languages import name_of, names_in_results
from reading_room.cli.text_languages import BATCH_BYTES, is_utf8, sample, with_assumed
from reading_room.cli.texts import FolderError, left_out_lines, texts_of
from tests.worlds import ordinary_user

LEFT_OUT = """
import json, sys
from pathlib import Path
from reading_room.cli.texts import texts_of
print(json.dumps(texts_of(Path(sys.argv[1])).left_out))
"""


def folder(at: Path, *names: str) -> Path:
    """Make a folder with these files and return it."""
    for name in names:
        (at / name).parent.mkdir(parents=True, exist_ok=True)
        (at / name).write_text("Marie Curie lived in Paris.")
    return at


def test_texts_have_their_relative_path_as_name_and_the_case_of_txt_does_not_matter(tmp_path: Path) -> None:
    folder(tmp_path, "b.txt", "deep/er/a.txt", "SCAN.TXT", "deep/Note.Txt")
    (tmp_path / "dir.txt").mkdir()
    found = texts_of(tmp_path)
    assert list(found.files) == ["SCAN.TXT", "b.txt", "deep/Note.Txt", "deep/er/a.txt"]
    assert found.left_out == {}


def test_every_other_file_is_named_with_the_reason_why_it_is_left_out(tmp_path: Path) -> None:
    folder(tmp_path, "a.txt", "letters/old.DOC", "old.xls", "archive.zip", "Makefile", ".hidden")
    (tmp_path / "nowhere.txt").symlink_to("gone")
    (tmp_path / "elsewhere").symlink_to(tmp_path / "letters")
    os.mkfifo(tmp_path / "pipe.txt")
    found = texts_of(tmp_path)
    assert list(found.files) == ["a.txt"]
    assert found.left_out == {
        texts.OLD: ["letters/old.DOC", "old.xls"],
        texts.OTHER: [".hidden", "Makefile", "archive.zip"],
        texts.BROKEN: ["nowhere.txt", "pipe.txt"],
        texts.LINKED: ["elsewhere"],
    }
    assert found.left_out_count == 8


def test_documents_in_other_formats_are_read_unless_each_line_is_a_document(tmp_path: Path) -> None:
    names = ["a.txt", "b.PDF", "c.docx", "d/e.eml", "f.jpeg", "g.csv", "h.txt.gz"]
    found = texts_of(folder(tmp_path, *names))
    assert list(found.files) == names
    assert found.documents == {*names} - {"a.txt"}
    assert found.formats()[0] == ("plain text", 1)
    assert dict(found.formats())["PDF"] == 1
    per_line = texts_of(tmp_path, per_line=True)
    assert list(per_line.files) == ["a.txt"]
    assert per_line.left_out == {texts.WHOLE: names[1:]}


class Disk:
    """Plays S3 while the user's files change."""

    def __init__(self, change: Callable[[], object]) -> None:
        self.change = change
        self.keys: list[str] = []
        self.s3 = self

    def upload_file(self, path: str, bucket: str, key: str) -> None:
        """Take a file, and change it."""
        Path(path).read_bytes()
        self.keys.append(key)
        self.change()

    def delete_object(self, Bucket: str, Key: str) -> None:  # boto3's names
        """Forget a file."""
        self.keys.remove(Key)


def test_a_file_that_is_gone_or_changes_while_it_is_uploaded_leaves_no_object(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for change, uploaded in ((lambda: None, True), (lambda: path.write_text("longer"), False), (path.unlink, False)):
        path.write_text("Anna")
        disk: Any = Disk(change)
        assert texts.upload(disk, path, "b", "k") is uploaded
        assert disk.keys == ["k"] * uploaded
    disk = Disk(lambda: None)
    assert texts.upload(disk, tmp_path / "nowhere", "b", "k") is False
    assert sample(tmp_path / "nowhere") == ""


def test_a_text_without_a_language_is_read_in_the_most_frequent_one_and_in_english_if_there_are_several() -> None:
    found = {"a": "de", "b": "en", "c": "fr"}
    assert with_assumed([*found, "empty"], found).of["empty"] == "en"
    found["d"] = "fr"
    assert with_assumed([*found, "empty"], found).of["empty"] == "fr"
    assert with_assumed(["empty"], {}).of["empty"] == "en"
    assert with_assumed([*found, "empty"], found).assumed == {"empty"}


def test_a_name_that_is_impossible_for_a_key_is_left_out(tmp_path: Path) -> None:
    folder(tmp_path, "a.txt")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")).write_text("x")
    folder(tmp_path.joinpath(*["x" * 200] * 5), "a.txt")
    found = texts_of(tmp_path).left_out
    assert found[texts.NAME_NOT_UTF8] == ["caf\udce9.txt"]
    assert [len(name) for name in found[texts.NAME_TOO_LONG]] == [1010]


@pytest.mark.network
def test_unreadable_files_are_left_out(tmp_path: Path) -> None:
    given = folder(tmp_path / "texts", "a.txt", "secret.txt", "closed/b.txt")
    (given / "secret.txt").chmod(0)
    (given / "closed").chmod(0)
    # Root may read every file.
    argv = [sys.executable, ordinary_user.__file__, str(tmp_path), sys.executable, "-c", LEFT_OUT, str(given)]
    printed = subprocess.run(argv, stdout=subprocess.PIPE, check=True, timeout=60).stdout
    (given / "closed").chmod(0o700)
    assert json.loads(printed) == {texts.CLOSED: ["closed"], texts.UNREADABLE: ["secret.txt"]}


def test_a_folder_without_a_text_is_refused_with_what_is_in_it(tmp_path: Path) -> None:
    folder(tmp_path, "a.doc", "b.x")
    with pytest.raises(FolderError) as refused:
        texts_of(tmp_path)
    assert str(refused.value).splitlines()[1:] == [f"  {texts.OLD}: a.doc", f"  {texts.OTHER}: b.x"]


def test_some_files_are_named_and_the_others_counted() -> None:
    names = [f"{number}.x" for number in range(12)]
    assert list(left_out_lines({texts.OTHER: names}, most=2)) == [f"{texts.OTHER}: 0.x, 1.x, and 10 more"]


def test_results_of_attachments_keep_the_name_of_their_file() -> None:
    names = names_in_results(["mail/a.eml", "b/c.pdf", "d/c.pdf"])
    assert names == {"a.eml": "mail/a.eml", "b/c.pdf": "b/c.pdf", "d/c.pdf": "d/c.pdf"}
    found = [name_of(file, names) for file in ("a.eml", "a.eml/x.pdf", "a.eml/y.eml/z", "b/c.pdf", "other/x")]
    assert found == ["mail/a.eml", "mail/a.eml/x.pdf", "mail/a.eml/y.eml/z", "b/c.pdf", "other/x"]


@pytest.mark.parametrize(
    ("content", "looked_at"),
    [
        (b"Guten Tag", "Guten Tag"),
        (b"\xef\xbb\xbfGuten Tag", "Guten Tag"),
        (b"", ""),
        # Half of UTF-16, and binary files.
        (b"G\x00u\x00", ""),
        # Only a line that is not UTF-8 is left out.
        (b"Caf\xe9\nGuten Tag\n", "Guten Tag\n"),
        (b"Caf\xe9", ""),
    ],
)
def test_the_language_is_detected_from_readable_text(tmp_path: Path, content: bytes, looked_at: str) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    assert sample(tmp_path / "a.txt") == looked_at


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", True),
        (b"\xef\xbb\xbfGuten Tag", True),
        # Its 5,000 bytes end within a character.
        (b"x" + "\u00fc".encode() * BATCH_BYTES, True),
        (b"Caf\xc3", False),
        (b"Guten Tag\nCaf\xe9\n", False),
        ("Guten Tag".encode("utf-16"), False),
        (b"Guten\x00Tag", False),
    ],
)
def test_a_file_that_is_no_text_in_utf8_is_recognised_before_the_jobs_start(
    tmp_path: Path, content: bytes, expected: bool
) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    assert is_utf8(tmp_path / "a.txt") is expected


@given(st.text(min_size=1, max_size=30).filter(lambda text: "\x00" not in text and text[0] != "\ufeff"))
def test_the_beginning_of_a_long_text_is_used_wherever_it_is_cut(text: str) -> None:
    class Long:
        """As a path, without a file for every example."""

        def open(self, mode: str) -> object:
            import io

            return io.BytesIO((text * BATCH_BYTES).encode())

    looked_at = sample(Long())  # type: ignore[arg-type]
    assert (text * BATCH_BYTES).startswith(looked_at)
    assert len(looked_at.encode()) > BATCH_BYTES - 4

"""The folder of ``jobs run --redact``: its names, its report, and that nothing else is ever touched."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from reading_room.cli.job_plan import KindError
from reading_room.cli.jobs_redact import check_options
from reading_room.cli.redacted_folder import REPORT, RedactedFile, RedactedFolder, check
from reading_room.cli.texts import FolderError


def redacted_file(number: int, name: str, *kinds: str) -> RedactedFile:
    """Return a file with a name in which two names were replaced, and objects of these kinds."""
    found = RedactedFile(number, name, "en", {kind: f"{number}.{kind}" for kind in kinds})
    found.take([{"Replaced": {"NAME": 2}}])
    return found


def write(out: Path, *files: RedactedFile) -> dict[str, str]:
    """Write a folder whose files have their keys as content; return what is in it beside the report."""
    check(out, out.with_name("input"))
    RedactedFolder(out, lambda key: [key.encode()]).write(files, {"NotRead": []})
    return {
        path.relative_to(out).as_posix(): path.read_text()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name != REPORT
    }


def report(out: Path) -> dict[str, object]:
    """Return the report of a folder."""
    found: dict[str, object] = json.loads((out / REPORT).read_text())
    return found


def test_what_has_the_format_of_its_file_has_its_name_and_the_rest_stands_beside(tmp_path: Path) -> None:
    found = write(
        tmp_path / "out",
        redacted_file(1, "a/b.pdf", "out", "redacted.pdf"),
        redacted_file(2, "c.docm", "out", "redacted.docx"),
        redacted_file(3, "d.docx", "out", "redacted.docx"),
        redacted_file(4, "e.txt", "out"),
        redacted_file(5, "f.md", "out"),
        redacted_file(6, "g.csv", "out"),
        redacted_file(7, "", "out", "redacted.pdf"),
        redacted_file(8, "no-pdf.txt", "out", "redacted.pdf"),
    )
    assert found == {
        "a/b.pdf": "1.redacted.pdf",
        "a/b.pdf.txt": "1.out",
        "c.docm.docx": "2.redacted.docx",
        "c.docm.txt": "2.out",
        "d.docx": "3.redacted.docx",
        "d.docx.txt": "3.out",
        "e.txt": "4.out",
        "f.md": "5.out",
        "g.csv.txt": "6.out",
        "file-7.pdf": "7.redacted.pdf",
        "file-7.txt": "7.out",
        "no-pdf.txt.pdf": "8.redacted.pdf",
        "no-pdf.txt.txt": "8.out",
    }


def test_files_that_would_have_one_name_have_two(tmp_path: Path) -> None:
    found = write(
        tmp_path / "out",
        redacted_file(1, "a.csv", "out"),
        redacted_file(2, "a.csv.txt", "out"),
        redacted_file(3, "b.csv", "out"),
        redacted_file(4, "b.csv.txt/c.txt", "out"),
        redacted_file(5, "", "out"),
        redacted_file(6, "file-5.txt", "out"),
    )
    assert found == {
        "a.csv.redacted.txt": "1.out",
        "a.csv.txt": "2.out",
        "b.csv.redacted.txt": "3.out",
        "b.csv.txt/c.txt": "4.out",
        "file-5.redacted.txt": "5.out",
        "file-5.txt": "6.out",
    }


def test_the_report_has_counts_by_type_and_errors_but_no_name_that_was_found(tmp_path: Path) -> None:
    whole, hidden, failed = (
        redacted_file(1, "a.txt", "out"),
        redacted_file(2, "", "out"),
        RedactedFile(3, "c.pdf", "es"),
    )
    hidden.take([{"Replaced": {"EMAIL": 1, "NAME": 1}, "CopyErrorCode": "X", "CopyErrorMessage": "too large"}])
    failed.objects["out"] = "3.out"
    failed.take([{"ErrorCode": "INVALID_DOCUMENT", "ErrorMessage": "it is broken: very"}])
    found = write(tmp_path / "out", whole, hidden, failed)
    assert set(found) == {"a.txt", "file-2.txt"}
    given = report(tmp_path / "out")
    assert given["Complete"] is True
    assert given["Files"] == [
        {
            "Number": 1,
            "File": "a.txt",
            "LanguageCode": "en",
            "Written": ["a.txt"],
            "Replaced": {"NAME": 2},
            "Errors": [],
        },
        {
            "Number": 2,
            "LanguageCode": "en",
            "Written": ["file-2.txt"],
            "Replaced": {"EMAIL": 1, "NAME": 3},
            "Errors": ["X: only its redacted text is written, and no copy: too large"],
        },
        {
            "Number": 3,
            "File": "c.pdf",
            "LanguageCode": "es",
            "Written": [],
            "Replaced": {},
            "Errors": ["INVALID_DOCUMENT: it is broken: very"],
        },
    ]
    assert [line.get("ErrorCode") for line in (*hidden.lines(), *failed.lines())] == [None, "X", "INVALID_DOCUMENT"]
    assert Counter(each["Type"] for line in hidden.lines() for each in line.get("Entities", ())) == hidden.replaced


def test_only_this_user_can_read_what_is_written(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write(tmp_path / "new" / "out", redacted_file(1, "a/b.txt", "out"))
    finally:
        os.umask(before)
    for path in (tmp_path / "new").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_the_output_of_an_earlier_run_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, redacted_file(1, "a.txt", "out"), redacted_file(2, "b.txt", "out"))
    assert set(write(out, redacted_file(1, "b.txt", "out"))) == {"b.txt"}
    # So is that of one that was interrupted.
    given = report(out) | {"Complete": False}
    (out / REPORT).write_text(json.dumps(given))
    (out / "b.txt").unlink()
    assert set(write(out, redacted_file(1, "c.txt", "out"))) == {"c.txt"}


@pytest.mark.parametrize("other", ["notes.txt", "sub/notes.txt", "linked"])
def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path, other: str) -> None:
    out = tmp_path / "out"
    write(out, redacted_file(1, "a.txt", "out"))
    (out / other).parent.mkdir(exist_ok=True)
    if other == "linked":
        (out / other).symlink_to(tmp_path)
    else:
        (out / other).write_text("mine")
    with pytest.raises(FolderError, match=f"no earlier --redact wrote, such as {other}"):
        check(out, tmp_path / "input")
    assert (out / "a.txt").read_text() == "1.out"


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", "null", '{"Program": "another", "Files": []}', '{"Program": "reading-room jobs run --redact"}'],
)
def test_a_file_that_is_no_report_of_ours_is_somebody_else_s(tmp_path: Path, content: str) -> None:
    (tmp_path / REPORT).write_text(content)
    with pytest.raises(FolderError, match=REPORT):
        check(tmp_path, tmp_path.with_name("input"))


def test_a_report_cannot_name_files_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    out = tmp_path / "out"
    write(out, redacted_file(1, "a.txt", "out"))
    given = report(out)
    given["Files"] = [{"Written": ["a.txt", "../mine", "/etc/passwd"]}]
    (out / REPORT).write_text(json.dumps(given))
    write(out, redacted_file(1, "b.txt", "out"))
    assert (tmp_path / "mine").read_text() == "mine"


def test_the_folder_is_neither_in_the_input_nor_around_it(tmp_path: Path) -> None:
    source = tmp_path / "input"
    source.mkdir()
    (tmp_path / "linked").symlink_to(source)
    for out in (source, source / "out", tmp_path, tmp_path / "linked" / "out", source / ".." / "input" / "out"):
        with pytest.raises(FolderError, match="nothing is overwritten"):
            check(out, source)
    check(tmp_path / "input-redacted", source)


def test_a_place_that_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(FolderError, match="--redact"):
            check(out, tmp_path / "input")


def test_only_personal_data_of_whole_files_is_redacted(tmp_path: Path) -> None:
    out, source = tmp_path / "out", tmp_path / "input"
    check_options(None, source, ["entities"], True, tmp_path / "x.csv")
    check_options(out, source, ["pii"], False, None)
    with pytest.raises(KindError, match="--pii-profile: is only for --redact"):
        check_options(None, source, ["pii"], False, None, ["letters"])
    for kinds, per_line, output in ((["pii", "entities"], False, None), (["pii"], True, None), (["pii"], False, out)):
        with pytest.raises(KindError, match="--redact"):
            check_options(out, source, kinds, per_line, output)

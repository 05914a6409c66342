"""The texts of a folder: which of its files are analysed, which are left out, and why."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reading_room.analysis.job_file import DOCUMENT_SUFFIXES

if TYPE_CHECKING:
    from reading_room.cli.reading import Account

KEY_BYTES = 900
"""The most bytes in a file's name: a key may have 1,024, and gets a prefix."""
TEXT_SUFFIX = ".txt"

DOCUMENT = "PDF and Word documents cannot be read yet; save their text as .txt in UTF-8"
OTHER = "not .txt files; save the text of those that have any as .txt in UTF-8"
UNREADABLE = "not readable by this user; change their mode"
CLOSED = "folders that this user cannot open; change their mode"
LINKED = "links to folders; name those folders themselves"
BROKEN = "neither files nor folders, or links to nothing"
NAME_NOT_UTF8 = "their names are not UTF-8, as keys in S3 are; rename them"
NAME_TOO_LONG = f"their names have more than {KEY_BYTES} bytes, which no key may have; shorten them"


class FolderError(Exception):
    """A folder cannot be analysed; the message names it and says what to change."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The files in a folder. Names are paths relative to the folder, in order."""

    files: Mapping[str, Path]
    left_out: Mapping[str, list[str]] = field(default_factory=dict)
    """The names of files that are left out, by reason."""

    @property
    def left_out_count(self) -> int:
        """How many files are left out."""
        return sum(map(len, self.left_out.values()))


def texts_of(folder: Path) -> Texts:
    """Return the texts of a folder, subfolders included. Raises ``FolderError`` if it is no folder or has no text."""
    if not folder.is_dir():
        raise FolderError(f"{folder} is not a folder: name a folder of .txt files")
    files: dict[str, Path] = {}
    left_out: dict[str, list[str]] = {}
    for path, closed in _inside(folder):
        name = path.relative_to(folder).as_posix()
        if reason := CLOSED if closed else _reason(name, path):
            left_out.setdefault(reason, []).append(name)
        else:
            files[name] = path
    if not files:
        raise FolderError(f"{folder} has no .txt files that can be read: name a folder of texts{_list(left_out)}")
    return Texts(files, left_out)


def text_files(folder: Path) -> Mapping[str, Path]:
    """Return the texts of a folder by their names, as ``texts_of`` does."""
    return texts_of(folder).files


def upload_folder(account: Account, folder: Path, bucket: str, prefix: str) -> int:
    """Upload every text of a folder; return how many. Raises ``FolderError`` before the first is sent."""
    files = text_files(folder)
    for name, path in files.items():
        account.s3.upload_file(str(path), bucket, f"{prefix}/{name}")
    return len(files)


def _inside(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Yield everything below a folder except its folders, in order, and with ``True`` folders that cannot be opened."""
    closed: list[Path] = []
    found: list[tuple[Path, bool]] = []
    for at, folders, names in os.walk(folder, onerror=lambda error: closed.append(Path(os.fsdecode(error.filename)))):
        linked = [name for name in folders if (Path(at) / name).is_symlink()]
        found += [(Path(at) / name, False) for name in (*names, *linked)]
    yield from sorted([*found, *((path, True) for path in closed)])


def _reason(name: str, path: Path) -> str:
    """Return why a file is left out; empty if it is not."""
    suffix = path.suffix.lower()
    if path.is_symlink() and path.is_dir():
        return LINKED
    if not path.is_file():
        return BROKEN
    if suffix in DOCUMENT_SUFFIXES:
        return DOCUMENT
    if suffix != TEXT_SUFFIX:
        return OTHER
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return NAME_NOT_UTF8
    if size > KEY_BYTES:
        return NAME_TOO_LONG
    return "" if os.access(path, os.R_OK) else UNREADABLE


def _list(left_out: Mapping[str, list[str]]) -> str:
    return "".join(f"\n  {line}" for line in left_out_lines(left_out))


def left_out_lines(left_out: Mapping[str, list[str]], most: int = 10) -> Iterator[str]:
    """Yield a line for each reason, with the names of its files: all PDF and Word documents, ``most`` of the others."""
    for reason, names in left_out.items():
        shown = names if reason == DOCUMENT else names[:most]
        more = f", and {len(names) - len(shown):,} more" if len(names) > len(shown) else ""
        yield f"{reason}: {', '.join(shown)}{more}"

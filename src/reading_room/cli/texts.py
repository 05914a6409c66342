"""The documents of a folder: which of its files are analysed, which are left out, and why."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError

from reading_room.analysis.formats import BY_SUFFIX, suffix_of
from reading_room.cli.screen import plain

if TYPE_CHECKING:
    from reading_room.cli.reading import Account

KEY_BYTES = 900
"""The most bytes in a file's name: a key may have 1,024, and gets a prefix."""
TEXT_SUFFIX = ".txt"

OLD_SUFFIXES = frozenset((".doc", ".dot", ".xls", ".ppt", ".pps"))
OLD = "in formats of office programs before 2007; save them as .docx, .xlsx or .pptx"
OTHER = "not in a format that is read (docs/documents.md lists them)"
WHOLE = "read only as whole files, without --per-line"
UNREADABLE = "not readable by this user; change their mode"
CLOSED = "folders that this user cannot open; change their mode"
LINKED = "links to folders; name those folders themselves"
BROKEN = "neither files nor folders, or links to nothing"
NAME_NOT_UTF8 = "their names are not UTF-8, as keys in S3 are; rename them"
CHANGED = "Deleted or changed while it was uploaded"
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
    def documents(self) -> frozenset[str]:
        """The names of files in other formats than plain text, which only a job can read."""
        return frozenset(name for name in self.files if suffix_of(name) != TEXT_SUFFIX)

    def formats(self) -> list[tuple[str, int]]:
        """Return how many files there are in each format, as their names say, the most frequent first."""
        return Counter(BY_SUFFIX[suffix_of(name)].label for name in self.files).most_common()

    @property
    def left_out_count(self) -> int:
        """How many files are left out."""
        return sum(map(len, self.left_out.values()))


def texts_of(folder: Path, per_line: bool = False) -> Texts:
    """Return the documents of a folder, subfolders included. Raises ``FolderError`` if it is no folder or has none.

    With ``per_line`` they are only those of plain text.
    """
    if not folder.is_dir():
        raise FolderError(f"{folder} is not a folder: name a folder of documents")
    files: dict[str, Path] = {}
    left_out: dict[str, list[str]] = {}
    for path, closed in _inside(folder):
        name = path.relative_to(folder).as_posix()
        if reason := CLOSED if closed else _reason(name, path, per_line):
            left_out.setdefault(reason, []).append(name)
        else:
            files[name] = path
    if not files:
        raise FolderError(f"{folder} has no files that can be read: name a folder of documents{_list(left_out)}")
    return Texts(files, left_out)


def described(texts: Texts) -> Iterator[str]:
    """Yield lines to print: what is read of a folder with other files than plain text, and what is left out."""
    if texts.documents:
        formats = ", ".join(f"{label} ({times:,})" for label, times in texts.formats())
        yield f"{counted(len(texts.files), 'file')} to read: {formats}"
    if texts.left_out:
        count = texts.left_out_count
        yield f"[yellow]{counted(count, 'file')} left out[/], of {len(texts.files) + count:,}:"
        yield from (f"  {plain(line)}" for line in left_out_lines(texts.left_out))


def counted(number: int, noun: str) -> str:
    """Return a number and a noun: ``1 file``, ``1,200 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def some(names: Sequence[str], most: int = 5) -> str:
    """Return the first of several names, to print, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return plain(", ".join(names[:most])) + more


def text_files(folder: Path) -> Mapping[str, Path]:
    """Return the plain texts of a folder by their names, as ``texts_of`` does."""
    return texts_of(folder, per_line=True).files


def upload_folder(account: Account, folder: Path, bucket: str, prefix: str) -> int:
    """Upload every text of a folder; return how many. Raises ``FolderError`` before the first is sent."""
    files = text_files(folder)
    for name, path in files.items():
        account.s3.upload_file(str(path), bucket, f"{prefix}/{name}")
    return len(files)


def upload(account: Account, path: Path, bucket: str, key: str) -> bool:
    """Upload a file. If it was deleted or changed meanwhile, return ``False`` and leave no object."""
    before = _state(path)
    try:
        account.s3.upload_file(str(path), bucket, key)
    except (OSError, S3UploadFailedError, BotoCoreError):
        if before is not None and _state(path) == before:
            raise
        return False
    if before is not None and _state(path) == before:
        return True
    account.s3.delete_object(Bucket=bucket, Key=key)
    return False


def _state(path: Path) -> tuple[int, ...] | None:
    """Return numbers that change when a file does; ``None`` if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _inside(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Yield everything below a folder except its folders, in order, and with ``True`` folders that cannot be opened."""
    closed: list[Path] = []
    found: list[tuple[Path, bool]] = []
    for at, folders, names in os.walk(folder, onerror=lambda error: closed.append(Path(os.fsdecode(error.filename)))):
        linked = [name for name in folders if (Path(at) / name).is_symlink()]
        found += [(Path(at) / name, False) for name in (*names, *linked)]
    yield from sorted([*found, *((path, True) for path in closed)])


def _reason(name: str, path: Path, per_line: bool) -> str:
    """Return why a file is left out; empty if it is not."""
    suffix = suffix_of(name)
    if path.is_symlink() and path.is_dir():
        return LINKED
    if not path.is_file():
        return BROKEN
    if suffix in OLD_SUFFIXES:
        return OLD
    if suffix not in BY_SUFFIX:
        return OTHER
    if per_line and suffix != TEXT_SUFFIX:
        return WHOLE
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
    """Yield a line for each reason, with the names of ``most`` of its files."""
    for reason, names in left_out.items():
        shown = names[:most]
        more = f", and {len(names) - len(shown):,} more" if len(names) > len(shown) else ""
        yield f"{reason}: {', '.join(shown)}{more}"

"""The folder that ``jobs run --redact`` writes: redacted copies under the names of their files, and a report.

The report names each file, and says how many places of which types were replaced in it, never what they were. A file
whose name has something that was found is called by its number in the report and in the folder.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from reading_room.analysis.formats import BY_SUFFIX, COPY_PDF, COPY_WORD, REPORT_MEMBER, suffix_of
from reading_room.cli import reading
from reading_room.cli.texts import FolderError

REPORT = "redaction-report.json"
PROGRAM = "reading-room jobs run --redact"
_TEXT = "out"
_SUFFIXES = {COPY_PDF: ".pdf", COPY_WORD: ".docx", _TEXT: ".txt"}
_NUMBERED = re.compile(r"file-(\d+)-*")
_PLAIN = ("text", "markdown")
_REPORT_BYTES = 1 << 28


@dataclass(slots=True)
class RedactedFile:
    """What became of one file. ``number`` counts the files of the run from 1; ``name`` is empty if it is not told.

    ``objects`` are keys of what the job wrote, by the last part of their names: ``out``, ``redacted.pdf`` and so on.
    """

    number: int
    name: str
    language: str | None = None
    objects: dict[str, str] = field(default_factory=dict)
    replaced: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    redacted: int = 0
    """How many of its documents were redacted: an e-mail has attachments."""

    @property
    def shown(self) -> str:
        """Its name, or its number instead."""
        return self.name or f"file-{self.number}"

    def take(self, report: Iterable[Mapping[str, Any]]) -> None:
        """Add the lines of the report that the job wrote for the file."""
        for line in report:
            if "ErrorCode" in line:
                self.errors.append(f"{line['ErrorCode']}: {line['ErrorMessage']}")
                continue
            self.redacted += 1
            self.replaced.update(line["Replaced"])
            if "CopyErrorCode" in line:
                message = f"only its redacted text is written, and no copy: {line['CopyErrorMessage']}"
                self.errors.append(f"{line['CopyErrorCode']}: {message}")

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield lines like those of results, for the tables that count them."""
        if self.redacted:
            places = [{"Type": kind} for kind, times in self.replaced.items() for _ in range(times)]
            yield {"File": self.shown, "Entities": places}
        for each in self.errors:
            code, _, message = each.partition(": ")
            yield {"File": self.shown, "ErrorCode": code, "ErrorMessage": message}


def check(out: Path, folder: Path) -> None:
    """Raise ``FolderError`` if the redacted copies of a folder may not be written there, or cannot be."""
    place, source = out.resolve(), folder.resolve()
    if place.is_relative_to(source) or source.is_relative_to(place):
        raise FolderError(f"--redact {out}: name a folder outside {folder}, and not around it: nothing is overwritten")
    if not os.path.lexists(out):
        above = next(each for each in place.parents if each.exists())
        if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
            raise FolderError(f"--redact {out}: it cannot be made in {above}")
        return
    if not place.is_dir():
        raise FolderError(f"--redact {out}: it is not a folder")
    if not os.access(place, os.W_OK | os.X_OK):
        raise FolderError(f"--redact {out}: this user cannot write there")
    _former(place)


def _former(out: Path) -> list[Path]:
    """Return the files that an earlier run wrote to a folder. Raise ``FolderError`` if it has any others."""
    present = [Path(at) / name for at, folders, names in os.walk(out) for name in (*names, *_links(at, folders))]
    if not present:
        return []
    listed: set[Path] = set()
    try:
        report = out / REPORT
        if not report.is_symlink() and report.stat().st_size <= _REPORT_BYTES:
            given = json.loads(report.read_bytes())
            if given["Program"] == PROGRAM:
                names = [str(name) for each in given["Files"] for name in each["Written"]]
                listed = {out / name for name in names} | {report}
    except (OSError, ValueError, TypeError, KeyError):
        pass
    others = sorted(str(path.relative_to(out)) for path in present if path not in listed)
    if others:
        raise FolderError(
            f"{out} has files that no earlier --redact wrote, such as {others[0]}: name a new or an empty folder"
        )
    return present


def _links(at: str, folders: Sequence[str]) -> list[str]:
    return [name for name in folders if (Path(at) / name).is_symlink()]


def number_of(name: str, names: Mapping[str, str]) -> int | None:
    """Return the number in the name of an object that does not have its file's name; else ``None``."""
    found = _NUMBERED.fullmatch(name)
    return int(found[1]) if found is not None and name not in names else None


def objects_of(account: reading.Account, properties: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the objects of a finished job: the name of the file in results, the last part of the name, and the key."""
    bucket, _, folder = properties["OutputDataConfig"]["S3Uri"].removeprefix("s3://").partition("/")
    for key in reading.objects_below(account, bucket, folder):
        name = key.removeprefix(folder)
        for last in (*_SUFFIXES, REPORT_MEMBER):
            if name.endswith(f".{last}"):
                yield name.removesuffix(f".{last}"), last, key
                break


class RedactedFolder:
    """Writes redacted copies to a folder that ``check`` has allowed. Its files can be read by this user only."""

    def __init__(self, out: Path, fetch: Callable[[str], Iterable[bytes]]) -> None:
        """``fetch`` returns the content of an object by its key."""
        self._out = out.resolve()
        self._fetch = fetch

    def write(self, files: Sequence[RedactedFile], report: Mapping[str, Any]) -> None:
        """Write everything, the report last. Raise ``FolderError`` if it cannot be written."""
        try:
            self._write(files, report)
        except OSError as error:
            raise FolderError(
                f"{self._out} cannot be written ({error.strerror}): make room there, or name another folder with "
                "--redact; the redacted copies are still in the bucket of the jobs"
            ) from error

    def _write(self, files: Sequence[RedactedFile], report: Mapping[str, Any]) -> None:
        self._out.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in _former(self._out):
            path.unlink()
        targets = _targets(files)
        by_number = {each.number: each for each in files}
        for number, _, name in targets:
            by_number[number].written.append(name)
        # A run that is interrupted leaves a folder that the next one knows.
        self._report(files, report, complete=False)
        for number, last, name in targets:
            self._copy(by_number[number].objects[last], name)
        self._report(files, report, complete=True)

    def _copy(self, key: str, name: str) -> None:
        path = self._out / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
            for chunk in self._fetch(key):
                file.write(chunk)

    def _report(self, files: Sequence[RedactedFile], report: Mapping[str, Any], complete: bool) -> None:
        given = {"Program": PROGRAM, "Complete": complete, **report, "Files": [_entry(each) for each in files]}
        path, beside = self._out / REPORT, self._out / f".{REPORT}"
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
            file.write(json.dumps(given, indent=1) + "\n")
        beside.replace(path)


def _entry(each: RedactedFile) -> dict[str, Any]:
    entry = {
        "Number": each.number,
        "File": each.name or None,
        "LanguageCode": each.language,
        "Written": each.written,
        "Replaced": dict(sorted(each.replaced.items())),
        "Errors": each.errors,
    }
    return {name: value for name, value in entry.items() if value is not None}


def _targets(files: Sequence[RedactedFile]) -> list[tuple[int, str, str]]:
    """Return what is written: the number of the file, the last part of the object's name, and the name in the folder.

    What has the format of its file gets its name; other files are beside it, with another suffix.
    """
    own: list[tuple[int, str, str]] = []
    others: list[tuple[int, str, str]] = []
    for each in files:
        for last in (COPY_PDF, COPY_WORD, _TEXT):
            if last in each.objects and (each.redacted or last != _TEXT):
                (own if _keeps_format(each, last) else others).append((each.number, last, each.shown))
    taken = {name for *_, name in own} | {REPORT, f".{REPORT}"}
    taken |= {str(above) for each in files for above in PurePosixPath(each.shown).parents}
    found = list(own)
    for number, last, name in others:
        suffix = _SUFFIXES[last]
        wanted = f"{name}{suffix}"
        tries = 1
        while wanted in taken:
            wanted = f"{name}.redacted{'' if tries == 1 else f'-{tries}'}{suffix}"
            tries += 1
        taken.add(wanted)
        found.append((number, last, wanted))
    return sorted(found, key=lambda each: (each[0], each[2]))


def _keeps_format(each: RedactedFile, last: str) -> bool:
    if not each.name:
        return False
    suffix = suffix_of(each.name)
    if last == _TEXT:
        known = BY_SUFFIX.get(suffix)
        return known is not None and known.name in _PLAIN and not {COPY_PDF, COPY_WORD} & each.objects.keys()
    return suffix == _SUFFIXES[last]

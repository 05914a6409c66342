"""Work that is done once for all containers: models are verified, and one is unpacked.

Hashing every file takes a tenth of a second of processor time, which each starting container would otherwise spend
again. py3langid compresses its model with xz, and unpacking it takes half a second, more than anything else that a
container for languages does before it is ready. The prepared files are beside the other files that containers see.
This begins when the first container is wanted.
"""

from __future__ import annotations

import logging
import lzma
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

from reading_room.analysis.trained import (
    COMPARED,
    NO_WEIGHTS,
    UNFINISHED,
    WEIGHTS,
    ChangedModel,
    compare,
    compared_lines,
    path_of,
    sums,
)

_log = logging.getLogger(__name__)

_PY3LANGID = "py3langid/data/model.npz.xz"
_SOURCE = "source"
"""The file that names the source, so that files of another version are not used."""


def report_missing_weights() -> None:
    """Log that the weights are not installed, if so: whoever starts the product should know before the first job."""
    if path_of(WEIGHTS) is None:
        _log.error(NO_WEIGHTS)


def prepare_in_background(models: Path) -> threading.Thread:
    """Prepare a folder in the background. Containers wait for a model that is being unpacked, and for nothing else."""
    thread = threading.Thread(target=_prepare, args=(models,), name="models", daemon=True)
    thread.start()
    return thread


def _prepare(models: Path) -> None:
    for left in models.glob(f"{UNFINISHED}*"):
        # An agent was killed while it unpacked or wrote.
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
    try:
        # First, as containers wait for it.
        unpack_py3langid(models / "py3langid")
    except ChangedModel as error:
        _log.error("%s; it is not unpacked", error)
    except (OSError, lzma.LZMAError, zipfile.BadZipFile) as error:
        _log.warning("py3langid's model could not be unpacked into %s: containers load it slower (%s)", models, error)
    try:
        compare_files(models / COMPARED.name)
    except OSError as error:
        _log.warning("the models could not be verified for all containers: each verifies its own (%s)", error)


def compare_files(list_of: Path) -> None:
    """Verify the files of all models, and write the right ones into a file. Raises ``OSError``.

    A wrong file is logged; a container that loads it will find that out too, and fail.
    """
    lines = []
    for found in compared_lines():
        if isinstance(found, ChangedModel):
            _log.error("%s", found)
        else:
            lines.append(found)
    new = list_of.with_name(f"{UNFINISHED}{list_of.name}")
    new.write_text("".join(lines), encoding="utf-8")
    new.chmod(0o444)
    new.replace(list_of)


def unpack_py3langid(folder: Path) -> None:
    """Write the arrays of py3langid's model into a folder as ``.npy`` files, either all or none.

    Does nothing if they exist already, or if the package is not installed. Raises ``ChangedModel``, ``OSError``,
    ``lzma.LZMAError`` and ``zipfile.BadZipFile``; the folder does not exist then.
    """
    packed = path_of(_PY3LANGID)
    if packed is None:
        return

    def unpack(made: Path) -> None:
        compare(_PY3LANGID, packed, sums()[_PY3LANGID])
        whole = made.with_name("whole")
        with lzma.open(packed) as unpacked, whole.open("wb") as out:
            shutil.copyfileobj(unpacked, out, 1 << 20)
        with zipfile.ZipFile(whole) as arrays:
            for member in arrays.infolist():
                if "/" in member.filename:
                    raise zipfile.BadZipFile(f"{packed} has a file named {member.filename}")
            arrays.extractall(made)

    _make(folder, packed, unpack)


def _make(folder: Path, origin: Path, fill: Callable[[Path], None]) -> None:
    """Make a folder whose content depends on the file ``origin``, unless it exists. Readable for all, written by none.

    ``fill`` fills an empty folder; what it leaves beside that folder is deleted.
    """
    state = origin.stat()
    source = f"{origin} {state.st_size} {state.st_mtime_ns}\n"
    try:
        if (folder / _SOURCE).read_text() == source:
            return
    except FileNotFoundError:
        pass
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=folder.parent) as temporary:
        made = Path(temporary, "made")
        made.mkdir()
        fill(made)
        (made / _SOURCE).write_text(source)
        for path in (made, *made.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o444)
        made.rename(folder)

"""What containers need of a model in another form than its package has it: made once, mapped by all of them.

py3langid packs its model by xz, and unpacking takes half a second of processor, more than all else that a container for
languages does before it is ready. The unpacked files lie beside the rest of what containers are shown.
"""

from __future__ import annotations

import importlib.util
import logging
import lzma
import shutil
import tempfile
import threading
import zipfile
from pathlib import Path

_log = logging.getLogger(__name__)

_SOURCE = "source"
"""The file that says what was unpacked, so that another version's files are not taken for its own."""
_UNFINISHED = "unfinished-"


def prepare_ahead(models: Path) -> threading.Thread:
    """Unpack models into a folder beside whatever else goes on; containers load their packages' files until then."""
    thread = threading.Thread(target=_prepare, args=(models,), name="models", daemon=True)
    thread.start()
    return thread


def _prepare(models: Path) -> None:
    for left in models.glob(f"{_UNFINISHED}*"):
        # An agent was killed while it unpacked.
        shutil.rmtree(left, ignore_errors=True)
    try:
        unpack_py3langid(models / "py3langid")
    except (OSError, lzma.LZMAError, zipfile.BadZipFile) as error:
        _log.warning("py3langid's model could not be unpacked into %s: containers load it slower (%s)", models, error)


def unpack_py3langid(folder: Path) -> None:
    """Write the arrays of py3langid's model into a folder as ``.npy`` files, all of them or none.

    Nothing happens where they are there already, or where the package is not installed. Raises ``OSError``,
    ``lzma.LZMAError`` and ``zipfile.BadZipFile``; the folder does not exist then.
    """
    found = importlib.util.find_spec("py3langid")
    if found is None or found.origin is None:
        return
    packed = Path(found.origin).parent / "data" / "model.npz.xz"
    state = packed.stat()
    source = f"{packed} {state.st_size} {state.st_mtime_ns}\n"
    try:
        if (folder / _SOURCE).read_text() == source:
            return
    except FileNotFoundError:
        pass
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=folder.parent) as temporary:
        made, whole = Path(temporary, "made"), Path(temporary, "whole")
        with lzma.open(packed) as unpacked, whole.open("wb") as out:
            shutil.copyfileobj(unpacked, out, 1 << 20)
        with zipfile.ZipFile(whole) as arrays:
            for member in arrays.infolist():
                if "/" in member.filename:
                    raise zipfile.BadZipFile(f"{packed} has a file named {member.filename}")
            arrays.extractall(made)
        (made / _SOURCE).write_text(source)
        for path in made.iterdir():
            path.chmod(0o444)
        made.chmod(0o755)
        made.rename(folder)

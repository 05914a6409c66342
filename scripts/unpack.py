"""Unpack an archive that we made ourselves, on every Python that the product supports."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any


def unpack(archive: tarfile.TarFile, folder: Path) -> None:
    """Write the members of an archive into a folder."""
    # Python 3.11.2, which Debian 12 has, knows no filters yet; from Python 3.14 on, "data" is the default.
    safe: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    archive.extractall(folder, **safe)  # nosec B202 # the archive is ours

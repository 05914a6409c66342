"""Runs a program as an ordinary user in a folder: ``ordinary_user.py FOLDER PROGRAM ARGUMENT...``.

As root it first becomes the user of ``container_holder.py``, in a view of the files in which that user finds Python.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.worlds.container_holder import become_ordinary

PR_SET_PDEATHSIG = 1


def main(folder: Path, argv: list[str]) -> None:
    if os.geteuid() == 0:
        become_ordinary(folder, "rootless")
        # A change of the user id clears the setting for a signal at the parent's end.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    os.execv(argv[0], argv)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

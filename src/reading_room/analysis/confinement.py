"""What a worker gives up for good: first the files that it has no use for, then, with its work in hand, system calls.

The agent has put the filters where every container finds them, as the kernel reads them: nothing here needs a library.
A worker takes on the one for its work before it has seen a document; until then it has the calls that loading takes.
Outside of a container, where nobody put filters, nothing happens.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from pathlib import Path

from reading_room.analysis.job_file import FILTERS_FOLDER, Confined
from reading_room.landlock import Kept, keep_only

_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SET_MODE_FILTER, _ALL_THREADS = 1, 1
_INSTRUCTION_BYTES = 8
_WRITABLE = (
    Path("/tmp"),  # nosec B108 # the container's own
    Path("/dev/shm"),  # nosec B108 # likewise
    Path("/dev/null"),
)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def keep_files() -> None:
    """Keep what is installed to read and run, and the folders in memory for files. Raises ``OSError``.

    By Landlock, where the kernel has it. It holds for this thread and all that it will start, so it comes first of all.
    """
    if not Path(FILTERS_FOLDER).is_dir():
        return
    prefixes = {sys.prefix, sys.base_prefix, os.path.realpath(sys.base_prefix), os.path.realpath(sys.executable)}
    keep_only(
        Kept(
            read=[Path("/")],
            run=[Path("/usr"), *map(Path, sorted(prefixes))],
            write=_WRITABLE,
            ports=None,
        )
    )


def confine(name: Confined) -> None:
    """Take on a filter, in all threads of this process. Raises ``OSError``."""
    folder = Path(FILTERS_FOLDER)
    if not folder.is_dir():
        return
    content = (folder / name).read_bytes()
    code = ctypes.create_string_buffer(content, len(content))
    filled = _Program(len(content) // _INSTRUCTION_BYTES, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    number = ctypes.c_long(_SECCOMP[platform.machine()])
    # Anything but 0 is a failure: the number of a thread that could not follow, or -1.
    if libc.syscall(number, _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(filled)) != 0:
        raise OSError(ctypes.get_errno(), f"the filter {name} is not taken on: {os.strerror(ctypes.get_errno())}")

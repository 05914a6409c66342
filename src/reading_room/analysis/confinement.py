"""What a worker gives up for good: first access to files that it does not need, then, once it has a job, system calls.

The agent provides the filters in the kernel's own format, so no library is needed here. A worker applies the filter
for its work before it sees a document; until then it keeps the calls that loading needs. Outside a container there are
no filters, and nothing happens.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from reading_room.analysis.job_file import FILTERS_FOLDER, Confined
from reading_room.landlock import Allowed, restrict_to

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
    """Allow only reading and running what is installed, and files in the in-memory folders. Raise ``OSError``.

    This uses Landlock where the kernel has it. It covers this thread and those it starts, so it must be called first.
    """
    if not Path(FILTERS_FOLDER).is_dir():
        return
    prefixes = {sys.prefix, sys.base_prefix, os.path.realpath(sys.base_prefix), os.path.realpath(sys.executable)}
    restrict_to(
        Allowed(
            read=[Path("/")],
            run=[Path("/usr"), *map(Path, sorted(prefixes))],
            write=_WRITABLE,
            ports=None,
        )
    )


def confine(name: Confined) -> None:
    """Apply a filter to all threads of this process. Raise ``OSError``."""
    folder = Path(FILTERS_FOLDER)
    if not folder.is_dir():
        return
    content = (folder / name).read_bytes()
    code = ctypes.create_string_buffer(content, len(content))
    filled = _Program(len(content) // _INSTRUCTION_BYTES, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    number = ctypes.c_long(_SECCOMP[os.uname().machine])
    # Anything but 0 is a failure: -1, or the id of a thread that could not be synchronised.
    if libc.syscall(number, _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(filled)) != 0:
        raise OSError(ctypes.get_errno(), f"the filter {name} is not taken on: {os.strerror(ctypes.get_errno())}")

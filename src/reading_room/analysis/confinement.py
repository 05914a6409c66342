"""A worker with its work in hand gives up every system call that this work does not need.

The agent has put the filters where every container finds them, as the kernel reads them: nothing here needs a library.
Until now the worker had the calls that starting and loading take, and had seen no document.
"""

from __future__ import annotations

import ctypes
import os
import platform
from pathlib import Path

from reading_room.analysis.job_file import FILTERS_FOLDER, Confined

_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SET_MODE_FILTER, _ALL_THREADS = 1, 1
_INSTRUCTION_BYTES = 8


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def confine(name: Confined) -> None:
    """Take on a filter, in all threads of this process, for good. Raises ``OSError``.

    Outside of a container, where nobody put filters, nothing happens.
    """
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

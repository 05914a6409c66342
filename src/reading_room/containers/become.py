"""Becomes a program that can only make some system calls: ``python become.py FILTER PROGRAM ARGUMENT...``.

FILTER is a filter in the kernel's own format, in hexadecimal. The process takes it on, prints ``ready`` to standard
output, and becomes the program, whose output goes nowhere. The filter must allow what the program needs to start. This
file is run by its path, without the project's other modules, so that it starts quickly.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Sequence

_NO_NEW_PRIVS = 38
"""PR_SET_NO_NEW_PRIVS."""
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SET_MODE_FILTER = 1
_INSTRUCTION_BYTES = 8


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def take_on(content: bytes) -> None:
    """Take on a filter, permanently, and keep from gaining privileges. Raise ``OSError``."""
    code = ctypes.create_string_buffer(content, len(content))
    filled = _Program(len(content) // _INSTRUCTION_BYTES, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    number = ctypes.c_long(_SECCOMP[platform.machine()])
    if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or libc.syscall(number, _SET_MODE_FILTER, 0, ctypes.byref(filled)):
        raise OSError(ctypes.get_errno(), f"the filter is not taken on: {os.strerror(ctypes.get_errno())}")


def main(arguments: Sequence[str]) -> None:
    """Take on the filter and become the program."""
    content, program = bytes.fromhex(arguments[0]), list(arguments[1:])
    nowhere = os.open("/dev/null", os.O_RDWR)
    take_on(content)
    os.write(1, b"ready\n")
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.execvp(program[0], program)  # nosec B606 # no shell is needed


if __name__ == "__main__":
    main(sys.argv[1:])

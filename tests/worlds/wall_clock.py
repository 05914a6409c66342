"""The wall clock of running processes, moved as if somebody had set the machine's, which stays as it is.

Processes read the clock in the kernel's vDSO. A process has its own copy of those pages as soon as they are written to,
so its functions for the wall clock are replaced by ones that add some seconds. The monotonic clock stays, as when a
clock is really set. So does what the kernel itself notes: the times of files and of tracked connections.
"""

from __future__ import annotations

import os
import platform
import signal
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import cache
from pathlib import Path

from reading_room.containers.processes import ProcessHandle, start_time
from tests.worlds.waiting import eventually

EVERY = 0.2
"""Seconds between two looks for processes that were started meanwhile. Until then they have the machine's time."""
_MARK = b"set time"
_PAGES = 2 * 4096
_AT_SYSINFO_EHDR = 33
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_DYNAMIC_SYMBOLS = 11
_CLOCK_GETTIME = """
    b8e4000000      mov eax, 228 (clock_gettime)
    0f05            syscall
    85c0            test eax, eax
    7513            jne ret
    85ff            test edi, edi (CLOCK_REALTIME)
    7405            je add
    83ff05          cmp edi, 5 (CLOCK_REALTIME_COARSE)
    750a            jne ret
    488b0dddffffff  add: mov rcx, [seconds]
    48010e          add [rsi], rcx
    c3              ret: ret
"""
_TIME = """
    57              push rdi
    4883ec10        sub rsp, 16
    31ff            xor edi, edi
    4889e6          mov rsi, rsp
    b8e4000000      mov eax, 228
    0f05            syscall
    488b0424        mov rax, [rsp]
    480305bdffffff  add rax, [seconds]
    4883c410        add rsp, 16
    5f              pop rdi
    4885ff          test rdi, rdi
    7403            je ret
    488907          mov [rdi], rax
    c3              ret: ret
"""
_GETTIMEOFDAY = """
    4885ff          test rdi, rdi
    7435            je end
    57              push rdi
    4883ec10        sub rsp, 16
    31ff            xor edi, edi
    4889e6          mov rsi, rsp
    b8e4000000      mov eax, 228
    0f05            syscall
    4c8b0424        mov r8, [rsp]
    4c03058effffff  add r8, [seconds]
    8b442408        mov eax, [rsp+8]
    31d2            xor edx, edx
    b9e8030000      mov ecx, 1000
    f7f1            div ecx
    4883c410        add rsp, 16
    5f              pop rdi
    4c8907          mov [rdi], r8
    48894708        mov [rdi+8], rax
    31c0            end: xor eax, eax
    c3              ret
"""
_FUNCTIONS = {"clock_gettime": _CLOCK_GETTIME, "time": _TIME, "gettimeofday": _GETTIMEOFDAY}
"""Machine code for x86-64, in the order in which it follows the number of seconds."""


def can_be_moved() -> bool:
    """Return whether the processors are those for which the code here is written, and every process can be changed.

    An ordinary user cannot change a process that does not dump core, even if it is their own.
    """
    return platform.machine() == "x86_64" and os.geteuid() == 0


@contextmanager
def moved(pids: Callable[[], Iterable[int]], seconds: int) -> Iterator[None]:
    """Set the wall clock of these processes, and of this one, forward or back by some seconds, until the block ends.

    ``pids`` is called again and again, and finds those that were started meanwhile.
    """
    over = threading.Event()

    def follow() -> None:
        while not over.wait(EVERY):
            _set(pids(), seconds)

    _set([*pids(), os.getpid()], seconds)
    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        _set([*pids(), os.getpid()], 0)


def _set(pids: Iterable[int], seconds: int) -> None:
    """Set the clocks of processes at once, while all of them stand still."""
    with ExitStack() as held:
        ready: list[tuple[int, int]] = []
        for pid in pids:
            try:
                place = _place(pid)
                memory = os.open(f"/proc/{pid}/mem", os.O_RDWR | os.O_CLOEXEC)
                held.callback(os.close, memory)
                if os.pread(memory, 16, place) != _MARK + struct.pack("<q", seconds):
                    if pid != os.getpid():
                        _stop(pid, held)
                    ready.append((memory, place))
            except PermissionError:
                raise
            except (OSError, KeyError):
                continue  # It has ended.
        for memory, place in ready:
            with suppress(OSError):  # It was killed while it stood still.
                _write(memory, place, seconds)


def _stop(pid: int, held: ExitStack) -> None:
    handle = ProcessHandle.open(pid)
    if handle is None or _state(pid) == "T":
        return
    held.enter_context(closing(handle))
    handle.signal(signal.SIGSTOP)
    held.callback(handle.signal, signal.SIGCONT)
    eventually(lambda: start_time(pid) is None or _state(pid) == "T", what=f"the stop of {pid}")


def _state(pid: int) -> str:
    """Return the state of a process as in /proc: ``T`` if all its threads have stopped."""
    try:
        states = {
            (task / "stat").read_text().rpartition(")")[2].split()[0] for task in Path(f"/proc/{pid}/task").iterdir()
        }
    except OSError:
        return ""
    return states.pop() if len(states) == 1 else ""


def _write(memory: int, place: int, seconds: int) -> None:
    os.pwrite(memory, struct.pack("<q", seconds), place + len(_MARK))
    if os.pread(memory, len(_MARK), place) == _MARK:
        return
    free, entries = _layout()
    begin = place - free
    code = place + len(_MARK) + 8
    for name, text in _FUNCTIONS.items():
        machine_code = bytes.fromhex("".join(line.split()[0] for line in text.strip().splitlines()))
        os.pwrite(memory, machine_code, code)
        entry = begin + entries[name]
        os.pwrite(memory, b"\xe9" + struct.pack("<i", code - entry - 5), entry)  # jmp
        code += len(machine_code)
    os.pwrite(memory, _MARK, place)


def _place(pid: int) -> int:
    """Return the address in a process where the seconds and the functions are written: after the vDSO's own code."""
    found = Path(f"/proc/{pid}/auxv").read_bytes()
    numbers = dict(struct.iter_unpack("<QQ", found))
    return int(numbers[_AT_SYSINFO_EHDR]) + _layout()[0]


@cache
def _layout() -> tuple[int, dict[str, int]]:
    """Return where the unused space of the vDSO begins, and where its functions are; all processes have the same."""
    begin = dict(struct.iter_unpack("<QQ", Path("/proc/self/auxv").read_bytes()))[_AT_SYSINFO_EHDR]
    with open("/proc/self/mem", "rb") as memory:
        memory.seek(begin)
        image = memory.read(_PAGES)
    table, size, count = *struct.unpack_from("<Q", image, 0x28), *struct.unpack_from("<HH", image, 0x3A)
    sections = [_SECTION.unpack_from(image, table + number * size) for number in range(count)]
    _, _, _, _, offset, length, names, *_ = next(each for each in sections if each[1] == _DYNAMIC_SYMBOLS)
    entries = {}
    for symbol in _SYMBOL.iter_unpack(image[offset : offset + length]):
        name = image[sections[names][4] + symbol[0] :].partition(b"\0")[0].decode()
        entries[name] = symbol[4]
    return -(-len(image.rstrip(b"\0")) // 16) * 16, entries

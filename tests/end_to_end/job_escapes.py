"""A program that runs in a container as its job, tries to escape through files, processes and system calls.

The container receives it as text after ``job_attacks``, whose functions it uses. Nothing here sends a packet.
"""

from __future__ import annotations

import fcntl
import os
import platform
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from tests.end_to_end.job_attacks import FACTS, LIBC, call, opens, outcome

ESCAPES: dict[str, Callable[[], Any]] = {}
ON_ARM = platform.machine() == "aarch64"
NEW_USER_NAMESPACE = 0x10000000


def attempt(function: Callable[[], Any]) -> Callable[[], Any]:
    ESCAPES[function.__name__.replace("_", "-")] = function
    return function


def calls(*numbers: tuple[int, int]) -> list[str]:
    """Make system calls by their numbers on x86-64 and ARM (-1 if one lacks the call) and return the outcomes."""
    found = [pair[ON_ARM] for pair in numbers]
    return sorted({call("syscall", number, 0, 0, 0, 0, 0) for number in found if number >= 0})


def each(action: Callable[[Any], Any], targets: Iterable[Any]) -> list[str]:
    return sorted({outcome(partial(action, target)) for target in targets})


def create(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))


# Files


@attempt
def its_own_program() -> list[str]:
    return sorted({opens(path, "ab") for path in (FACTS["program"], sys.executable)})


@attempt
def files_of_the_system() -> list[str]:
    return sorted({opens(path, "ab") for path in ("/usr/bin/env", "/etc/passwd", "/etc/hosts")})


@attempt
def new_files_outside_its_places() -> list[str]:
    return each(create, ["/planted", "/usr/planted", "/etc/planted", "/dev/planted", "/models/planted"])


@attempt
def devices_of_the_host() -> list[str]:
    return sorted({opens(f"/dev/{name}") for name in ("mem", "kmsg", "port", "sda", "vda", "fuse", "kvm", "loop0")})


@attempt
def devices_of_its_own_making() -> list[str]:
    return each(lambda device: os.mknod("/tmp/device", 0o020666, device), [os.makedev(1, 1), os.makedev(8, 0)])


@attempt
def what_tells_of_the_host() -> list[str]:
    """Read the covered parts of /proc, which must be missing or empty."""
    names = (
        "kcore",
        "kallsyms",
        "keys",
        "timer_list",
        "interrupts",
        "modules",
        "cmdline",
        "vmallocinfo",
        "sysrq-trigger",
    )
    said = set()
    for name in names:
        try:
            with open(f"/proc/{name}", "rb") as file:
                said.add(file.read(100).decode("latin-1"))
        except OSError as error:
            said.add(type(error).__name__)
    return sorted(said)


@attempt
def devices_and_control_groups_in_sys() -> list[str]:
    return each(os.listdir, ["/sys", "/sys/fs/cgroup", "/sys/kernel"])


@attempt
def terminal_of_whoever_started_it() -> list[str]:
    def type_into(path: str) -> None:
        with open(path, "wb") as terminal:
            fcntl.ioctl(terminal, 0x5412, b"i")

    return each(type_into, ["/dev/tty", "/dev/console"])


# Processes and rights


@attempt
def becoming_root() -> list[str]:
    return each(lambda change: change(), [lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.setgroups([0])])


@attempt
def processes_of_others() -> list[str]:
    """Return what a job can see of the product's other processes."""
    found = []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if words[1:3] == [b"-m", b"reading_room"]:
            found.append(words[3].decode())
    return found


@attempt
def secrets_of_the_first_process() -> list[str]:
    try:
        with open("/proc/1/environ", "rb") as file:
            return [file.read().decode(errors="replace")]
    except PermissionError:
        return [""]


@attempt
def rights_of_the_first_process() -> list[str]:
    """Return the rights of the process that started the worker, because the worker can read its memory."""
    with open("/proc/1/status") as file:
        status = dict(line.split(":", 1) for line in file)
    capabilities = {status[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
    return [*sorted(capabilities), status["NoNewPrivs"].strip(), status["Seccomp"].strip()]


@attempt
def priority_over_others() -> list[str]:
    real_time = partial(os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(10))
    return each(lambda change: change(), [lambda: os.setpriority(os.PRIO_PROCESS, 0, -20), real_time])


@attempt
def not_being_killed_for_memory() -> str:
    def protect() -> None:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("-1000")

    return outcome(protect)


@attempt
def new_namespaces_by_clone() -> str:
    number = 220 if ON_ARM else 56
    result = LIBC.syscall(number, NEW_USER_NAMESPACE | 17, 0, 0, 0, 0)
    if result == 0:
        os._exit(0)
    return "done" if result > 0 else "refused"


# System calls for root only


@attempt
def modules_of_the_kernel() -> list[str]:
    return calls((175, 105), (313, 273), (176, 106))


@attempt
def another_kernel() -> list[str]:
    return calls((246, 104), (320, 294))


@attempt
def ending_the_machine() -> list[str]:
    return calls((169, 142))


@attempt
def swap_accounting_and_quotas() -> list[str]:
    return calls((167, 224), (168, 225), (163, 89), (179, 60))


@attempt
def clock_of_the_machine() -> list[str]:
    return calls((164, 170), (227, 112))


@attempt
def name_of_the_machine() -> list[str]:
    return calls((170, 161), (171, 162))


@attempt
def ports_of_the_hardware() -> list[str]:
    return calls((172, -1), (173, -1)) or ["EPERM"]


@attempt
def mounts_by_newer_calls() -> list[str]:
    return calls((428, 428), (429, 429), (430, 430), (432, 432), (433, 433), (442, 442), (155, 41))


@attempt
def files_by_handles() -> list[str]:
    return calls((303, 264), (304, 265))


@attempt
def watching_all_files() -> list[str]:
    return calls((300, 262))


@attempt
def memory_of_others_by_call() -> list[str]:
    return calls((310, 270), (311, 271), (312, 272))


@attempt
def keys_of_the_kernel() -> list[str]:
    return calls((248, 217), (249, 218))


@attempt
def messages_of_the_kernel() -> list[str]:
    return calls((103, 116))

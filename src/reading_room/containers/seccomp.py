"""System call filters with an allow list (x86-64 and arm64): a process may only make the calls that it names.

A call that is not named fails with EPERM, or with ENOSYS if libraries then fall back to another one. A call that none
of our programs ever makes kills the process. If a call can be used for good and for harm, its arguments are checked.
"""

from __future__ import annotations

import errno
import platform
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from reading_room.containers.errors import ProgramMissing

FATAL = (
    *("mount", "umount2", "pivot_root", "chroot", "setns", "unshare"),
    *("open_tree", "open_tree_attr", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr"),
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd"),
    *("keyctl", "add_key", "request_key"),
    *("bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register"),
    *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot"),
    *("swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "syslog", "vhangup", "sethostname", "setdomainname"),
    *("open_by_handle_at", "name_to_handle_at", "fanotify_init", "lookup_dcookie", "nfsservctl"),
    *("settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "iopl", "ioperm", "personality"),
)
"""Calls that kill the process: most attacks on kernels have used these."""
UNKNOWN = (
    *("clone3", "openat2", "faccessat2", "fchmodat2", "statx", "close_range", "copy_file_range", "rseq", "cachestat"),
    *("epoll_pwait2", "futex_waitv", "futex_wait", "futex_wake", "futex_requeue", "pidfd_open", "pidfd_send_signal"),
    *("memfd_secret", "map_shadow_stack", "mseal", "set_mempolicy_home_node", "membarrier", "get_mempolicy"),
)
"""Calls that fail with ENOSYS as on an older kernel, so that libraries fall back to others; unless they are named."""

SPACES = 0x7E020080
"""The flags of clone(2) that make namespaces: NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET."""
THREAD = 0x10000
"""CLONE_THREAD."""
REQUESTS = (0x5401, 0x802C542A, 0x540F, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""The requests allowed for ioctl(2): TCGETS, TCGETS2, TIOCGPGRP, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX. They
do not include TIOCSTI, which types at a terminal."""
OPTIONS = (1, 3, 4, 15, 16, 23, 38, 0x53564D41)
"""The options allowed for prctl(2): PDEATHSIG, DUMPABLE (get and set), NAME (set and get), CAPBSET_READ, NO_NEW_PRIVS,
SET_VMA."""
WRITE, EXECUTE = 2, 4
"""PROT_WRITE and PROT_EXEC."""
MACHINES = ("x86_64", "aarch64")


Condition = tuple[str, int, tuple[int, ...]]
"""A call, the number of one of its arguments, and values of that argument."""


@dataclass(frozen=True, slots=True)
class Filter:
    """The calls that a process may make.

    ``calls`` are names; those that this machine does not have are left out. ``families`` are socket families; any other
    fails with EAFNOSUPPORT, as if the kernel did not have it. With ``threads``, only threads can be started. With
    ``sealed``, no memory is both writable and executable. ``absent`` are calls that fail with ENOSYS instead of killing
    the process. ``requests`` are allowed for ioctl(2) beside those in ``REQUESTS``. ``narrowed`` are calls that are
    allowed only with these values of an argument. ``feigned`` are calls that do nothing and return 0 with these values;
    without values they always do.
    """

    calls: tuple[str, ...]
    families: tuple[int, ...] = ()
    threads: bool = False
    sealed: bool = False
    absent: tuple[str, ...] = ()
    requests: tuple[int, ...] = ()
    narrowed: tuple[Condition, ...] = ()
    feigned: tuple[Condition, ...] = ()


def only(kept: Filter) -> Callable[[], None]:
    """Return a function that permanently forbids every other call to this process, its threads and its children.

    Raises ``ProgramMissing`` without libseccomp, and ``RuntimeError`` on a machine without filters.
    """
    pyseccomp = _library()
    rules = _rules(pyseccomp, kept)
    rules.set_attr(pyseccomp.Attr.CTL_TSYNC, 1)
    load: Callable[[], None] = rules.load
    return load


def without_fatal(spared: Iterable[str]) -> Callable[[], None]:
    """Return a function that forbids this process the calls in ``FATAL``, except ``spared``, and allows all others.

    For processes that create namespaces and start any kind of program. Raises the errors of ``only``.
    """
    pyseccomp = _library()
    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ALLOW)
    for name in _known(pyseccomp, set(FATAL) - set(spared)):
        rules.add_rule(pyseccomp.ERRNO(errno.EPERM), name)
    load: Callable[[], None] = rules.load
    return load


def program(kept: Filter) -> bytes:
    """Return a filter in the kernel's format, an array of ``struct sock_filter``. Raises the errors of ``only``."""
    with tempfile.TemporaryFile() as file:
        _rules(_library(), kept).export_bpf(file)
        file.seek(0)
        return file.read()


def _library() -> Any:
    if platform.machine() not in MACHINES:
        raise RuntimeError(f"no system call filter for {platform.machine()}: only for {', '.join(MACHINES)}")
    try:
        import pyseccomp  # loads the C library, which only the agent's machine needs
    except (ImportError, OSError, RuntimeError) as error:
        raise ProgramMissing("libseccomp.so.2", "libseccomp2") from error
    return pyseccomp


def _known(pyseccomp: Any, names: Iterable[str]) -> list[str]:
    """Return the names of calls that this machine has; those of other architectures have negative numbers."""
    found = []
    for name in sorted(names):
        try:
            number = pyseccomp.resolve_syscall(pyseccomp.system_arch(), name)
        except (ValueError, OSError):
            continue
        if number >= 0:
            found.append(name)
    return found


def _rules(pyseccomp: Any, kept: Filter) -> Any:
    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ERRNO(errno.EPERM))
    allow, named = pyseccomp.ALLOW, set(kept.calls)

    def masked(argument: int, mask: int, value: int) -> Any:
        return pyseccomp.Arg(argument, pyseccomp.MASKED_EQ, mask, value)

    def equal(argument: int, value: int) -> Any:
        return pyseccomp.Arg(argument, pyseccomp.EQ, value)

    judged: dict[str, list[Any]] = {
        "clone": [masked(0, SPACES | THREAD, THREAD) if kept.threads else masked(0, SPACES, 0)],
        "ioctl": [equal(1, request) for request in (*REQUESTS, *kept.requests)],
        "prctl": [equal(0, option) for option in OPTIONS],
        "socket": [equal(0, family) for family in kept.families],
        "socketpair": [equal(0, family) for family in kept.families],
    }
    if kept.sealed:
        both = WRITE | EXECUTE
        judged |= {call: [masked(2, both, each) for each in (0, WRITE, EXECUTE)] for call in ("mmap", "mprotect")}
    judged |= {name: [equal(number, value) for value in values] for name, number, values in kept.narrowed}
    for name, number, values in kept.feigned:
        for value in values:
            rules.add_rule(pyseccomp.ERRNO(0), name, equal(number, value))
        if not values:
            rules.add_rule(pyseccomp.ERRNO(0), name)
    for name in _known(pyseccomp, named):
        if name not in judged:
            rules.add_rule(allow, name)
        for argument in judged.get(name, ()):
            rules.add_rule(allow, name, argument)
    for name in _known(pyseccomp, {"socket", "socketpair"} & named):
        for family in range(max(kept.families)):
            if family not in kept.families:
                rules.add_rule(pyseccomp.ERRNO(errno.EAFNOSUPPORT), name, equal(0, family))
        beyond = pyseccomp.Arg(0, pyseccomp.GT, max(kept.families))
        rules.add_rule(pyseccomp.ERRNO(errno.EAFNOSUPPORT), name, beyond)
    for name in _known(pyseccomp, {*UNKNOWN, *kept.absent} - named):
        rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), name)
    for name in _known(pyseccomp, set(FATAL) - named - set(kept.absent)):
        rules.add_rule(pyseccomp.KILL_PROCESS, name)
    return rules

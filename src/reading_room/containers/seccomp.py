"""The system calls that a container is denied, and those that our own processes keep (x86-64 and arm64).

A container has no capability and no user namespace to get one in; the filter also takes away the calls through which
kernels have most often been attacked, and every socket family except Unix and the internet's.
"""

from __future__ import annotations

import errno
import platform
import socket
import tempfile
from collections.abc import Callable
from functools import cache
from typing import Any

from reading_room.containers.errors import ProgramMissing

DENIED = (
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
"""Calls answered with EPERM. Names that this kernel's architecture does not have are left out."""

FAMILIES = (int(socket.AF_UNIX), int(socket.AF_INET), int(socket.AF_INET6))
"""The socket families that stay; any other is EAFNOSUPPORT, as if the kernel had none."""

READER_ALLOWED = (
    *("recvmsg", "sendto", "pread64", "fstat", "newfstatat", "close"),
    *("brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "futex", "getrandom"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "clock_gettime"),
    *("exit", "exit_group"),
)
"""Calls that the process has which reads workers' messages. Any other is answered with EPERM."""

FRONT_ALLOWED = (
    *(
        "accept4",
        "recvmsg",
        "sendmsg",
        "recvfrom",
        "sendto",
        "recvmmsg",
        "sendmmsg",
        "read",
        "write",
        "readv",
        "writev",
    ),
    *("close", "shutdown", "getsockopt", "setsockopt", "getsockname", "getpeername", "socketpair", "listen", "fcntl"),
    *("ioctl", "dup", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_wait", "epoll_pwait2", "poll", "ppoll"),
    *("eventfd2", "pipe2", "memfd_create", "openat", "fstat", "newfstatat", "statx", "lseek", "pread64"),
    *("brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "futex", "getrandom", "getpid", "gettid", "getuid"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "clock_gettime"),
    *("clock_nanosleep", "sched_yield", "exit", "exit_group"),
)
"""Calls that a front has: none that opens a socket to anywhere, starts, signals or looks at a process."""

CLONE_NEWUSER = 0x10000000
MACHINES = ("x86_64", "aarch64")


def only(names: tuple[str, ...]) -> Callable[[], None]:
    """Return what takes every other call from this process, for good. Raises ``ProgramMissing`` without libseccomp."""
    pyseccomp = _library()
    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ERRNO(errno.EPERM))
    for name in names:
        rules.add_rule(pyseccomp.ALLOW, name)
    load: Callable[[], None] = rules.load
    return load


def _library() -> Any:
    try:
        import pyseccomp  # loads the C library, which only the agent's machine needs to have
    except (ImportError, OSError, RuntimeError) as error:
        raise ProgramMissing("libseccomp.so.2", "libseccomp2") from error
    return pyseccomp


@cache
def program() -> bytes:
    """Return the filter as the kernel reads it.

    Raises ``ProgramMissing`` without libseccomp, ``RuntimeError`` on a machine that the filter was not written for.
    """
    if platform.machine() not in MACHINES:
        raise RuntimeError(f"no system call filter for {platform.machine()}: only for {', '.join(MACHINES)}")
    pyseccomp = _library()
    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ALLOW)
    for name in DENIED:
        # Negative numbers are pseudo calls: the name is known, and this architecture has no such call.
        try:
            number = pyseccomp.resolve_syscall(pyseccomp.system_arch(), name)
        except (ValueError, OSError):
            continue
        if number >= 0:
            rules.add_rule(pyseccomp.ERRNO(errno.EPERM), name)
    flags = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER)
    rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "clone", flags)
    # clone3 hides its flags behind a pointer, where a filter cannot look; C libraries fall back to clone.
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    for call in ("socket", "socketpair"):
        for family in range(max(FAMILIES)):
            if family not in FAMILIES:
                rules.add_rule(pyseccomp.ERRNO(errno.EAFNOSUPPORT), call, pyseccomp.Arg(0, pyseccomp.EQ, family))
        rules.add_rule(pyseccomp.ERRNO(errno.EAFNOSUPPORT), call, pyseccomp.Arg(0, pyseccomp.GT, max(FAMILIES)))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()

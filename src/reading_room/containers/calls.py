"""Which system calls each program keeps.

They were recorded with strace over every engine, training and cluster, and over a product at work, with the C libraries
of Debian; then what another version of a library, or arm64, calls in place of one was added. Tests run everything under
these lists, and try what is not on them.
"""

from __future__ import annotations

import socket

from reading_room.analysis.job_file import Confined
from reading_room.containers.seccomp import Filter

_MEMORY = ("brk", "mmap", "munmap", "mremap", "mprotect", "madvise")
_TIME = ("clock_gettime", "clock_getres", "gettimeofday", "time", "nanosleep", "clock_nanosleep")
_SIGNALS = (
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "rt_sigsuspend", "rt_sigpending"),
    *("sigaltstack", "restart_syscall", "tgkill", "pause", "alarm", "setitimer", "getitimer"),
)
_ITSELF = (
    *("getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getgroups", "getresuid", "getresgid"),
    *("uname", "sysinfo", "getrusage", "times", "prlimit64", "getrlimit", "sched_getaffinity", "sched_yield", "getcpu"),
)
_THREADS = (
    *("clone", "futex", "set_robust_list", "get_robust_list", "rseq", "exit", "exit_group", "membarrier"),
    *("set_tid_address", "arch_prctl"),
)
_WAITING = ("poll", "ppoll", "select", "pselect6", "pipe", "pipe2", "eventfd2")
_EVENTS = ("epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait")
_READING = (
    *("open", "openat", "close", "close_range", "read", "readv", "pread64", "preadv", "lseek", "fadvise64"),
    *("access", "faccessat", "faccessat2", "stat", "lstat", "fstat", "newfstatat", "statx", "statfs", "fstatfs"),
    *("getdents", "getdents64", "getcwd", "readlink", "readlinkat", "fcntl", "dup", "dup2", "dup3", "ioctl"),
)
_WRITING = (
    *("write", "writev", "pwrite64", "pwritev", "ftruncate", "fallocate", "fsync", "fdatasync"),
    *("mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "umask"),
)
_MOVING = ("rename", "renameat", "renameat2", "chmod", "fchmod", "fchmodat", "utimensat", "flock")
_CALLING = (
    *("socket", "connect", "getsockname", "getpeername", "getsockopt", "setsockopt", "shutdown"),
    *("sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg"),
)
_LISTENING = ("bind", "listen", "accept", "accept4", "socketpair")
_STARTING = ("execve", "fork", "vfork", "wait4", "waitid", "kill", "chdir", "setsid", "setpgid", "getpgrp", "getpgid")

_UNIX, _IPV4, _IPV6 = int(socket.AF_UNIX), int(socket.AF_INET), int(socket.AF_INET6)
_WORK = (*_MEMORY, *_TIME, *_SIGNALS, *_ITSELF, *_THREADS, *_WAITING, *_READING, *_WRITING, "getrandom", "prctl")

READER = Filter(
    (
        *("recvmsg", "sendto", "pread64", "fstat", "newfstatat", "close"),
        *("brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "futex", "getrandom"),
        *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "clock_gettime"),
        *("exit", "exit_group"),
    )
)
"""What reads workers' messages."""

FRONT = Filter(
    (
        *_MEMORY, *_EVENTS, "poll", "ppoll", "eventfd2", "pipe2",
        *("accept4", "recvmsg", "sendmsg", "recvfrom", "sendto", "recvmmsg", "sendmmsg", "socketpair", "listen"),
        *("read", "write", "readv", "writev", "close", "shutdown", "fcntl", "ioctl", "dup", "lseek", "pread64"),
        *("getsockopt", "setsockopt", "getsockname", "getpeername"),
        # A certificate is read from a file in memory.
        *("memfd_create", "openat", "fstat", "newfstatat"),
        *("getrandom", "getpid", "gettid", "getuid", "futex", "sched_yield", "clock_gettime", "clock_nanosleep"),
        *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "exit", "exit_group"),
    ),
    families=(_UNIX,),
    sealed=True,
    absent=("io_uring_setup", "io_uring_enter", "io_uring_register"),
)  # fmt: skip
"""What reads what VPCs send: it opens no socket to anywhere, and starts, signals and looks at no process."""

CONTAINER = Filter(
    (
        *_WORK, *_EVENTS, *_MOVING, *_CALLING, *_LISTENING, *_STARTING,
        # Semaphores of multiprocessing, which joblib makes when it is loaded, and what the worker gives up itself.
        *("link", "memfd_create", "seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"),
        # bubblewrap's first process, and what starts the worker.
        *("capget", "capset", "signalfd4", "setpriority", "getpriority", "setrlimit"),
    ),
    families=(_UNIX, _IPV4, _IPV6),
)  # fmt: skip
"""Every process of a container, from bubblewrap on: what loading an engine takes, and what any program needs later."""

PROGRAMS: dict[Confined, Filter] = {
    "documents": Filter((*_WORK, *_CALLING), families=(_IPV4,), threads=True, sealed=True),
    "training": Filter((*_WORK, *_CALLING, *_MOVING), families=(_IPV4,), threads=True, sealed=True),
    "cluster": Filter(
        (*_WORK, *_EVENTS, *_MOVING, *_CALLING, *_LISTENING, *_STARTING), families=(_UNIX, _IPV4, _IPV6), sealed=True
    ),
    "realtime": Filter(
        (*_WORK, "getsockname", "getsockopt", "sendto", "recvfrom", "shutdown"), threads=True, sealed=True
    ),
}
"""What a worker keeps once it has its work, before it has seen a document of it."""

SERVE = Filter(
    (
        *_WORK, *_EVENTS, *_MOVING, *_CALLING, *_LISTENING, *_STARTING,
        # A certificate is loaded from a file in memory, which its sealed file is unsealed to.
        *("getpriority", "memfd_create"),
    ),
    families=(_UNIX, _IPV4, _IPV6),
    sealed=True,
    absent=("io_uring_setup", "io_uring_enter", "io_uring_register"),
)  # fmt: skip
"""``serve``, and the child that writes Parquet. Its event loop would use io_uring where it finds it, and else epoll."""

AGENT = (
    *("mount", "umount2", "pivot_root", "chroot", "setns", "unshare", "sethostname"),
    *("open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "name_to_handle_at"),
)
"""What the agent, and what it starts, need of the calls that end other processes."""

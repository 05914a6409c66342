"""The system calls that each program may make.

They were recorded with strace for every engine, training and cluster, and for a working product, with the C libraries
of Debian. Calls that other versions of a library, or arm64, use instead were added. Tests run everything under these
lists, and also try calls that are not in them.
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
"""The process that reads workers' messages."""

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
"""A front, which reads what VPCs send: it cannot connect to anything, or start, signal or inspect a process."""

HOLDER = Filter(
    (
        *("execve", "open", "openat", "read", "pread64", "lseek", "close", "fcntl", "fadvise64", "write"),
        *("access", "faccessat", "faccessat2", "stat", "fstat", "newfstatat", "statx", "dup2", "dup3"),
        *("brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "getrandom", "prlimit64", "getrlimit", "futex"),
        *("arch_prctl", "set_tid_address", "set_robust_list", "rseq", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn"),
        *("clock_nanosleep", "nanosleep", "pause", "restart_syscall", "exit", "exit_group"),
    ),
    sealed=True,
)
"""The process that holds the namespaces: it sleeps. It can start no process and open no socket."""

CONTAINER = Filter(
    (
        *_WORK, *_EVENTS, *_MOVING, *_CALLING, *_LISTENING, *_STARTING,
        # Semaphores of multiprocessing, which joblib creates at its import, and calls that the worker later gives up.
        *("link", "memfd_create", "seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"),
        # bubblewrap's first process, and the programs that start the worker.
        *("capget", "capset", "signalfd4", "setpriority", "getpriority", "setrlimit"),
    ),
    families=(_UNIX, _IPV4, _IPV6),
)  # fmt: skip
"""Every process of a container, from bubblewrap on: calls for loading an engine, and those that programs need later."""

WIREGUARD = Filter(
    (
        *_MEMORY, *_TIME, *_EVENTS, *_THREADS, "execve", "openat", "pread64", "fstat", "newfstatat", "ioctl", "access",
        *("read", "write", "readv", "writev", "close", "fcntl", "pipe2", "eventfd2", "ppoll", "poll", "getrandom"),
        *("getpid", "gettid", "getuid", "geteuid", "getgid", "getegid", "sched_getaffinity", "sched_yield", "uname"),
        *("prlimit64", "prctl", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "tgkill", "dup2"),
        *("restart_syscall", "getrlimit", "inotify_init1", "timer_create", "timer_settime", "timer_delete"),
        *("socket", "bind", "getsockname", "getpeername", "getsockopt", "setsockopt", "accept4", "shutdown"),
        *("sendmsg", "sendmmsg", "sendto", "recvmsg", "recvmmsg", "recvfrom"),
    ),
    families=(_IPV4, int(socket.AF_NETLINK)),
    threads=True,
    narrowed=(
        # TUNGETIFF, TUNSETOFFLOAD: its device, which it has open.
        ("ioctl", 1, (0x800454D2, 0x400454D0)),
        # Of open files only: it stops if its socket has no path, and it has none.
        ("newfstatat", 3, (0x1000,)),
    ),
    feigned=(
        # SIOCGIFINDEX, SIOCGIFMTU, SIOCSIFMTU: its device is in another namespace, where the agent sets the MTU.
        ("ioctl", 1, (0x8933, 0x8921, 0x8922)),
        ("inotify_add_watch", 0, ()),
    ),
)  # fmt: skip
"""wireguard-go, which thinks that it sets the MTU of its device and watches the path of its socket."""

PROGRAMS: dict[Confined, Filter] = {
    "documents": Filter((*_WORK, *_CALLING), families=(_IPV4,), threads=True, sealed=True),
    "training": Filter((*_WORK, *_CALLING, *_MOVING), families=(_IPV4,), threads=True, sealed=True),
    "cluster": Filter(
        (*_WORK, *_EVENTS, *_MOVING, *_CALLING, *_LISTENING, *_STARTING), families=(_UNIX, _IPV4, _IPV6), sealed=True
    ),
    # It starts readers of documents and tesseract. Neither it nor anything that it starts can open a socket.
    # ``seccomp``, which can only take calls away, is for those readers.
    "extractor": Filter((*_WORK, *_STARTING, "seccomp"), sealed=True),
    "reading": Filter(_WORK, threads=True, sealed=True),
    "realtime": Filter(
        (*_WORK, "getsockname", "getsockopt", "sendto", "recvfrom", "shutdown"), threads=True, sealed=True
    ),
}
"""The calls that a worker keeps when it gets its job, before it reads a document."""

SERVE = Filter(
    (
        *_WORK, *_EVENTS, *_MOVING, *_CALLING, *_LISTENING, *_STARTING,
        # A certificate is unsealed to a file in memory, and loaded from there.
        *("getpriority", "memfd_create"),
    ),
    families=(_UNIX, _IPV4, _IPV6),
    sealed=True,
    absent=("io_uring_setup", "io_uring_enter", "io_uring_register"),
    # SIOCGIFCONF and SIOCGIFMTU: which addresses this machine has, and what their links carry.
    requests=(0x8912, 0x8921),
)  # fmt: skip
"""``serve``, and the child that writes Parquet. Its event loop would use io_uring if it found it, instead of epoll."""

LINK = Filter(
    # It ends itself by a signal when the process that started it is gone.
    (*_WORK, *_EVENTS, *_CALLING, *_MOVING, "socketpair", "kill"),
    families=(_UNIX, _IPV4, _IPV6),
    threads=True,
    sealed=True,
    absent=("io_uring_setup", "io_uring_enter", "io_uring_register"),
)
"""The link of a joined host: it connects to the agent and to ``serve``, and starts no process."""

AGENT = (
    *("mount", "umount2", "pivot_root", "chroot", "setns", "unshare", "sethostname"),
    *("open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "name_to_handle_at"),
)
"""The calls in ``FATAL`` that the agent and its children need."""

"""A program that runs on the host as a user other than root, tries what that user may not do, and prints the outcomes.

Its argument is JSON: the processes, files, folders and addresses of a running product. The outcome of an attempt is
``done`` or the name of an errno. An attempt on several targets has each distinct outcome once.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

FACTS: dict[str, Any] = {}
LIBC = ctypes.CDLL(None, use_errno=True)
ATTEMPTS: dict[str, Callable[[], Any]] = {}
PTRACE_ATTACH, PTRACE_SEIZE, NEW_NETWORK, NEW_MOUNTS = 16, 0x4206, 0x40000000, 0x00020000


def attempt(function: Callable[[], Any]) -> Callable[[], Any]:
    ATTEMPTS[function.__name__.replace("_", "-")] = function
    return function


def outcome(action: Callable[[], Any]) -> str:
    try:
        action()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return "done"


def each(action: Callable[[Any], Any], targets: Iterable[Any]) -> list[str]:
    """Return the distinct outcomes of an action on these targets."""
    return sorted({outcome(partial(action, target)) for target in targets})


def opened(flags: int) -> Callable[[Any], None]:
    def action(path: Any) -> None:
        os.close(os.open(path, flags))

    return action


def checked(result: int) -> None:
    if result == -1:
        raise OSError(ctypes.get_errno(), "refused")


def of_processes(*names: str) -> list[str]:
    return [f"/proc/{pid}/{name}" for pid in FACTS["processes"] for name in names]


# Its files and folders


@attempt
def files_of_the_data_folder() -> list[str]:
    return each(opened(os.O_RDONLY), FACTS["files"])


@attempt
def changing_the_files_of_the_data_folder() -> list[str]:
    return each(opened(os.O_WRONLY), FACTS["files"])


@attempt
def listing_the_folders() -> list[str]:
    return each(os.listdir, FACTS["folders"])


@attempt
def new_files_in_the_folders() -> list[str]:
    return each(lambda folder: opened(os.O_WRONLY | os.O_CREAT | os.O_EXCL)(f"{folder}/planted"), FACTS["folders"])


@attempt
def links_in_the_folders() -> list[str]:
    return each(lambda folder: os.symlink("/etc/passwd", f"{folder}/planted"), FACTS["folders"])


@attempt
def renaming_the_folders() -> list[str]:
    return each(lambda folder: os.rename(folder, f"{folder}.taken"), FACTS["folders"])


@attempt
def hard_links_to_secrets() -> list[str]:
    return each(lambda file: os.link(file, f"{FACTS['own']}/taken"), FACTS["files"])


@attempt
def opening_the_folders_to_everybody() -> list[str]:
    return each(lambda path: os.chmod(path, 0o777), [*FACTS["folders"], *FACTS["files"]])


@attempt
def taking_the_folders_over() -> list[str]:
    return each(lambda path: os.chown(path, os.getuid(), os.getgid()), [*FACTS["folders"], *FACTS["files"]])


@attempt
def watching_what_changes_in_the_folders() -> list[str]:
    watch = LIBC.inotify_init1(os.O_CLOEXEC)
    return each(lambda path: checked(LIBC.inotify_add_watch(watch, os.fsencode(path), 0xFFF)), FACTS["folders"])


@attempt
def locking_the_database() -> list[str]:
    return each(opened(os.O_RDWR), [FACTS["database"], FACTS["database"] + "-wal"])


# Its processes


@attempt
def environments_of_processes() -> list[str]:
    return each(opened(os.O_RDONLY), of_processes("environ"))


@attempt
def memory_of_processes() -> list[str]:
    return each(opened(os.O_RDONLY), of_processes("mem", "pagemap", "auxv"))


@attempt
def writing_memory_of_processes() -> list[str]:
    return each(opened(os.O_RDWR), of_processes("mem"))


@attempt
def descriptors_of_processes() -> list[str]:
    return each(os.listdir, of_processes("fd"))


@attempt
def files_as_processes_see_them() -> list[str]:
    return each(os.listdir, of_processes("root/", "cwd/"))


@attempt
def calls_and_stacks_of_processes() -> list[str]:
    return each(lambda path: Path(path).read_bytes(), of_processes("syscall", "stack"))


@attempt
def maps_of_processes() -> list[str]:
    return each(opened(os.O_RDONLY), of_processes("maps", "smaps", "numa_maps"))


@attempt
def attaching_to_processes() -> list[str]:
    kinds = [(kind, pid) for kind in (PTRACE_ATTACH, PTRACE_SEIZE) for pid in FACTS["processes"]]
    return each(lambda it: checked(LIBC.ptrace(it[0], it[1], None, None)), kinds)


@attempt
def reading_memory_by_call() -> list[str]:
    buffer = ctypes.create_string_buffer(16)
    own = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 16)
    far = (ctypes.c_void_p * 2)(0x400000, 16)
    return each(lambda pid: checked(LIBC.process_vm_readv(pid, own, 1, far, 1, 0)), FACTS["processes"])


@attempt
def descriptors_by_call() -> list[str]:
    def take(pid: int) -> None:
        handle = os.pidfd_open(pid)
        try:
            checked(LIBC.syscall(438, handle, 0, 0))
        finally:
            os.close(handle)

    return each(take, FACTS["processes"])


@attempt
def signals_to_processes() -> list[str]:
    numbers = [(pid, number) for pid in FACTS["processes"] for number in (0, signal.SIGSTOP, signal.SIGSEGV, 9)]
    return each(lambda it: os.kill(*it), numbers)


@attempt
def namespaces_of_processes() -> list[str]:
    names = of_processes("ns/net", "ns/mnt", "ns/user", "ns/pid")
    return each(lambda path: checked(LIBC.setns(os.open(path, os.O_RDONLY), 0)), names)


@attempt
def limits_of_processes() -> list[str]:
    return each(lambda pid: resource.prlimit(pid, resource.RLIMIT_NOFILE, (8, 8)), FACTS["processes"])


@attempt
def processors_and_priority_of_processes() -> list[str]:
    def slow(pid: int) -> None:
        os.setpriority(os.PRIO_PROCESS, pid, 19)

    return sorted(
        {*each(slow, FACTS["processes"]), *each(lambda pid: os.sched_setaffinity(pid, {0}), FACTS["processes"])}
    )


@attempt
def choosing_who_is_killed_for_memory() -> list[str]:
    return each(opened(os.O_WRONLY), of_processes("oom_score_adj"))


@attempt
def what_cores_of_processes_hold() -> list[str]:
    return each(opened(os.O_WRONLY), of_processes("coredump_filter", "clear_refs"))


@attempt
def moving_processes_among_control_groups() -> list[str]:
    return each(opened(os.O_WRONLY), [f"{group}/cgroup.procs" for group in FACTS["groups"]])


# Its listen addresses and networks


@attempt
def the_agents_socket() -> list[str]:
    def connect(path: str) -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            client.settimeout(10)
            client.sendall(b"\0\0\0\2{}")
            if not client.recv(1):
                raise ConnectionResetError(errno.ECONNRESET, "turned away")

    return each(connect, FACTS["sockets"])


@attempt
def ports_that_are_taken() -> list[str]:
    def bind(port: int) -> None:
        with socket.socket() as server:
            server.bind(("127.0.0.1", port))

    return each(bind, FACTS["ports"])


@attempt
def becoming_root() -> list[str]:
    return each(lambda call: call(), [lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.setgroups([0])])


@attempt
def networks_of_the_product() -> list[str]:
    def netlink(kind: int) -> None:
        with socket.socket(socket.AF_INET, kind, socket.IPPROTO_RAW if kind == socket.SOCK_RAW else 0) as made:
            made.setsockopt(socket.SOL_SOCKET, 36, 2)

    return each(netlink, [socket.SOCK_RAW, socket.SOCK_DGRAM])


def main() -> None:
    """Make every attempt, and print a line of JSON with the outcome of each."""
    FACTS.update(json.loads(sys.argv[1]))
    for name, function in ATTEMPTS.items():
        try:
            came = function()
        except Exception as error:
            came = f"{type(error).__name__}: {error}"
        sys.stdout.write(json.dumps([name, came]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

"""Starting a container so that it outlives the agent.

The launcher is a shell in its own session, with the container's user id and in its network namespace. It is the parent
with which bubblewrap dies. It copies the worker's output into files of limited size, and writes the exit code to a
descriptor that was opened for it. Killing the launcher ends the container.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from reading_room.analysis.job_file import MESSAGE_LIMIT
from reading_room.containers.namespaces import inside_network

DIAGNOSTICS_LIMIT = 65_536
"""The number of bytes that are kept from the end of a worker's standard error."""

_SCRIPT = """
( ulimit -c 0 -f {blocks}; exec 0<&{messages_read}; /usr/bin/cat >&{messages}; exec /usr/bin/cat >/dev/null ) \
  1>/dev/null 2>/dev/null {spare} &
/usr/bin/tail -c {diagnostics_limit} <&{diagnostics_read} >&{diagnostics} 2>/dev/null {spare} &
exec {read_ends}
{join}
"$@" {worker}
code=$?
exec 1>/dev/null 2>/dev/null
wait
printf '%d\\n' "$code" >&{exit}
"""
"""The limit on the size of files applies only to the copying process: a job may write large files to its ``/tmp``."""


@dataclass(frozen=True, slots=True)
class Launch:
    """The parameters of a container's start. The caller keeps all descriptors.

    ``messages``, ``diagnostics`` and ``exit`` are open for writing. ``passed`` is a descriptor that the worker gets as
    number 3. ``groups`` are the ``cgroup.procs`` files of the control groups to enter. ``seccomp`` is read by
    bubblewrap. ``user`` is ``None`` to keep the agent's own user id.
    """

    options: int
    command: Sequence[str]
    network: int
    user: int | None
    stdin: int
    messages: int
    diagnostics: int
    exit: int
    seccomp: int
    groups: Sequence[int] = ()
    passed: int | None = None


def memory_file(name: str, content: bytes) -> int:
    """Return an open descriptor, positioned at the start, of a file that exists only in memory."""
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC)
    try:
        os.write(descriptor, content)
        os.lseek(descriptor, 0, os.SEEK_SET)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def launch(what: Launch) -> subprocess.Popen[bytes]:
    """Start the launcher and return it. Raises ``OSError``."""
    pipes: list[int] = []
    high: list[int] = []

    def raised(descriptor: int) -> int:
        # The worker expects its own descriptor at 3, so nothing else may be there while the shell rearranges them.
        high.append(fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 64))
        return high[-1]

    try:
        pipes += os.pipe2(os.O_CLOEXEC)
        pipes += os.pipe2(os.O_CLOEXEC)
        messages_read, messages_write, diagnostics_read, diagnostics_write = pipes
        numbers = _Numbers(
            messages_read=raised(messages_read),
            diagnostics_read=raised(diagnostics_read),
            messages=raised(what.messages),
            diagnostics=raised(what.diagnostics),
            exit=raised(what.exit),
            groups=[raised(group) for group in what.groups],
            passed=[] if what.passed is None else [raised(what.passed)],
        )
        # bubblewrap's own environment is visible in the container's /proc/1/environ, so it gets an empty one.
        shell = ["/bin/bash", "--noprofile", "--norc", "-c", _script(numbers), "launcher", "/usr/bin/env", "-i"]
        sandbox = ["/usr/bin/bwrap", "--args", str(what.options), "--"]
        with inside_network(what.network):
            return subprocess.Popen(
                [*shell, *sandbox, *what.command],
                env={},
                cwd="/",
                stdin=what.stdin,
                stdout=messages_write,
                stderr=diagnostics_write,
                pass_fds=[*high, what.options, what.seccomp],
                start_new_session=True,
                umask=0o077,
                user=what.user,
                group=what.user,
                extra_groups=None if what.user is None else [],
            )
    finally:
        for descriptor in (*pipes, *high):
            os.close(descriptor)


@dataclass(frozen=True, slots=True)
class _Numbers:
    messages_read: int
    diagnostics_read: int
    messages: int
    diagnostics: int
    exit: int
    groups: Sequence[int]
    passed: Sequence[int]


def _script(numbers: _Numbers) -> str:
    ends = [numbers.messages_read, numbers.diagnostics_read]
    files = [numbers.messages, numbers.diagnostics, numbers.exit]
    return _SCRIPT.format(
        blocks=MESSAGE_LIMIT // 1024,
        diagnostics_limit=DIAGNOSTICS_LIMIT,
        messages_read=numbers.messages_read,
        diagnostics_read=numbers.diagnostics_read,
        messages=numbers.messages,
        diagnostics=numbers.diagnostics,
        exit=numbers.exit,
        # The copying processes need neither the control groups' files nor the file of the exit code.
        spare=_closing([numbers.exit, *numbers.groups, *numbers.passed]),
        read_ends=_closing(ends),
        join="\n".join(
            f"echo 0 >&{group} || {{ printf '125\\n' >&{numbers.exit}; exit 125; }}" for group in numbers.groups
        ),
        worker="".join(f"3<&{number} " for number in numbers.passed)
        + _closing([*ends, *files, *numbers.groups, *numbers.passed]),
    )


def _closing(descriptors: Sequence[int]) -> str:
    return " ".join(f"{number}>&-" for number in descriptors)

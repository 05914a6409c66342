"""Starting a container so that it outlives the agent.

The launcher is a shell in a session of its own, under the container's user id and in its network namespace. It is the
parent that bubblewrap dies with, copies what the worker writes into files of bounded size, and records the exit code
through a descriptor that was opened for it. Killing the launcher ends the container.
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
"""Bytes of a worker's standard error that are kept: the last ones."""

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
"""The limit on the size of files counts for the copying process alone: a job may write large files to its ``/tmp``."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What a container is started with. All descriptors stay the caller's.

    ``messages``, ``diagnostics`` and ``exit`` are open for writing. ``passed`` is a descriptor that the worker gets as
    number 3. ``doors`` are those of control groups. ``seccomp`` is read by bubblewrap. ``user`` is ``None`` to keep the
    agent's own user id.
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
    doors: Sequence[int] = ()
    passed: int | None = None


def memory_file(name: str, content: bytes) -> int:
    """Return an open descriptor, positioned at the start, of a file that exists in memory only."""
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC)
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def launch(what: Launch) -> subprocess.Popen[bytes]:
    """Start the launcher and return it. Raises ``OSError``."""
    high: list[int] = []

    def raised(descriptor: int) -> int:
        # The worker finds its own descriptor at 3, so nothing else may be there while the shell rearranges them.
        high.append(fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 64))
        return high[-1]

    pipes = [*os.pipe2(os.O_CLOEXEC), *os.pipe2(os.O_CLOEXEC)]
    messages_read, messages_write, diagnostics_read, diagnostics_write = pipes
    try:
        numbers = _Numbers(
            messages_read=raised(messages_read),
            diagnostics_read=raised(diagnostics_read),
            messages=raised(what.messages),
            diagnostics=raised(what.diagnostics),
            exit=raised(what.exit),
            doors=[raised(door) for door in what.doors],
            passed=[] if what.passed is None else [raised(what.passed)],
        )
        # bubblewrap shows its own environment in the container's /proc/1/environ: it gets none, not the shell's.
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
    doors: Sequence[int]
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
        # What copies needs neither the control groups' doors nor the file of the exit code.
        spare=_closing([numbers.exit, *numbers.doors, *numbers.passed]),
        read_ends=_closing(ends),
        join="\n".join(
            f"echo 0 >&{door} || {{ printf '125\\n' >&{numbers.exit}; exit 125; }}" for door in numbers.doors
        ),
        worker="".join(f"3<&{number} " for number in numbers.passed)
        + _closing([*ends, *files, *numbers.doors, *numbers.passed]),
    )


def _closing(descriptors: Sequence[int]) -> str:
    return " ".join(f"{number}>&-" for number in descriptors)

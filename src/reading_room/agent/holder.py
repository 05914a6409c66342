"""The holder: a process that only owns the namespaces, so that they outlive a crash of the agent.

It is ``sleep`` in its own network and mount namespaces (and a user namespace if it was not started by root). There,
``/run`` is a private file system in memory, where the router namespaces of VPCs are pinned. It keeps only the system
calls that ``sleep`` makes. The agent enters the namespaces with ``nsenter``, because a user namespace can only be
entered before there are threads.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reading_room.agent.errors import HolderFailed
from reading_room.codec import DocumentError, read_file, write_file
from reading_room.containers import become, seccomp
from reading_room.containers.calls import HOLDER
from reading_room.containers.errors import ProgramMissing
from reading_room.containers.processes import ProcessHandle, start_time

PUBLIC_DIR = Path("/run/reading-room")
"""The folder on the holder's private ``/run`` with the pinned namespaces and the files that containers see."""
_RECORD = "holder.json"
_SETUP = """
exec 9<"$1" || exit 1
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs /run || exit 1
# A runtime folder below /run would be hidden now, so it is mounted again.
case "$1" in /run/*) mkdir -p "$1" && mount --no-canonicalize --bind /proc/self/fd/9 "$1" || exit 1;; esac
exec 9<&-
mkdir /run/netns || exit 1
shift
exec "$@" sleep infinity
"""


@dataclass(frozen=True, slots=True)
class Holder:
    """A holder: the id and start time (in ticks since boot) of its process, and whether it runs without root."""

    pid: int
    start_time: int
    rootless: bool = False

    @property
    def public_dir(self) -> Path:
        """Return the path of ``PUBLIC_DIR`` from outside the holder's mount namespace."""
        return Path("/proc", str(self.pid), "root", *PUBLIC_DIR.parts[1:])


def subordinate_ids() -> bool:
    """Return whether this user can map a range of further user and group ids (``newuidmap`` and ``/etc/subuid``)."""
    number = os.getuid()
    try:
        names = {str(number), pwd.getpwuid(number).pw_name}
    except KeyError:
        return False  # ``unshare`` looks the user up by name.
    if shutil.which("newuidmap") is None or shutil.which("newgidmap") is None:
        return False
    for path in (Path("/etc/subuid"), Path("/etc/subgid")):
        try:
            lines = [line.split(":") for line in path.read_text().split()]
        except OSError:
            return False
        if not any(len(line) == 3 and line[0] in names and int(line[2]) >= 65_536 for line in lines):
            return False
    return True


def start(runtime_dir: Path, rootless: bool) -> Holder:
    """Start a holder and record it in ``runtime_dir``. Raises ``HolderFailed`` and leaves nothing behind then."""
    flags = ["-n", "-m", "--propagation", "private"]
    if rootless:
        flags += ["-U", "--map-root-user", *(["--map-auto"] if subordinate_ids() else [])]
    try:
        filtered = [sys.executable, "-I", "-S", become.__file__, seccomp.program(HOLDER).hex()]
        process = subprocess.Popen(
            ["/usr/bin/unshare", *flags, "/bin/sh", "-c", _SETUP, "holder", str(runtime_dir.absolute()), *filtered],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ProgramMissing, RuntimeError) as error:
        raise HolderFailed(str(error), rootless) from error
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        started = start_time(process.pid)
        if process.stdout.readline() != b"ready\n" or started is None:
            process.kill()
            reason = process.stderr.read().decode(errors="replace").strip()
            process.wait()
            raise HolderFailed(reason or f"exit code {process.returncode}", rootless)
    holder = Holder(process.pid, started, rootless)
    write_file(runtime_dir / _RECORD, holder)
    # The parent may end before the holder, which is then inherited by the system's first process.
    process.returncode = 0
    return holder


def adopt_or_start(runtime_dir: Path, rootless: bool, start: Callable[[Path, bool], Holder] = start) -> Holder:
    """Return the holder recorded in ``runtime_dir`` if it is alive, else ``start`` one. Raises ``HolderFailed``."""
    found = recorded(runtime_dir)
    if found is not None and found.rootless == rootless and alive(found):
        return found
    return start(runtime_dir, rootless)


def recorded(runtime_dir: Path) -> Holder | None:
    """Return the recorded holder, alive or not; ``None`` if there is none."""
    try:
        return read_file(Holder, runtime_dir / _RECORD)
    except (FileNotFoundError, DocumentError):
        return None


def alive(holder: Holder) -> bool:
    """Return whether the holder is alive. A child of this process that has ended is reaped and counts as dead."""
    if start_time(holder.pid) == holder.start_time:
        return True
    try:
        os.waitpid(holder.pid, os.WNOHANG)
    except ChildProcessError:
        pass
    return False


def end(holder: Holder, runtime_dir: Path) -> None:
    """End the holder, if it is alive, and delete its record. Processes in its namespaces keep these until they end."""
    process = ProcessHandle.open(holder.pid, holder.start_time)
    if process is not None:
        process.signal(signal.SIGKILL)
        process.close()
    try:
        os.waitpid(holder.pid, 0)
    except ChildProcessError:
        pass
    (runtime_dir / _RECORD).unlink(missing_ok=True)


def enter_argv(holder: Holder, argv: Sequence[str]) -> list[str]:
    """Return the command line that runs ``argv`` inside the holder's namespaces, without an intermediate process."""
    spaces = ["--preserve-credentials", "-U", "-m", "-n"] if holder.rootless else ["-m", "-n"]
    return ["/usr/bin/nsenter", *spaces, "-t", str(holder.pid), "--", *argv]

"""The holder: a process that does nothing but own the namespaces, so that they outlive a crash of the agent.

It is ``sleep``, in a network and a mount namespace of its own (and a user namespace when not started by root). ``/run``
is a private memory file system there, where the router namespaces of VPCs are pinned. The agent enters by ``nsenter``;
a user namespace can only be entered before threads exist.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reading_room.agent.errors import HolderFailed
from reading_room.codec import DocumentError, read_file, write_file
from reading_room.containers.processes import ProcessHandle, start_time

PUBLIC_DIR = Path("/run/reading-room")
"""On the holder's private ``/run``: where namespaces are pinned, and what containers are shown."""
_RECORD = "holder.json"
_SETUP = """
exec 9<"$1" || exit 1
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs /run || exit 1
# A runtime folder below /run would be hidden now: it is put back.
case "$1" in /run/*) mkdir -p "$1" && mount --no-canonicalize --bind /proc/self/fd/9 "$1" || exit 1;; esac
exec 9<&-
mkdir /run/netns || exit 1
echo ready
exec sleep infinity >/dev/null 2>&1
"""


@dataclass(frozen=True, slots=True)
class Holder:
    """A holder: its process, by number and by when it started (ticks since boot), and whether it needed no root."""

    pid: int
    start_time: int
    rootless: bool = False

    @property
    def public_dir(self) -> Path:
        """Return ``PUBLIC_DIR`` as somebody outside the holder's mount namespace reaches it."""
        return Path("/proc", str(self.pid), "root", *PUBLIC_DIR.parts[1:])


def subordinate_ids() -> bool:
    """Return whether this user may map a range of further user and group ids (``newuidmap`` and ``/etc/subuid``)."""
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
    """Start a holder and write it down in ``runtime_dir``. Raises ``HolderFailed``; nothing is left then."""
    flags = ["-n", "-m", "--propagation", "private"]
    if rootless:
        flags += ["-U", "--map-root-user", *(["--map-auto"] if subordinate_ids() else [])]
    try:
        process = subprocess.Popen(
            ["/usr/bin/unshare", *flags, "/bin/sh", "-c", _SETUP, "holder", str(runtime_dir.absolute())],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
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
    # Whoever starts it may end before it does: it is then inherited by the system's first process.
    process.returncode = 0
    return holder


def adopt_or_start(runtime_dir: Path, rootless: bool) -> Holder:
    """Return the holder written down in ``runtime_dir`` if it lives, else start one. Raises ``HolderFailed``."""
    found = recorded(runtime_dir)
    if found is not None and found.rootless == rootless and alive(found):
        return found
    return start(runtime_dir, rootless)


def recorded(runtime_dir: Path) -> Holder | None:
    """Return the holder that is written down, alive or not; ``None`` if there is none."""
    try:
        return read_file(Holder, runtime_dir / _RECORD)
    except (FileNotFoundError, DocumentError):
        return None


def alive(holder: Holder) -> bool:
    """Return whether the holder lives. A child of this process that has ended counts as dead and is reaped."""
    if start_time(holder.pid) == holder.start_time:
        return True
    try:
        os.waitpid(holder.pid, os.WNOHANG)
    except ChildProcessError:
        pass
    return False


def end(holder: Holder, runtime_dir: Path) -> None:
    """End the holder, if it lives, and forget it. What still runs in its namespaces keeps them until it ends, too."""
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
    """Return the command line that runs ``argv`` inside the holder's namespaces, without a process in between."""
    spaces = ["--preserve-credentials", "-U", "-m", "-n"] if holder.rootless else ["-m", "-n"]
    return ["/usr/bin/nsenter", *spaces, "-t", str(holder.pid), "--", *argv]

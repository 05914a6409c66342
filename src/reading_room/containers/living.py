"""A container that the driver manages: its folder and record, its process, and its descriptors."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
from dataclasses import dataclass

from reading_room.containers.limits import remove_directories, used_cpu
from reading_room.containers.messages import WorkerMessages
from reading_room.containers.processes import ProcessHandle
from reading_room.containers.record import Folder, Record
from reading_room.containers.retries import Use

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class LivingContainer:
    """A container from its start, or its adoption, until it is cleaned up.

    ``handle`` and ``child`` are its launcher; ``child`` is set only if this process started it. ``network`` is its
    namespace and ``stdin`` the write end of the pipe for its job, while they are open.
    """

    folder: Folder
    record: Record
    words: WorkerMessages
    use: Use | None = None
    """What it waits or answers for, without a job."""
    handle: ProcessHandle | None = None
    child: subprocess.Popen[bytes] | None = None
    network: int | None = None
    stdin: int | None = None
    told_to_stop: bool = False
    cpu_seconds: float | None = None
    """The processor time that it used, once it has ended, if its control group counted it."""
    unsaved: bool = False
    """Whether its record has changed since it was last written, because the disk was full."""

    def alive(self) -> bool:
        """Return whether its launcher is alive; reap a child that has ended."""
        if self.child is not None and (self.child.poll() is not None or self.handle is None):
            return self.child.returncode is None
        return self.handle is not None and self.handle.alive()

    def kill(self) -> None:
        """Kill it, if it is alive."""
        if not self.alive():
            return
        # A child that was not reaped yet keeps its number, so a start that failed before the handle needs none.
        launcher = self.child if self.handle is None else self.handle
        assert launcher is not None
        # bubblewrap dies with its launcher; before it has requested that, the signal to the process group reaches it.
        try:
            os.killpg(launcher.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def save(self) -> None:
        """Write its record; if that fails, as on a full disk, log it once and remember that it must be tried again.

        Only for changes without which the next agent would still be safe.
        """
        try:
            self.folder.write(self.record)
        except OSError as error:
            if not self.unsaved:
                _log.error(
                    "the record of container %s cannot be written, which will be retried: %s",
                    self.record.container_id,
                    error,
                )
            self.unsaved = True
        else:
            self.unsaved = False

    def save_again(self) -> None:
        """Write its record if that has failed."""
        if self.unsaved:
            self.save()

    def end(self, code: int) -> None:
        """Kill it, and report this exit code."""
        self.record.exit_code = code
        self.save()
        self.kill()

    def exit_code(self) -> int | None:
        """Return its exit code; ``None`` if none was recorded."""
        return self.record.exit_code if self.record.exit_code is not None else self.folder.exit_code()

    def remove(self) -> bool:
        """Remove what is left of it once it has ended; return whether nothing is left. Raises ``OSError``."""
        if self.alive():
            return False
        # The group that counts is removed, but another one may still be busy, and this is called again.
        self.cpu_seconds = used_cpu(self.record.control_groups) or self.cpu_seconds
        self.record.control_groups = tuple(remove_directories(self.record.control_groups))
        if self.record.control_groups:
            return False
        self.close()
        self.folder.remove()
        return True

    def close(self) -> None:
        """Close its descriptors, without ending it."""
        for descriptor in (self.network, self.stdin):
            if descriptor is not None:
                os.close(descriptor)
        if self.handle is not None:
            self.handle.close()
        self.network = self.stdin = self.handle = None


def network_of(pid: int) -> int | None:
    """Return an open descriptor of the process's network namespace; ``None`` if it is gone."""
    try:
        return os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError):
        return None


def same_mounts(pid: int) -> bool:
    """Return whether a container's launcher is in this process's mount namespace, which is the holder's."""
    try:
        return os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt")
    except OSError:
        return False

"""The traversable view: files in a private folder, made visible to other user ids without opening the folder to them.

The checkout, the virtual environment and the Python installation may be in a folder that only its owner may enter, such
as root's home. Processes that give up root could then not even start. In our own mount namespace, an empty folder that
everyone may traverse is mounted over the blocked one, and only the wanted paths are mounted into it.
"""

from __future__ import annotations

import ctypes
import logging
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reading_room.agent.errors import PathNotVisible

_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_REMOUNT, _MS_BIND, _MS_REC = 1, 2, 4, 32, 4096, 16384
_MS_PRIVATE = 1 << 18
_CLONE_NEWNS = 0x20000
_MNT_DETACH = 2
_log = logging.getLogger(__name__)
_libc = ctypes.CDLL(None, use_errno=True)


def make_traversable(read_only: Sequence[Path], writable: Sequence[Path] = (), keep: Sequence[Path] = ()) -> None:
    """Let every user id reach the paths, in the current mount namespace, which must be a private one.

    Paths that can be reached already stay as they are. In a blocked folder only these paths remain visible to anybody
    in this mount namespace. ``keep`` names paths that the calling process itself needs: if such a folder is covered,
    they are mounted again, writable, but they are no reason to cover one. Files keep their own permissions. Another
    call with the same paths changes nothing. Raises ``PathNotVisible`` if a path does not exist or cannot be mounted.
    """
    wanted = [_Wanted(path.absolute(), False) for path in read_only]
    wanted += [_Wanted(path.absolute(), True) for path in writable]
    for entry in wanted:
        if not entry.path.exists():
            raise PathNotVisible(entry.path, "it does not exist")
    kept = [_Wanted(path.absolute(), True) for path in keep if path.exists()]
    # A path that was mounted again may itself contain a blocked folder on the way to another, so repeat this.
    while blocked := {above for entry in wanted if (above := blocked_ancestor(entry.path)) is not None}:
        for ancestor in blocked:
            inside = [entry for entry in (*wanted, *kept) if entry.path.is_relative_to(ancestor)]
            _replace(ancestor, _outermost(inside))


def blocked_ancestor(path: Path) -> Path | None:
    """Return the topmost folder on the way to ``path`` that only its owner may traverse."""
    for ancestor in reversed(path.absolute().parents):
        if not os.stat(ancestor).st_mode & stat.S_IXOTH:
            return ancestor
    return None


@dataclass(frozen=True, slots=True)
class _Wanted:
    path: Path
    writable: bool


def _outermost(wanted: Iterable[_Wanted]) -> list[_Wanted]:
    kept: list[_Wanted] = []
    for entry in sorted(wanted, key=lambda entry: (len(entry.path.parts), not entry.writable)):
        above = [other for other in kept if entry.path.is_relative_to(other.path)]
        if not above or (entry.writable and not any(other.writable for other in above)):
            kept.append(entry)
    return kept


def _replace(ancestor: Path, entries: Sequence[_Wanted]) -> None:
    # Opened before the folder is covered: afterwards only the descriptors lead to the files below it.
    opened = [(entry, os.open(entry.path, os.O_PATH | os.O_CLOEXEC)) for entry in entries]
    try:
        mount("tmpfs", ancestor, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755,size=1m")
        for entry, descriptor in opened:
            source = f"/proc/self/fd/{descriptor}"
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                make_folders(entry.path)
            else:
                make_folders(entry.path.parent)
                entry.path.touch(exist_ok=True)
            mount(source, entry.path, None, _MS_BIND | _MS_REC, None)
            if not entry.writable:
                mount(None, entry.path, None, _MS_BIND | _MS_REMOUNT | _MS_RDONLY | _flags(entry.path), None)
        # Nothing else may be added to the folder.
        mount(None, ancestor, None, _MS_BIND | _MS_REMOUNT | _MS_RDONLY | _MS_NOSUID | _MS_NODEV, None)
    finally:
        for _, descriptor in opened:
            os.close(descriptor)


def make_folders(path: Path) -> None:
    """Create a folder and its missing parents, for every user id to traverse."""
    # Only missing folders are created, and so only on the new file system: existing ones keep their permissions.
    for folder in (*reversed(path.parents), path):
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        folder.chmod(0o755)


def _flags(path: Path) -> int:
    # A remount in a user namespace must keep the flags of the original mount.
    flags = os.statvfs(path).f_flag
    return flags & (os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC | os.ST_NOATIME | os.ST_RELATIME)


def mount(source: str | None, target: Path, kind: str | None, flags: int, data: str | None) -> None:
    """Mount as mount(2) does. Raises ``PathNotVisible``."""
    result = _libc.mount(
        None if source is None else source.encode(),
        os.fsencode(target),
        None if kind is None else kind.encode(),
        ctypes.c_ulong(flags),
        None if data is None else data.encode(),
    )
    if result != 0:
        raise PathNotVisible(target, os.strerror(ctypes.get_errno()))


def own_filesystem(folder: Path) -> None:
    """Mount a file system in memory at a folder, created if missing. Raises ``OSError`` and ``PathNotVisible``.

    In a container's list of mounts, a path bound from there is at the top of an unnamed file system.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not folder.is_mount():
        mount("files", folder, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755")


def unnamed(paths: Iterable[Path], folder: Path, contents: Mapping[Path, Path] | None = None) -> dict[Path, Path]:
    """Return for each path another one, below ``folder``, whose mount does not reveal where the original is.

    A bind mount of a folder reveals its device, the file system's options and its place there. An overlay of an empty
    folder over it is another file system, with the folder at its top and the same files: nothing is copied, and pages
    are shared. Its options name descriptors of this process. A file is copied. A folder with other mounts below it,
    which an overlay would leave out, is missing from the result, and so are all folders if the kernel has no overlays.
    ``contents`` names other folders whose files are to be seen at some of the paths; such a path is never missing.
    """
    while folder.is_mount():
        # From an earlier agent, whose paths may have been different. Running containers keep their view.
        _unmount(folder)
    own_filesystem(folder)
    nothing = folder / "nothing"
    nothing.mkdir()
    mounted = [Path(line.split()[4]) for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    found: dict[Path, Path] = {}
    for number, path in enumerate(paths):
        place = folder / str(number)
        content = (contents or {}).get(path, path)
        if path.is_file():
            place.write_bytes(path.read_bytes())
            place.chmod(0o444)
        elif (below := next((mount for mount in mounted if content in mount.parents), None)) is not None:
            _log.warning("containers can see where %s is on the disk: %s is mounted below it", path, below)
            continue
        else:
            place.mkdir()
            try:
                _overlay(content, nothing, place)
            except PathNotVisible as error:
                _log.warning("containers can see where %s is on the disk: %s", path, error)
                if content == path:
                    continue
                mount(str(content), place, None, _MS_BIND, None)
        found[path] = place
    return found


def _overlay(path: Path, nothing: Path, place: Path) -> None:
    opened = [os.open(each, os.O_PATH | os.O_CLOEXEC) for each in (path, nothing)]
    try:
        layers = ":".join(f"/proc/self/fd/{descriptor}" for descriptor in opened)
        mount("files", place, "overlay", _MS_RDONLY | _MS_NOSUID | _MS_NODEV, f"lowerdir={layers}")
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _unmount(place: Path) -> None:
    if _libc.umount2(os.fsencode(place), _MNT_DETACH) != 0:
        raise PathNotVisible(place, os.strerror(ctypes.get_errno()))


def enter_private_mounts() -> None:
    """Give the calling process, which must have a single thread, its own mount namespace.

    Only this process and its children see what is mounted there. Raises ``OSError``.
    """
    for result in (
        _libc.unshare(_CLONE_NEWNS),
        _libc.mount(None, b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None),
    ):
        if result != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"cannot create a mount namespace: {os.strerror(number)}")

"""Claiming a folder as the data folder of an installation: which folders are accepted, and what is recorded of them.

``check_folder`` changes nothing, so that everything else that can fail is tried before ``claim``. Root opens its own
folders one after the other, by descriptor and without following links, and only if nobody else could have put anything
there.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from reading_room.agent import holder as holders
from reading_room.cli.folder import StartError
from reading_room.cli.state_versions import check_state, record_state
from reading_room.codec import DocumentError, encode, read_file
from reading_room.database.address import MARK
from reading_room.installation import JOINED, RESTORING, Installation, UserIds, on_any_device, others
from reading_room.settings import Settings

_DATABASES = {"db.sqlite", MARK}
"""A data folder has one of these: its database, or which one it belongs to."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Claim:
    """What an installation's record says: its data folder, and the user id that owns it."""

    data: str
    device: int
    inode: int
    owner: int


def check_folder(settings: Settings) -> None:
    """Raise ``StartError`` if the data folder must not be claimed; change nothing."""
    try:
        with _opened(settings.data) as folder:
            _refuse_foreign(settings, folder)
            _refuse_shared(settings, os.fstat(folder))
    except FileNotFoundError:
        _refuse_shared(settings, None)
    except OSError as error:
        raise _unusable(settings.data, error) from error


def refuse_joined(settings: Settings) -> None:
    """Raise ``StartError`` for the data folder of a host that has joined an installation, or has begun to."""
    if JOINED in _names_in(settings.data):
        raise StartError(
            f"{settings.data} belongs to a host that has joined an installation, whose server runs elsewhere: choose "
            f"another folder with --data, or delete {settings.data / JOINED} to give the host up"
        )


def refuse_installation(settings: Settings) -> None:
    """Raise ``StartError`` for a data folder with a database: a host that joins an installation has none."""
    found = sorted(_DATABASES & _names_in(settings.data))
    if found:
        raise StartError(
            f"{settings.data} is the data folder of an installation of its own ({found[0]}), which cannot join "
            "another one: choose an empty folder with --data"
        )


def _names_in(data: Path) -> set[str]:
    try:
        # The folder belongs to the server: root follows no link in it.
        with _opened(data) as folder:
            return set(os.listdir(folder))
    except OSError:
        return set()  # ``check_folder`` says what is wrong with it.


def join_installation(settings: Settings) -> Installation | None:
    """Return the installation of a data folder, ``None`` if there is none. Raises ``StartError``.

    The records of an earlier version's holder are taken over, even while it runs.
    """
    try:
        with _opened(settings.data) as folder:
            known = settings.installation.record.exists() or _is_of_earlier_version(folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(settings.data, error) from error
    return claim(settings, joining=True) if known else None


def claim(settings: Settings, *, joining: bool = False) -> Installation:
    """Create or claim the data folder (0700) and its installation's folder. Raises ``StartError``."""
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _opened(settings.data) as folder:
            _refuse_foreign(settings, folder)
            found = os.fstat(folder)
            place = settings.installation
            known = _known(settings, found)
            check_state(settings, known[0] if known is not None else place)
            owner = settings.service_uid if os.geteuid() == 0 else os.geteuid()
            wanted = Claim(str(settings.data), found.st_dev, found.st_ino, owner)
            ids = _ids(settings)
            if not _holds(place, wanted) or (ids is not None and _kept_ids(place) != ids):
                if not joining:
                    _refuse_running(settings.data, folder)
                try:
                    _record(settings, folder, place, wanted, ids)
                except OSError as error:
                    raise StartError(
                        f"the installation of {settings.data} cannot be kept in {settings.state} ({error.strerror}): "
                        "choose another folder with READING_ROOM_STATE"
                    ) from error
            record_state(place, known=known is not None)
            if found.st_uid != owner:
                _give(settings, folder)
            os.fchmod(folder, 0o700)
            return place
    except OSError as error:
        raise _unusable(settings.data, error) from error


def _ids(settings: Settings) -> UserIds | None:
    """Return the user ids of an installation that root runs; other users cannot choose theirs."""
    if os.geteuid() != 0:
        return None
    return UserIds(settings.service_uid, settings.container_uid_first, settings.container_uid_count)


def open_installation(settings: Settings) -> int:
    """Return a descriptor of the folder of a claimed installation. Raises ``OSError`` and ``StartError``."""
    state = _open_private(settings.state)
    try:
        return os.open(settings.installation.folder.name, _FOLDER, dir_fd=state)
    finally:
        os.close(state)


def _holds(place: Installation, wanted: Claim) -> bool:
    """Return whether this is recorded already. Another path matters only to a user who may update the record."""
    known = _claimed(place)
    if not place.socket.parent.is_dir() and os.access(place.folder, os.W_OK):
        return False  # Recorded by an earlier version, whose agent had its socket elsewhere.
    if known is None or (known.device, known.inode, known.owner) != (wanted.device, wanted.inode, wanted.owner):
        return False
    return known.data == wanted.data or not os.access(place.folder, os.W_OK)


def no_such_user(settings: Settings, error: Exception) -> StartError:
    """Return the error for a user id that ``serve`` cannot drop to."""
    return StartError(
        f"serve cannot drop to user id {settings.service_uid} ({error}): "
        "set READING_ROOM_SERVICE_UID to one that exists here, or start as an ordinary user"
    )


def _unusable(folder: Path, error: OSError) -> StartError:
    return StartError(
        f"the data folder {folder} cannot be written ({error.strerror}): "
        "give it to this user, or choose another with --data"
    )


def _give(settings: Settings, folder: int) -> None:
    """As root, make the user of ``serve`` the owner of the folder, but of nothing in it."""
    try:
        os.fchown(folder, settings.service_uid, settings.service_uid)
    except OSError as error:
        if error.errno == errno.EINVAL:  # The kernel's answer for an id that this user namespace does not map.
            raise no_such_user(settings, error) from error
        raise


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, _FOLDER & ~os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _refuse_foreign(settings: Settings, folder: int) -> None:
    """Raise ``StartError`` for a folder that is neither empty nor ours: claiming it would lock everybody else out."""
    data, found, names = settings.data, os.fstat(folder), set(os.listdir(folder))
    if RESTORING in names:
        raise StartError(f"a restore into {data} was interrupted: delete what is in it, and restore the backup again")
    known = _known(settings, found)
    if os.geteuid() == 0:
        # A folder that was copied here already belongs to the server's user: nobody is locked out.
        copied = bool(_DATABASES & names) and found.st_uid == settings.service_uid
        ours = copied or _is_of_earlier_version(folder)
        owner = known[1].owner if known is not None else found.st_uid if ours else None
        if owner is not None and owner != settings.service_uid:
            raise StartError(
                f"{data} belongs to an installation whose server has user id {owner}, not {settings.service_uid}: "
                f"set READING_ROOM_SERVICE_UID={owner}, or choose another folder with --data"
            )
        foreign = owner is None and bool(names)
        # A known folder that now belongs to somebody else is no longer ours.
        foreign = foreign or (bool(names) and found.st_uid not in (0, settings.service_uid))
    else:
        shared = found.st_mode & (stat.S_ISVTX | stat.S_IWOTH) or data.parent == Path("/") or data == Path.home()
        foreign = bool(names and shared) and known is None and not _DATABASES & names
    if foreign:
        raise StartError(
            f"{data} holds other files and is not a data folder: choose a separate folder with --data, "
            f"for example {data / 'reading-room'}{_chown_hint(settings, names)}"
        )


def _chown_hint(settings: Settings, names: set[str]) -> str:
    if os.geteuid() != 0 or not _DATABASES & names:
        return ""
    user = settings.service_uid
    return f"; if it is one after all, make the user of serve its owner: chown -R {user}:{user} {settings.data}"


def _is_of_earlier_version(data: int) -> bool:
    """Return whether this user made it a data folder with a version that had no installations yet.

    Its agent then has a folder there that only this user can write to, so nobody else can have put anything into it.
    """
    try:
        own = os.stat("agent", dir_fd=data, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(own.st_mode) and own.st_uid == os.geteuid() and not own.st_mode & 0o022


def _claimed(place: Installation) -> Claim | None:
    try:
        return read_file(Claim, place.record)
    except (FileNotFoundError, PermissionError):
        return None
    except DocumentError as error:
        raise StartError(f"{place.record} cannot be read: {error}") from error


def _kept_ids(place: Installation) -> UserIds | None:
    try:
        return read_file(UserIds, place.ids)
    except FileNotFoundError:
        return None
    except DocumentError as error:
        raise StartError(f"{place.ids} cannot be read: {error}") from error


def _known(settings: Settings, found: os.stat_result) -> tuple[Installation, Claim] | None:
    """Return where a data folder is recorded, and the record.

    A disk can have another device number after a restart; the folder is then known by its path and inode.
    """
    place = settings.installation
    claimed = _claimed(place)
    if claimed is not None:
        return place, claimed
    for place in on_any_device(found.st_ino, settings.state):
        claimed = _claimed(place)
        if claimed is not None and (claimed.data, claimed.inode) == (str(settings.data), found.st_ino):
            return place, claimed
    return None


def _record(settings: Settings, data: int, place: Installation, wanted: Claim, ids: UserIds | None) -> None:
    state = _open_private(settings.state)
    try:
        fcntl.flock(state, fcntl.LOCK_EX)  # Two simultaneous first starts must not get the same user ids.
        _refuse_shared(settings, os.fstat(data))
        known = _known(settings, os.fstat(data))
        if known is not None and not place.folder.is_dir():
            os.rename(known[0].folder.name, place.folder.name, src_dir_fd=state, dst_dir_fd=state)
        folder = _subfolder(state, place.folder.name, 0o711)
        try:
            _take_over(settings.data, data, folder)
            os.close(_subfolder(folder, "agent", 0o700))
            os.close(_subfolder(folder, place.socket.parent.name, 0o711))
            if ids is not None:
                _keep(folder, place.ids.name, ids)
            _keep(folder, place.record.name, wanted)
        finally:
            os.close(folder)
    finally:
        os.close(state)


def _keep(folder: int, name: str, value: Claim | UserIds) -> None:
    new = f"{name}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(new, flags, 0o644, dir_fd=folder), "wb") as file:
        os.fchmod(file.fileno(), 0o644)  # Regardless of the umask: the file holds no secret.
        file.write(encode(value))
        file.flush()
        os.fsync(file.fileno())
    os.rename(new, name, src_dir_fd=folder, dst_dir_fd=folder)


def _refuse_shared(settings: Settings, data: os.stat_result | None) -> None:
    """As root, raise ``StartError`` for user ids that another installation has; ``data`` is the folder, if it exists.

    An installation that an earlier version recorded keeps its ids, even if another one has them.
    """
    # A `serve` beside another one, whose agent it uses, has the other one's user id and no containers.
    ids = None if settings.agent else _ids(settings)
    known = None if data is None else _known(settings, data)
    if ids is None or (known is not None and _kept_ids(known[0]) in (None, ids)):
        return
    if data is not None and data.st_uid == ids.service:
        # Data from elsewhere belong to the server's id already, so only the ids of containers must not be shared.
        ids = replace(ids, service=ids.first)
    own = known[0] if known is not None else settings.installation if data is not None else None
    for folder, each in others(settings.state, own):
        if ids.overlaps(each):
            raise StartError(
                f"the installation of {folder} has user id {each.service} for its server and {each.first} to "
                f"{each.first + each.count - 1} for containers, which this one would share: choose others with "
                "READING_ROOM_SERVICE_UID and READING_ROOM_CONTAINER_UID_FIRST"
            )


def _open_private(path: Path) -> int:
    """Open a folder, created if missing; as root only if nobody else can change the path to it."""
    path = path.resolve()
    current = os.open("/", _FOLDER)
    try:
        for depth, name in enumerate(path.parts[1:], 1):
            last = depth == len(path.parts) - 1
            below = _subfolder(current, name, 0o755 if last or os.geteuid() == 0 else 0o700)
            os.close(current)
            current = below
            _check_trusted(Path(*path.parts[: depth + 1]), os.fstat(current), shared=not last)
    except BaseException:
        os.close(current)
        raise
    return current


def _subfolder(parent: int, name: str, mode: int) -> int:
    try:
        os.mkdir(name, mode, dir_fd=parent)
        made = True
    except FileExistsError:
        made = False
    descriptor = os.open(name, _FOLDER, dir_fd=parent)
    if made:
        os.fchmod(descriptor, mode)  # Regardless of the umask.
    return descriptor


def _check_trusted(path: Path, found: os.stat_result, *, shared: bool) -> None:
    """As root, raise ``StartError`` if others could replace the contents of a folder; ``shared`` allows ``/tmp``."""
    if os.geteuid() != 0:
        return
    open_to_all = found.st_mode & 0o022 and not (shared and found.st_mode & stat.S_ISVTX)
    if found.st_uid != 0 or open_to_all:
        raise StartError(
            f"{path} belongs to user {found.st_uid} and has mode {stat.S_IMODE(found.st_mode):04o}, so others could "
            "replace its contents: choose another folder with READING_ROOM_STATE"
        )


def _take_over(path: Path, data: int, place: int) -> None:
    """Move the agent's files out of the data folder of an earlier version; running processes go on."""
    if not _is_of_earlier_version(data):
        return
    try:
        os.rename("agent", "agent", src_dir_fd=data, dst_dir_fd=place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # Running processes write to these files, which cannot be moved to another file system.
        holder = holders.recorded(path / "agent")
        if holder is not None and holders.alive(holder):
            raise StartError(
                f"an earlier version runs jobs on {path}: stop it first, or set READING_ROOM_STATE to a folder on the "
                "same file system"
            ) from None
        shutil.rmtree("agent", dir_fd=data)


def _refuse_running(data: Path, folder: int) -> None:
    """Raise ``StartError`` while an ``up`` of an earlier version uses the folder."""
    try:
        lock = os.open("lock", os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StartError(f"the data folder {data} is in use by an earlier version: stop it first") from None
    finally:
        os.close(lock)

"""The versions of an installation's folder: checked before anything is changed there, and recorded after a backup.

The backup holds the records of the installation, of the holder and of containers, and the root key. It stays in the
installation's folder, since nobody with a copy of the data folder may have the root key.
"""

from __future__ import annotations

import fcntl
import os
import shlex
from pathlib import Path

from reading_room import versions
from reading_room.cli.folder import StartError
from reading_room.codec import FILE_LIMIT
from reading_room.installation import Installation
from reading_room.settings import Settings
from reading_room.upgrades import FOLDER, copy_files, draft, files, keep
from reading_room.versions import VersionsError


def check_state(settings: Settings, place: Installation) -> None:
    """Raise ``StartError`` if a newer program has used an installation, of which this one changes nothing."""
    try:
        # Root does not look into the data folder, where the server could put anything.
        words = f"reading-room rollback --data {shlex.quote(str(settings.data))}"
        versions.check(place.folder, versions.STATE_FORMATS, f", or put back a backup, which `{words}` lists")
    except VersionsError as error:
        raise StartError(str(error)) from error
    except PermissionError:
        pass  # The server of a systemd unit reads nothing of root's.


def record_state(place: Installation, *, known: bool) -> None:
    """Record that this program uses an installation, after a backup if an earlier one has; ``known`` says so.

    Only the user whose processes are privileged can do that. Raises ``StartError``.
    """
    if not os.access(place.folder, os.W_OK):
        return
    folder = os.open(place.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # An agent and a server may start at the same time.
        recorded = versions.read(place.folder)
        earlier = versions.EARLIER if recorded is None else recorded.program
        if known and versions.is_older(earlier, versions.VERSION):
            _back_up(place, earlier)
        versions.record(place.folder, versions.STATE_FORMATS)
    except VersionsError as error:
        raise StartError(str(error)) from error
    except OSError as error:
        raise StartError(
            f"{place.folder} cannot be backed up before version {versions.VERSION} uses it ({error.strerror}): "
            "make room there, and start again"
        ) from error
    finally:
        os.close(folder)


def _back_up(place: Installation, origin: str) -> Path:
    with draft(place.folder) as made:
        copy_files(place.folder, _records(place), made)
        return keep(made, origin)


def _records(place: Installation) -> list[str]:
    """Return the names of the installation's files, without what workers wrote."""
    left_out = {place.lock.name, FOLDER, place.socket.parent.name}
    return [
        str(name)
        for path in files(place.folder)
        if (name := path.relative_to(place.folder)).parts[0] not in left_out and path.stat().st_size <= FILE_LIMIT
    ]

"""The manifest of a backup: every file with its size and digest, in JSON lines.

The first line describes the backup, the last one counts and digests the lines before it, and each line between is a
file. A reader needs one line at a time, so a manifest of a million files needs no memory for a document of that size.

A manifest comes from wherever the backup was stored. Paths are therefore an allow list of what a data folder has: no
other path can be written by a restore. The last line's seal is made with the installation's root key, so whoever has
that key can tell whether anything in the backup was altered.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from reading_room.backup.errors import BackupError, DamagedBackup
from reading_room.sealing import SealBroken, Sealer

NAME = "manifest.jsonl"
"""The name of the manifest in a backup."""
VERSION = 1
"""The version of the format of backups. A reader accepts this one and earlier ones."""
LINE_LIMIT = 4_096
FILES_LIMIT = 50_000_000
SIZE_LIMIT = 1 << 50
DATABASE = "db.sqlite"
KEYS = "keys"
"""The path of the key material, which is not a file of the data folder."""
PATH = (
    r"^(?:db\.sqlite|keys|flow-windows\.json|usage-calls\.log|versions\.json"
    r"|trail/(?:management|data|denials|unidentified)-[0-9]{4}-[0-9]{2}-[0-9]{2}\.jsonl"
    r"|objects/objects/[0-9a-f]{2}/[0-9a-f]{32})$"
)
"""The paths of files in a backup, relative to the data folder."""
_PLACE = ("backup", "manifest")
_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Keys = Literal["none", "sealed", "age"]
"""How a backup has key material: not at all, sealed with the root key, or encrypted in age's format."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Description(_Line):
    """The first line of a manifest."""

    format: Literal["reading-room backup"] = "reading-room backup"
    version: Annotated[int, Field(ge=1, le=1_000_000)] = VERSION
    program: Annotated[str, Field(pattern=r"^[0-9A-Za-z.+-]{1,64}$")]
    """The version of Reading Room that made the backup."""
    database_schema: Annotated[int, Field(ge=0, le=1_000_000)]
    at: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]
    """When the database was copied (UTC)."""
    root_key: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    """The id of the root key that the secrets are sealed with."""
    keys: Keys


class Entry(_Line):
    """A file of a backup."""

    path: Annotated[str, Field(pattern=PATH)]
    size: Annotated[int, Field(ge=0, le=SIZE_LIMIT)]
    sha256: _Digest
    modified: Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)]
    """When the original was modified, in nanoseconds since 1970."""


class End(_Line):
    """The last line of a manifest."""

    files: Annotated[int, Field(ge=0, le=FILES_LIMIT)]
    bytes: Annotated[int, Field(ge=0, le=SIZE_LIMIT)]
    sha256: _Digest
    """The digest of all lines before this one."""
    seal: Annotated[str, Field(pattern=r"^[0-9a-f]{2,512}$")]
    """That digest, sealed with the root key."""


class Stored(NamedTuple):
    """What a manifest says of a file: its size in bytes, its digest, and when the original was modified (ns)."""

    size: int
    sha256: bytes
    modified: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that was read completely."""

    description: Description
    files: Mapping[str, Stored]
    """Every file by its path in the data folder."""
    end: End

    def is_sealed_with(self, sealer: Sealer) -> bool:
        """Return whether this root key made the backup, and nothing in the manifest was changed since."""
        try:
            return sealer.unseal(bytes.fromhex(self.end.seal), *_PLACE).decode() == self.end.sha256
        except (SealBroken, ValueError):
            return False


_LINE: TypeAdapter[Entry | End] = TypeAdapter(Entry | End)


def lines(description: Description, files: Mapping[str, Stored], sealer: Sealer) -> Iterator[bytes]:
    """Yield the lines of a manifest, each with its line end."""
    digest = hashlib.sha256()

    def line(content: BaseModel) -> bytes:
        return content.model_dump_json().encode() + b"\n"

    found = line(description)
    digest.update(found)
    yield found
    for path, stored in sorted(files.items()):
        found = line(Entry(path=path, size=stored.size, sha256=stored.sha256.hex(), modified=stored.modified))
        digest.update(found)
        yield found
    seal = sealer.seal(digest.hexdigest().encode(), *_PLACE).hex()
    total = sum(stored.size for stored in files.values())
    yield line(End(files=len(files), bytes=total, sha256=digest.hexdigest(), seal=seal))


def read(file: IO[bytes], name: str) -> Manifest:
    """Read a manifest; ``name`` is what messages call it. Raises ``DamagedBackup`` and ``BackupError``."""
    digest = hashlib.sha256()
    first = _line(file, name)
    description = _description(first, name)
    digest.update(first)
    files: dict[str, Stored] = {}
    while True:
        text = _line(file, name)
        try:
            found = _LINE.validate_json(text)
        except ValidationError as error:
            raise DamagedBackup(name, f"has an invalid line {len(files) + 2} ({_first_fault(error)})") from None
        if isinstance(found, End):
            break
        digest.update(text)
        if found.path in files or len(files) >= FILES_LIMIT:
            raise DamagedBackup(name, f"has {found.path} twice, or more than {FILES_LIMIT:,} files")
        files[found.path] = Stored(found.size, bytes.fromhex(found.sha256), found.modified)
    whole = (len(files), sum(each.size for each in files.values()), digest.hexdigest())
    if file.read(1) or (found.files, found.bytes, found.sha256) != whole:
        raise DamagedBackup(name, "was altered")
    if DATABASE not in files or (KEYS in files) != (description.keys != "none"):
        raise DamagedBackup(name, "lacks the database, or says something else of its keys than it has")
    return Manifest(description, files, found)


def _line(file: IO[bytes], name: str) -> bytes:
    line = file.readline(LINE_LIMIT)
    if not line.endswith(b"\n"):
        raise DamagedBackup(name, "is truncated" if len(line) < LINE_LIMIT else "is not a manifest")
    return line


def _description(line: bytes, name: str) -> Description:
    try:
        found = Description.model_validate_json(line)
    except ValidationError as error:
        version = re.match(rb'\{"format":"reading-room backup","version":([0-9]{1,6}),', line)
        if version is None or int(version[1]) <= VERSION:
            raise DamagedBackup(name, f"is not a manifest ({_first_fault(error)})") from None
        raise _newer(name, int(version[1])) from None
    if found.version > VERSION:
        raise _newer(name, found.version)
    return found


def _newer(name: str, version: int) -> BackupError:
    return BackupError(f"{name} has version {version}, and this program knows {VERSION}: use a newer Reading Room")


def _first_fault(error: ValidationError) -> str:
    """Return the member and the fault, without the value, which may be anything."""
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in fault["loc"] if part not in ("Entry", "End"))
    return f"{place}: {fault['type']}" if place else str(fault["type"])

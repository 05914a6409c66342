"""The bucket of an S3 service that holds the blobs, as the settings name it."""

from __future__ import annotations

import configparser
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from reading_room.settings import Settings

_LIMIT = 65_536
"""Bytes that a file of credentials or certificates may have."""


class PlaceError(Exception):
    """The place of the objects cannot be used; the message says why and what to change."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of an S3 service, a prefix in it that ends in a slash or is empty, and the key to use it with."""

    bucket: str
    prefix: str
    endpoint: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    authority: str | None = None
    """The certificates (PEM) of the authorities to trust; ``None`` means the usual public ones."""

    @property
    def url(self) -> str:
        """The bucket and the prefix, for messages."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def is_amazons(self) -> bool:
        """Whether the service is Amazon's, which wants the bucket in the host's name."""
        return (urlsplit(self.endpoint).hostname or "").endswith(".amazonaws.com")


def read_bucket(settings: Settings) -> Bucket | None:
    """Return the bucket that the settings name, with the credentials in their file; ``None`` if they name none.

    Called before ``serve`` gives up its privileges. Raises ``PlaceError``.
    """
    if settings.objects_endpoint_url is None:
        return None
    if not settings.objects_credentials:
        raise PlaceError(
            f"READING_ROOM_OBJECTS={settings.objects} needs a key: set READING_ROOM_OBJECTS_CREDENTIALS to a file with "
            "aws_access_key_id and aws_secret_access_key in a section [default], as the AWS tools have it"
        )
    name, _, prefix = settings.objects.removeprefix("s3://").partition("/")
    file = Path(settings.objects_credentials)
    found = _section(file)
    authority = None
    if settings.objects_authority:
        authority = _content(Path(settings.objects_authority), "READING_ROOM_OBJECTS_AUTHORITY")[0]
    try:
        return Bucket(
            bucket=name,
            prefix=f"{prefix.strip('/')}/" if prefix.strip("/") else "",
            endpoint=settings.objects_endpoint_url,
            region=settings.objects_region or settings.region,
            access_key_id=found["aws_access_key_id"],
            secret_access_key=found["aws_secret_access_key"],
            session_token=found.get("aws_session_token"),
            authority=authority,
        )
    except KeyError as error:
        raise PlaceError(f"{file} has no {error.args[0]} in its section [default]: add it") from None


def _section(file: Path) -> configparser.SectionProxy:
    text, mode = _content(file, "READING_ROOM_OBJECTS_CREDENTIALS")
    if mode & 0o077:
        raise PlaceError(f"{file} can be read by others: give it mode 0600 (chmod 600 {file})")
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
        return parser["default"]
    except (configparser.Error, KeyError):
        # The message of the parser would quote lines of the file.
        raise PlaceError(
            f"{file} is not a file of credentials with a section [default]: write it as aws does"
        ) from None


def _content(file: Path, variable: str) -> tuple[str, int]:
    """Return the text of a regular file, and its mode."""
    try:
        with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:
            found = os.fstat(opened.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_size > _LIMIT:
                raise PlaceError(f"{variable}={file} is not a regular file of at most {_LIMIT:,} bytes: name another")
            return opened.read(_LIMIT).decode(), stat.S_IMODE(found.st_mode)
    except OSError as error:
        raise PlaceError(
            f"{variable}={file} cannot be read ({error.strerror}): name a file that serve may read"
        ) from None
    except UnicodeDecodeError:
        raise PlaceError(f"{variable}={file} is not text in UTF-8: name another file") from None

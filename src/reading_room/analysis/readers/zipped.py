"""Archives in zip's format, which Word, PowerPoint, Excel, OpenDocument and EPUB files are, within limits."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from reading_room.analysis.readers.results import BROKEN, Limits, ReadError

_ENCRYPTED = 1
_SMALL = 1_048_576
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""How the files of such an archive may be compressed; the formats allow no other method."""


class Zipped:
    """The files of an archive by their names. Raise ``ReadError`` if it is broken, encrypted or too large unpacked.

    The standard library unpacks of each file at most as much as the archive's directory says, so the sum of the
    directory limits memory, whatever the compressed data would grow to.
    """

    def __init__(self, content: bytes, limits: Limits) -> None:
        self._limits = limits
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
            found = self._zip.infolist()
        except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OverflowError) as error:
            raise ReadError(BROKEN, f"its zip archive is damaged: {error}") from None
        if len(found) > limits.entries:
            raise ReadError(BROKEN, f"it is an archive with more than {limits.entries:,} files")
        total = sum(each.file_size for each in found)
        if total > limits.expanded_bytes or total > max(_SMALL, limits.expansion * len(content)):
            raise ReadError(BROKEN, f"it has {len(content):,} bytes, which would unpack to {total:,}")
        if any(each.flag_bits & _ENCRYPTED for each in found):
            raise ReadError(BROKEN, "it is encrypted; remove its password")
        if other := [each.filename for each in found if each.compress_type not in _METHODS]:
            raise ReadError(BROKEN, f"its part {other[0]} uses a compression method other than deflate")
        self.names = frozenset(each.filename for each in found)

    def read(self, name: str) -> bytes:
        """Return a file of the archive. Raise ``ReadError``."""
        try:
            return self._zip.read(name)
        except KeyError:
            raise ReadError(BROKEN, f"its part {name} is missing") from None
        except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError, RuntimeError, OSError) as error:
            raise ReadError(BROKEN, f"its part {name} is damaged: {error}") from None

    def numbered(self, prefix: str, suffix: str) -> list[tuple[int, str]]:
        """Return the files whose names are a number between ``prefix`` and ``suffix``, in order."""
        found = []
        for name in self.names:
            number = name[len(prefix) : len(name) - len(suffix)]
            if name.startswith(prefix) and name.endswith(suffix) and number.isascii() and number.isdigit():
                found.append((int(number[:9]), name))
        return sorted(found)

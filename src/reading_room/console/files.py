"""The console's files, read once at the start. Nothing outside this table is served, whatever the path is."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

STATIC = Path(__file__).parent / "static"
"""Where the console's build puts its files."""
INDEX = "/index.html"
ASSETS = "assets"
"""The folder of files whose names contain a hash of their content, so a name never changes its content."""
_TEXTS = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
"""Types of files that compress well; all others are compressed already."""
_OTHERS = {
    ".gif": "image/gif",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
_UNKNOWN = "application/octet-stream"
_REVALIDATED = "no-cache"
_FOR_GOOD = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Representation:
    """The bytes of a file in one coding, and their entity tag."""

    body: bytes
    etag: str
    coding: str | None = None


class StaticFile:
    """One file. Its compressed form is made when it is first requested, and kept."""

    def __init__(self, path: str, content: bytes) -> None:
        suffix = PurePosixPath(path).suffix.lower()
        self.content_type = _TEXTS.get(suffix) or _OTHERS.get(suffix, _UNKNOWN)
        self.cache_control = _FOR_GOOD if path.startswith(f"/{ASSETS}/") else _REVALIDATED
        self.varies = suffix in _TEXTS
        self._tag = hashlib.sha256(content).hexdigest()[:32]
        self._plain = Representation(content, f'"{self._tag}"')
        self._compressed: Representation | None = None
        self._compressing = threading.Lock()

    @property
    def plain(self) -> Representation:
        """The uncompressed file."""
        return self._plain

    def compressed(self) -> Representation:
        """Return the file compressed by gzip, or as it is if that is not larger. Takes a while the first time."""
        with self._compressing:
            if self._compressed is None:
                self._compressed = self._compress() if self.varies else self._plain
            return self._compressed

    def _compress(self) -> Representation:
        packed = gzip.compress(self._plain.body, 9, mtime=0)
        if len(packed) >= len(self._plain.body):
            return self._plain
        return Representation(packed, f'"{self._tag}-gzip"', "gzip")


def read_files(folder: Path = STATIC) -> Mapping[str, StaticFile]:
    """Return the files of a folder by the paths of their URLs; none if the console was not built.

    Links and hidden files are left out.
    """
    found: dict[str, StaticFile] = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not path.is_symlink() and not any(part.startswith(".") for part in inside.parts):
            url = f"/{inside.as_posix()}"
            found[url] = StaticFile(url, path.read_bytes())
    return found

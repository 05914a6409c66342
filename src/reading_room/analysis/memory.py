"""Storage in memory, and engines with one rule each, for tests and for trying a job without S3."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from pathlib import Path
from urllib.parse import quote, unquote

from reading_room.analysis.engine import Members, Result
from reading_room.analysis.job_file import Location
from reading_room.analysis.storage import InputObject, JobFailure, ObjectGone


class Folder(MutableMapping[tuple[str, str], bytes]):
    """Objects by ``(bucket, key)`` as files of one folder, which several processes may share.

    An object is there completely or not at all. The file system limits bucket and key to about 200 characters together.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(parents=True, exist_ok=True)

    def __getitem__(self, name: tuple[str, str]) -> bytes:
        try:
            return self._file(name).read_bytes()
        except FileNotFoundError as error:
            raise KeyError(name) from error

    def __setitem__(self, name: tuple[str, str], content: bytes) -> None:
        # The dot marks an unfinished file: no object's file begins with one.
        with tempfile.NamedTemporaryFile(dir=self._path, prefix=".", delete=False) as file:
            file.write(content)
        os.replace(file.name, self._file(name))

    def __delitem__(self, name: tuple[str, str]) -> None:
        try:
            self._file(name).unlink()
        except FileNotFoundError as error:
            raise KeyError(name) from error

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for path in self._path.iterdir():
            if not path.name.startswith("."):
                bucket, _, key = path.name.removeprefix("@").partition("@")
                yield unquote(bucket), unquote(key)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _file(self, name: tuple[str, str]) -> Path:
        return self._path / "".join("@" + quote(each, safe="") for each in name)


class MemoryStorage:
    """Objects in a dictionary, by ``(bucket, key)``. ``read_only`` refuses output, as a policy would."""

    def __init__(
        self, objects: MutableMapping[tuple[str, str], bytes], read_only: bool = False, chunk: int = 7
    ) -> None:
        self.objects = objects
        self._read_only = read_only
        self._chunk = chunk

    def list_input(self, location: Location) -> Iterator[InputObject]:
        """Yield the objects under a prefix, sorted by key."""
        for (bucket, key), content in sorted(self.objects.items()):
            if bucket == location.bucket and key.startswith(location.key) and not (key.endswith("/") and not content):
                yield InputObject(key, len(content), _etag(content))

    def read(
        self, bucket: str, key: str, begin: int = 0, end: int | None = None, etag: str = "", *, exact: bool = True
    ) -> Iterator[bytes]:
        """Yield an object, or a range of it, in small pieces, so that tests meet every boundary."""
        try:
            whole = self.objects[bucket, key]
        except KeyError as error:
            raise ObjectGone("INPUT_NOT_FOUND", f"s3://{bucket}/{key}: there is no such object") from error
        if exact and etag not in ("", _etag(whole)):
            raise ObjectGone("INPUT_NOT_FOUND", f"s3://{bucket}/{key} was changed while the job read it")
        content = whole[begin:end]
        for start in range(0, len(content), self._chunk):
            yield content[start : start + self._chunk]

    def probe_output(self, location: Location) -> None:
        """Raise ``JobFailure`` if the storage is read-only."""
        if self._read_only:
            raise JobFailure("NO_WRITE_ACCESS_TO_OUTPUT", f"s3://{location.bucket}/{location.key} is read-only")

    def write(self, location: Location, path: Path) -> None:
        """Store a file as an object."""
        self.probe_output(location)
        self.objects[location.bucket, location.key] = path.read_bytes()

    def delete(self, bucket: str, keys: Sequence[str]) -> None:
        """Remove objects, unless the storage is read-only."""
        for key in keys:
            if not self._read_only:
                self.objects.pop((bucket, key), None)


class CapitalWords:
    """An engine with one rule: a word that begins with a capital letter is an entity of type OTHER."""

    result_member = "Entities"

    def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
        """Yield the capitalised words of each text."""
        for text in texts:
            entities: Result = []
            position = 0
            for word in text.split():
                position = text.index(word, position)
                if word[0].isupper():
                    end = position + len(word)
                    entities.append(
                        {"BeginOffset": position, "EndOffset": end, "Score": 1.0, "Text": word, "Type": "OTHER"}
                    )
                position += len(word)
            yield entities


class WordSentiment:
    """An engine that knows two words, ``good`` and ``bad``; a text with both is mixed."""

    result_member = ""

    def analyse(self, texts: Iterable[str]) -> Iterator[Members]:
        """Yield the sentiment of each text."""
        for text in texts:
            words = set(text.lower().split())
            yield _sentiment("good" in words, "bad" in words)


class WordMentions:
    """An engine that reports each capitalised word as an entity with one mention and the text's sentiment."""

    result_member = "Entities"

    def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
        """Yield the mentions of each text."""
        for text in texts:
            words = set(text.lower().split())
            sentiment = _sentiment("good" in words, "bad" in words)
            (found,) = CapitalWords().analyse([text])
            yield [
                {"DescriptiveMentionIndex": [0], "Mentions": [{**e, "GroupScore": 1.0, "MentionSentiment": sentiment}]}
                for e in found
            ]


def _etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _sentiment(good: bool, bad: bool) -> Members:
    label = ("MIXED" if bad else "POSITIVE") if good else "NEGATIVE" if bad else "NEUTRAL"
    scores = {name: float(name.upper() == label) for name in ("Positive", "Negative", "Neutral", "Mixed")}
    return {"Sentiment": label, "SentimentScore": scores}

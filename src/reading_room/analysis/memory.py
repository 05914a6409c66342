"""Storage that only remembers, and engines of one rule each: for tests, and for trying a job without S3."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from reading_room.analysis.engine import Members, Result
from reading_room.analysis.job_file import Location
from reading_room.analysis.storage import InputObject, JobFailure


class MemoryStorage:
    """Objects in a dictionary by ``(bucket, key)``. ``read_only`` refuses output as a policy would."""

    def __init__(self, objects: dict[tuple[str, str], bytes], read_only: bool = False, chunk: int = 7) -> None:
        self.objects = objects
        self._read_only = read_only
        self._chunk = chunk

    def list_input(self, location: Location) -> Iterator[InputObject]:
        """Yield the objects under a prefix in the order of their keys."""
        for (bucket, key), content in sorted(self.objects.items()):
            if bucket == location.bucket and key.startswith(location.key) and not (key.endswith("/") and not content):
                yield InputObject(key, len(content))

    def read(self, bucket: str, key: str) -> Iterator[bytes]:
        """Yield an object in small pieces, so that every boundary is met."""
        content = self.objects[bucket, key]
        for start in range(0, len(content), self._chunk):
            yield content[start : start + self._chunk]

    def probe_output(self, location: Location) -> None:
        """Refuse if nothing may be written."""
        if self._read_only:
            raise JobFailure("NO_WRITE_ACCESS_TO_OUTPUT", f"s3://{location.bucket}/{location.key} is read-only")

    def write(self, location: Location, path: Path) -> None:
        """Keep a file as an object."""
        self.probe_output(location)
        self.objects[location.bucket, location.key] = path.read_bytes()


class CapitalWords:
    """An engine of one rule: a word that begins with a capital letter is an entity of type OTHER."""

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
    """An engine of two words: ``good`` and ``bad``, and both together are mixed."""

    result_member = ""

    def analyse(self, texts: Iterable[str]) -> Iterator[Members]:
        """Yield the sentiment of each text."""
        for text in texts:
            words = set(text.lower().split())
            yield _sentiment("good" in words, "bad" in words)


class WordMentions:
    """An engine that takes each capitalised word for an entity with one mention, of the text's own sentiment."""

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


def _sentiment(good: bool, bad: bool) -> Members:
    label = ("MIXED" if bad else "POSITIVE") if good else "NEGATIVE" if bad else "NEUTRAL"
    scores = {name: float(name.upper() == label) for name in ("Positive", "Negative", "Neutral", "Mixed")}
    return {"Sentiment": label, "SentimentScore": scores}

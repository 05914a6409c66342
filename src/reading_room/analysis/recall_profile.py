"""Recall profiles: thresholds of scores that keep a promised recall, with what the promise rests on, as JSON.

``reading-room pii calibrate`` writes one, the API ``reading-room`` stores it, and a job's worker keeps to it. It holds
only for the engine that analysed its sample, so it names the version of that engine.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from reading_room.analysis.kinds import PII
from reading_room.analysis.trained import SUMS

LIMIT = 16_384
"""The most bytes of a profile: one with a threshold for each of the API's types has 3,000."""
MOST_TYPES = 64
MOST_DOCUMENTS = 1_000_000_000
LANGUAGES = PII.languages
"""The languages in which personal data is found."""

_FOLDER = SUMS.parent
_TYPE = re.compile(r"[A-Z_]{1,64}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TIME = re.compile(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z", re.ASCII)
_ENGINE = re.compile(r"[a-z0-9 .-]{1,64}", re.ASCII)


class ProfileError(ValueError):
    """Bytes are no recall profile: the message says which member, and what it must be."""


@dataclass(frozen=True, slots=True)
class RecallProfile:
    """Thresholds by type, and what they promise.

    With the probability ``confidence`` over the draw of the sample, the expected share of items found in a document is
    at least ``recall``, for each type. ``documents`` says how many of the ``sample_documents`` have each type.
    ``created_at`` is in UTC, such as ``2026-11-30T21:05:00Z``. ``engine`` is what ``engine_version`` returned.
    """

    language: str
    recall: float
    confidence: float
    thresholds: Mapping[str, float]
    documents: Mapping[str, int]
    sample_documents: int
    sample_sha256: str
    created_at: str
    engine: str

    @property
    def stale(self) -> bool:
        """Whether another engine than the present one analysed the sample, so that nothing is promised."""
        return self.engine != engine_version(self.language)

    def members(self) -> dict[str, Any]:
        """Return the profile as the JSON object that ``read`` takes."""
        return {
            "LanguageCode": self.language,
            "Recall": self.recall,
            "Confidence": self.confidence,
            "Thresholds": dict(sorted(self.thresholds.items())),
            "Documents": dict(sorted(self.documents.items())),
            "SampleDocuments": self.sample_documents,
            "SampleSHA256": self.sample_sha256,
            "CreatedAt": self.created_at,
            "Engine": self.engine,
        }

    def bound(self) -> str:
        """Return what the profile promises and on what ground, in words."""
        return (
            f"a recall of at least {self.recall:g} with probability {self.confidence:g}, for {len(self.thresholds)} "
            f"types, from a sample of {self.sample_documents:,} documents of {self.created_at[:10]} and the engine "
            f"{self.engine}"
        )


def engine_version(language: str) -> str:
    """Return the name and version of the engine for a language: ``pii-en 5f1d0a2b3c4d5e6f``.

    The version is the digest of the program of all engines and of the weights that belong to them. So every change
    that might change a score changes it, and some that do not, too.
    """
    return f"pii-{language} {_digest()}"


@cache
def _digest() -> str:
    digest = hashlib.sha256()
    for path in [*sorted((_FOLDER / "engines").rglob("*.py")), _FOLDER / "SHA256SUMS"]:
        content = path.read_bytes()
        digest.update(b"%s %d\n%s" % (path.relative_to(_FOLDER).as_posix().encode(), len(content), content))
    return digest.hexdigest()[:16]


def read(content: bytes | str) -> RecallProfile:
    """Return a profile from its JSON. Raise ``ProfileError``."""
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    if len(data) > LIMIT:
        raise ProfileError(f"it has {len(data):,} bytes; a recall profile has at most {LIMIT:,}")
    try:
        members = json.loads(data, object_pairs_hook=_object)
    except ProfileError:
        raise
    except (ValueError, RecursionError) as error:
        raise ProfileError("it is no JSON in UTF-8") from error
    if not isinstance(members, dict):
        raise ProfileError("it must be a JSON object")
    missing, unknown = sorted(_MEMBERS.keys() - members.keys()), sorted(members.keys() - _MEMBERS.keys())
    if missing:
        raise ProfileError(f"it has no {missing[0]}: write one with this version's `reading-room pii calibrate`")
    if unknown:
        raise ProfileError(f"it has {len(unknown)} unknown members; it takes {', '.join(_MEMBERS)}")
    for name, (fits, expected) in _MEMBERS.items():
        if not fits(members[name]):
            raise ProfileError(f"{name} must be {expected}")
    if members["Documents"].keys() != members["Thresholds"].keys():
        raise ProfileError("Documents and Thresholds must have the same types")
    if max(members["Documents"].values()) > members["SampleDocuments"]:
        raise ProfileError("no number of Documents can be higher than SampleDocuments")
    return RecallProfile(
        language=members["LanguageCode"],
        recall=float(members["Recall"]),
        confidence=float(members["Confidence"]),
        thresholds={kind: float(score) for kind, score in members["Thresholds"].items()},
        documents=members["Documents"],
        sample_documents=members["SampleDocuments"],
        sample_sha256=members["SampleSHA256"],
        created_at=members["CreatedAt"],
        engine=members["Engine"],
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ProfileError("it has a member twice")
    return members


def _is_number(value: object, low: float, high: float) -> bool:
    # A bool is an int, and an int may be too large for a float.
    return type(value) in (int, float) and low <= value <= high and math.isfinite(value)  # type: ignore[operator, arg-type]


def _is_share(value: object) -> bool:
    return _is_number(value, 0, 1) and value not in (0, 1)


def _is_count(value: object) -> bool:
    return type(value) is int and 1 <= value <= MOST_DOCUMENTS


def _by_type(fits: Callable[[object], bool]) -> Callable[[object], bool]:
    def all_fit(value: object) -> bool:
        return (
            isinstance(value, dict)
            and 1 <= len(value) <= MOST_TYPES
            and all(_TYPE.fullmatch(kind) and fits(each) for kind, each in value.items())
        )

    return all_fit


def _is_time(value: object) -> bool:
    if not isinstance(value, str) or _TIME.fullmatch(value) is None:
        return False
    try:
        dt.datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _matches(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


_MEMBERS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "LanguageCode": (lambda value: value in LANGUAGES, f"one of {', '.join(LANGUAGES)}"),
    "Recall": (_is_share, "a number between 0 and 1"),
    "Confidence": (_is_share, "a number between 0 and 1"),
    "Thresholds": (
        _by_type(lambda value: _is_number(value, 0, 1)),
        "an object of types, each with a score from 0 to 1",
    ),
    "Documents": (_by_type(_is_count), "an object of types, each with a number of documents"),
    "SampleDocuments": (_is_count, f"a whole number from 1 to {MOST_DOCUMENTS:,}"),
    "SampleSHA256": (_matches(_SHA256), "a SHA-256 in hexadecimal"),
    "CreatedAt": (_is_time, "a time in UTC such as 2026-11-30T21:05:00Z"),
    "Engine": (_matches(_ENGINE), "the version of the engine, as `reading-room pii calibrate` writes it"),
}

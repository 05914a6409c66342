"""The language of each text in a folder, detected by the product's own BatchDetectDominantLanguage."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reading_room.cli.reading import Account

BATCH_TEXTS, BATCH_BYTES = 25, 5_000
"""The most texts in a batch, and bytes of each."""
DEFAULT = "en"
NAMES = {
    "ar": "Arabic", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish",
    "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian", "it": "Italian",
    "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese",
    "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese",
    "zh": "Chinese", "zh-TW": "traditional Chinese",
}  # fmt: skip
"""English names of the most frequent languages; others are shown by their codes."""


@dataclass(frozen=True, slots=True)
class Languages:
    """The language of each text by its name.

    ``assumed`` are the texts in which none was recognised. ``not_utf8`` are the files that are not text in UTF-8, in
    which documents will have errors.
    """

    of: Mapping[str, str]
    assumed: frozenset[str] = frozenset()
    not_utf8: frozenset[str] = frozenset()

    @property
    def known(self) -> dict[str, str]:
        """The languages without those that were only assumed because a file is not text in UTF-8."""
        return {name: language for name, language in self.of.items() if name not in self.not_utf8 & self.assumed}

    def counted(self) -> list[tuple[int, list[str]]]:
        """Return the recognised languages by the number of their texts, the most frequent first."""
        found = Counter(language for name, language in self.of.items() if name not in self.assumed).most_common()
        return [(times, [each for each, _ in some]) for times, some in groupby(found, key=lambda each: each[1])]


def in_words(code: str) -> str:
    """Return a language for a sentence: ``German (de)``, or only its code."""
    return f"{NAMES[code]} ({code})" if code in NAMES else code


def detect(account: Account, files: Mapping[str, Path]) -> dict[str, str]:
    """Return the languages of the texts in which one was recognised."""
    samples = {name: text for name, path in files.items() if (text := sample(path)).strip()}
    names = list(samples)
    found: dict[str, str] = {}
    for first in range(0, len(names), BATCH_TEXTS):
        some = names[first : first + BATCH_TEXTS]
        answer = account.patient.batch_detect_dominant_language(TextList=[samples[name] for name in some])
        for each in answer["ResultList"]:
            if each["Languages"]:
                found[some[each["Index"]]] = each["Languages"][0]["LanguageCode"]
    return found


def with_assumed(names: Sequence[str], found: Mapping[str, str], not_utf8: frozenset[str] = frozenset()) -> Languages:
    """Return the languages that were found, and of the other texts, such as empty ones, the most frequent one.

    English comes first among equally frequent ones.
    """
    counts = Counter(found.values())
    usual = max(counts, key=lambda language: (counts[language], language == DEFAULT), default=DEFAULT)
    assumed = frozenset(name for name in names if name not in found)
    return Languages({name: found.get(name, usual) for name in names}, assumed, not_utf8)


def sample(path: Path) -> str:
    """Return the beginning of a text, without the lines that are not UTF-8; nothing from a file that is not text."""
    head, cut = _head(path)
    if b"\x00" in head:
        return ""
    lines = [line for line in head.split(b"\n") if _is_utf8(line)]
    if cut and len(lines) == head.count(b"\n"):
        # The last line was cut, perhaps within a character.
        lines.append(head.rpartition(b"\n")[2])
    return b"\n".join(lines).decode("utf-8", "ignore").lstrip("\ufeff")


def is_utf8(path: Path) -> bool:
    """Return whether a file may be text in UTF-8, as far as its first 5,000 bytes tell."""
    head, cut = _head(path)
    return b"\x00" not in head and _is_utf8(head, final=not cut)


def _head(path: Path) -> tuple[bytes, bool]:
    """Return the first bytes of a file, and whether it has more; nothing of a file that is gone."""
    try:
        with path.open("rb") as file:
            return file.read(BATCH_BYTES), bool(file.read(1))
    except OSError:
        # Uploading it says so.
        return b"", False


def _is_utf8(content: bytes, final: bool = True) -> bool:
    """Return whether bytes are UTF-8; unless ``final``, the last character may be cut."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content, final)
    except UnicodeDecodeError:
        return False
    return True

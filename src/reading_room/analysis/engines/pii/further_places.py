"""Postal addresses in French, German, Italian and Portuguese: a street with its number, and what follows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from reading_room.analysis.engines.pii.finding import Finding, end_with

_WORD = r"[A-ZÀ-ÖØ-Þ][^\W\d_]{0,40}+(?:['’-][^\W\d_]{1,40}+){0,3}+"
_NUMBER = r"[0-9]{1,4}(?:[ ]?(?:bis|ter|[a-zA-Z])(?![^\W_]))?(?:[-/][0-9]{1,4})?(?![0-9])"
_STREETS: Mapping[str, re.Pattern[str]] = {
    "fr": re.compile(
        rf"{_NUMBER},?[ ](?:rue|avenue|av\.|boulevard|bd|place|pl\.|impasse|allée|allées|chemin|route|quai|cours|"
        r"square|passage|faubourg|esplanade|Rue|Avenue|Boulevard|Place|Impasse|Allée|Chemin|Route|Quai|Cours|Square)[ ]"
        rf"(?:(?:de|du|des|la|le|les|au|aux|et)[ ]|[dl]['’]|{_WORD}(?=[ ,.\n]|\Z)[ ]?|[0-9]{{1,2}}[ ]){{1,7}}"
    ),
    "it": re.compile(
        r"(?:Via|via|Viale|viale|Piazza|piazza|Piazzale|piazzale|Corso|corso|Largo|largo|Vicolo|vicolo|Strada|"
        r"Lungotevere|Contrada|V\.le|P\.za)[ ]"
        rf"(?:(?:del|della|dei|degli|delle|di|dello|da|al|alla|e)[ ]|dell['’]|{_WORD}\.?[ ]?|[0-9]{{1,2}}[ ]){{1,6}}?"
        rf",?[ ]?(?:n\.?[ ]?)?{_NUMBER}"
    ),
    "pt": re.compile(
        r"(?:Rua|rua|R\.|Avenida|avenida|Av\.|Travessa|travessa|Praça|praça|Largo|largo|Alameda|alameda|Estrada|"
        r"estrada|Rodovia|Calçada|Beco)[ ]"
        rf"(?:(?:de|da|do|das|dos|e)[ ]|{_WORD}\.?[ ]?|[0-9]{{1,2}}[ ]de[ ]){{1,6}}?,?[ ]?(?:n[.º°o]{{1,2}}[ ]?)?"
        rf"{_NUMBER}"
    ),
}
_GERMAN = re.compile(
    r"(?:straße|strasse|str\.|weg|platz|allee|gasse|ring|damm|ufer|chaussee|steig|markt)[ ]" + _NUMBER, re.IGNORECASE
)
_FIRST_WORDS = re.compile(rf"(?<![^\W_])(?:{_WORD}[ ]){{1,3}}\Z")
_PREPOSITION = re.compile(
    r"(?<![^\W_])(?:Am|Im|Zum|Zur|Beim|(?:An|In|Auf|Unter|Vor|Hinter|Bei)[ ](?:der|den|dem))[ ]\Z"
)
_CITY = (
    rf"{_WORD}(?:[ -](?:(?:de|du|la|le|les|sur|am|an|der|im|in|di|del|della|dos|das|do|da)[ -]){{0,2}}{_WORD}){{0,3}}"
)
_TAILS = (
    # The flat, the floor or the building.
    re.compile(
        r",?[ \n](?:appartement|appt\.?|apt\.?|étage|bâtiment|bât\.?|Wohnung|Whg\.?|interno|int\.|scala|piano|apto\.?|"
        r"apartamento|andar|bloco|sala)[ ]?[A-Z0-9]{1,4}(?![^\W_])",
        re.IGNORECASE,
    ),
    re.compile(r",?[ ][0-9]{1,2}(?:e|º|°|ª|er|\.)?[ ](?:étage|Stock|OG|piano|andar|esq\.?|dto\.?)(?![^\W_])"),
    re.compile(
        rf",?[ \n]{{1,2}}(?:[FDIP]-|CH-|A-|L-)?(?:[0-9]{{4}}-[0-9]{{3}}|[0-9]{{5}}-[0-9]{{3}}|[0-9]{{5}}|[0-9]{{4}}),?"
        rf"[ ]{_CITY}(?:[ ]\(?[A-Z]{{2}}\)?(?![^\W_]))?"
    ),
    re.compile(rf"(?:,[ ]|\n){_CITY}(?=[,.\n;)]|\Z|[ ][a-z])(?:,[ ][A-Z]{{2}}(?![^\W_]))?"),
)
_MOST_TAILS = 4


def further_places(text: str, language: str) -> Iterator[Finding]:
    """Yield the postal addresses of a text in one of these languages."""
    if language == "de":
        for match in _GERMAN.finditer(text):
            begin = _beginning(text, match.start())
            if begin is not None:
                yield _whole(text, begin, match.end())
        return
    for match in _STREETS[language].finditer(text):
        before = text[match.start() - 1 : match.start()]
        if not before.isalnum() and before not in ("-", "'", "’"):
            yield _whole(text, match.start(), match.start() + len(match[0].rstrip(" ")))


def _beginning(text: str, at: int) -> int | None:
    """Return where a German street begins from the place of its last part ("straße"), ``None`` if it is none."""
    begin = at
    while begin > 0 and at - begin < 40 and (text[begin - 1].isalpha() or text[begin - 1] == "-"):
        begin -= 1
    if not text[begin].isupper():
        return None
    if begin < at:
        before = _PREPOSITION.search(text, max(0, begin - 12), begin)
        return begin if before is None else before.start()
    # "Berliner Straße": the words before belong to it, and there must be one.
    words = _FIRST_WORDS.search(text, max(0, begin - 60), begin)
    if words is None:
        before = _PREPOSITION.search(text, max(0, begin - 12), begin)
        return None if before is None else before.start()
    return words.start()


def _whole(text: str, begin: int, end: int) -> Finding:
    return Finding(begin, end_with(_TAILS, text, end, _MOST_TAILS), "ADDRESS", 0.95)

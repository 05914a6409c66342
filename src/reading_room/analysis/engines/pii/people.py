"""Names and postal addresses by their form: after a title or an introduction, and with a street and a number."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reading_room.analysis.engines.pii import further_words
from reading_room.analysis.engines.pii.finding import Finding, end_with
from reading_room.analysis.engines.pii.further_places import further_places
from reading_room.analysis.engines.pii.labels import words

_CAPITAL = r"[A-ZÀ-ÖØ-ÞĀĂĄĆĈĊČĎĐĒĖĘĚĞĢĦĪĮİĶĹĻĽŁŃŅŇŐŒŔŘŚŞŠŤŢŪŮŰŲŹŻŽȘȚ]"
# Bounded, so that the time for a long word is that of its length.
WORD = _CAPITAL + r"[^\W\d_]{0,40}+(?:['’-][^\W\d_]{1,40}+){0,3}+"
_PARTICLE = r"(?:de la|de los|de las|del|de|da|dos|van der|van den|van|von|bin|ibn|al|el|la|le)"
_PART = rf"(?:{_CAPITAL}\.|{WORD})"
NAME = re.compile(rf"{_PART}(?:[ ]{_PART}|[ ]{_PARTICLE}[ ]{WORD}){{0,4}}")
TITLES = {
    "en": ("Mr", "Mrs", "Ms", "Miss", "Mx", "Dr", "Prof", "Professor", "Sir", "Dame", "Lady"),
    "es": (
        "Sr",
        "Sra",
        "Srta",
        "Señor",
        "Señora",
        "señor",
        "señora",
        "Don",
        "Doña",
        "don",
        "doña",
        "Dr",
        "Dra",
        "Mr",
        "Mrs",
        "doctor",
        "doctora",
        "profesor",
        "profesora",
        "licenciado",
        "licenciada",
    ),
    **further_words.TITLES,
}
_AFTER_TITLE = re.compile(r"\.?[ \u00a0]+")
_INTRODUCTIONS = {
    "en": (
        "name is ", "name: ", "Name: ", "Name is ", "named ", "called ", "Dear ", "Sincerely,\n", "regards,\n",
        "Regards,\n", "Patient: ", "Contact: ", "Attn: ", "signed by ", "Customer: ", "Employee: ", "Applicant: ",
        "my name's ", "I am ", "I'm ", "According to ", "according to ", "This is ", "this is ",
    ),
    "es": (
        "nombre es ", "Nombre: ", "nombre: ", "llamo ", "llama ", "llamado ", "llamada ", "Estimado ", "Estimada ",
        "Querido ", "Querida ", "Paciente: ", "Contacto: ", "Cliente: ", "Titular: ", "Atentamente,\n", "saludo,\n",
        "soy ", "Soy ", "Según ", "según ", "Empleado: ", "Solicitante: ",
    ),
    **further_words.INTRODUCTIONS,
}  # fmt: skip
_NO_NAMES = words(
    "The A An I We You He She It They This That These Those My Your Our Please Thank Thanks Sir Madam All "
    "Team Customer Dear Sorry Happy Very Not In On At And But If When Just Mr Mrs Ms Dr Señor Señora Sr Sra "
    "Cliente Clientes Todos Equipo El La Los Las Un Una De Hiring Manager Colleagues Friends Valued Support "
    "Order Account Card"
)
_STREET_WORDS = (
    "Street|St|Avenue|Ave|Av|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Way|"
    "Parkway|Pkwy|"
    "Circle|Cir|Highway|Hwy|Close|Crescent|Cres|Gardens|Grove|Hill|Mews|Row|Trail|Trl|Alley|Plaza|Walk|Quay|Loop|"
    "Broadway"
)
_ENGLISH_STREET = re.compile(
    rf"[0-9]{{1,5}}(?:[A-Za-z]|[-/][0-9]{{1,4}})?,?[ ](?:(?:[NSEW]|North|South|East|West|NE|NW|SE|SW)\.?[ ])?"
    rf"(?:{WORD}\.?[ ]|[0-9]{{1,3}}(?:st|nd|rd|th)[ ]){{1,4}}?(?:{_STREET_WORDS})\b\.?(?:[ ](?:[NSEW]|North|South|"
    rf"East|West)\b)?"
)
_BOX = re.compile(r"(?:P\.?[ ]?O\.?[ ]?Box|Apartado de correos|Apdo\.?(?: de correos)?)[ ][0-9]{1,6}", re.IGNORECASE)
_SPANISH_STREET = re.compile(
    r"(?:Calle|calle|C/|C\.|Avenida|avenida|Avda\.?|Av\.|Plaza|plaza|Pza\.?|Paseo|paseo|P\.º|Camino|Carretera|"
    r"Ctra\.?|Ronda|Travesía|"
    r"Glorieta|Urbanización|Carrer|Carrera|Cra\.?|Jirón|Jr\.|Bulevar|Boulevard|Rambla|Gran Vía|Cuesta|Callejón)[ ]?"
    rf"(?:(?:de|la|las|los|el|del|y|San|Santa)[ ]|{WORD}\.?[ ]?|[0-9]{{1,2}}[ ]de[ ]){{0,6}}"
    r",?[ ]?(?:n[.º°o]{1,2}|núm\.?|número|No\.?|#)?[ ]?[0-9]{1,5}(?:[ ]?-[ ]?[0-9]{1,4})?(?:[ ]?bis)?(?![0-9])"
)
_TAILS = (
    re.compile(
        r",?[ \n]{1,2}(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm|Building|Bldg|#|Piso|piso|Puerta|"
        r"puerta|Bloque|Portal|"
        r"portal|Escalera|escalera|Esc|Depto|Departamento|Apto|Oficina|Of|"
        r"Local)\.?[ ]?[A-Z0-9]{1,5}[ºª°]?(?:[ ][A-Z]\b)?"
    ),
    re.compile(r",?[ ][0-9]{1,2}(?:º|ª|°|\.º|\.ª)[ ]?(?:[A-Z]\b|izq(?:da|uierda)?\.?|dcha\.?|derecha)?"),
    re.compile(
        r",?[ \n]{1,2}(?:CP|C\.P\.|código postal)?[ ]?[0-9]{5},?[ ]"
        + rf"{WORD}(?:[ ](?:(?:de|la|del|los|las|el)[ ]){{0,3}}{WORD}){{0,3}}(?:[ ]?\({WORD}\))?"
    ),
    re.compile(r",?[ \n]{1,2}(?:[A-Z]{2}|" + rf"{WORD}(?:[ ]{WORD})?)[ ]+[0-9]{{5}}(?:-[0-9]{{4}})?(?![0-9])"),
    re.compile(r",?[ \n]{1,2}[A-Z]{1,2}[0-9][A-Z0-9]?[ ][0-9][A-Z]{2}\b"),
    re.compile(r",?[ \n]{1,2}[A-Z]{2}[ ]+[A-Z][0-9][A-Z][ ][0-9][A-Z][0-9]\b"),
    re.compile(r",?[ \n]{1,2}[0-9]{5}(?:-[0-9]{4})?(?![0-9])"),
    re.compile(
        rf"(?:,[ ]|\n){WORD}(?:[ ](?:(?:de|la|del|los|las|el|of)[ ]){{0,3}}{WORD}){{0,2}}(?=[,.\n;)]|$|"
        rf"[ ](?:[a-z]|[A-Z]{{1,2}}(?:\b|[0-9])|[0-9]))"
    ),
)
_MOST_TAILS = 6
_POSTCODE = re.compile(r"\b(?:[A-Z]{1,2}[0-9][A-Z0-9]?[ ][0-9](?![CIKMOV])[A-Z](?![CIKMOV])[A-Z])(?![A-Za-z0-9])")
_CITY_STATE = re.compile(
    rf"(?<![^\W_]){WORD}(?:[ ]{WORD}){{0,2}},[ ](?:A[LKZR]|C[AOT]|D[EC]|FL|GA|HI|I[DLNA]|K[SY]|LA|M[EDAINSOT]|"
    rf"N[EVHJMYCD]|O[HKR]|PA|RI|S[CD]|"
    r"T[NX]|UT|V[TA]|W[AVIY])(?:[ ][0-9]{5}(?:-[0-9]{4})?)?(?![A-Za-z0-9])"
)


def names(text: str, language: str) -> Iterator[Finding]:
    """Yield names after titles and introductions. The title does not belong to the name."""
    for title in TITLES[language]:
        at = text.find(title)
        while at >= 0:
            end = at + len(title)
            gap = _AFTER_TITLE.match(text, end)
            if gap is not None and not text[at - 1 : at].isalnum():
                yield from _name(text, gap.end(), 0.95, language)
            at = text.find(title, end)
    for opening in _INTRODUCTIONS[language]:
        at = text.find(opening)
        while at >= 0:
            end = at + len(opening)
            if not text[at - 1 : at].isalnum() or opening[0].islower():
                yield from _name(text, end, 0.6 if len(opening) < 6 or opening[-3:] == "is " else 0.9, language)
            at = text.find(opening, end)


def _name(text: str, begin: int, score: float, language: str) -> Iterator[Finding]:
    match = NAME.match(text, begin)
    if match is None:
        return
    first = match[0].split()[0]
    if first.rstrip(".") in _NO_NAMES or first in further_words.NO_NAMES.get(language, ()):
        return
    end = match.end()
    yield Finding(begin, end, "NAME", score)


def places(text: str, lower: str, language: str) -> Iterator[Finding]:
    """Yield postal addresses, from the number or the street to the country."""
    if language in further_words.FURTHER:
        yield from further_places(text, language)
        return
    for match in _ENGLISH_STREET.finditer(text):
        if not text[match.start() - 1 : match.start()].isalnum():
            yield _whole(text, match.start(), match.end(), 0.95)
    if language == "es":
        for match in _SPANISH_STREET.finditer(text):
            if not text[match.start() - 1 : match.start()].isalnum():
                yield _whole(text, match.start(), match.end(), 0.95)
    if "box" in lower or "apdo" in lower or "apartado" in lower:
        for match in _BOX.finditer(text):
            yield _whole(text, match.start(), match.end(), 0.95)
    for match in _POSTCODE.finditer(text):
        yield Finding(match.start(), match.end(), "ADDRESS", 0.85)
    if ", " in text:
        for match in _CITY_STATE.finditer(text):
            yield Finding(match.start(), match.end(), "ADDRESS", 0.85)


def _whole(text: str, begin: int, end: int, score: float) -> Finding:
    end = end_with(_TAILS, text, end, _MOST_TAILS)
    if text[end - 1] == "." and not text[end : end + 1].isalnum():
        end -= 1
    return Finding(begin, end, "ADDRESS", score)

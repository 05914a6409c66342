"""Words that say what a number or code nearby is, such as "routing number", and where a text has them."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from reading_room.analysis.engines.pii.further_words import FURTHER, LABELS

OTHER = "OTHER"
"""The label of numbers that are nobody's, such as an invoice's."""

_BOTH: Mapping[str, str] = {
    "BANK_ROUTING": "aba|rtn",
    "CREDIT_DEBIT_CVV": "cvv|cvv2|cvc|cvc2|cid",
    "INTERNATIONAL_BANK_ACCOUNT_NUMBER": "iban",
    "SWIFT_CODE": "swift|bic",
    "SSN": "ssn|ssn#",
    "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER": "itin",
    "UK_NATIONAL_HEALTH_SERVICE_NUMBER": "nhs",
    "UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER": "utr|unique taxpayer reference",
    "CA_SOCIAL_INSURANCE_NUMBER": "social insurance",
    "CA_HEALTH_NUMBER": "ohip|phn",
    "IN_AADHAAR": "aadhaar|aadhar",
    "IN_VOTER_NUMBER": "epic|voter id|voter card|elector",
    "IN_NREGA": "nrega|mgnrega|job card",
    "VEHICLE_IDENTIFICATION_NUMBER": "vin|chassis",
    "AWS_SECRET_KEY": "aws_secret_access_key|secret_access_key|secretaccesskey|secret access key|secret key",
    "PIN": "pin",
    "USERNAME": "username|login|userid|user_id|user id|user-id|nickname",
    "PASSWORD": "password|passwd|pwd|passphrase|passcode",
    "PHONE": "tel|fax|sms|whatsapp|telegram",
    OTHER: "isbn|issn|imei|sku|upc|ean|doi|invoice|serial|ref",
}
_ENGLISH_ONLY: Mapping[str, str] = {"CA_SOCIAL_INSURANCE_NUMBER": "sin"}
"""Words that are common ones in the other language."""
_ENGLISH: Mapping[str, str] = {
    "BANK_ROUTING": "routing|routing number|routing transit",
    "BANK_ACCOUNT_NUMBER": "account|acct|account number|acct no|checking|savings",
    "CREDIT_DEBIT_NUMBER": "card|card number|credit card|debit card|visa|mastercard|amex|american express|discover",
    "CREDIT_DEBIT_CVV": "security code|card verification|verification code on the back",
    "CREDIT_DEBIT_EXPIRY": "exp|expiry|expires|expiration|expiring|valid thru|valid through|valid until|exp date",
    "SWIFT_CODE": "swift code|bic code",
    "SSN": "social security|social security number|soc sec",
    "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER": "taxpayer identification|tax id|tax identification",
    "UK_NATIONAL_HEALTH_SERVICE_NUMBER": "national health service",
    "UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER": "taxpayer reference|tax reference",
    "CA_HEALTH_NUMBER": "health card|health number|health insurance number|personal health number|care card",
    "VEHICLE_IDENTIFICATION_NUMBER": "vehicle identification",
    "PASSPORT_NUMBER": "passport",
    "DRIVER_ID": "driver license|driver's license|drivers license|driver’s license|driving licence|driver's licence|"
    "driver licence|driving license|drivers licence|dl|license number|licence number|driver id",
    "LICENSE_PLATE": "license plate|licence plate|number plate|plate|plates|registration plate|registration number|"
    "reg number|vehicle registration|tag number",
    "USERNAME": "user name|screen name|login name|handle|log in as|logged in as|sign in as|account name",
    "PHONE": "phone|telephone|mobile|cell|call|text|dial|ring|hotline|reach|landline|contact number|cellphone",
    OTHER: "order|tracking|ticket|confirmation|part number|model|case number|reference|version|build|application|"
    "invoice number|batch|purchase order|receipt|transaction id|page|article|flight|item|lot",
}
_SPANISH: Mapping[str, str] = {
    "BANK_ROUTING": "número de ruta|ruta bancaria|ruta aba",
    "BANK_ACCOUNT_NUMBER": "cuenta|cuenta bancaria|cuenta corriente|número de cuenta|nº de cuenta|cuenta de ahorros|"
    "clabe",
    "CREDIT_DEBIT_NUMBER": "tarjeta|tarjeta de crédito|tarjeta de débito|número de tarjeta|visa|mastercard",
    "CREDIT_DEBIT_CVV": "código de seguridad|código de verificación",
    "CREDIT_DEBIT_EXPIRY": "caduca|caducidad|vence|vencimiento|expira|expiración|válida hasta|validez",
    "SWIFT_CODE": "código swift|código bic",
    "SSN": "seguro social|seguridad social",
    "PASSPORT_NUMBER": "pasaporte",
    "DRIVER_ID": "carné de conducir|carnet de conducir|permiso de conducir|licencia de conducir|licencia de manejo|"
    "permiso de conducción",
    "LICENSE_PLATE": "matrícula|placa|placas|patente",
    "VEHICLE_IDENTIFICATION_NUMBER": "bastidor|número de chasis|chasis",
    "PIN": "clave pin|código pin",
    "USERNAME": "usuario|nombre de usuario|nick|alias",
    "PASSWORD": "contraseña|clave|clave de acceso|contrasena",
    "PHONE": "teléfono|telefono|móvil|movil|celular|llame|llámame|llamar|tfno|tlf|tel|fijo",
    OTHER: "pedido|factura|referencia|expediente|versión|página|artículo|modelo|vuelo|lote|seguimiento|artículos",
}
_WORD = re.compile(r"[^\W_]+")
_DISTANCE, _DISTANCE_AFTER = 60, 14
_ENDS_SENTENCE = re.compile(
    r"[;!?]\s|(?<![ (]no)(?<![ (]No)(?<![ (]nº)(?<!núm)(?<!num)(?<! ref)\.\s|[^\W_][^\n]*\n|\n\s*\n"
)
"""The end of a sentence, an empty line, or a line that goes on after the label."""
_CONTINUES = re.compile(r" ?\(|,? (?:is|was|are|as|es|era|son) (?:(?:my|the|mi|el|la|his|her|su|your|tu) )?")


def words(text: str) -> frozenset[str]:
    """Return the words of a list that is written as a text."""
    return frozenset(text.split())


class Label(NamedTuple):
    """What a word or phrase of a text says about a number nearby."""

    begin: int
    end: int
    type: str


Phrases = Mapping[str, Sequence[tuple[str, str]]]
"""Phrases in lower case with their types, by their first word."""


def phrases(language: str) -> Phrases:
    """Return the phrases of a language."""
    tables: tuple[Mapping[str, str], ...] = (_BOTH, _ENGLISH, _ENGLISH_ONLY if language == "en" else _SPANISH)
    if language in FURTHER:
        tables = (_BOTH, LABELS[language])
    kinds = {phrase: kind for table in tables for kind, listed in table.items() for phrase in listed.split("|")}
    found: dict[str, list[tuple[str, str]]] = {}
    for phrase, kind in kinds.items():
        first = _WORD.findall(phrase)[0]
        # A label may have the plural's "s" at its end.
        for word in (first, f"{first}s") if len(first) == len(phrase) else (first,):
            found.setdefault(word, []).append((phrase, kind))
    return found


class Labels:
    """The labels of one text, in their order; of several at the same place only the longest."""

    def __init__(self, lower: str, known: Phrases) -> None:
        """Find them. ``lower`` is the text in lower case, character by character."""
        self._text = lower
        there = {each for word in known.keys() & set(_WORD.findall(lower)) for each in known[word]}
        found = [label for phrase, kind in there for label in _places(lower, phrase, kind)]
        found.sort(key=lambda label: (label.begin, -label.end, label.type))
        self.all: list[Label] = []
        for label in found:
            if not self.all or label.begin >= self.all[-1].end:
                self.all.append(label)
        self._begins = [label.begin for label in self.all]
        self._ends = [label.end for label in self.all]

    def near(self, begin: int, end: int) -> str | None:
        """Return the type of the label that belongs to the place, ``None`` without one.

        It is the last one before the place in the same sentence, or else one that follows at once ("… is my SSN").
        """
        if not self.all:
            return None
        at = bisect_right(self._ends, begin) - 1
        near = at >= 0 and begin - self._ends[at] <= _DISTANCE
        if near and not _ENDS_SENTENCE.search(self._text, self._ends[at], begin):
            return self.all[at].type
        at = bisect_left(self._begins, end)
        near = at < len(self.all) and self._begins[at] - end <= _DISTANCE_AFTER
        if near and _CONTINUES.fullmatch(self._text, end, self._begins[at]):
            return self.all[at].type
        return None


def _places(lower: str, phrase: str, kind: str) -> Iterator[Label]:
    at = lower.find(phrase)
    while at >= 0:
        end = at + len(phrase)
        if not (_joins(lower[at - 1 : at]) or (_joins(lower[end : end + 1]) and lower[end : end + 2] != "s ")):
            yield Label(at, end, kind)
        at = lower.find(phrase, end)


def _joins(character: str) -> bool:
    return character.isalnum()

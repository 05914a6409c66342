"""Personal data in French, German, Italian and Portuguese, an extension: rules of these languages, and the model."""

from __future__ import annotations

import time
from typing import Any

import pytest

from reading_room.analysis.engines.pii.engine import PiiRules
from reading_room.analysis.engines.pii.finding import resolved
from reading_room.analysis.engines.pii.further_words import FURTHER, LABELS
from reading_room.analysis.engines.pii.model import personal
from reading_room.analysis.kinds import PII

RULES = {language: PiiRules(language) for language in FURTHER}


def found(language: str, text: str) -> set[tuple[str, str]]:
    """Return what the rules of a language find: types and texts."""
    return {(each.type, text[each.begin : each.end]) for each in resolved(text, RULES[language].find(text))}


@pytest.mark.parametrize(
    ("language", "text", "kind", "expected"),
    [
        ("fr", "Mon mot de passe est Zx9!kkp.", "PASSWORD", "Zx9!kkp"),
        ("fr", "le code PIN est 4417", "PIN", "4417"),
        ("fr", "Tél. 06.43.58.34.32", "PHONE", "06.43.58.34.32"),
        ("fr", "né le 3 mars 1984 à Lyon", "DATE_TIME", "3 mars 1984"),
        ("fr", "âgée de 41 ans", "AGE", "41 ans"),
        ("fr", "Mme Roussel est venue", "NAME", "Roussel"),
        ("fr", "au 12 bis, rue de la Paix, 75002 Paris.", "ADDRESS", "12 bis, rue de la Paix, 75002 Paris"),
        ("fr", "plaque d'immatriculation AB-123-CD", "LICENSE_PLATE", "AB-123-CD"),
        ("de", "Das Passwort lautet Zx9!kkp.", "PASSWORD", "Zx9!kkp"),
        ("de", "Rufen Sie 030 / 2498575 an", "PHONE", "030 / 2498575"),
        ("de", "am 3. März 1984 geboren", "DATE_TIME", "3. März 1984"),
        ("de", "eine 41-jährige Frau", "AGE", "41-jährige"),
        ("de", "Sehr geehrte Frau Vogt,", "NAME", "Vogt"),
        ("de", "in der Berliner Straße 12a, 10115 Berlin.", "ADDRESS", "Berliner Straße 12a, 10115 Berlin"),
        ("de", "wohnt Am Stadtring 5", "ADDRESS", "Am Stadtring 5"),
        ("de", "Die Nummer des Führerscheins R5062498", "DRIVER_ID", "R5062498"),
        ("it", "La password è Zx9!kkp.", "PASSWORD", "Zx9!kkp"),
        ("it", "il mio cellulare è 347 123 4567", "PHONE", "347 123 4567"),
        ("it", "nato il 3 marzo 1984", "DATE_TIME", "3 marzo 1984"),
        ("it", "compie 41 anni", "AGE", "41 anni"),
        ("it", "la signora Fabbri", "NAME", "Fabbri"),
        ("it", "in Via della Repubblica 7, 20121 Milano.", "ADDRESS", "Via della Repubblica 7, 20121 Milano"),
        ("it", "targa LA 841 NX", "LICENSE_PLATE", "LA 841 NX"),
        ("pt", "A senha é Zx9!kkp.", "PASSWORD", "Zx9!kkp"),
        ("pt", "o telemóvel 912 345 678", "PHONE", "912 345 678"),
        ("pt", "em 3 de março de 1984", "DATE_TIME", "3 de março de 1984"),
        ("pt", "tem 41 anos", "AGE", "41 anos"),
        ("pt", "a Dona Matos", "NAME", "Matos"),
        ("pt", "na Rua das Flores, n.º 8, 1200-195 Lisboa.", "ADDRESS", "Rua das Flores, n.º 8, 1200-195 Lisboa"),
        ("pt", "validade 04/29", "CREDIT_DEBIT_EXPIRY", "04/29"),
    ],
)
def test_each_language_has_its_own_words_and_forms(language: str, text: str, kind: str, expected: str) -> None:
    assert (kind, expected) in found(language, text)


@pytest.mark.parametrize("language", FURTHER)
def test_what_has_a_checksum_or_a_grammar_is_found_in_every_language(language: str) -> None:
    text = "4111 1111 1111 1111; GB82 WEST 1234 5698 7654 32; ana@example.com; https://example.org/a; 192.0.2.7"
    kinds = {kind for kind, _ in found(language, text)}
    assert kinds == {"CREDIT_DEBIT_NUMBER", "INTERNATIONAL_BANK_ACCOUNT_NUMBER", "EMAIL", "URL", "IP_ADDRESS"}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "La facture 2290183 est payée, dit le vin."),
        ("de", "Die Rechnung 2290183 ist bezahlt. Lieber Kunde, der Weg ist weit."),
        ("it", "La fattura 2290183 è pagata. Gentile Cliente, via libera."),
        ("pt", "A fatura 2290183 está paga. Caro Cliente, a rua é larga."),
    ],
)
def test_ordinary_sentences_have_nothing(language: str, text: str) -> None:
    assert found(language, text) == set()


HOSTILE = ("Rue de la ", "1 rue A ", "Straße ", "Am Markt A", "Via del A ", "Rua da A ", "A-", "0 / 1")


@pytest.mark.costs(3, reason="eight texts of 10,000 and of 40,000 characters")
@pytest.mark.parametrize("language", FURTHER)
def test_the_time_of_a_hostile_text_is_that_of_its_length(language: str) -> None:
    def seconds(pattern: str, length: int) -> float:
        text = (pattern * length)[:length]
        taken = []
        for _ in range(2):
            began = time.process_time()
            resolved(text, RULES[language].find(text))
            taken.append(time.process_time() - began)
        return min(taken)

    for pattern in HOSTILE:
        # Quadratic time would be sixteen times as much.
        assert seconds(pattern, 40_000) < 9 * max(seconds(pattern, 10_000), 0.003), pattern


def entity(text: str, part: str, kind: str, score: float = 0.9) -> dict[str, Any]:
    """Return an entity as the model gives it."""
    begin = text.index(part)
    return {"BeginOffset": begin, "EndOffset": begin + len(part), "Type": kind, "Score": score}


@pytest.mark.parametrize(
    ("language", "text", "given", "kind", "expected"),
    [
        ("fr", "Cher Monsieur Roux, merci", "Cher Monsieur Roux", "PERSON", "Roux"),
        ("fr", "Jean-Pierre Roux est venu", "Pierre Roux", "PERSON", "Jean-Pierre Roux"),
        ("de", "Herr Dr. Vogt kommt", "Herr Dr. Vogt", "PERSON", "Vogt"),
        ("it", "Egregio Signor Coppola", "Egregio Signor Coppola", "PERSON", "Coppola"),
        ("es", "el 3 de mayo", "3 de mayo", "DATE", None),
        ("pt", "o Senado reuniu", "Senado", "ORGANIZATION", None),
        ("pt", "mora no Porto", "Porto", "LOCATION", "Porto"),
    ],
)
def test_an_entity_of_the_multilingual_model_becomes_a_finding(
    language: str, text: str, given: str, kind: str, expected: str | None
) -> None:
    places = [text[each.begin : each.end] for each in personal(text, [entity(text, given, kind)], language)]
    assert places == ([] if expected is None else [expected])


def test_a_doubtful_place_of_the_multilingual_model_is_none() -> None:
    text = "O IBAN do cliente"
    assert list(personal(text, [entity(text, "IBAN", "LOCATION", 0.5)], "pt")) == []


def test_each_further_language_is_an_engine_and_labelled_as_an_extension() -> None:
    assert set(PII.languages) - set(PII.languages_in(extensions=False)) == set(FURTHER) == LABELS.keys()
    assert PII.languages_in(extensions=False) == ("en", "es")

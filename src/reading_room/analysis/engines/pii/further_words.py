"""Words of French, German, Italian and Portuguese, in which personal data is found as an extension of the API."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

FURTHER = ("fr", "de", "it", "pt")

_OTHER = "OTHER"

LABELS: Mapping[str, Mapping[str, str]] = {
    "fr": {
        "BANK_ACCOUNT_NUMBER": "compte|compte bancaire|numéro de compte|n° de compte",
        "CREDIT_DEBIT_NUMBER": "carte|carte bancaire|carte bleue|carte de crédit|numéro de carte|visa|mastercard",
        "CREDIT_DEBIT_CVV": "code de sécurité|cryptogramme|cryptogramme visuel|code de vérification",
        "CREDIT_DEBIT_EXPIRY": "expire|expirant|expiration|date d'expiration|date d’expiration|valable jusqu'au|"
        "valable jusqu’au|valide jusqu'au|échéance",
        "SWIFT_CODE": "code swift|code bic",
        "PASSPORT_NUMBER": "passeport",
        "DRIVER_ID": "permis de conduire",
        "LICENSE_PLATE": "immatriculation|immatriculé|immatriculée|plaque|plaques|plaque d'immatriculation",
        "VEHICLE_IDENTIFICATION_NUMBER": "châssis|numéro de châssis|numéro de série du véhicule",
        "PIN": "code pin|code secret|code confidentiel",
        "USERNAME": "utilisateur|identifiant|nom d'utilisateur|nom d’utilisateur|pseudo|pseudonyme|compte utilisateur",
        "PASSWORD": "mot de passe|mdp",
        "PHONE": "téléphone|tél|portable|mobile|appelez|appeler|joindre|joignable|fixe|numéro de téléphone",
        _OTHER: "commande|facture|référence|dossier|version|page|article|modèle|vol|lot|suivi|colis|pièce",
    },
    "de": {
        "BANK_ACCOUNT_NUMBER": "konto|kontonummer|konto-nr|kontonr|bankkonto|girokonto",
        "CREDIT_DEBIT_NUMBER": "karte|kreditkarte|kartennummer|kreditkartennummer|debitkarte|ec-karte|visa|visa-karte|"
        "mastercard",
        "CREDIT_DEBIT_CVV": "prüfziffer|prüfnummer|prüfzahl|kartenprüfnummer|sicherheitscode",
        "CREDIT_DEBIT_EXPIRY": "gültig bis|ablaufdatum|läuft ab|verfallsdatum|gültigkeit",
        "SWIFT_CODE": "swift-code|bic-code",
        "PASSPORT_NUMBER": "reisepass|reisepasses|reisepassnummer|pass|passnummer",
        "DRIVER_ID": "führerschein|führerscheins|führerscheinnummer|fahrerlaubnis",
        "LICENSE_PLATE": "kennzeichen|kennzeichens|autokennzeichen|nummernschild",
        "VEHICLE_IDENTIFICATION_NUMBER": "fahrgestellnummer|fahrgestell|fahrzeug-identifizierungsnummer|fin",
        "PIN": "geheimzahl|pin-code|pin-nummer",
        "USERNAME": "benutzername|benutzernamen|benutzer|benutzerkennung|benutzerkonto|nutzername|anmeldename|kennung",
        "PASSWORD": "passwort|kennwort|zugangscode",
        "PHONE": "telefon|telefonnummer|telefonisch|handy|handynummer|mobil|mobilnummer|rufnummer|anrufen|erreichen|"
        "erreichbar|festnetz|durchwahl",
        _OTHER: "bestellung|bestellnummer|rechnung|rechnungsnummer|referenz|aktenzeichen|version|seite|artikel|"
        "artikelnummer|modell|flug|sendung|sendungsnummer|charge|vorgang|ticket|teil",
    },
    "it": {
        "BANK_ACCOUNT_NUMBER": "conto|conto corrente|conto bancario|numero di conto",
        "CREDIT_DEBIT_NUMBER": "carta|carta di credito|carta di debito|numero di carta|numero della carta|bancomat|"
        "visa|mastercard",
        "CREDIT_DEBIT_CVV": "codice di sicurezza|codice di verifica",
        "CREDIT_DEBIT_EXPIRY": "scadenza|scade|data di scadenza|valida fino al|valido fino al|valida fino a",
        "SWIFT_CODE": "codice swift|codice bic",
        "PASSPORT_NUMBER": "passaporto",
        "DRIVER_ID": "patente|patente di guida|numero di patente",
        "LICENSE_PLATE": "targa|targhe|targata|targato",
        "VEHICLE_IDENTIFICATION_NUMBER": "telaio|numero di telaio",
        "PIN": "codice pin",
        "USERNAME": "utente|nome utente",
        "PASSWORD": "parola d'ordine|parola chiave",
        "PHONE": "telefono|cellulare|chiamare|chiami|chiamate|telefonare|fisso|numero di telefono",
        _OTHER: "ordine|fattura|riferimento|pratica|versione|pagina|articolo|modello|volo|lotto|spedizione|pezzo",
    },
    "pt": {
        "BANK_ACCOUNT_NUMBER": "conta|conta corrente|conta bancária|número da conta|número de conta",
        "CREDIT_DEBIT_NUMBER": "cartão|cartão de crédito|cartão de débito|número do cartão|visa|mastercard",
        "CREDIT_DEBIT_CVV": "código de segurança|código de verificação",
        "CREDIT_DEBIT_EXPIRY": "validade|data de validade|vencimento|vence|expira|válido até|válida até",
        "SWIFT_CODE": "código swift|código bic",
        "PASSPORT_NUMBER": "passaporte",
        "DRIVER_ID": "carta de condução|carteira de motorista|carteira de habilitação|cnh",
        "LICENSE_PLATE": "matrícula|placa|placas",
        "VEHICLE_IDENTIFICATION_NUMBER": "chassi|chassis|quadro|número do chassi",
        "PIN": "código pin",
        "USERNAME": "usuário|utilizador|nome de usuário|nome de utilizador",
        "PASSWORD": "senha|palavra-passe|palavra passe|palavra-chave",
        "PHONE": "telefone|telemóvel|celular|ligar|ligue|telefonar|fixo|número de telefone",
        _OTHER: "pedido|encomenda|fatura|referência|processo|versão|página|artigo|modelo|voo|lote|rastreamento|peça",
    },
}
"""Words that say what a number nearby is, by its type."""

FILLED: Mapping[str, str] = {
    "fr": "[nN]°|numéros?|code|est|était|sont|de|du|la|le|les|mon|ma|mes|votre|vos|son|sa|leur|pour|"
    "au|à|en|avec|bancaire|"
    "nouveau|nouvelle|ancien|ancienne|provisoire|temporaire|actuel|date|carte|id|no\\.|nr\\.?|secret|suivant",
    "de": "[nN]r\\.?|Nummer|nummer|nummern|code|ist|war|lautet|lauten|der|die|das|dem|den|des|ein|"
    "mein|meine|meinen|dein|ihr|ihre|"
    "ihren|sein|seine|für|auf|zum|zur|mit|von|in|am|bis|im|Datum|neue|neues|neuer|alte|altes|"
    "vorläufige|vorläufiges|aktuelle|"
    "datum|id|folgende|no\\.",
    "it": "[nN]\\.|numeri?|numero|codice|è|era|sono|di|del|della|dei|il|la|lo|i|le|mio|mia|tuo|tua|"
    "suo|sua|vostro|per|al|a|"
    "con|in|nuovo|nuova|vecchio|vecchia|provvisoria|temporanea|attuale|data|carta|id|corrente|bancario|seguente",
    "pt": "[nN]\\.?º|números?|código|é|era|são|de|do|da|dos|o|a|os|as|meu|minha|seu|sua|para|ao|com|em|no|na|novo|nova|"
    "antigo|antiga|provisória|temporária|atual|data|cartão|conta|id|corrente|bancária|seguinte",
}
"""Words that may stand between a label and its value."""

MONTHS: Mapping[str, str] = {
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "de": "januar jänner februar märz april mai juni juli august september oktober november dezember",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
}
DAYS: Mapping[str, str] = {
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "de": "montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag",
    "it": "lunedì martedì mercoledì giovedì venerdì sabato domenica",
    "pt": "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
}
_DAY = r"(?<![0-9.,/-])"
DAY_BEFORE: Mapping[str, re.Pattern[str]] = {
    "fr": re.compile(_DAY + r"(?:[0-9]{1,2}(?:er)?|premier)\s$"),
    "de": re.compile(_DAY + r"[0-9]{1,2}\.?\s?$"),
    "it": re.compile(_DAY + r"(?:[0-9]{1,2}[°º]?|primo)\s$"),
    "pt": re.compile(_DAY + r"(?:[0-9]{1,2}[°º]?|primeiro)\s(?:de\s)?$"),
}
REST_AFTER: Mapping[str, re.Pattern[str]] = {
    language: re.compile(rf"(?:\s(?:{word})?(?:1[5-9]|20)[0-9]{{2}}(?![0-9A-Za-z]))?")
    for language, word in {"fr": "", "de": "", "it": r"del\s", "pt": r"de\s"}.items()
}
YEAR_BEFORE: Mapping[str, re.Pattern[str]] = {
    language: re.compile(rf"\b(?:{words})[\s(]$", re.IGNORECASE)
    for language, words in {
        "fr": "en|depuis|année|entre|et|avant|après|vers|été|hiver|fin|début",
        "de": "jahr|jahre|jahres|seit|bis|vor|nach|um|anfang|ende|sommer|winter|herbst|frühjahr|geboren|jahrgang",
        "it": "nel|dal|del|al|anno|tra|fra|prima del|dopo il|estate|inverno|fine",
        "pt": "em|desde|até|de|ano|durante|entre|antes de|depois de|verão|inverno|nascido em|nascida em",
    }.items()
}
AGE_AFTER: Mapping[str, re.Pattern[str]] = {
    "fr": re.compile(r"[ \u00a0]ans\b"),
    "de": re.compile(r"[ \u00a0]Jahre\b|-[Jj]ährige[nrsm]?\b"),
    "it": re.compile(r"[ \u00a0]anni\b"),
    "pt": re.compile(r"[ \u00a0]anos\b"),
}
AGE_BEFORE: Mapping[str, re.Pattern[str]] = {
    language: re.compile(rf"\b(?:{words})[\s:=(]{{1,3}}$", re.IGNORECASE)
    for language, words in {
        "fr": "âgée? de|âge|âge de|à l'âge de",
        "de": "alter|alter von|alter:",
        "it": "età|età di|all'età di|compie|compiuto",
        "pt": "idade|idade de|completou|completa",
    }.items()
}

TITLES: Mapping[str, Sequence[str]] = {
    "fr": (
        *("Monsieur", "Madame", "Mademoiselle", "monsieur", "madame", "M.", "Mme", "Mlle", "Me", "Maître", "Dr", "Pr"),
        *("Docteur", "docteur", "docteure", "Professeur", "professeur", "professeure"),
    ),
    "de": ("Herr", "Herrn", "Frau", "Fräulein", "Dr", "Prof", "Doktor", "Professor", "Professorin"),
    "it": (
        *("Signor", "Signora", "Signorina", "signor", "signora", "Sig", "Sig.ra", "Dottor", "dottor", "Dottoressa"),
        *("dottoressa", "Dott", "Dott.ssa", "Avv", "Ing", "Prof", "Prof.ssa", "Professor", "professor"),
        *("Professoressa", "professoressa"),
    ),
    "pt": (
        *("Senhor", "Senhora", "senhor", "senhora", "Sr", "Sra", "Srta", "Dom", "Dona", "dona", "Dr", "Dra", "Doutor"),
        *("Doutora", "doutor", "doutora", "Professor", "Professora", "professor", "professora", "Eng"),
    ),
}
INTRODUCTIONS: Mapping[str, Sequence[str]] = {
    "fr": (
        *("m'appelle ", "m’appelle ", "nom est ", "Nom : ", "Nom: ", "nom : ", "Cher ", "Chère ", "Bonjour "),
        *("Cordialement,\n", "Patient : ", "Patiente : ", "Contact : ", "Client : ", "Cliente : ", "Titulaire : "),
        *("je suis ", "Je suis ", "ici ", "Selon ", "selon "),
    ),
    "de": (
        *("Name ist ", "heiße ", "Name: ", "Lieber ", "Liebe ", "Hallo ", "Grüßen\n", "Grüße\n", "Patient: "),
        *("Patientin: ", "Kontakt: ", "Kunde: ", "Kundin: ", "Inhaber: ", "Inhaberin: ", "hier ist "),
    ),
    "it": (
        *("mi chiamo ", "Mi chiamo ", "nome è ", "Nome: ", "nome: ", "Caro ", "Cara ", "Gentile ", "Egregio "),
        *("Cordiali saluti,\n", "Paziente: ", "Contatto: ", "Cliente: ", "Intestatario: ", "Intestataria: "),
        *("sono ", "Sono ", "Secondo ", "secondo "),
    ),
    "pt": (
        *("nome é ", "Nome: ", "nome: ", "chamo-me ", "Chamo-me ", "me chamo ", "Caro ", "Cara ", "Prezado "),
        *("Prezada ", "Atenciosamente,\n", "cumprimentos,\n", "Paciente: ", "Contato: ", "Contacto: ", "Cliente: "),
        *("Titular: ", "sou ", "Sou ", "Segundo ", "segundo "),
    ),
}
NO_NAMES: Mapping[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "fr": "Le La Les Un Une Des Monsieur Madame Mademoiselle Messieurs Mesdames Client Cliente Clients Collègues "
        "Ami Amie Amis Tous Toutes Équipe Nous Vous Je Il Elle Mon Ma Votre Notre Ce Cette",
        "de": "Herr Herrn Frau Damen Herren Kunde Kundin Kunden Kundinnen Kollege Kollegin Kollegen Kolleginnen Freund "
        "Freundin Freunde Nachbar Nachbarn Eltern Leser Team Welt Zusammen Gäste Familie Mitglieder Der Die Das Ein "
        "Eine Ich Sie Wir Doktor Professor",
        "it": "Il Lo La I Gli Le Un Una Signor Signora Signori Signore Cliente Clienti Dottore Dottoressa Dottor "
        "Collega Colleghi Amico Amica Amici Tutti Noi Voi Io Suo Sua Nostro",
        "pt": "O A Os As Um Uma Senhor Senhora Senhores Cliente Clientes Doutor Doutora Colega Colegas Amigo Amiga "
        "Amigos Todos Todas Nós Eu Ele Ela Seu Sua Nosso",
    }.items()
}
PHONE_REGIONS: Mapping[str, Sequence[str]] = {
    "fr": ("FR", "BE", "CH", "CA"),
    "de": ("DE", "AT", "CH"),
    "it": ("IT", "CH"),
    "pt": ("PT", "BR"),
}

"""Synthetic texts with personal data: templates with slots, and values of nobody in them.

The sentences here are for tuning and for fitting scores. Those of ``bench/quality/pii_held_out.py`` are for measuring:
other sentences, and other names, streets and places.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

from models import pii_further
from models.pii_values import Values

Text = tuple[str, frozenset[tuple[int, int, str]]]
"""A text and its gold spans: begin, end, type."""

SLOT = re.compile(r"\{([A-Z_]+)\}")
AS_NAMES = {"FIRST": "NAME", "LAST": "NAME"}

TUNING: Mapping[str, Sequence[str]] = {
    "en": (
        "hi team, {FIRST} here. can you ship it to {ADDRESS} instead? my cell is {PHONE}",
        "Patient {NAME}, {AGE} years old, was admitted on {DATE_TIME} with chest pain.",
        "On {DATE_TIME} the tenant, {NAME}, moved out of {ADDRESS}.",
        "From: {NAME} <{EMAIL}>\nDate: {DATE_TIME}\n\nAs agreed with {FIRST}, the documents are at {URL}.",
        "CARD {CREDIT_DEBIT_NUMBER} EXP {CREDIT_DEBIT_EXPIRY} CVC {CREDIT_DEBIT_CVV}",
        "She read out the sixteen digits, {CREDIT_DEBIT_NUMBER}, and then the security code, {CREDIT_DEBIT_CVV}.",
        "my debit card pin used to be {PIN}",
        "Your temporary password is {PASSWORD} - change it at {URL}.",
        "The account {USERNAME} was locked after a login from {IP_ADDRESS}.",
        "Follow {FIRST} on the forum, the handle is {USERNAME}.",
        "ACH: routing {BANK_ROUTING} / account {BANK_ACCOUNT_NUMBER}",
        "We wired the deposit to {INTERNATIONAL_BANK_ACCOUNT_NUMBER} (BIC {SWIFT_CODE}).",
        "{NAME}'s social security number, {SSN}, is on the form.",
        "Taxpayers without an SSN use an ITIN such as {US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER}.",
        "He showed a passport, {PASSPORT_NUMBER}, and a driving licence, {DRIVER_ID}.",
        "The blue van with plates {LICENSE_PLATE} has the VIN {VEHICLE_IDENTIFICATION_NUMBER}.",
        "NI number {UK_NATIONAL_INSURANCE_NUMBER}; NHS no. {UK_NATIONAL_HEALTH_SERVICE_NUMBER}; "
        "tax reference (UTR) {UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER}.",
        "Our Canadian branch needs the social insurance number {CA_SOCIAL_INSURANCE_NUMBER} and OHIP number "
        "{CA_HEALTH_NUMBER}.",
        "KYC: aadhaar no {IN_AADHAAR}; PAN {IN_PERMANENT_ACCOUNT_NUMBER}; EPIC no. {IN_VOTER_NUMBER}; NREGA {IN_NREGA}",
        "export AWS_ACCESS_KEY_ID={AWS_ACCESS_KEY} AWS_SECRET_ACCESS_KEY={AWS_SECRET_KEY}",
        "dhcp: lease of {IP_ADDRESS} to {MAC_ADDRESS}",
        "{NAME} asked whether {NAME} could attend the hearing.",
        "According to {LAST}, the delivery to {ADDRESS} failed twice.",
        "Ask {FIRST} or {FIRST} in accounting.",
        "Best wishes,\n{NAME}\n{PHONE}",
        "The {AGE}-year-old said that {FIRST} {LAST} had signed on {DATE_TIME}.",
        "Next appointment: {DATE_TIME} with Dr. {LAST}.",
        '{"name": "{NAME}", "email": "{EMAIL}", "phone": "{PHONE}"}',
        "My name is {NAME} and I live at {ADDRESS}.",
        "Hello, this is {FIRST} calling about the order from {DATE_TIME}.",
        "Dear {NAME},",
        "{NAME} was born on {DATE_TIME} and is {AGE} years old.",
        "Please reach {FIRST} at {PHONE} or {EMAIL}.",
        "Name: {NAME}\nAddress: {ADDRESS}\nPhone: {PHONE}\nEmail: {EMAIL}",
        "I paid with card {CREDIT_DEBIT_NUMBER}, expiry {CREDIT_DEBIT_EXPIRY}, CVV {CREDIT_DEBIT_CVV}.",
        "The PIN is {PIN}.",
        "Log in with username {USERNAME} and password {PASSWORD}.",
        "user: admin\nusername: {USERNAME}\npassword: {PASSWORD}",
        "Transfer it to account number {BANK_ACCOUNT_NUMBER}, routing number {BANK_ROUTING}.",
        "IBAN {INTERNATIONAL_BANK_ACCOUNT_NUMBER}, SWIFT {SWIFT_CODE}",
        "My SSN is {SSN}.",
        "Social security number {SSN}, ITIN {US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER}",
        "The passport number is {PASSPORT_NUMBER}, issued on {DATE_TIME}.",
        "Driver's license {DRIVER_ID}, license plate {LICENSE_PLATE}, VIN {VEHICLE_IDENTIFICATION_NUMBER}",
        "National insurance number {UK_NATIONAL_INSURANCE_NUMBER}, NHS number {UK_NATIONAL_HEALTH_SERVICE_NUMBER}.",
        "UTR {UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER}",
        "SIN {CA_SOCIAL_INSURANCE_NUMBER}; health card {CA_HEALTH_NUMBER}",
        "Aadhaar {IN_AADHAAR}, PAN {IN_PERMANENT_ACCOUNT_NUMBER}, voter ID {IN_VOTER_NUMBER}, job card {IN_NREGA}",
        "aws_access_key_id = {AWS_ACCESS_KEY}\naws_secret_access_key = {AWS_SECRET_KEY}",
        "The request came from {IP_ADDRESS} ({MAC_ADDRESS}) and asked for {URL}.",
        "{NAME} met {NAME} in the office on {DATE_TIME}.",
        "Mrs. {LAST} told the nurse that {FIRST} had left.",
        "A parcel for {NAME}, {ADDRESS}, could not be delivered.",
        "Her colleague {FIRST} {LAST} is a {AGE}-year-old engineer.",
    ),
    "es": (
        "Contacto para el evento: {NAME} ({PHONE}; {EMAIL}).",
        "{FIRST} y {FIRST} discutieron una hora; luego {NAME} salió de la sala.",
        "Para cualquier duda: {NAME}, {PHONE}, {EMAIL}.",
        "buenas, soy {FIRST}, ¿lo pueden mandar a {ADDRESS}? mi móvil es {PHONE}",
        "El paciente {NAME}, de {AGE} años, ingresó el {DATE_TIME} con dolor de pecho.",
        "El {DATE_TIME} la inquilina, {NAME}, dejó el piso de {ADDRESS}.",
        "De: {NAME} <{EMAIL}>\nFecha: {DATE_TIME}\n\nComo acordé con {FIRST}, los documentos están en {URL}.",
        "TARJETA {CREDIT_DEBIT_NUMBER} VENCE {CREDIT_DEBIT_EXPIRY} CVV {CREDIT_DEBIT_CVV}",
        "Leyó las dieciséis cifras, {CREDIT_DEBIT_NUMBER}, y el código de seguridad, {CREDIT_DEBIT_CVV}.",
        "mi pin de antes era {PIN}",
        "Su contraseña temporal es {PASSWORD}; cámbiela en {URL}.",
        "La cuenta {USERNAME} se bloqueó tras una conexión desde {IP_ADDRESS}.",
        "Hicimos la transferencia a {INTERNATIONAL_BANK_ACCOUNT_NUMBER} (BIC {SWIFT_CODE}).",
        "Enseñó el pasaporte, {PASSPORT_NUMBER}, y el carné de conducir, {DRIVER_ID}.",
        "La furgoneta con matrícula {LICENSE_PLATE} tiene el bastidor {VEHICLE_IDENTIFICATION_NUMBER}.",
        "dhcp: {IP_ADDRESS} asignada a {MAC_ADDRESS}",
        "{NAME} preguntó si {NAME} podía asistir al juicio.",
        "Según {LAST}, la entrega en {ADDRESS} falló dos veces.",
        "Pregunte a {FIRST} o a {FIRST} en contabilidad.",
        "Un saludo,\n{NAME}\n{PHONE}",
        "Próxima cita: {DATE_TIME} con la doctora {LAST}.",
        "Me llamo {NAME} y vivo en {ADDRESS}.",
        "Hola, soy {FIRST} y llamo por el pedido del {DATE_TIME}.",
        "Estimada {NAME}:",
        "{NAME} nació el {DATE_TIME} y tiene {AGE} años.",
        "Puede llamar a {FIRST} al {PHONE} o escribir a {EMAIL}.",
        "Nombre: {NAME}\nDirección: {ADDRESS}\nTeléfono: {PHONE}\nCorreo: {EMAIL}",
        "Pagué con la tarjeta {CREDIT_DEBIT_NUMBER}, caducidad {CREDIT_DEBIT_EXPIRY}, CVV {CREDIT_DEBIT_CVV}.",
        "El PIN es {PIN}.",
        "Entre con el usuario {USERNAME} y la contraseña {PASSWORD}.",
        "IBAN {INTERNATIONAL_BANK_ACCOUNT_NUMBER}, código SWIFT {SWIFT_CODE}",
        "El pasaporte {PASSPORT_NUMBER} se expidió el {DATE_TIME}.",
        "Permiso de conducir {DRIVER_ID}, matrícula {LICENSE_PLATE}, bastidor {VEHICLE_IDENTIFICATION_NUMBER}",
        "La petición llegó de {IP_ADDRESS} ({MAC_ADDRESS}) y pedía {URL}.",
        "{NAME} se reunió con {NAME} en la oficina el {DATE_TIME}.",
        "La señora {LAST} dijo a la enfermera que {FIRST} se había ido.",
        "El paquete para {NAME}, {ADDRESS}, no se pudo entregar.",
        "Su compañero {FIRST} {LAST} es ingeniero.",
    ),
    **pii_further.TUNING,
}
NOTHING: Mapping[str, Sequence[str]] = {
    "en": (
        "VIN 11111111111111112 does not pass the check.",
        "Ticket 4827711 was closed without a reply.",
        "The tracking number is 1Z999AA10123456784.",
        "We sold 4,512 units at 7.25 dollars.",
        "ISBN 978-3-16-148410-0 is out of print.",
        "Firmware 10.4.22.1 must be installed first.",
        "My card was declined, what should I do?",
        "A wrong number such as 4111 1111 1111 1112 is rejected.",
        "The routing number 123456789 does not exist.",
        "The museum attracts visitors from all over the country.",
        "Section 230 applies, and so does article 17.",
        "Mix 250 g of flour with 3 eggs and bake for 45 minutes.",
        "Mercury and Mars are planets; March is a month of wind.",
        "The shop opens early and closes late.",
        "Thank you for your patience, we are looking into it.",
        "Please restart the device and try again.",
        "Order number 88213 contains 12 items at $19.99 each.",
        "The update to version 4.2.0 fixed the problem.",
        "Chapter 12 has 340 pages and 25 figures.",
        "It weighs 2.5 kg and costs 1,299.00 euros.",
        "The committee will discuss the budget for the new library.",
        "Invoice 2290183 has been paid.",
        "Rooms 101 to 120 are on the first floor.",
        "I forgot my password and my account is locked.",
    ),
    "es": (
        "La incidencia 4827711 se cerró sin respuesta.",
        "El número de seguimiento es 1Z999AA10123456784.",
        "Vendimos 4.512 unidades a 7,25 euros.",
        "El ISBN 978-3-16-148410-0 está agotado.",
        "Primero hay que instalar el firmware 10.4.22.1.",
        "Rechazaron mi tarjeta, ¿qué hago?",
        "Un número mal escrito, como 4111 1111 1111 1112, se rechaza.",
        "El museo recibe visitas de todo el país.",
        "Se aplica el artículo 17 de la ley.",
        "Mezcle 250 g de harina con 3 huevos y hornee 45 minutos.",
        "La tienda abre temprano y cierra tarde.",
        "Gracias por su paciencia, lo estamos revisando.",
        "Reinicie el aparato y vuelva a intentarlo.",
        "El pedido 88213 tiene 12 artículos a 19,99 euros.",
        "La actualización a la versión 4.2.0 resolvió el problema.",
        "El capítulo 12 tiene 340 páginas y 25 figuras.",
        "La comisión hablará del presupuesto de la biblioteca.",
        "La factura 2290183 está pagada.",
        "He olvidado mi contraseña y la cuenta está bloqueada.",
    ),
    **pii_further.NOTHING,
}


def texts(
    language: str, templates: Sequence[str], fillers: Sequence[str], *, part: int, count: int, seed: int
) -> list[Text]:
    """Return ``count`` texts of one to five templates each, with fillers between them. The same seed gives the same."""
    chance = random.Random(f"{language} {part} {seed}")
    values = Values(language, part, chance)
    made = []
    for _ in range(count):
        chosen = [
            *chance.sample(templates, k=chance.randrange(1, 5)),
            *chance.sample(fillers, k=chance.randrange(0, 4)),
        ]
        chance.shuffle(chosen)
        made.append(filled(chosen, values, chance.choice([" ", "\n", "\n\n"])))
    return made


def filled(templates: Sequence[str], values: Values, joiner: str) -> Text:
    """Return templates with a value in each slot. A first name with a last name after it is one span."""
    text = ""
    spans: list[tuple[int, int, str]] = []
    for place, template in enumerate(templates):
        text += joiner if place else ""
        at = 0
        for slot in SLOT.finditer(template):
            between = template[at : slot.start()]
            text += between
            kind = slot[1]
            begin = len(text)
            text += values.draw(kind)
            if kind == "LAST" and between == " " and spans and spans[-1][1] == begin - 1 and spans[-1][2] == "NAME":
                begin = spans.pop()[0]
            spans.append((begin, len(text), AS_NAMES.get(kind, kind)))
            at = slot.end()
        text += template[at:]
    return text, frozenset(_with_units(text, spans))


def _with_units(text: str, spans: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Add to each age its unit, as the API has it ("40 years"; "a 40-year-old" has it with hyphens)."""
    found = []
    for begin, end, kind in spans:
        if kind == "AGE":
            for unit in ("-year-old", " years", " años", " ans", " Jahre", " anni", " anos"):
                if text.startswith(unit, end):
                    end += len(unit)
                    break
        found.append((begin, end, kind))
    return found

"""Sentences with personal data that no rule and no score was tuned on, for ``pii.py``.

Whoever changes a rule because of a sentence here moves it to ``models/pii_texts.py`` and writes another one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.quality import pii_held_out_further

HELD_OUT: Mapping[str, Sequence[str]] = {
    "en": (
        "Good morning, I would like to update the delivery address for {NAME}: {ADDRESS}. Thanks!",
        "Witness {NAME} ({AGE} years old) lives across the street from {ADDRESS}.",
        "Our records show that {FIRST} {LAST} last visited the clinic on {DATE_TIME}.",
        "Re: complaint of {DATE_TIME}\n\nDear Mr. {LAST},\n\nwe tried to call {PHONE} without success.",
        "The refund goes back to the Visa card {CREDIT_DEBIT_NUMBER} (valid thru {CREDIT_DEBIT_EXPIRY}).",
        "cvv2={CREDIT_DEBIT_CVV}&number={CREDIT_DEBIT_NUMBER}&expires={CREDIT_DEBIT_EXPIRY}",
        "At the cash machine he entered the PIN {PIN} twice.",
        "smtp login: {USERNAME} / password: {PASSWORD}",
        "Somebody changed the password to {PASSWORD} and logged in as {USERNAME}.",
        "Direct deposit form: bank routing number {BANK_ROUTING}, checking account number {BANK_ACCOUNT_NUMBER}",
        "Beneficiary {NAME}, IBAN: {INTERNATIONAL_BANK_ACCOUNT_NUMBER}, BIC/SWIFT: {SWIFT_CODE}",
        "Employee SSN: {SSN}\nHire date: {DATE_TIME}",
        "The spouse has no social security number but the ITIN {US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER}.",
        "At the border she presented passport no. {PASSPORT_NUMBER}.",
        "The officer copied the driver's license number {DRIVER_ID} and the license plate {LICENSE_PLATE}.",
        "Recall notice for VIN {VEHICLE_IDENTIFICATION_NUMBER}",
        "The payslip shows {UK_NATIONAL_INSURANCE_NUMBER} as the national insurance number.",
        "Her GP asked for the NHS number, which is {UK_NATIONAL_HEALTH_SERVICE_NUMBER}.",
        "HMRC wrote about the unique taxpayer reference {UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER}.",
        "T4 slip: social insurance number {CA_SOCIAL_INSURANCE_NUMBER}",
        "Health card number: {CA_HEALTH_NUMBER}",
        "Linked Aadhaar number {IN_AADHAAR} with PAN {IN_PERMANENT_ACCOUNT_NUMBER}",
        "Voter ID card {IN_VOTER_NUMBER} and NREGA job card {IN_NREGA} were accepted.",
        "[default]\naws_access_key_id={AWS_ACCESS_KEY}\naws_secret_access_key={AWS_SECRET_KEY}",
        "WARN sshd blocked {IP_ADDRESS} after 5 attempts",
        "The printer at {MAC_ADDRESS} keeps printing {URL}.",
        "{FIRST} and {FIRST} argued for an hour; then {NAME} left the room.",
        "I spoke with {NAME} from billing, who promised to write to {EMAIL}.",
        "For questions contact {NAME}, {PHONE}, {EMAIL}.",
        "Born {DATE_TIME}, {NAME} grew up with a {AGE}-year-old aunt.",
        "cc: {EMAIL}; {EMAIL}",
        "Sent by {FIRST} from a phone",
    ),
    "es": (
        "Buenos días, quisiera cambiar la dirección de entrega de {NAME}: {ADDRESS}. ¡Gracias!",
        "El testigo {NAME} ({AGE} años) vive enfrente de {ADDRESS}.",
        "Según nuestros datos, {FIRST} {LAST} vino a la clínica el {DATE_TIME}.",
        "Asunto: queja del {DATE_TIME}\n\nEstimado Sr. {LAST}:\n\nintentamos llamar al {PHONE} sin éxito.",
        "La devolución se hará a la tarjeta Visa {CREDIT_DEBIT_NUMBER} (válida hasta {CREDIT_DEBIT_EXPIRY}).",
        "En el cajero marcó el PIN {PIN} dos veces.",
        "acceso: usuario {USERNAME} / contraseña: {PASSWORD}",
        "Alguien cambió la contraseña a {PASSWORD}.",
        "Beneficiaria {NAME}, IBAN: {INTERNATIONAL_BANK_ACCOUNT_NUMBER}, BIC/SWIFT: {SWIFT_CODE}",
        "En la frontera presentó el pasaporte n.º {PASSPORT_NUMBER}.",
        "El agente copió el número del permiso de conducir {DRIVER_ID} y la matrícula {LICENSE_PLATE}.",
        "Aviso para el número de bastidor {VEHICLE_IDENTIFICATION_NUMBER}",
        "WARN sshd bloqueada {IP_ADDRESS} tras 5 intentos",
        "La impresora {MAC_ADDRESS} imprime {URL} sin parar.",
        "{FIRST} discutió una hora con {FIRST}; luego {NAME} salió de la sala.",
        "Hablé con {NAME}, de facturación, que prometió escribir a {EMAIL}.",
        "La coordinadora {NAME} atiende en el número {PHONE} o en {EMAIL}.",
        "Enviado por {FIRST} desde el móvil",
    ),
    **pii_held_out_further.HELD_OUT,
}
NOTHING: Mapping[str, Sequence[str]] = {
    "en": (
        "Please quote case number 2024-118823 in your reply.",
        "Part 4471-2209-8810-2231 is out of stock.",
        "The pump delivers 120 litres a minute at 3.5 bar.",
        "Model X200 replaces model X150 and needs driver 4.11.7.2.",
        "NHS number 123 456 7890 is only an example and not valid.",
        "IBAN GB00 TEST 1234 5678 9012 34 was rejected by the bank.",
        "The VIN 1HGCM82633A004353 on the form has a wrong digit.",
        "Terms and conditions apply.",
        "The password must have at least twelve characters.",
        "We need 3 volunteers, 2 tents and 40 chairs.",
        "Lines 120-145 of the log repeat lines 80-105.",
        "A grant of 250,000 dollars goes to the museum.",
    ),
    "es": (
        "Indique el expediente 2024-118823 en su respuesta.",
        "La pieza 4471-2209-8810-2231 está agotada.",
        "La bomba da 120 litros por minuto a 3,5 bares.",
        "El modelo X200 sustituye al modelo X150.",
        "El IBAN ES00 1234 5678 9012 3456 7890 fue rechazado por el banco.",
        "Se aplican las condiciones generales.",
        "La contraseña debe tener al menos doce caracteres.",
        "Hacen falta 3 voluntarios, 2 carpas y 40 sillas.",
        "Una beca de 250.000 euros es para el museo.",
    ),
    **pii_held_out_further.NOTHING,
}

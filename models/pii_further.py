"""Synthetic personal data in French, German, Italian and Portuguese: names, places, and sentences for tuning.

Those for measuring are in ``bench/quality/pii_held_out_further.py``.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence


def words(text: str) -> list[str]:
    """Return the words of a list that is written as a text."""
    return text.split()


def listed(text: str) -> list[str]:
    """Return what stands between bars."""
    return text.split("|")


FIRST: Mapping[str, Sequence[str]] = {
    "fr": words(
        "Marie Jean Nathalie Pierre Isabelle Michel Sylvie Philippe Catherine Alain Sophie Nicolas Céline Julien "
        "Aurélie Thomas Émilie Alexandre Camille Antoine Léa Hugo Manon Lucas Chloé Mathis Inès Yanis Fatou Mamadou "
        "Françoise Benoît Élodie Loïc Gaëlle Maxime Océane Rémi Solène Étienne"
    ),
    "de": words(
        "Anna Peter Maria Michael Ursula Thomas Sabine Andreas Monika Wolfgang Petra Klaus Claudia Jürgen Susanne "
        "Stefan Katrin Uwe Birgit Matthias Lena Felix Johanna Jonas Hannah Lukas Leonie Maximilian Aylin Mehmet "
        "Jörg Günther Käthe Heike Torsten Ilse Rüdiger Annegret Florian Swantje"
    ),
    "it": words(
        "Giulia Marco Francesca Alessandro Chiara Andrea Sara Luca Martina Matteo Anna Giuseppe Elena Giovanni Paola "
        "Antonio Laura Roberto Federica Stefano Valentina Davide Silvia Lorenzo Alessia Simone Ilaria Gabriele "
        "Beatrice Riccardo Noemi Salvatore Carmela Gennaro Niccolò Rosaria Ettore Ginevra Tommaso Fiorella"
    ),
    "pt": words(
        "Maria João Ana José Mariana António Beatriz Francisco Inês Pedro Sofia Miguel Catarina Tiago Joana Rui "
        "Carolina Gonçalo Leonor Diogo Fernanda Paulo Camila Rafael Juliana Gustavo Letícia Bruno Larissa Thiago "
        "Conceição Anselmo Graça Duarte Lurdes Vasco Aparecida Raimundo Sílvia Otávio"
    ),
}
LAST: Mapping[str, Sequence[str]] = {
    "fr": words(
        "Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent Lefebvre Michel Garcia "
        "David Bertrand Roux Vincent Fournier Morel Girard André Mercier Dupont Lambert Bonnet François Martinez "
        "Legrand Garnier Faure Rousseau Blanc Guérin Muller Henry Roussel Perrin Diallo"
    ),
    "de": words(
        "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein "
        "Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner Krause Meier "
        "Lehmann Köhler Maier Yılmaz Nowak Öztürk Petersen Huber Vogt Pfeiffer Jansen"
    ),
    "it": words(
        "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti Mancini Costa "
        "Giordano Rizzo Lombardi Moretti Barbieri Fontana Santoro Mariani Rinaldi Caruso Ferrara Galli Martini Leone "
        "Longo Gentile Martinelli Vitale Lombardo Serra Coppola Marchetti Parisi Villa Fabbri"
    ),
    "pt": words(
        "Silva Santos Ferreira Pereira Oliveira Costa Rodrigues Martins Sousa Fernandes Gonçalves Gomes Lopes Marques "
        "Alves Almeida Ribeiro Pinto Carvalho Teixeira Moreira Correia Mendes Nunes Soares Vieira Monteiro Cardoso "
        "Rocha Raposo Neves Coelho Cruz Cunha Pires Ramos Reis Simões Antunes Matos"
    ),
}
STREETS: Mapping[str, Sequence[str]] = {
    "fr": listed(
        "rue de la Paix|avenue Victor Hugo|boulevard Voltaire|rue des Lilas|place de la République|rue Pasteur|"
        "chemin du Moulin|impasse des Roses|quai de la Loire|allée des Tilleuls|rue Jean Jaurès|avenue de Verdun|"
        "rue du Général Leclerc|route de Lyon|rue d'Alsace|cours Gambetta"
    ),
    "de": listed(
        "Hauptstraße|Bahnhofstraße|Gartenweg|Lindenallee|Goethestraße|Schillerplatz|Berliner Straße|Am Stadtring|"
        "Kirchgasse|Waldweg|Schulstraße|Mozartstr.|Münchner Straße|Uferweg|Rosenstraße|Karl-Marx-Allee"
    ),
    "it": listed(
        "Via Roma|Via Garibaldi|Corso Italia|Piazza Duomo|Viale dei Mille|Via Dante Alighieri|Via San Marco|"
        "Largo Augusto|Via della Repubblica|Vicolo Stretto|Corso Vittorio Emanuele|Via Mazzini|Piazza Cavour|"
        "Via dell'Industria|Viale Europa|Via Giuseppe Verdi"
    ),
    "pt": listed(
        "Rua Augusta|Avenida da Liberdade|Rua das Flores|Praça do Comércio|Travessa do Carmo|Rua Sete de Setembro|"
        "Avenida Paulista|Rua do Ouro|Alameda dos Oceanos|Rua Santa Catarina|Estrada da Luz|Largo do Rato|"
        "Rua Dom Pedro|Avenida Brasil|Rua Nova|Rua de São Bento"
    ),
}
PLACES: Mapping[str, Sequence[str]] = {
    "fr": listed(
        "75011 Paris|69003 Lyon|13001 Marseille|31000 Toulouse|44000 Nantes|67000 Strasbourg|33000 Bordeaux|"
        "59800 Lille|35000 Rennes|06000 Nice"
    ),
    "de": listed(
        "10115 Berlin|20095 Hamburg|80331 München|50667 Köln|60311 Frankfurt am Main|70173 Stuttgart|04109 Leipzig|"
        "01067 Dresden|30159 Hannover|90402 Nürnberg"
    ),
    "it": listed(
        "20121 Milano|00184 Roma|10121 Torino|80132 Napoli|50122 Firenze|40121 Bologna|16121 Genova|90133 Palermo|"
        "37121 Verona|30121 Venezia"
    ),
    "pt": listed(
        "1200-195 Lisboa|4000-322 Porto|3000-150 Coimbra|4700-030 Braga|8000-138 Faro|01310-100 São Paulo|"
        "20040-020 Rio de Janeiro|40020-000 Salvador|30130-010 Belo Horizonte|80020-310 Curitiba"
    ),
}
MONTHS: Mapping[str, Sequence[str]] = {
    "fr": words("janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
    "de": words("Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
    "it": words("gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"),
    "pt": words("janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro"),
}


def address(language: str, street: str, number: int, place: str, chance: random.Random) -> str:
    """Return a postal address as people write it in a language."""
    if language == "fr":
        return f"{number}{chance.choice(['', '', ' bis'])}{chance.choice([' ', ', '])}{street}, {place}"
    if language == "de":
        return f"{street} {number}{chance.choice(['', '', 'a'])}, {place}"
    if language == "it":
        return f"{street}{chance.choice([' ', ', '])}{number}, {place}"
    return f"{street}, {chance.choice(['', '', 'n.º '])}{number}, {place}"


def date_time(language: str, day: int, month: int, year: int, chance: random.Random) -> str:
    """Return a date as people write it in a language."""
    name = MONTHS[language][month - 1]
    if language == "de":
        spoken = [f"{day}. {name} {year}", f"{day}. {name}", f"{day:02}.{month:02}.{year}"]
    elif language == "pt":
        spoken = [f"{day} de {name} de {year}", f"{day} de {name}", f"{day:02}/{month:02}/{year}"]
    else:
        spoken = [f"{day} {name} {year}", f"{day} {name}", f"{day:02}/{month:02}/{year}"]
    return chance.choice([*spoken, f"{year}-{month:02}-{day:02}"])


def phone(language: str, digits: str, chance: random.Random) -> str:
    """Return a telephone number of ten digits or fewer as people write it in a language."""
    d = digits
    if language == "fr":
        pairs = " ".join(("06", d[:2], d[2:4], d[4:6], d[6:8]))
        return chance.choice([pairs, pairs.replace(" ", "."), f"+33 6 {d[:2]} {d[2:4]} {d[4:6]} {d[6:8]}"])
    if language == "de":
        return chance.choice([f"0171 2{d[:6]}", f"+49 171 2{d[:6]}", f"030 / 2{d[:6]}", f"0151-2{d[:3]}-{d[3:7]}"])
    if language == "it":
        return chance.choice([f"347 {d[:3]} {d[3:7]}", f"+39 347 {d[:3]} {d[3:7]}", f"02 8{d[:3]} {d[3:7]}"])
    return chance.choice([f"912 {d[:3]} {d[3:6]}", f"+351 912 {d[:3]} {d[3:6]}", f"(11) 9{d[:4]}-{d[4:8]}"])


def license_plate(language: str, letters: str, digits: str) -> str:
    """Return the plate of a car from four letters and four digits."""
    if language == "de":
        return f"{letters[0]}-{letters[1:3]} {digits[:4]}"
    if language == "pt":
        return f"{letters[:2]}-{digits[:2]}-{letters[2:4]}"
    return (
        f"{letters[:2]}-{digits[:3]}-{letters[2:4]}"
        if language == "fr"
        else f"{letters[:2]} {digits[:3]} {letters[2:4]}"
    )


TUNING: Mapping[str, Sequence[str]] = {
    "fr": (
        "Bonjour, ici {FIRST}, pouvez-vous livrer à {ADDRESS} ? mon portable : {PHONE}",
        "Le patient {NAME}, {AGE} ans, a été admis le {DATE_TIME}.",
        "De : {NAME} <{EMAIL}>\nDate : {DATE_TIME}\n\nComme convenu avec {FIRST}, les documents sont sur {URL}.",
        "CARTE {CREDIT_DEBIT_NUMBER} EXPIRE {CREDIT_DEBIT_EXPIRY} CVV {CREDIT_DEBIT_CVV}",
        "Votre mot de passe provisoire est {PASSWORD} ; changez-le sur {URL}.",
        "Le compte {USERNAME} a été bloqué après une connexion depuis {IP_ADDRESS}.",
        "Le virement est parti vers {INTERNATIONAL_BANK_ACCOUNT_NUMBER} (BIC {SWIFT_CODE}).",
        "Elle a présenté le passeport {PASSPORT_NUMBER} et le permis de conduire {DRIVER_ID}.",
        "La camionnette immatriculée {LICENSE_PLATE} a le châssis {VEHICLE_IDENTIFICATION_NUMBER}.",
        "Je m'appelle {NAME} et j'habite au {ADDRESS}.",
        "Chère {NAME},",
        "Mme {LAST} a dit à l'infirmière que {FIRST} était parti.",
        "{NAME} a demandé si {NAME} pouvait venir à l'audience.",
        "Nom : {NAME}\nAdresse : {ADDRESS}\nTéléphone : {PHONE}\nCourriel : {EMAIL}",
        "Le code PIN est {PIN}.",
        "Cordialement,\n{NAME}\n{PHONE}",
    ),
    "de": (
        "Hallo, hier ist {FIRST}, können Sie bitte an {ADDRESS} liefern? Meine Handynummer: {PHONE}",
        "Der Patient {NAME}, {AGE} Jahre alt, wurde am {DATE_TIME} aufgenommen.",
        "Von: {NAME} <{EMAIL}>\nDatum: {DATE_TIME}\n\nWie mit {FIRST} besprochen, liegen die Unterlagen unter {URL}.",
        "KARTE {CREDIT_DEBIT_NUMBER} GÜLTIG BIS {CREDIT_DEBIT_EXPIRY} CVV {CREDIT_DEBIT_CVV}",
        "Ihr vorläufiges Passwort lautet {PASSWORD}; ändern Sie es unter {URL}.",
        "Das Benutzerkonto {USERNAME} wurde nach einer Anmeldung von {IP_ADDRESS} gesperrt.",
        "Wir haben auf {INTERNATIONAL_BANK_ACCOUNT_NUMBER} überwiesen (BIC {SWIFT_CODE}).",
        "Sie zeigte den Reisepass {PASSPORT_NUMBER} und den Führerschein {DRIVER_ID}.",
        "Der Lieferwagen mit dem Kennzeichen {LICENSE_PLATE} hat die Fahrgestellnummer "
        "{VEHICLE_IDENTIFICATION_NUMBER}.",
        "Mein Name ist {NAME} und ich wohne in der {ADDRESS}.",
        "Sehr geehrte Frau {LAST},",
        "Frau {LAST} sagte der Schwester, dass {FIRST} gegangen war.",
        "{NAME} fragte, ob {NAME} zur Verhandlung kommen könne.",
        "Name: {NAME}\nAnschrift: {ADDRESS}\nTelefon: {PHONE}\nE-Mail: {EMAIL}",
        "Betreff: Beschwerde vom {DATE_TIME}\n\nSehr geehrter Herr {LAST},\n\nwir haben Sie unter "
        "{PHONE} nicht erreicht.",
        "Der Beamte notierte die Nummer des Führerscheins {DRIVER_ID} und das Kennzeichen {LICENSE_PLATE}.",
        "Bei Fragen: {NAME}, {PHONE}, {EMAIL}.",
        "Guten Abend, ich möchte die Lieferanschrift von {NAME} ändern: {ADDRESS}. Danke!",
        "Die PIN ist {PIN}.",
        "Mit freundlichen Grüßen\n{NAME}\n{PHONE}",
    ),
    "it": (
        "Buongiorno, sono {FIRST}, potete spedire a {ADDRESS}? Il mio cellulare è {PHONE}",
        "Il paziente {NAME}, {AGE} anni, è stato ricoverato il {DATE_TIME}.",
        "Da: {NAME} <{EMAIL}>\nData: {DATE_TIME}\n\nCome d'accordo con {FIRST}, i documenti sono su {URL}.",
        "CARTA {CREDIT_DEBIT_NUMBER} SCADENZA {CREDIT_DEBIT_EXPIRY} CVV {CREDIT_DEBIT_CVV}",
        "La Sua password provvisoria è {PASSWORD}; la cambi su {URL}.",
        "L'utente {USERNAME} è stato bloccato dopo un accesso da {IP_ADDRESS}.",
        "Abbiamo fatto il bonifico su {INTERNATIONAL_BANK_ACCOUNT_NUMBER} (BIC {SWIFT_CODE}).",
        "Ha mostrato il passaporto {PASSPORT_NUMBER} e la patente {DRIVER_ID}.",
        "Il furgone con targa {LICENSE_PLATE} ha il telaio {VEHICLE_IDENTIFICATION_NUMBER}.",
        "Mi chiamo {NAME} e abito in {ADDRESS}.",
        "Gentile {NAME},",
        "La signora {LAST} ha detto all'infermiera che {FIRST} era andato via.",
        "{NAME} ha chiesto se {NAME} poteva venire all'udienza.",
        "Nome: {NAME}\nIndirizzo: {ADDRESS}\nTelefono: {PHONE}\nEmail: {EMAIL}",
        "Oggetto: reclamo del {DATE_TIME}\n\nEgregio Signor {LAST},\n\nabbiamo provato a chiamare il "
        "{PHONE} senza esito.",
        "Il PIN è {PIN}.",
        "Cordiali saluti,\n{NAME}\n{PHONE}",
    ),
    "pt": (
        "Bom dia, sou {FIRST}, podem entregar em {ADDRESS}? O meu telemóvel é {PHONE}",
        "O paciente {NAME}, de {AGE} anos, foi internado em {DATE_TIME}.",
        "De: {NAME} <{EMAIL}>\nData: {DATE_TIME}\n\nComo combinado com {FIRST}, os documentos estão em {URL}.",
        "CARTÃO {CREDIT_DEBIT_NUMBER} VALIDADE {CREDIT_DEBIT_EXPIRY} CVV {CREDIT_DEBIT_CVV}",
        "A sua senha provisória é {PASSWORD}; mude-a em {URL}.",
        "O utilizador {USERNAME} foi bloqueado depois de um acesso de {IP_ADDRESS}.",
        "Fizemos a transferência para {INTERNATIONAL_BANK_ACCOUNT_NUMBER} (BIC {SWIFT_CODE}).",
        "Mostrou o passaporte {PASSPORT_NUMBER} e a carta de condução {DRIVER_ID}.",
        "A carrinha com matrícula {LICENSE_PLATE} tem o chassi {VEHICLE_IDENTIFICATION_NUMBER}.",
        "Chamo-me {NAME} e moro na {ADDRESS}.",
        "Cara {NAME},",
        "A senhora {LAST} disse à enfermeira que {FIRST} tinha saído.",
        "{NAME} perguntou se {NAME} podia vir à audiência.",
        "Nome: {NAME}\nMorada: {ADDRESS}\nTelefone: {PHONE}\nE-mail: {EMAIL}",
        "O PIN é {PIN}.",
        "Com os melhores cumprimentos,\n{NAME}\n{PHONE}",
    ),
}
NOTHING: Mapping[str, Sequence[str]] = {
    "fr": (
        "La facture 2290183 est payée.",
        "Le numéro de suivi est 1Z999AA10123456784.",
        "Nous avons vendu 4 512 pièces à 7,25 euros.",
        "Un numéro erroné comme 4111 1111 1111 1112 est refusé.",
        "Le magasin ouvre tôt et ferme tard.",
        "Mélangez 250 g de farine avec 3 œufs pendant 45 minutes.",
    ),
    "de": (
        "Die Rechnung 2290183 ist bezahlt.",
        "Die Sendungsnummer lautet 1Z999AA10123456784.",
        "Wir haben 4.512 Stück zu 7,25 Euro verkauft.",
        "Eine falsche Nummer wie 4111 1111 1111 1112 wird abgelehnt.",
        "Der Laden öffnet früh und schließt spät.",
        "250 g Mehl mit 3 Eiern 45 Minuten backen.",
    ),
    "it": (
        "La fattura 2290183 è pagata.",
        "Il numero di spedizione è 1Z999AA10123456784.",
        "Abbiamo venduto 4.512 pezzi a 7,25 euro.",
        "Un numero sbagliato come 4111 1111 1111 1112 viene rifiutato.",
        "Il negozio apre presto e chiude tardi.",
        "Mescolare 250 g di farina con 3 uova per 45 minuti.",
    ),
    "pt": (
        "A fatura 2290183 está paga.",
        "O número de rastreamento é 1Z999AA10123456784.",
        "Vendemos 4.512 unidades a 7,25 euros.",
        "Um número errado como 4111 1111 1111 1112 é rejeitado.",
        "A loja abre cedo e fecha tarde.",
        "Misture 250 g de farinha com 3 ovos durante 45 minutos.",
    ),
}

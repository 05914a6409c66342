"""Made-up values of personal data: numbers with right check digits, names and addresses of nobody."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Mapping, Sequence

from models import pii_further
from models.pii_further import listed, words
from reading_room.analysis.engines.pii import checks

_FIRST = {
    "en": words(
        "James Mary Robert Patricia Linda Michael Barbara Elizabeth William Susan Jessica Thomas Sarah Karen "
        "Daniel Nancy Lisa Matthew Betty Anthony Sandra Mark Ashley Donald Emily Steven Kimberly Paul Andrew "
        "Joshua Michelle Kenneth Carol Kevin Priya Arjun Wei Mei Hiroshi Yuki Fatima Omar Olumide Chidi Ngozi "
        "Kwame Siobhan Niamh Aoife Rhys Gwen Ewan Isla Callum Ivan Olga Dmitri Lars Ingrid Søren Zoë Renée Chloe "
        "Aaliyah Jamal Latoya Darnell Mateo Lucía Camila Bao Linh Tuan Sung Min-jun Ji-woo Rashid Leila Yusuf "
        "Aisha Ravi Ananya Sanjay Deepa Moses Ruth Esther Caleb Hazel Ivy Otis Mabel"
    ),
    "es": words(
        "María José Antonio Carmen Manuel Ana Francisco Isabel Juan Laura David Cristina Javier Marta Daniel "
        "Lucía Carlos Elena Miguel Paula Rafael Sara Pedro Raquel Ángel Rosario Alejandro Pilar Fernando Teresa "
        "Sergio Beatriz Pablo Rocío Jorge Nuria Alberto Silvia Luis Irene Álvaro Mercedes Óscar Alba Adrián Inés "
        "Raúl Noelia Iván Ainhoa Rubén Olga Santiago Ximena Mateo Valentina Emiliano Camila Joaquín Guadalupe "
        "Ignacio Itziar Unai Montserrat Jordi Xoán Iria"
    ),
    **pii_further.FIRST,
}
_LAST = {
    "en": words(
        "Smith Johnson Williams Brown Jones Miller Davis Wilson Anderson Taylor Moore Jackson Martin Lee Thompson "
        "White Harris Clark Lewis Robinson Walker Young Allen King Wright Scott Hill Green Adams Baker Nelson "
        "Carter Mitchell Roberts Turner Patel Sharma Singh Gupta Chen Wang Nguyen Tran Kim Park Tanaka Suzuki "
        "Okafor Adeyemi Mensah O'Brien O'Connor Murphy McCarthy MacDonald Campbell Llewellyn Ivanov Petrov Hansen "
        "Johansson Müller Schneider Dubois Lefèvre Rossi Bianchi Kowalski Nowak Silva Santos Haddad Rahman Khan "
        "Hussain Abubakar Whitcombe-Hale Pemberton Quigley Zielinski Vandermeer"
    ),
    "es": words(
        "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Ruiz Hernández "
        "Díaz Moreno Muñoz Álvarez Romero Alonso Gutiérrez Navarro Torres Domínguez Vázquez Ramos Gil Ramírez "
        "Serrano Blanco Molina Morales Suárez Ortega Delgado Castro Ortiz Rubio Marín Sanz Núñez Iglesias Medina "
        "Garrido Cortés Castillo Santos Lozano Guerrero Cano Prieto Méndez Cruz Gallego Vidal León Herrera Peña "
        "Cabrera Quispe Mamani Echeverría Urrutia Puig Ferrer Castiñeira"
    ),
    **pii_further.LAST,
}
_STREETS = {
    "en": words(
        "Maple Oak Cedar Elm Pine Washington Lincoln Jefferson Park Lake Sunset Highland Church Mill River Spring "
        "Victoria Queen King Albert Station Meadow Willow Chestnut Franklin Jackson Birch Walnut Prospect Union"
    ),
    "es": listed(
        "Mayor|de Alcalá|Real|del Carmen|de la Princesa|San Juan|de Goya|Cervantes|de los Olivos|Colón|"
        "Santa Ana|del Prado|Velázquez|de Toledo|Nueva|de la Paz|Libertad|Juárez|Bolívar|San Martín"
    ),
    **pii_further.STREETS,
}
_PLACES = {
    "en": listed(
        "Springfield, IL 62704|Portland, OR 97205|Austin, TX 78701|Madison, WI 53703|Albany, NY 12207|"
        "Fresno, CA 93721|Tampa, FL 33602|Boise, ID 83702|Denver, CO 80203|Salem, MA 01970|"
        "Columbus, Ohio 43215|Little Rock, AR 72201"
    ),
    "en-gb": listed(
        "Leeds LS1 4DY|Bristol BS1 5TR|London SW1A 2AA|Glasgow G2 1DU|Cardiff CF10 1EP|York YO1 7HH|"
        "Manchester M2 5DB|Bath BA1 2QZ"
    ),
    "es": listed(
        "28013 Madrid|08002 Barcelona|41001 Sevilla|46003 Valencia|50001 Zaragoza|29015 Málaga|48001 Bilbao|"
        "15003 A Coruña|18009 Granada|03002 Alicante"
    ),
    **pii_further.PLACES,
}
_MAIL = ["example.com", "example.org", "mail.example.net", "corp.example.co.uk", "inbox.example.io"]
_MONTHS = {
    "en": words("January February March April May June July August September October November December"),
    "es": words("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"),
}


class Values:
    """Draws a value of each type. ``part`` is 0 or 1: names, streets and places of one part are not in the other."""

    def __init__(self, language: str, part: int, chance: random.Random) -> None:
        self._language = language
        self._chance = chance
        lists: Mapping[str, Sequence[str]] = {
            "first": _FIRST[language],
            "last": _LAST[language],
            "street": _STREETS[language],
            "place": _PLACES[language],
            "british": _PLACES["en-gb"],
        }
        self._lists = {
            name: [each for at, each in enumerate(values) if at % 2 == part] for name, values in lists.items()
        }

    def draw(self, kind: str) -> str:
        """Return a value of a type of the API, or of a slot such as ``FIRST`` (a first name, which is a name)."""
        made: Callable[[], str] = getattr(self, kind.lower())
        return made()

    def _one(self, name: str) -> str:
        return self._chance.choice(self._lists[name])

    def _digits(self, count: int, first: str = string.digits) -> str:
        return self._chance.choice(first) + "".join(self._chance.choices(string.digits, k=count - 1))

    def _letters(self, count: int, of: str = string.ascii_uppercase) -> str:
        return "".join(self._chance.choices(of, k=count))

    def _until(self, right: Callable[[str], bool], draw: Callable[[], str]) -> str:
        while not right(value := draw()):
            pass
        return value

    def _grouped(self, digits: str, groups: Sequence[int], separators: str) -> str:
        separator = self._chance.choice(separators)
        if separator == "0":
            return digits
        parts, at = [], 0
        for group in groups:
            parts.append(digits[at : at + group])
            at += group
        return separator.join(parts)

    def first(self) -> str:
        return self._one("first")

    def last(self) -> str:
        return self._one("last")

    def name(self) -> str:
        first, last = self.first(), self.last()
        if self._language == "es":
            return self._chance.choice(
                [f"{first} {last} {self.last()}", f"{first} {last}", f"{first} {self.first()} {last}"]
            )
        if self._language in pii_further.FIRST:
            return self._chance.choice([f"{first} {last}"] * 3 + [f"{first}-{self.first()} {last}"])
        middle = self._chance.choice(string.ascii_uppercase)
        return self._chance.choice(
            [f"{first} {last}"] * 3 + [f"{first} {middle}. {last}", f"{first} {self.last()}-{last}"]
        )

    def address(self) -> str:
        street, number = self._one("street"), self._chance.randrange(1, 999)
        if self._language in pii_further.STREETS:
            return pii_further.address(self._language, street, number % 200 + 1, self._one("place"), self._chance)
        if self._language == "es":
            way = self._chance.choice(["Calle", "Calle", "Avenida", "Plaza", "C/", "Paseo"])
            flat = self._chance.choice(["", "", ", 3º B", ", 1º izquierda", ", piso 2"])
            return f"{way} {street} {number}{flat}, {self._one('place')}"
        way = self._chance.choice(["Street", "Avenue", "Road", "Lane", "Drive", "St", "Ave", "Court", "Boulevard"])
        if self._chance.random() < 0.3:
            way = self._chance.choice(["Road", "Street", "Lane", "Close"])
            return f"{number % 200 + 1} {street} {way}, {self._one('british')}"
        flat = self._chance.choice(
            ["", "", f", Apt {number % 40 + 1}", f", Suite {number}", f" Unit {number % 9 + 1}B"]
        )
        return f"{number * 3} {street} {way}{flat}, {self._one('place')}"

    def age(self) -> str:
        return str(self._chance.randrange(18, 98))

    def date_time(self) -> str:
        day, month, year = (
            self._chance.randrange(1, 29),
            self._chance.randrange(1, 13),
            self._chance.randrange(1940, 2026),
        )
        if self._language in pii_further.MONTHS:
            return pii_further.date_time(self._language, day, month, year, self._chance)
        name = _MONTHS[self._language][month - 1]
        if self._language == "es":
            return self._chance.choice(
                [
                    f"{day} de {name} de {year}",
                    f"{day:02}/{month:02}/{year}",
                    f"{day} de {name}",
                    f"{year}-{month:02}-{day:02}",
                ]
            )
        return self._chance.choice(
            [
                f"{name} {day}, {year}",
                f"{day} {name} {year}",
                f"{month:02}/{day:02}/{year}",
                f"{year}-{month:02}-{day:02}",
                f"{name} {day}",
            ]
        )

    def email(self) -> str:
        first, last = (_ascii(each) for each in (self.first(), self.last()))
        return (
            self._chance.choice([f"{first}.{last}", f"{first[0]}{last}", f"{last}{self._digits(2)}", f"{first}_{last}"])
            + "@"
            + self._chance.choice(_MAIL)
        )

    def url(self) -> str:
        site, word = self._chance.choice(_MAIL), _ascii(self.last())
        return self._chance.choice(
            [
                f"https://{site}/{word}",
                f"http://www.{site}/p?id={self._digits(4)}",
                f"www.{site}",
                f"https://{word}.{site}/a/{self._digits(3)}",
            ]
        )

    def ip_address(self) -> str:
        if self._chance.random() < 0.25:
            return "2001:db8:" + ":".join(f"{self._chance.randrange(1, 65536):x}" for _ in range(6))
        return ".".join(str(self._chance.randrange(1, 255)) for _ in range(4))

    def mac_address(self) -> str:
        return self._chance.choice(":-").join(f"{self._chance.randrange(256):02X}" for _ in range(6))

    def phone(self) -> str:
        if self._language in pii_further.FIRST:
            return pii_further.phone(self._language, self._digits(8, "23456789"), self._chance)
        if self._language == "es":
            digits = self._digits(9, "6")
            return self._chance.choice(
                [
                    digits,
                    f"{digits[:3]} {digits[3:6]} {digits[6:]}",
                    f"+34 {digits[:3]} {digits[3:5]} {digits[5:7]} {digits[7:]}",
                ]
            )
        area, rest = (
            self._chance.choice(["212", "415", "617", "312", "206", "713", "404", "503"]),
            f"{self._digits(3, '23456789')}",
        )
        last = self._digits(4)
        return self._chance.choice(
            [
                f"({area}) {rest}-{last}",
                f"{area}-{rest}-{last}",
                f"+1 {area} {rest} {last}",
                f"{area}.{rest}.{last}",
                f"+44 20 7946 0{self._digits(3)}",
            ]
        )

    def username(self) -> str:
        first, last = (_ascii(each) for each in (self.first(), self.last()))
        return self._chance.choice(
            [f"{first}{self._digits(2)}", f"{first}_{last}", f"{first[0]}{last}{self._digits(2)}", f"{last}.{first}"]
        )

    def password(self) -> str:
        return self._chance.choice(
            [
                self._letters(4, string.ascii_letters) + self._digits(3) + self._chance.choice("!#$%&*"),
                f"{self.first()}-{self._digits(4)}!",
                "x" + self._letters(9, string.ascii_letters + string.digits) + "7",
            ]
        )

    def pin(self) -> str:
        return self._digits(self._chance.choice([4, 4, 6]))

    def credit_debit_number(self) -> str:
        prefix, length, groups = self._chance.choice(
            [("4", 16, (4, 4, 4, 4)), ("53", 16, (4, 4, 4, 4)), ("37", 15, (4, 6, 5)), ("6011", 16, (4, 4, 4, 4))]
        )
        digits = self._until(checks.card, lambda: prefix + self._digits(length - len(prefix)))
        return self._grouped(digits, groups, "  -0")

    def credit_debit_cvv(self) -> str:
        return self._digits(self._chance.choice([3, 3, 4]))

    def credit_debit_expiry(self) -> str:
        return f"{self._chance.randrange(1, 13):02}/{self._chance.choice(['27', '28', '29', '2030', '31'])}"

    def international_bank_account_number(self) -> str:
        country, shape = self._chance.choice(
            [("GB", "LLLL" + "D" * 14), ("DE", "D" * 18), ("ES", "D" * 20), ("FR", "D" * 23), ("NL", "LLLL" + "D" * 10)]
        )
        body = "".join(self._letters(1) if each == "L" else self._digits(1) for each in shape)
        code = next(made for check in range(2, 99) if checks.iban(made := f"{country}{check:02}{body}"))
        return " ".join(code[at : at + 4] for at in range(0, len(code), 4)) if self._chance.random() < 0.5 else code

    def swift_code(self) -> str:
        return (
            self._letters(4)
            + self._chance.choice(["DE", "GB", "ES", "US", "FR"])
            + self._letters(2)
            + self._chance.choice(["", "XXX", self._digits(3)])
        )

    def bank_routing(self) -> str:
        return self._until(checks.routing, lambda: self._digits(9))

    def bank_account_number(self) -> str:
        return self._digits(self._chance.choice([8, 9, 10, 12]))

    def ssn(self) -> str:
        return self._grouped(
            self._until(checks.social_security, lambda: self._digits(9, "12345678")), (3, 2, 4), "---0"
        )

    def us_individual_tax_identification_number(self) -> str:
        return self._grouped(self._until(checks.taxpayer, lambda: self._digits(9, "9")), (3, 2, 4), "---0")

    def uk_national_insurance_number(self) -> str:
        code = self._until(
            checks.national_insurance,
            lambda: self._letters(2, "ABCEGHJKLMNPRSTWXYZ") + self._digits(6) + self._letters(1, "ABCD"),
        )
        return self._grouped(code, (2, 2, 2, 2, 1), " 0")

    def uk_national_health_service_number(self) -> str:
        return self._grouped(self._until(checks.health_service, lambda: self._digits(10, "4679")), (3, 3, 4), " -0")

    def uk_unique_taxpayer_reference_number(self) -> str:
        return self._until(checks.taxpayer_reference, lambda: self._digits(10, "123456789"))

    def ca_social_insurance_number(self) -> str:
        return self._grouped(
            self._until(checks.canadian_insurance, lambda: self._digits(9, "1234567")), (3, 3, 3), " -0"
        )

    def ca_health_number(self) -> str:
        return self._grouped(
            self._until(checks.canadian_health, lambda: self._digits(10, "12345678")), (4, 3, 3), " -0"
        )

    def in_aadhaar(self) -> str:
        return self._grouped(self._until(checks.aadhaar, lambda: self._digits(12, "23456789")), (4, 4, 4), "  0")

    def in_permanent_account_number(self) -> str:
        return self._letters(3) + self._chance.choice("PCHAF") + self._letters(1) + self._digits(4) + self._letters(1)

    def in_voter_number(self) -> str:
        return self._letters(3) + self._digits(7)

    def in_nrega(self) -> str:
        groups = "-".join(self._digits(count) for count in (2, 3, 3, 3))
        return f"{self._letters(2)}-{groups}/{self._digits(3)}"

    def passport_number(self) -> str:
        return self._chance.choice(
            [self._digits(9), self._letters(1) + self._digits(8), self._letters(2) + self._digits(7)]
        )

    def driver_id(self) -> str:
        return self._chance.choice(
            [
                self._letters(1) + self._digits(7),
                self._digits(8),
                f"{self._letters(1)}{self._digits(3)}-{self._digits(4)}-{self._digits(4)}",
            ]
        )

    def license_plate(self) -> str:
        if self._language in pii_further.FIRST:
            return pii_further.license_plate(self._language, self._letters(4), self._digits(4, "123456789"))
        if self._language == "es":
            return self._digits(4) + self._chance.choice([" ", ""]) + self._letters(3, "BCDFGHJKLMNPRSTVWXYZ")
        return self._chance.choice(
            [
                f"{self._digits(1)}{self._letters(3)}{self._digits(3)}",
                f"{self._letters(3)}-{self._digits(4)}",
                f"{self._letters(2)}{self._digits(2)} {self._letters(3)}",
            ]
        )

    def vehicle_identification_number(self) -> str:
        letters = "ABCDEFGHJKLMNPRSTUVWXYZ"

        def draw() -> str:
            check = self._chance.choice(string.digits + "X")
            return (
                self._digits(1, "12345")
                + self._letters(4, letters)
                + self._digits(3)
                + check
                + self._letters(2, letters)
                + self._digits(6)
            )

        return self._until(checks.vehicle, draw)

    def aws_access_key(self) -> str:
        return self._chance.choice(["AKIA", "ASIA"]) + self._letters(16, string.ascii_uppercase + "234567")

    def aws_secret_key(self) -> str:
        return "a7K" + self._letters(37, string.ascii_letters + string.digits + "/+")


def _ascii(name: str) -> str:
    plain = name.lower().translate(str.maketrans("áéíóúüñçèøëöäìàãõâêôîïßışğò", "aeiouunceoeoaiaaoaeoiisisgo"))
    return "".join(each for each in plain if each.isascii() and each.isalpha())

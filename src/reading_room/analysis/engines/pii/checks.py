"""Checksums and grammars of numbers and codes: pure functions on strings without separators."""

from __future__ import annotations

from collections.abc import Sequence

from reading_room.analysis.engines.pii.labels import words

_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28,
    "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20,
    "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25,
    "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27,
    "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip
"""The length of an IBAN by country (ISO 13616 registry)."""

COUNTRIES = words(
    "AD AE AF AG AI AL AM AO AR AT AU AW AZ BA BB BD BE BF BG BH BI BJ BM BN BO BR BS BT BW BY BZ CA CD CF CG "
    "CH CI CK CL CM CN CO CR CU CV CW CY CZ DE DJ DK DM DO DZ EC EE EG ES ET FI FJ FK FM FO FR GA GB GD GE GF "
    "GG GH GI GL GM GN GP GQ GR GT GU GW GY HK HN HR HT HU ID IE IL IM IN IQ IR IS IT JE JM JO JP KE KG KH KI "
    "KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MG MH MK ML MM MN MO MQ MR MS MT MU MV "
    "MW MX MY MZ NA NC NE NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PR PS PT PW PY QA RE RO RS RU RW SA "
    "SB SC SD SE SG SI SK SL SM SN SO SR SS ST SV SY SZ TC TD TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG US "
    "UY UZ VA VC VE VG VI VN VU WS XK YE YT ZA ZM ZW"
)
"""Country codes of ISO 3166, as they stand in the fifth and sixth place of a SWIFT code."""

_VIN_VALUES = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)
) | {str(digit): digit for digit in range(10)}
_VIN_FACTORS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)

_ROWS = ("0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
         "5987604321", "6598710432", "7659821043", "8765932104", "9876543210")  # fmt: skip
_TURNS = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)

_ITIN_GROUPS = frozenset((*range(50, 66), *range(70, 89), *range(90, 93), *range(94, 100)))
_NINO_NOT = frozenset(("BG", "GB", "KN", "NK", "NT", "TN", "ZZ"))
_UTR_FACTORS = (6, 7, 8, 9, 10, 5, 4, 3, 2)


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of ISO/IEC 7812: cards, and numbers in Canada."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) << (place & 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def card(digits: str) -> bool:
    """Whether these are a payment card's digits: an issuer's range, its length, and the check digit."""
    length, first = len(digits), digits[0]
    four = int(digits[:4])
    known = (
        (first == "4" and length in (13, 16, 19))
        or ((5100 <= four < 5600 or 2221 <= four <= 2720) and length == 16)
        or (digits[:2] in ("34", "37") and length == 15)
        or ((digits[:4] == "6011" or 6440 <= four < 6600) and 16 <= length <= 19)
        or (3528 <= four <= 3589 and 16 <= length <= 19)
        or ((3000 <= four < 3060 or digits[:2] in ("36", "38", "39")) and 14 <= length <= 19)
        or (digits[:2] == "62" and 16 <= length <= 19)
        or (digits[:4] in ("5018", "5020", "5038", "5893", "6304", "6759", "6761", "6762", "6763") and length >= 13)
    )
    return known and luhn(digits) and len(set(digits)) > 1


def iban_length(country: str) -> int:
    """Return how many characters an IBAN of a country has, 0 if the country has none."""
    return _IBAN_LENGTHS.get(country, 0)


def iban(code: str) -> bool:
    """Whether a code in capitals is an IBAN: the country's length, and remainder 1 modulo 97."""
    if len(code) != iban_length(code[:2]) or not (code.isascii() and code.isalnum()):
        return False
    return int("".join(str(int(each, 36)) for each in code[4:] + code[:4])) % 97 == 1


def routing(digits: str) -> bool:
    """Whether nine digits are a routing number of the American Bankers Association."""
    two = int(digits[:2])
    if not (two <= 12 or 21 <= two <= 32 or 61 <= two <= 72 or two == 80) or digits == "0" * 9:
        return False
    return _weighed(digits, (3, 7, 1) * 3) % 10 == 0


def social_security(digits: str) -> bool:
    """Whether nine digits can be a United States social security number."""
    return digits[:3] not in ("000", "666") and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"


def taxpayer(digits: str) -> bool:
    """Whether nine digits can be a United States individual taxpayer identification number."""
    return digits[0] == "9" and int(digits[3:5]) in _ITIN_GROUPS


def health_service(digits: str) -> bool:
    """Whether ten digits are an NHS number of England and Wales: its check digit is modulo 11."""
    check = 11 - _weighed(digits[:9], range(10, 1, -1)) % 11
    return check != 10 and int(digits[9]) == check % 11 and len(set(digits)) > 1


def taxpayer_reference(digits: str) -> bool:
    """Whether ten digits are a unique taxpayer reference of the United Kingdom: the first one is the check digit."""
    return "21987654321"[_weighed(digits[1:], _UTR_FACTORS) % 11] == digits[0]


def canadian_insurance(digits: str) -> bool:
    """Whether nine digits are a Canadian social insurance number."""
    return digits[0] not in "08" and luhn(digits)


def canadian_health(digits: str) -> bool:
    """Whether ten digits are a Canadian health number: Ontario's check digit, or British Columbia's."""
    if digits[0] == "9":
        rest = _weighed(digits[1:9], (2, 4, 8, 5, 10, 9, 7, 3)) % 11
        if int(digits[9]) == 11 - rest:
            return True
    return digits[0] != "0" and luhn(digits)


def aadhaar(digits: str) -> bool:
    """Whether twelve digits are an Aadhaar number: the first is 2 to 9, the last is Verhoeff's check digit."""
    if digits[0] in "01":
        return False
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(_ROWS[check][int(_TURNS[place % 8][int(digit)])])
    return check == 0


def vehicle(code: str) -> bool:
    """Whether 17 capitals and digits have the check digit of a vehicle's number (North America and China)."""
    if any(each not in _VIN_VALUES for each in code):
        return False
    rest = sum(_VIN_VALUES[each] * weight for each, weight in zip(code, _VIN_FACTORS, strict=True)) % 11
    return code[8] == ("X" if rest == 10 else str(rest))


def national_insurance(code: str) -> bool:
    """Whether a code such as QQ123456C has letters that a United Kingdom national insurance number may have."""
    first, second = code[0], code[1]
    return first not in "DFIQUV" and second not in "DFIOQUV" and code[:2] not in _NINO_NOT and code[-1] in "ABCD"


def _weighed(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))

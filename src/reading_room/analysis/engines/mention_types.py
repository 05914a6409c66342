"""Words that show the type of a mention, one of the seventeen types of targeted sentiment.

spaCy's labels decide for names. Common nouns have no label: short lists of frequent nouns decide, and the others are
OTHER. No corpus marks these types, so nothing here is measured.
"""

from __future__ import annotations

LABELS = {
    "PERSON": "PERSON",
    "GPE": "LOCATION",
    "LOC": "LOCATION",
    "FAC": "FACILITY",
    "ORG": "ORGANIZATION",
    "PRODUCT": "COMMERCIAL_ITEM",
    "EVENT": "EVENT",
    "DATE": "DATE",
    "TIME": "DATE",
    "CARDINAL": "QUANTITY",
    "ORDINAL": "QUANTITY",
    "MONEY": "QUANTITY",
    "PERCENT": "QUANTITY",
    "QUANTITY": "QUANTITY",
    "WORK_OF_ART": "OTHER",
    "NORP": "OTHER",
    "LANGUAGE": "OTHER",
    "LAW": "OTHER",
}
"""spaCy's entity labels. The nouns beside a work of art decide its type: see ``WORKS``."""

WORKS = ("MOVIE", "MUSIC", "BOOK", "SOFTWARE", "GAME")

_NOUNS = {
    "PERSON": """actor actress adult agent artist assistant author baby barista bartender boss boy brother cashier chef
        child clerk colleague cook couple crew customer dad daughter dentist director doctor driver employee family
        father friend girl guest guy host hostess husband kid lady lawyer man manager mom mother nurse owner parent
        people person player police president receptionist seller senator server singer sister son staff stranger
        student teacher waiter waitress wife woman worker writer""",
    "FACILITY": """airport bar bathroom building cafe cafeteria church cinema clinic diner gym hospital hotel library
        lobby mall motel museum office pharmacy pool pub restaurant restroom salon school shop stadium station store
        supermarket theater theatre""",
    "LOCATION": """area beach city country county island lake mountain neighborhood park region state street town
        village""",
    "ORGANIZATION": """administration agency airline army bank business chain church club committee company congress
        corporation court department firm government ministry newspaper organization party senate team union
        university""",
    "MOVIE": "documentary film movie sequel thriller",
    "MUSIC": "album music single song soundtrack track tune",
    "BOOK": "book memoir novel textbook",
    "SOFTWARE": "app application browser firmware program software website",
    "GAME": "game videogame",
    "EVENT": """ceremony concert conference election event festival meeting party show tournament trip vacation war
        wedding""",
    "DATE": "afternoon day evening month morning night today tomorrow tonight week weekend year yesterday",
    "ATTRIBUTE": """ambiance ambience appearance atmosphere attitude attention battery cleanliness color comfort cost
        decor delivery design display durability fee feel flavor fit graphic interface length life location look menu
        noise performance picture portion presentation price pricing quality range resolution screen selection service
        setting shipping size smell sound speed style support taste texture value variety view volume wait warranty
        weight""",
    "COMMERCIAL_ITEM": """bag beer bike bread breakfast burger cake camera car chair cheese chicken chip coffee
        computer console curry dessert device dinner dish dress drink egg fish food fries headphone ice item jacket
        keyboard lamp laptop lunch machine meal meat monitor noodle pasta phone pizza printer product ramen rice salad
        sandwich sauce shirt shoe snack soup speaker steak sushi table tablet tea television toy tv watch wine""",
}
NOUNS = {noun: kind for kind, nouns in _NOUNS.items() for noun in nouns.split()}
"""Singular heads of noun phrases."""

_TITLES = (
    "dr dr. mr mr. mrs mrs. ms ms. miss sir madam prof prof. professor president senator judge king queen "
    "prince princess captain general governor mayor minister chancellor pope sen. rep. gov. gen."
)
TITLES = frozenset(_TITLES.split())

_MASCULINE = "boy brother dad father guy husband king man mr mr. prince sir son waiter actor he him his himself"
MASCULINE = frozenset(_MASCULINE.split())
_FEMININE = (
    "actress daughter girl hostess lady madam miss mom mother mrs mrs. ms ms. princess queen sister she her "
    "hers herself waitress wife woman"
)
FEMININE = frozenset(_FEMININE.split())

MANY = frozenset(["couple", "crew", "family", "people", "police", "staff", "team", "government", "company"])
"""Singular nouns that "they" may stand for."""


_IRREGULAR = {"children": "child", "men": "man", "people": "people", "wives": "wife", "women": "woman"}


def singular(noun: str) -> str:
    """Return the form of a noun that the lists use."""
    word = noun.lower()
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word in NOUNS or len(word) < 4 or not word.endswith("s") or word.endswith("ss"):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("ches", "shes", "xes", "sses")) else word[:-1]

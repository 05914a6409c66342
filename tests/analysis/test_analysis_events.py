"""Events in English: each type in a sentence that has it, its arguments, and what is none."""

from __future__ import annotations

import gc
import time
from typing import Any

import pytest

from reading_room.analysis.engine import load_engine
from reading_room.analysis.engines.events.engine import Events, events
from reading_room.analysis.event_types import EVENT_TYPES, targeted, unknown

SENTENCES = {
    "BANKRUPTCY": "Harbor Steel Inc. filed for bankruptcy in Delaware on March 3, 2021.",
    "EMPLOYMENT": "Harbor Steel Inc. appointed Maria Lopez as chief financial officer, effective May 1, 2021.",
    "CORPORATE_ACQUISITION": "Harbor Steel Inc. acquired Lakeside Foundry LLC for $40 million on March 3, 2021.",
    "INVESTMENT_GENERAL": "Harbor Steel Inc. invested $40 million in Lakeside Foundry LLC on March 3, 2021.",
    "CORPORATE_MERGER": "The merger of Harbor Steel Inc. and Lakeside Foundry LLC closed on March 3, 2021.",
    "IPO": "Harbor Steel Inc. priced its initial public offering of 2,000,000 shares at $12.00 per share.",
    "RIGHTS_ISSUE": "Harbor Steel Inc. announced a rights issue of 2,000,000 shares at $12.00 per share.",
    "SECONDARY_OFFERING": "Harbor Steel Inc. priced a registered direct offering of 2,000,000 shares at $12 per share.",
    "SHELF_OFFERING": "Harbor Steel Inc. filed a shelf registration statement on Form S-3 on March 3, 2021.",
    "TENDER_OFFERING": "Harbor Steel Inc. launched a tender offer for Lakeside Foundry LLC on March 3, 2021.",
    "STOCK_SPLIT": "Harbor Steel Inc. announced a 1-for-10 reverse stock split, effective March 3, 2021.",
}
ROLES = {
    "BANKRUPTCY": {"FILER": "Harbor Steel Inc.", "DATE": "March 3, 2021", "PLACE": "Delaware"},
    "EMPLOYMENT": {
        "EMPLOYEE": "Maria Lopez",
        "EMPLOYEE_TITLE": "chief financial officer",
        "EMPLOYER": "Harbor Steel Inc.",
        "START_DATE": "May 1, 2021",
    },
    "CORPORATE_ACQUISITION": {
        "INVESTOR": "Harbor Steel Inc.",
        "INVESTEE": "Lakeside Foundry LLC",
        "AMOUNT": "$40 million",
        "DATE": "March 3, 2021",
    },
    "INVESTMENT_GENERAL": {
        "INVESTOR": "Harbor Steel Inc.",
        "INVESTEE": "Lakeside Foundry LLC",
        "AMOUNT": "$40 million",
        "DATE": "March 3, 2021",
    },
    "IPO": {"OFFEROR": "Harbor Steel Inc.", "SHARE_QUANTITY": "2,000,000 shares", "SHARE_PRICE": "$12.00"},
    "STOCK_SPLIT": {"COMPANY": "Harbor Steel Inc.", "SPLIT_RATIO": "1-for-10", "DATE": "March 3, 2021"},
    "TENDER_OFFERING": {"OFFEROR": "Harbor Steel Inc.", "OFFEREE": "Lakeside Foundry LLC"},
}


@pytest.fixture(scope="module")
def engine() -> Events:
    """The engine, loaded once."""
    loaded = load_engine("events-en")
    assert isinstance(loaded, Events)
    return loaded


def one(engine: Events, text: str) -> dict[str, Any]:
    """Return the result of one text."""
    (found,) = engine.analyse([text])
    return found


def arguments(result: dict[str, Any], event: dict[str, Any]) -> dict[str, str]:
    """Return the first mention of each role's entity."""
    entities = result["Entities"]
    return {each["Role"]: entities[each["EntityIndex"]]["Mentions"][0]["Text"] for each in event["Arguments"]}


@pytest.mark.costs(4, reason="an engine is loaded")
@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_each_type_is_found_in_a_sentence_that_has_it(engine: Events, kind: str) -> None:
    text = SENTENCES[kind]
    found = one(engine, text)
    assert [event["Type"] for event in found["Events"]] == [kind]
    for trigger in found["Events"][0]["Triggers"]:
        assert text[trigger["BeginOffset"] : trigger["EndOffset"]] == trigger["Text"]
        assert trigger["Type"] == kind
    roles = arguments(found, found["Events"][0])
    assert ROLES.get(kind, {}).items() <= roles.items()


@pytest.mark.parametrize(
    ("text", "role", "words"),
    [
        ("acquired Lakeside Foundry LLC, which has plants in Ohio, for $40 million.", "PLACE", "Ohio"),
        ("acquired Lakeside Foundry LLC, based in Ohio, for $40 million.", "PLACE", None),
        (
            "priced a registered direct offering of 2,000,000 shares, sold to Granite Capital LLC, at $12 per share.",
            "INVESTOR",
            "Granite Capital LLC",
        ),
        (
            "announced a registered direct offering, in which Granite Capital LLC agreed to purchase 2,000,000 shares.",
            "INVESTOR",
            "Granite Capital LLC",
        ),
        ("priced its initial public offering of 2,000,000 shares; Granite Bank LLC is underwriter.", "INVESTOR", None),
        (
            "priced its initial public offering at $12.00 per share, valuing the company at $900 million.",
            "OFFEROR_TOTAL_VALUE",
            "$900 million",
        ),
        ("completed the acquisition of the Riverside Steel Mill for $40 million.", "INVESTEE", "Riverside Steel Mill"),
    ],
)
def test_roles_that_few_texts_have(engine: Events, text: str, role: str, words: str | None) -> None:
    found = one(engine, f"Harbor Steel Inc. {text}")
    (event,) = found["Events"]
    assert arguments(found, event).get(role) == words


def test_a_building_or_works_with_a_name_is_a_facility(engine: Events) -> None:
    found = one(engine, "Harbor Steel Inc. completed the acquisition of the Riverside Steel Mill for $40 million.")
    types = {mention["Text"]: mention["Type"] for entity in found["Entities"] for mention in entity["Mentions"]}
    assert types["Riverside Steel Mill"] == "FACILITY"


def test_every_mention_of_an_argument_is_in_its_group(engine: Events) -> None:
    text = (
        'Harbor Steel Inc. (the "Company") acquired Lakeside Foundry LLC. The Company paid $40 million for Lakeside.\n'
        "Harbor Steel will close the acquisition in May."
    )
    found = one(engine, text)
    groups = [[mention["Text"] for mention in entity["Mentions"]] for entity in found["Entities"]]
    assert ["Harbor Steel Inc.", "Company", "Harbor Steel"] in groups
    for entity in found["Entities"]:
        for mention in entity["Mentions"]:
            assert text[mention["BeginOffset"] : mention["EndOffset"]] == mention["Text"]
            assert 0 < mention["GroupScore"] <= 1
            assert 0 < mention["Score"] <= 1


def test_words_of_the_same_event_are_together(engine: Events) -> None:
    text = (
        "Harbor Steel Inc. priced its initial public offering of 2,000,000 shares. The offering closes on May 3, 2021."
    )
    (event,) = one(engine, text)["Events"]
    assert [trigger["Text"] for trigger in event["Triggers"]] == ["initial public offering", "offering"]


@pytest.mark.parametrize(
    "text",
    [
        "Item 5.02 Departure of Directors or Certain Officers; Election of Directors; Appointment of Certain Officers.",
        "The Agreement and Plan of Merger is attached as Exhibit 2.1.",
        "We expect customer acquisition costs to fall.",
        "This press release does not constitute an offer to sell or the solicitation of an offer to buy securities.",
        "The committee meets on Monday in the small room.",
        "Growth through acquisitions is a part of the strategy.",
    ],
)
def test_what_tells_of_no_event_is_none(engine: Events, text: str) -> None:
    assert one(engine, text) == {"Entities": [], "Events": []}


def test_each_text_has_a_result_in_order_and_an_empty_one_has_no_event(engine: Events) -> None:
    texts = ["", " ", SENTENCES["IPO"], "Nothing here."]
    assert [[event["Type"] for event in found["Events"]] for found in engine.analyse(texts)] == [[], [], ["IPO"], []]


def test_only_the_events_that_are_asked_for_are_left_with_their_entities(engine: Events) -> None:
    result = one(engine, SENTENCES["BANKRUPTCY"] + " " + SENTENCES["CORPORATE_ACQUISITION"])
    assert {event["Type"] for event in result["Events"]} == {"BANKRUPTCY", "CORPORATE_ACQUISITION"}
    left = targeted(result, ["CORPORATE_ACQUISTION"])
    (event,) = left["Events"]
    assert event["Type"] == "CORPORATE_ACQUISITION"
    assert arguments(left, event) == ROLES["CORPORATE_ACQUISITION"]
    used = {argument["EntityIndex"] for argument in event["Arguments"]}
    assert used == set(range(len(left["Entities"])))
    assert targeted(result, ["IPO"]) == {"Entities": [], "Events": []}


def test_names_that_are_no_types_are_known() -> None:
    assert unknown(["IPO", "CORPORATE_ACQUISTION", "WEDDING", ""]) == ["WEDDING", ""]


@pytest.mark.costs(2, reason="long texts are read")
@pytest.mark.parametrize(
    "piece", ["offering ", "the offering. ", "$1 ", '(the "A") ', "acquired by ", "1-for-1 ", "a" * 50, "Chief "]
)
def test_a_hostile_text_takes_time_in_proportion_to_its_length(piece: str) -> None:
    def spent(length: int) -> float:
        text = (piece * length)[:length]
        gc.disable()  # It would look at the objects of all tests before this one.
        try:
            began = time.process_time()
            events(text, [])
            return time.process_time() - began
        finally:
            gc.enable()

    spent(2_000)
    short, long = spent(20_000), spent(80_000)
    assert long < 16 * short + 0.2

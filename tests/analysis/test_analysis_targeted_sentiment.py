"""Targeted sentiment: mentions with correct offsets, in groups, each with the sentiment that the text expresses."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from reading_room.analysis.engines.mention_groups import grouped
from reading_room.analysis.engines.mention_types import singular
from reading_room.analysis.engines.mentions import Kind, Mention
from reading_room.analysis.engines.targeted_sentiment import TargetedSentiment


@pytest.fixture(scope="module")
def engine() -> TargetedSentiment:
    return TargetedSentiment()


def entities(engine: TargetedSentiment, text: str) -> list[dict[str, Any]]:
    (result,) = engine.analyse([text])
    return result


def texts_of(entity: dict[str, Any]) -> list[str]:
    return [mention["Text"] for mention in entity["Mentions"]]


def test_each_thing_gets_the_sentiment_that_the_text_expresses(engine: TargetedSentiment) -> None:
    found = entities(engine, "The burger was delicious but the service was terribly slow.")
    signs = {texts_of(each)[0]: each["Mentions"][0]["MentionSentiment"]["Sentiment"] for each in found}
    assert signs == {"burger": "POSITIVE", "service": "NEGATIVE"}
    types = {texts_of(each)[0]: each["Mentions"][0]["Type"] for each in found}
    assert types == {"burger": "COMMERCIAL_ITEM", "service": "ATTRIBUTE"}


def test_offsets_count_code_points_of_the_text(engine: TargetedSentiment) -> None:
    text = "😀😀 Ana Müller loves the 𝒜-shaped lamp.\n\nShe bought it in Zürich on Monday. " * 3
    found = entities(engine, text)
    mentions = [mention for each in found for mention in each["Mentions"]]
    assert any("Müller" in mention["Text"] for mention in mentions)
    for mention in mentions:
        assert text[mention["BeginOffset"] : mention["EndOffset"]] == mention["Text"]
    spans = sorted((mention["BeginOffset"], mention["EndOffset"]) for mention in mentions)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))


def test_a_mention_has_the_apis_members_and_scores_between_0_and_1(engine: TargetedSentiment) -> None:
    for entity in entities(engine, "Mr. Smith praised the hotel. He said it was cheap."):
        assert set(entity) == {"DescriptiveMentionIndex", "Mentions"}
        assert all(0 <= index < len(entity["Mentions"]) for index in entity["DescriptiveMentionIndex"])
        for mention in entity["Mentions"]:
            assert set(mention) == {
                *("BeginOffset", "EndOffset", "Score", "GroupScore", "Text", "Type", "MentionSentiment"),
            }
            scores = mention["MentionSentiment"]["SentimentScore"]
            assert sum(scores.values()) == pytest.approx(1)
            assert 0 < mention["Score"] <= 1
            assert 0 < mention["GroupScore"] <= 1


def test_a_pronoun_joins_its_antecedent_and_takes_its_type(engine: TargetedSentiment) -> None:
    found = entities(engine, "The waiters were rude. They shouted at us.")
    (group,) = [each for each in found if "waiters" in texts_of(each)]
    assert texts_of(group) == ["waiters", "They"]
    assert [mention["Type"] for mention in group["Mentions"]] == ["PERSON", "PERSON"]
    assert group["DescriptiveMentionIndex"] == [0]


def test_i_and_my_are_one_person(engine: TargetedSentiment) -> None:
    found = entities(engine, "I lost my keys, so call me.")
    assert ["I", "my", "me"] in [texts_of(each) for each in found]


def test_texts_without_mentions_have_no_entities_and_do_not_shift_the_others(engine: TargetedSentiment) -> None:
    results = list(engine.analyse(["", "The soup is good.", "...", "\n"]))
    assert [len(result) for result in results] == [0, 1, 0, 0]


@pytest.mark.costs(0.6, reason="a text of 900 sentences is analysed")
def test_a_text_longer_than_a_segment_keeps_its_offsets(engine: TargetedSentiment) -> None:
    text = "Nothing happened at all. " * 900 + "Angela Merkel praised the soup."
    mentions = [mention for each in entities(engine, text) for mention in each["Mentions"]]
    assert mentions[-1]["Text"] == "soup"
    assert mentions[-1]["BeginOffset"] == text.index("soup")


def mention(
    text: str,
    kind: Kind = "name",
    sort: str = "PERSON",
    label: str = "",
    sentence: int = 0,
    plural: bool = False,
    gender: str = "",
    person: int = 3,
) -> Mention:
    span = (100 * sentence, 100 * sentence + 99)
    return Mention(span[0], span[0] + len(text), text, kind, sort, label, person, plural, gender, span)


def words(*mentions: Mention) -> list[list[str]]:
    return [[mentions[member].text for member in group.members] for group in grouped(mentions)]


def test_surnames_join_full_names_and_initials_join_organizations() -> None:
    assert words(mention("Angela Merkel", label="PERSON"), mention("Merkel", label="PERSON")) == [
        ["Angela Merkel", "Merkel"]
    ]
    nations = mention("United Nations", sort="ORGANIZATION", label="ORG")
    assert words(nations, mention("UN", sort="ORGANIZATION", label="ORG")) == [["United Nations", "UN"]]
    assert words(mention("Paris Hilton", label="PERSON"), mention("Paris", sort="LOCATION", label="GPE")) == [
        ["Paris Hilton"],
        ["Paris"],
    ]


def test_a_pronoun_joins_the_nearest_mention_that_agrees_in_number_and_gender() -> None:
    anna = mention("Anna", gender="f")
    lamp = mention("lamp", "noun", "COMMERCIAL_ITEM", gender="n")
    guests = mention("guests", "noun", plural=True)
    she = mention("she", "pronoun", gender="f", sentence=1)
    it = mention("it", "pronoun", "OTHER", gender="n", sentence=1)
    they = mention("they", "pronoun", "OTHER", plural=True, sentence=1)
    assert words(anna, lamp, guests, she, it, they) == [["Anna", "she"], ["lamp", "it"], ["guests", "they"]]


def test_a_name_referred_to_as_she_is_not_joined_by_he_later() -> None:
    merkel, obama = mention("Merkel", label="PERSON"), mention("Obama", label="PERSON")
    she, he = mention("she", "pronoun", gender="f", sentence=1), mention("he", "pronoun", gender="m", sentence=2)
    assert words(obama, merkel, she, he) == [["Obama", "he"], ["Merkel", "she"]]


def test_a_pronoun_does_not_reach_back_over_many_sentences() -> None:
    lamp = mention("lamp", "noun", "COMMERCIAL_ITEM", gender="n")
    between = [mention(f"Anna {number}", sentence=number, gender="f") for number in range(1, 4)]
    it = mention("it", "pronoun", "OTHER", gender="n", sentence=4)
    assert ["it"] in words(lamp, *between, it)


def test_an_ambiguous_pronoun_has_a_lower_group_score() -> None:
    lamp, desk = (mention(text, "noun", "OTHER", gender="n") for text in ("lamp", "desk"))
    it = mention("it", "pronoun", "OTHER", gender="n", sentence=1)
    assert grouped([lamp, it])[0].scores == [1.0, 1.0]
    assert grouped([lamp, desk, it])[1].scores == [1.0, 0.5]


def test_equal_quantities_are_not_grouped() -> None:
    seven = mention("seven", sort="QUANTITY", label="CARDINAL")
    assert words(seven, seven) == [["seven"], ["seven"]]


def test_the_descriptive_mention_is_the_fullest_name() -> None:
    mentions = [mention("Merkel", label="PERSON"), mention("Angela Merkel", label="PERSON")]
    (group,) = grouped(mentions)
    assert group.descriptive(mentions) == [1]


@pytest.mark.parametrize(
    ("noun", "form"),
    [("burgers", "burger"), ("dishes", "dish"), ("companies", "company"), ("women", "woman"), ("glass", "glass")],
)
def test_plural_nouns_are_looked_up_by_their_singular(noun: str, form: str) -> None:
    assert singular(noun) == form

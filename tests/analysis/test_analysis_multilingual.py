"""The engines of the multilingual encoder: entities, key phrases, parts of speech and sentiment beside English."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from reading_room.analysis.engine import load_engine
from reading_room.analysis.engines.multilingual_graph import MultilingualGraph
from reading_room.analysis.engines.multilingual_pieces import WINDOW_PIECES, cut, cut_windows, pieces_only
from reading_room.analysis.kinds import ENTRIES, MULTILINGUAL

pytestmark = pytest.mark.costs(1.5, reason="an encoder of 45 MB is loaded once")

TEXTS = {
    "ar": "وُلد نجيب محفوظ في القاهرة. هذا الفيلم رائع جدا.",
    "de": "Angela Merkel wurde in Hamburg geboren. Die Bundeskanzlerin besuchte Paris.",
    "es": "Gabriel García Márquez nació en Colombia. La casa grande está en Madrid.",
    "fr": "Victor Hugo est né à Besançon. Le gouvernement français a publié un rapport.",
    "hi": "नरेंद्र मोदी दिल्ली में रहते हैं। भारत एक बड़ा देश है।",
    "it": "Giuseppe Verdi nacque in Italia. Il governo ha approvato la nuova legge.",
    "ja": "東京都は日本の首都である。山田太郎は大阪で生まれた。",
    "ko": "봉준호 감독은 대구에서 태어났다. 이 영화는 정말 재미있다.",
    "pt": "Fernando Henrique Cardoso nasceu no Rio de Janeiro. O governo aprovou a nova lei.",
    "zh": "毛泽东出生于湖南省。北京是中华人民共和国的首都。",
    "zh-TW": "毛澤東出生於湖南省。北京是中華人民共和國的首都。",
}
OPINIONS = {
    "de": ("Das Essen war wunderbar, danke!", "Das war furchtbar, ich bin sehr enttäuscht."),
    "es": ("¡Me encanta, es una maravilla!", "Es horrible, una gran decepción."),
    "fr": ("J'adore, c'est magnifique !", "C'est horrible, je suis très déçu."),
    "it": ("Bellissimo, lo adoro!", "È terribile, sono molto delusa."),
    "pt": ("Adorei, é maravilhoso!", "É horrível, uma grande decepção."),
}
NAMES = [name for name, entry in ENTRIES.items() if (entry.loads or "").startswith(MULTILINGUAL)]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return MultilingualGraph("de").tokenizer


def _items(name: str, *texts: str) -> list[list[dict[str, Any]]]:
    return [found for found in load_engine(name).analyse(texts) if isinstance(found, list)]


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("sentiment-")])
def test_an_engine_finds_slices_of_the_text_with_scores_in_order(name: str) -> None:
    text = TEXTS[ENTRIES[name].language or ""]
    (found,) = _items(name, text)
    assert found
    for item in found:
        assert item["Text"] == text[item["BeginOffset"] : item["EndOffset"]]
        assert 0 < item.get("Score", item.get("PartOfSpeech", {}).get("Score")) < 1
        assert ("Type" in item) == name.startswith("entities-")
    borders = [(item["BeginOffset"], item["EndOffset"]) for item in found]
    assert all(end <= begin for (_, end), (begin, _) in pairwise(borders))


@pytest.mark.parametrize(
    ("name", "person", "place"),
    [
        ("entities-es", "Gabriel García Márquez", "Colombia"),
        ("entities-it", "Giuseppe Verdi", "Italia"),
        ("entities-fr", "Victor Hugo", "Besançon"),
        ("entities-hi", "नरेंद्र मोदी", "दिल्ली"),
    ],
)
def test_names_are_found_without_texts_of_their_language_and_with_them(name: str, person: str, place: str) -> None:
    (found,) = _items(name, TEXTS[name.removeprefix("entities-")])
    types = {item["Text"]: item["Type"] for item in found}
    assert types[person] == "PERSON"
    assert types[place] == "LOCATION"


def test_words_are_numbered_from_one_through_all_sentences_and_pieces_of_a_long_text() -> None:
    short, long = _items("syntax-it", TEXTS["it"], f"{TEXTS['it']} " * 400)
    assert [token["Text"] for token in short[:5]] == ["Giuseppe", "Verdi", "nacque", "in", "Italia"]
    assert [token["TokenId"] for token in long] == list(range(1, 400 * len(short) + 1))
    assert {token["PartOfSpeech"]["Tag"] for token in short} >= {"PROPN", "VERB", "DET", "NOUN", "PUNCT"}


def test_a_document_is_not_mixed_with_its_neighbours_and_an_empty_one_has_nothing() -> None:
    alone, empty, many = _items("entities-es", TEXTS["es"], " \n", f"{TEXTS['es']}\n" * 50)
    assert alone
    assert empty == []
    assert len(many) == 50 * len(alone)
    assert many[-1]["BeginOffset"] == alone[-1]["BeginOffset"] + 49 * (len(TEXTS["es"]) + 1)


@pytest.mark.parametrize("language", OPINIONS)
def test_a_sentiment_has_four_scores_that_sum_to_one_and_tells_praise_from_complaint(language: str) -> None:
    answers = []
    for members in load_engine(f"sentiment-{language}").analyse([*OPINIONS[language], ""]):
        assert isinstance(members, dict)
        assert sum(members["SentimentScore"].values()) == pytest.approx(1)
        answers.append(members["Sentiment"])
    assert answers == ["POSITIVE", "NEGATIVE", "NEUTRAL"]


def test_traditional_chinese_is_read_as_simplified_chinese() -> None:
    (simplified,) = load_engine("sentiment-zh").analyse(["这家餐厅很好"])
    (traditional,) = load_engine("sentiment-zh-TW").analyse(["這家餐廳很好"])
    assert simplified == traditional
    (named,) = _items("entities-zh-TW", TEXTS["zh-TW"])
    assert {"毛澤東": "PERSON", "湖南省": "LOCATION"}.items() <= {item["Text"]: item["Type"] for item in named}.items()


@given(st.text(alphabet=st.sampled_from("aé1 .!?\n。「」東가が한नि्ب،,'\u2019\u200d\u0301"), max_size=300))
@pytest.mark.parametrize("language", ["es", "ko"])
def test_units_lie_in_the_text_in_order_and_windows_have_each_of_them_once(
    tokenizer: Tokenizer, language: str, text: str
) -> None:
    found = list(cut_windows(tokenizer, 0, text, language))
    places = [(window.offset + begin, window.offset + end) for window in found for begin, end in window.units]
    assert all(0 <= begin < end <= len(text) for begin, end in places)
    assert places == sorted(set(places))
    for window in found:
        assert len(window.ids) <= WINDOW_PIECES
        assert len(window.firsts) == len(window.units)
        assert all(0 <= first < len(window.ids) for first in window.firsts)


def test_a_sentence_longer_than_a_window_is_cut_between_units(tokenizer: Tokenizer) -> None:
    text = "palavra " * 240
    found = list(cut_windows(tokenizer, 0, text, "pt"))
    assert len(found) > 1
    assert sum(len(window.units) for window in found) == 240
    assert cut(tokenizer, text, "pt").units[:2] == [(0, 7), (8, 15)]
    assert sum(len(window.ids) for window in pieces_only(tokenizer, 0, text)) == sum(len(w.ids) for w in found)

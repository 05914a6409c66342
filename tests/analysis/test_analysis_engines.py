"""The packaged engines, on sentences with undisputed results."""

from __future__ import annotations

import json
import socket
import threading

import pytest

from reading_room.analysis.engine import load_engine
from reading_room.analysis.engines.english_entities import EnglishEntities
from reading_room.analysis.engines.language_vote import LanguageVote
from reading_room.analysis.realtime import serve


@pytest.fixture(scope="module")
def entities() -> EnglishEntities:
    """The English entity engine, loaded once."""
    engine = load_engine("entities-en")
    assert isinstance(engine, EnglishEntities)
    return engine


@pytest.fixture(scope="module")
def languages() -> LanguageVote:
    """The language engine, loaded once."""
    engine = load_engine("dominant-language")
    assert isinstance(engine, LanguageVote)
    return engine


def test_entities_have_comprehend_types_and_code_point_offsets(entities: EnglishEntities) -> None:
    text = "😀 Angela Merkel visited Paris on 3 May 2021 and spent $20."
    (found,) = entities.analyse([text])
    assert {(e["Text"], e["Type"]) for e in found} >= {
        ("Angela Merkel", "PERSON"),
        ("Paris", "LOCATION"),
        ("3 May 2021", "DATE"),
    }
    assert all(text[e["BeginOffset"] : e["EndOffset"]] == e["Text"] and 0 < e["Score"] <= 1 for e in found)


def test_article_and_quotes_do_not_belong_to_a_name(entities: EnglishEntities) -> None:
    (found,) = entities.analyse(['He works for "the United Nations" in Geneva.'])
    assert "United Nations" in {e["Text"] for e in found}


@pytest.mark.costs(0.7, reason="an engine is loaded")
def test_empty_and_blank_texts_have_empty_results(entities: EnglishEntities, languages: LanguageVote) -> None:
    assert list(entities.analyse(["", " \t", "Paris is in France."]))[:2] == [[], []]
    assert list(languages.analyse(["", "123 456"])) == [[], []]


@pytest.mark.costs(1.2, reason="a text of 1,500 sentences is analysed")
def test_offsets_in_a_long_text_are_correct_across_segments(entities: EnglishEntities) -> None:
    sentence = "Barack Obama was born in Hawaii. "
    text = sentence * 1500
    (found,) = entities.analyse([text])
    assert all(text[e["BeginOffset"] : e["EndOffset"]] == e["Text"] for e in found)
    assert max(e["BeginOffset"] for e in found) > 45_000


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The weather is lovely today and we went for a walk.", "en"),
        ("Das Wetter ist heute schön und wir sind spazieren gegangen.", "de"),
        ("Il fait beau aujourd'hui et nous sommes allés nous promener.", "fr"),
        ("今日は天気がいいので散歩に行きました。", "ja"),
        ("今天天气很好，我们这些人开车出去散步了。", "zh"),
        ("今天天氣很好，我們這些人開車出去散步了。", "zh-TW"),
        ("Сегодня хорошая погода, и мы пошли гулять.", "ru"),
    ],
)
def test_the_dominant_language_comes_first(languages: LanguageVote, text: str, code: str) -> None:
    (found,) = languages.analyse([text])
    assert found[0]["LanguageCode"] == code
    assert [e["Score"] for e in found] == sorted((e["Score"] for e in found), reverse=True)
    assert sum(e["Score"] for e in found) <= 1.0001


def test_the_realtime_protocol_answers_each_request_and_survives_a_bad_one(languages: LanguageVote) -> None:
    ours, theirs = socket.socketpair()
    threading.Thread(target=serve, args=(languages, theirs), daemon=True).start()
    with ours, ours.makefile("rwb") as stream:
        assert json.loads(stream.readline()) == {"ready": True}
        stream.write(b'{"id": 1, "texts": 5}\n')
        stream.write(json.dumps({"id": 2, "texts": ["Bonjour tout le monde"]}).encode() + b"\n")
        stream.flush()
        assert "error" in json.loads(stream.readline())
        answer = json.loads(stream.readline())
    assert (answer["id"], answer["results"][0][0]["LanguageCode"]) == (2, "fr")

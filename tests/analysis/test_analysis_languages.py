"""Engines for the languages other than English, and the parts that they consist of."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.analysis.engine import load_engine
from reading_room.analysis.engines.lexicon import Lexicon
from reading_room.analysis.engines.sentence_tokens import LONGEST_SENTENCE, characters, sentences, words
from reading_room.analysis.engines.sequence_tagger import SequenceTagger, labelled
from reading_room.analysis.kinds import ENTRIES, TAGGER

pytestmark = pytest.mark.costs(0.3, reason="an engine is loaded")

TEXTS = {
    "de": "😀 Angela Merkel wurde in Hamburg geboren. Die deutsche Bundeskanzlerin besuchte Paris.",
    "es": "El presidente visitó la ciudad de Madrid. Una casa grande está en el centro.",
    "fr": "Le gouvernement français a publié un nouveau rapport. La maison est grande.",
    "ja": "東京都は日本の首都である。山田太郎は2010年に大阪で生まれた。",
    "pt": "Fernando Henrique Cardoso nasceu no Rio de Janeiro. O governo do Brasil aprovou a nova lei.",
    "zh": "毛泽东出生于湖南省。北京是中华人民共和国的首都。",
    "zh-TW": "毛澤東出生於湖南省。北京是中華人民共和國的首都。",
}


def _tagger(name: str) -> SequenceTagger:
    engine = load_engine(name)
    assert isinstance(engine, SequenceTagger)
    return engine


@pytest.fixture(scope="module")
def portuguese() -> SequenceTagger:
    return _tagger("entities-pt")


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if entry.loads == TAGGER])
def test_an_engine_finds_slices_of_the_text_with_scores(name: str) -> None:
    language = name.removeprefix("entities-").removeprefix("key-phrases-")
    text = TEXTS[language]
    engine = load_engine(name)
    (found,) = engine.analyse([text])
    assert isinstance(found, list)
    assert found
    assert engine.result_member == ("Entities" if name.startswith("entities-") else "KeyPhrases")
    for item in found:
        assert item["Text"] == text[item["BeginOffset"] : item["EndOffset"]]
        assert 0 < item["Score"] < 1
        assert ("Type" in item) == name.startswith("entities-")
    borders = [(item["BeginOffset"], item["EndOffset"]) for item in found]
    assert all(end <= begin for (_, end), (begin, _) in pairwise(borders))


def test_names_of_persons_and_places_are_distinguished(portuguese: SequenceTagger) -> None:
    (found,) = portuguese.analyse([TEXTS["pt"]])
    types = {item["Text"]: item["Type"] for item in found}
    assert types["Fernando Henrique Cardoso"] == "PERSON"
    assert types["Rio de Janeiro"] == "LOCATION"


def test_traditional_characters_get_the_same_phrases_as_simplified_ones() -> None:
    engine = _tagger("key-phrases-zh-TW")
    simplified, traditional = engine.analyse([TEXTS["zh"], TEXTS["zh-TW"]])
    assert [(e["BeginOffset"], e["EndOffset"]) for e in simplified] == [
        (e["BeginOffset"], e["EndOffset"]) for e in traditional
    ]
    assert "毛澤東" in {e["Text"] for e in traditional}


def test_offsets_continue_over_sentences_and_documents_do_not_mix(portuguese: SequenceTagger) -> None:
    sentence = "Fernando Henrique Cardoso nasceu no Rio de Janeiro. "
    alone, empty, many = portuguese.analyse([sentence, " \n", sentence * 50])
    assert empty == []
    assert len(many) == 50 * len(alone)
    assert many[-1]["BeginOffset"] == alone[-1]["BeginOffset"] + 49 * len(sentence)


def test_an_unknown_model_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="entities-xx"):
        load_engine("entities-xx")
    with pytest.raises(ValueError, match="syntax-ja"):
        load_engine("syntax-ja")


def test_a_higher_probability_gives_a_higher_score(portuguese: SequenceTagger) -> None:
    scores = [portuguese.score(probability) for probability in (0.0, 0.1, 0.5, 0.9, 0.999, 1.0)]
    assert scores == sorted(scores)
    assert 0 < scores[0] < scores[-1] < 1


@given(st.text(alphabet=st.sampled_from("aB1 .!?\n。「」é字'\u2019,"), max_size=200))
def test_sentences_keep_their_offsets_and_leave_out_only_blanks(text: str) -> None:
    found = list(sentences(text))
    assert all(text[offset : offset + len(sentence)] == sentence for offset, sentence in found)
    assert "".join("".join(sentence.split()) for _, sentence in found) == "".join(text.split())


@given(st.text(max_size=80))
def test_tokens_cover_every_visible_character_once(text: str) -> None:
    for tokens in (words(text), characters(text)):
        assert "".join(text[begin:end] for begin, end in tokens) == "".join(text.split())


def test_a_very_long_sentence_is_cut_at_a_blank() -> None:
    text = "palavra " * 1_000
    found = [sentence for _, sentence in sentences(text)]
    assert max(map(len, found)) <= LONGEST_SENTENCE
    assert all(sentence.startswith("palavra") for sentence in found)


def test_the_longest_listed_phrase_is_marked() -> None:
    lexicon = Lexicon({"New York": "c", "New": "x", "York City": "y"}, " ")
    assert lexicon.marks(["New", "York", "City", "New"]) == ["cB", "cI", "-", "xS"]


@pytest.mark.parametrize(
    ("tags", "phrases"),
    [
        (["B-A", "I-A", "L-A", "O", "U-B"], [(0, 3, "A"), (4, 5, "B")]),
        (["B-A", "B-A", "I-A"], [(0, 1, "A"), (1, 3, "A")]),
        (["I-A", "I-B", "O", "I-A"], [(0, 1, "A"), (1, 2, "B"), (3, 4, "A")]),
        (["O", "L-A", "I-A"], [(1, 2, "A"), (2, 3, "A")]),
        ([], []),
    ],
)
def test_inconsistent_tags_are_read_as_phrases_too(tags: list[str], phrases: list[tuple[int, int, str]]) -> None:
    assert list(labelled(tags)) == phrases

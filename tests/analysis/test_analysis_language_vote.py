"""Dominant language: languages that the packaged identifiers confuse, and what a score means."""

from __future__ import annotations

import pytest

from reading_room.analysis.engines.language_ties import PieceTable, pieces, settle
from reading_room.analysis.engines.language_vote import CODES, LanguageVote
from reading_room.analysis.trained import weights


@pytest.fixture(scope="module")
def vote() -> LanguageVote:
    return LanguageVote()


@pytest.fixture(scope="module")
def table() -> PieceTable:
    return PieceTable(weights("south-slavic", "pieces.txt.xz"))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Ti lalaki ken ti babai napanda iti ili tapno gumatang iti taraon dagiti annakda.", "ilo"),
        ("Пур ҫынсем те ирӗклӗ ҫуралаҫҫӗ, вӗсен тивӗҫӗсемпе прависем пӗр тан.", "cv"),
        ("Пур ҫынсем те ирĕклĕ ҫуралаҫҫĕ, вĕсен тивĕҫĕсемпе прависем пĕр тан.", "cv"),
        ("Predsednik vlade je u sredu posetio Beograd i razgovarao sa evropskim zvaničnicima o reformama.", "sr"),
        ("Predsjednik vlade je tijekom tjedna posjetio Zagreb i razgovarao s europskim dužnosnicima.", "hr"),
        ("Unggal jalma boga hak kana kahirupan, kabébasan jeung kasalametan dirina, anu teu meunang dirampas.", "su"),
        ("Saben wong duwe hak urip, kamardikan lan keslametan dhiri, sing ora kena dirampas dening sapa wae.", "jv"),
        ("Преговори о новом споразуму настављају се у Београду.", "sr"),
        ("Câinele și pisica s-au întâlnit în fața casei și au plecat împreună.", "ro"),
        ("Ang mga bata ay naglalaro sa labas ng bahay kasama ang kanilang mga kaibigan.", "tl"),
    ],
)
def test_languages_that_are_easily_confused(vote: LanguageVote, text: str, code: str) -> None:
    (found,) = vote.analyse([text])
    assert found[0]["LanguageCode"] == code


def test_scores_decrease_and_sum_to_at_most_one(vote: LanguageVote) -> None:
    texts = [
        "Dag",
        "ok",
        "Hej, hvordan går det?",
        "The cat sat. Le chat est assis. Der Hund schläft heute.",
    ]
    for found in vote.analyse(texts):
        scores = [entry["Score"] for entry in found]
        assert scores == sorted(scores, reverse=True)
        assert 0 < sum(scores) <= 1.0001
        assert {entry["LanguageCode"] for entry in found} <= CODES


def test_a_clear_sentence_scores_higher_than_a_word_of_many_languages(vote: LanguageVote) -> None:
    clear, vague = vote.analyse(["Der Bundestag hat gestern ein neues Gesetz beschlossen.", "Radio"])
    assert clear[0]["Score"] > 0.95 > vague[0]["Score"]


def test_a_quoted_word_does_not_decide_for_the_text_around_it(vote: LanguageVote) -> None:
    text = "The capital of Chuvashia is called Шупашкар in the local language, and тӑван means native there."
    (found,) = vote.analyse([text])
    assert found[0]["LanguageCode"] == "en"


def test_settle_moves_votes_and_keeps_their_sum(table: PieceTable) -> None:
    votes = {"bs": 1.2, "hr": 0.9, "sr": 0.3, "sl": 0.6}
    settle(votes, "Predsjednik vlade je tijekom tjedna posjetio Zagreb.", [table])
    assert sum(votes.values()) == pytest.approx(3.0)
    assert votes["sl"] == 0.6
    assert votes["hr"] > votes["bs"]


def test_settle_without_a_vote_changes_nothing(table: PieceTable) -> None:
    votes: dict[str, float] = {}
    settle(votes, "", [table])
    assert votes == {}


def test_the_probabilities_of_a_text_without_known_pieces_sum_to_one(table: PieceTable) -> None:
    probabilities = table.probabilities("")
    assert len(probabilities) == len(table.languages)
    assert sum(probabilities) == pytest.approx(1.0)


def test_pieces_are_words_and_runs_inside_marked_words() -> None:
    assert pieces("Da!") == {"<da>", "<da", "da>"}

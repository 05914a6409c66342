"""Sentiment of documents: the API's members, long texts, and a stream that is read at most one batch ahead."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from reading_room.analysis.engines.sentiment import BATCH, Sentiment, of_document
from reading_room.analysis.engines.sentiment_model import MIXED, NEGATIVE, NEUTRAL, POSITIVE, SentimentModel, members

pytestmark = pytest.mark.costs(0.2, reason="a neural model reads several windows of text, and is loaded by some tests")

GOOD = "The staff were friendly and the room was lovely. We enjoyed every minute of it. What a great place! "
BAD = "The bathroom was filthy. The food made us sick and the manager was rude. We hated it. "
PLAIN = "The train leaves at nine. It stops in four towns. The journey takes two hours. "


@pytest.fixture(scope="module")
def engine() -> Sentiment:
    return Sentiment()


def answers(engine: Sentiment, *texts: str) -> list[str]:
    return [result["Sentiment"] for result in engine.analyse(texts)]


def test_clear_texts_get_the_right_sentiment(engine: Sentiment) -> None:
    texts = ("I love this camera!", "This is the worst meal I ever had.", "The meeting starts at nine.")
    assert answers(engine, *texts) == ["POSITIVE", "NEGATIVE", "NEUTRAL"]


def test_praise_and_blame_in_one_sentence_are_mixed(engine: Sentiment) -> None:
    assert answers(engine, "The food was great but the service was awful.") == ["MIXED"]


def test_scores_are_the_apis_four_and_sum_to_one(engine: Sentiment) -> None:
    for result in engine.analyse([GOOD, BAD * 20, GOOD * 10 + BAD * 10, "", "ok"]):
        assert set(result) == {"Sentiment", "SentimentScore"}
        scores = result["SentimentScore"]
        assert set(scores) == {"Positive", "Negative", "Neutral", "Mixed"}
        assert sum(scores.values()) == pytest.approx(1, abs=1e-6)
        assert all(0 <= score <= 1 for score in scores.values())
        assert result["Sentiment"] == max(scores, key=lambda name: scores[name]).upper()


def test_a_score_is_a_single_precision_number(engine: Sentiment) -> None:
    (result,) = engine.analyse(["I love it."])
    score = result["SentimentScore"]["Positive"]
    assert score == float(np.float32(score))


@pytest.mark.parametrize(
    ("text", "sign"),
    [(GOOD * 20, "POSITIVE"), (BAD * 20, "NEGATIVE"), ((GOOD + BAD) * 12, "MIXED")],
)
def test_a_long_text_has_the_sign_of_its_sentences(engine: Sentiment, text: str, sign: str) -> None:
    assert 1000 < len(text) < 5000
    assert answers(engine, text) == [sign]


def test_a_review_is_not_neutral_because_it_also_tells_what_happens(engine: Sentiment) -> None:
    assert answers(engine, (PLAIN + BAD) * 10) == ["NEGATIVE"]


def test_texts_without_a_word_are_neutral(engine: Sentiment) -> None:
    assert answers(engine, "", "  \n") == ["NEUTRAL", "NEUTRAL"]


def test_a_long_text_without_blanks_gets_a_result(engine: Sentiment) -> None:
    assert len(answers(engine, "x" * 5000, "好" * 1700)) == 2


def test_results_keep_the_order_of_texts_of_any_length(engine: Sentiment) -> None:
    texts = ["I love it.", BAD * 10, "I hate it.", GOOD * 10, "She left at noon."]
    assert answers(engine, *texts) == ["POSITIVE", "NEGATIVE", "NEGATIVE", "POSITIVE", "NEUTRAL"]


def test_no_more_than_a_batch_is_read_ahead(engine: Sentiment) -> None:
    read = 0

    def texts() -> Iterator[str]:
        nonlocal read
        for _ in range(10 * BATCH):
            read += 1
            yield "fine"

    next(iter(engine.analyse(texts())))
    assert read <= BATCH + 1


FITTED = {"lean": 1.5, "neutral": 1.0, "neutral_bias": 0.0, "mixed": 2.0, "mixed_bias": 2.0}


def of(*pieces: list[float], lengths: list[float] | None = None) -> np.ndarray:
    return of_document(np.array(pieces), np.array(lengths or [10.0] * len(pieces)), FITTED)


def test_pieces_weigh_by_their_length() -> None:
    good, bad = [0.9, 0.05, 0.03, 0.02], [0.05, 0.9, 0.03, 0.02]
    assert of(good, bad, lengths=[90, 10]).argmax() == POSITIVE
    assert of(good, bad, lengths=[10, 90]).argmax() == NEGATIVE
    assert of(good, bad).argmax() == MIXED


def test_neutral_pieces_do_not_outvote_a_sign_but_count_if_alone() -> None:
    plain, bad = [0.02, 0.02, 0.95, 0.01], [0.05, 0.9, 0.03, 0.02]
    assert of(plain, bad, bad).argmax() == NEGATIVE
    assert of(plain, plain, plain).argmax() == NEUTRAL


def test_certain_pieces_do_not_divide_by_zero() -> None:
    for piece in np.eye(4):
        scores = of(list(piece), list(piece))
        assert np.isfinite(scores).all()
        assert scores.sum() == pytest.approx(1)


def test_a_mention_has_a_sentiment_of_its_own() -> None:
    text = "The food was great but the service was awful."
    (scores,) = SentimentModel().mentions([text], [[(4, 8), (27, 34)]])
    assert [members(each)["Sentiment"] for each in scores] == ["POSITIVE", "NEGATIVE"]
    assert scores.sum(axis=1) == pytest.approx([1, 1])


def test_a_span_that_no_token_touches_gets_the_scores_of_its_text() -> None:
    model = SentimentModel()
    (scores,) = model.mentions(["I love it.  "], [[(10, 12)]])
    assert scores[0] == pytest.approx(model.texts(model.windows(["I love it.  "]))[0])


def test_a_mention_far_into_a_long_text_is_found_in_its_window() -> None:
    text = PLAIN * 20 + "The soup was disgusting."
    begin = text.index("soup")
    (scores,) = SentimentModel().mentions([text], [[(begin, begin + 4)]])
    assert scores[0].argmax() == NEGATIVE

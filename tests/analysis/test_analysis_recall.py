"""Promised recall: what the tests of thresholds accept, and how often a promise is broken."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.analysis.recall import NEVER, covered_until, mean_loss, p_value, promises

documents = st.lists(
    st.lists(st.sampled_from([NEVER, 0.2, 0.5, 0.7, 0.9, 0.99]), min_size=1, max_size=4), min_size=1, max_size=40
)


def test_without_a_miss_the_promise_is_that_of_a_series_of_coins() -> None:
    # With 149 documents and no loss, 0.98 ** 149 is the first below 0.05.
    assert p_value(0.0, 149, 0.02) == pytest.approx(0.98**149)
    assert promises({"NAME": [[0.9]] * 149}, 0.98)["NAME"].threshold == 0.9
    refused = promises({"NAME": [[0.9]] * 148}, 0.98)["NAME"]
    assert refused.threshold is None
    assert 0.97 < refused.highest < 0.98


def test_a_target_that_is_refused_can_be_met_at_the_highest_recall_that_is_named() -> None:
    sample = {"NAME": [[0.9, 0.4], [0.9], [0.8, NEVER, 0.9]] * 40}
    refused = promises(sample, 0.98)["NAME"]
    assert refused.threshold is None
    assert promises(sample, refused.highest - 1e-4)["NAME"].threshold is not None
    assert promises(sample, refused.highest + 1e-4)["NAME"].threshold is None


def test_several_types_share_the_probability_of_an_error() -> None:
    alone = promises({"NAME": [[0.9]] * 150}, 0.98)
    assert alone["NAME"].threshold is not None
    together = promises({"NAME": [[0.9]] * 150, "PHONE": [[0.9]] * 150}, 0.98)
    assert together["NAME"].threshold is None
    assert promises({"NAME": [[0.9]] * 150, "PHONE": []}, 0.98) == alone


@pytest.mark.parametrize("recall", [0, 1, -0.5, 1.2])
def test_a_recall_outside_its_range_is_refused(recall: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        promises({}, recall)


@given(documents, st.floats(0.05, 0.95))
def test_a_threshold_keeps_at_least_the_target_in_the_sample_itself(given: list[list[float]], recall: float) -> None:
    promise = promises({"NAME": given}, recall)["NAME"]
    if promise.threshold is not None:
        assert 1 - mean_loss(given, promise.threshold) >= recall
        assert promise.highest >= recall - 1e-5
    else:
        assert promise.highest <= recall + 1e-5


@given(documents, st.floats(0.1, 0.8))
def test_a_higher_target_never_has_a_higher_threshold(given: list[list[float]], recall: float) -> None:
    low, high = (promises({"NAME": given}, each)["NAME"].threshold for each in (recall, recall + 0.1))
    assert high is None or (low is not None and low >= high)


@given(st.floats(0, 0.9), st.integers(1, 60), st.floats(0.01, 0.99))
def test_the_p_value_grows_with_the_loss_and_shrinks_with_the_sample(loss: float, count: int, risk: float) -> None:
    here = p_value(loss, count, risk)
    assert 0 <= here <= 1
    assert p_value(min(loss + 0.05, 1), count, risk) >= here - 1e-9


@pytest.mark.costs(1, reason="two hundred samples are drawn")
def test_a_promise_is_broken_in_at_most_one_sample_of_twenty() -> None:
    """Items have uniform scores, so that the true recall at a threshold is known: one minus the threshold."""
    chance = random.Random(5)
    broken = 0
    for _ in range(200):
        sample = [[chance.random() for _ in range(chance.choice([1, 1, 3]))] for _ in range(150)]
        threshold = promises({"NAME": sample}, 0.9)["NAME"].threshold
        broken += threshold is not None and 1 - threshold < 0.9
    assert broken <= 10


def test_an_item_is_covered_by_findings_that_together_have_all_its_letters() -> None:
    text = "Ana María López"
    assert covered_until(text, (0, 15), [(0, 9, 0.9), (10, 15, 0.6)]) == 0.6
    assert covered_until(text, (0, 15), [(0, 15, 0.4), (0, 9, 0.9), (10, 15, 0.6)]) == 0.6
    assert covered_until(text, (0, 15), [(0, 8, 0.9), (10, 15, 0.6)]) == NEVER
    assert covered_until(text, (0, 15), []) == NEVER

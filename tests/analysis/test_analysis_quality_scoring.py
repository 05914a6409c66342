"""The scores of the quality bench, as functions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.quality.scoring import (
    bootstrap,
    bootstrap_mean,
    calibration_error,
    class_tally,
    coherence,
    exact,
    f1,
    macro_f1,
    mean_share,
    mutual_information,
    precision,
    purity,
    ranking,
    recall,
    share,
)

groups = st.lists(st.sampled_from("abc"), min_size=2, max_size=40)


def test_exact_counts_the_same_value_once() -> None:
    assert exact([(0, 3, "PERSON"), (0, 3, "PERSON"), (5, 7, "DATE")], [(0, 3, "PERSON")]) == (1, 2, 1)


def test_f1_is_the_harmonic_mean_of_precision_and_recall() -> None:
    sums = np.array([3.0, 4.0, 6.0])
    p, r = precision(sums), recall(sums)
    assert f1(sums) == pytest.approx(2 * p * r / (p + r))


def test_figures_of_an_empty_set_are_zero() -> None:
    nothing = np.zeros(3)
    assert (f1(nothing), precision(nothing), recall(nothing), share(nothing[:2])) == (0, 0, 0, 0)


def test_macro_accuracy_weighs_a_rare_class_like_a_frequent_one() -> None:
    assert mean_share(np.array([90.0, 100.0, 0.0, 1.0, 0.0, 0.0])) == pytest.approx(0.45)


def test_macro_f1_leaves_out_a_class_that_is_never_gold() -> None:
    tally = class_tally(["a", "a", "c"], ["a", "b", "b"], ["a", "b", "c"])
    assert macro_f1(tally.sum(axis=0)) == pytest.approx((2 / 3 + 0) / 2)


def test_bootstrap_holds_the_figure_inside_its_interval_and_is_the_same_twice() -> None:
    tally = [(index % 3 > 0, 1) for index in range(300)]
    first, second = bootstrap(tally, share), bootstrap(tally, share)
    assert first == second
    assert first.low < first.value < first.high
    assert first.value == pytest.approx(2 / 3)
    assert first.high - first.low < 0.12


def test_a_mean_over_sets_counts_each_set_once_whatever_its_size() -> None:
    assert bootstrap_mean([[(1, 1)] * 1000, [(0, 1)]], share).value == pytest.approx(0.5)


def test_a_set_without_documents_is_refused() -> None:
    with pytest.raises(ValueError, match="without documents"):
        bootstrap(np.zeros((0, 2)), share)


def test_scores_that_match_the_accuracy_have_no_calibration_error() -> None:
    assert calibration_error([0.75] * 4, [1, 1, 1, 0]) == pytest.approx(0)
    assert calibration_error([1.0] * 4, [1, 1, 0, 0]) == pytest.approx(0.5)
    assert calibration_error([], []) == 0


def test_errors_of_different_bins_do_not_cancel_out() -> None:
    assert calibration_error([0.05, 0.95], [1, 0]) == pytest.approx(0.95)


def test_ranking_is_one_when_right_answers_score_higher_and_a_half_for_a_constant() -> None:
    assert ranking([0.9, 0.8, 0.1], [True, True, False]) == 1
    assert ranking([0.4, 0.4, 0.4], [True, False, True]) == pytest.approx(0.5)
    assert ranking([0.1, 0.9], [True, False]) == 0
    assert ranking([0.3, 0.4], [True, True]) == 0.5


@given(groups)
def test_a_grouping_shares_all_information_with_its_renaming(labels: list[str]) -> None:
    renamed = [{"a": "x", "b": "y", "c": "z"}[label] for label in labels]
    assert mutual_information(labels, renamed) == pytest.approx(1)
    assert purity(labels, renamed) == 1


@given(groups, st.data())
def test_mutual_information_is_symmetric_and_between_zero_and_one(first: list[str], data: st.DataObject) -> None:
    second = data.draw(st.lists(st.sampled_from("pq"), min_size=len(first), max_size=len(first)))
    there, back = mutual_information(first, second), mutual_information(second, first)
    assert there == pytest.approx(back)
    assert -1e-9 <= there <= 1 + 1e-9


def test_independent_groupings_share_nothing() -> None:
    assert mutual_information(list("aabb"), list("pqpq")) == pytest.approx(0)


def test_groupings_of_different_documents_are_refused() -> None:
    with pytest.raises(ValueError, match="same documents"):
        mutual_information(["a"], ["a", "b"])


def test_terms_that_always_occur_together_are_coherent_and_those_that_never_do_are_not() -> None:
    documents = [{"bread", "oven"}, {"bread", "oven"}, {"goal"}, {"match", "referee"}]
    assert coherence([["bread", "oven"]], documents) == pytest.approx(1)
    assert coherence([["bread", "goal"]], documents) == -1
    assert coherence([], documents) == 0


def test_coherence_is_zero_for_terms_that_occur_together_by_chance() -> None:
    documents = [{"a", "b"}, {"a"}, {"b"}, set[str]()]
    assert math.isclose(coherence([["a", "b"]], documents), 0, abs_tol=1e-12)

"""A recognizer's scores: how often entities with a given probability were right."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from reading_room.analysis.training.recognizer_scores import USUAL, fitted_line


def finds(number: int, slope: float, offset: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the log odds of entities, and which of them are right if the line gives that probability."""
    random = np.random.default_rng(7)
    odds = random.normal(1, 3, number)
    return odds, random.random(number) < expit(slope * odds + offset)


@pytest.mark.parametrize("line", [(1.0, 0.0), (0.4, -1.5), (0.8, 1.0)])
def test_the_calibration_line_is_recovered(line: tuple[float, float]) -> None:
    assert fitted_line(*finds(5_000, *line)) == pytest.approx(line, abs=0.1)


def test_without_entities_the_usual_line_is_kept() -> None:
    assert fitted_line(np.zeros(0), np.zeros(0, dtype=np.bool_)) == pytest.approx(USUAL, abs=1e-3)


def test_a_few_entities_move_the_line_slightly_towards_them() -> None:
    slope, offset = fitted_line(np.full(5, 2.0), np.ones(5, dtype=np.bool_))
    usual = expit(USUAL[0] * 2 + USUAL[1])
    assert usual < expit(slope * 2 + offset) < 0.9


def test_a_probability_with_reversed_ranking_does_not_give_a_negative_slope() -> None:
    odds, right = finds(2_000, -1.0, 0.0)
    assert fitted_line(odds, right)[0] == 0

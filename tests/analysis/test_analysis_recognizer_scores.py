"""What a recognizer's scores are made of: how often finds were right that were given such a probability."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from reading_room.analysis.training.recognizer_scores import USUAL, fitted_line


def finds(number: int, slope: float, offset: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Log odds of finds, and which of them are right when that is as likely as the line says."""
    random = np.random.default_rng(7)
    odds = random.normal(1, 3, number)
    return odds, random.random(number) < expit(slope * odds + offset)


@pytest.mark.parametrize("line", [(1.0, 0.0), (0.4, -1.5), (0.8, 1.0)])
def test_the_line_that_finds_were_right_by_is_found(line: tuple[float, float]) -> None:
    assert fitted_line(*finds(5_000, *line)) == pytest.approx(line, abs=0.1)


def test_without_a_find_the_usual_line_stays() -> None:
    assert fitted_line(np.zeros(0), np.zeros(0, dtype=np.bool_)) == pytest.approx(USUAL, abs=1e-3)


def test_a_few_finds_move_the_line_a_little_and_towards_them() -> None:
    slope, offset = fitted_line(np.full(5, 2.0), np.ones(5, dtype=np.bool_))
    usual = expit(USUAL[0] * 2 + USUAL[1])
    assert usual < expit(slope * 2 + offset) < 0.9


def test_a_probability_that_ranks_wrongly_is_not_believed_the_wrong_way_round() -> None:
    odds, right = finds(2_000, -1.0, 0.0)
    assert fitted_line(odds, right)[0] == 0

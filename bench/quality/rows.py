"""A measured figure as a row of docs/quality.md: value, interval, bars, and test set."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from bench.quality.scoring import Estimate, bootstrap_rows, calibration_error, ranking

CALIBRATION_CEILING = 0.09
RANKING_FLOOR = 0.65


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. ``floor`` and ``ceiling`` are bars that fail the run; ``aim`` is hoped for."""

    what: str
    estimate: Estimate
    size: str
    floor: float | None = None
    aim: float | None = None
    ceiling: float | None = None
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether the figure, as it is printed, keeps its bars."""
        value = round(self.estimate.value, 3)
        return (self.floor is None or value >= self.floor) and (self.ceiling is None or value <= self.ceiling)

    @property
    def verdict(self) -> str:
        """What the figure means beside its bars: empty where it has none."""
        if not self.passed:
            return "**fails**"
        if self.aim is not None and round(self.estimate.value, 3) >= self.aim:
            return "aim"
        return "" if self.floor is None and self.ceiling is None else "ok"


def calibration(
    engine: str, scores: ArrayLike, right: ArrayLike, size: str, ceiling: float | None = CALIBRATION_CEILING
) -> list[Row]:
    """Return the rows on an engine's scores of right and wrong answers: calibration error and ranking."""
    import numpy as np

    given, truth = np.asarray(scores, dtype=np.float64), np.asarray(right, dtype=np.float64)
    error = bootstrap_rows(len(given), lambda rows: calibration_error(given[rows], truth[rows]))
    area = bootstrap_rows(len(given), lambda rows: ranking(given[rows], truth[rows]))
    weak = "the score does not rank right from wrong" if area.value < RANKING_FLOOR else ""
    return [
        Row(f"{engine}: expected calibration error", error, size, ceiling=ceiling),
        Row(f"{engine}: AUC of the score, right against wrong", area, size, note=weak),
    ]

"""The commands of the page on data perimeters, including refused ones and jobs through a real endpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worlds.product import Product
from tests.worlds.shells import by_default, steps_of, wrong_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.mark.costs(60, reason="a page is typed with sixty commands and seven jobs")
def test_a_perimeter_objective_by_objective(product: Product, tmp_path: Path) -> None:
    """Everything that the page makes in the organization is gone at its end, so that other tests have none."""
    steps = steps_of("perimeter", "perimeter.md")
    assert len(steps) > 50
    wrong = wrong_in(steps, product, tmp_path, more=by_default(product), ends=False)
    assert not wrong, "\n\n".join(wrong)

"""The commands of the page for auditors, refusals too."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.worlds.shells import product_of, steps_of, until_on_record, wrong_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1300)]


@pytest.mark.costs(10, reason="a long page is typed at a product of its own")
@pytest.mark.skipif(
    any(shutil.which(each) is None for each in ("curl", "pgrep")),
    reason="the page uses curl and pgrep, not both of which are here",
)
def test_how_to_prove_it_to_an_auditor(tmp_path: Path) -> None:
    """They print what the page says. In a product of its own, which is stopped and whose trail is changed."""
    told = steps_of("auditor", "auditor.md")
    assert len(told) > 20
    waits = {"sleep 2;": f"{until_on_record('eve', 'ListEntitiesDetectionJobs')};"}
    with product_of(tmp_path / "audit") as product:
        product.start()
        assert not (wrong := wrong_in(told, product, tmp_path, examples=waits, ends=False)), "\n\n".join(wrong)

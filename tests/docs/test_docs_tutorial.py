"""The commands of the tutorial and of the pages that continue it, typed into one shell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worlds.product import Product
from tests.worlds.shells import by_default, steps_of, wrong_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1300)]


@pytest.mark.costs(25, reason="three pages are typed, with five jobs")
def test_the_tutorial_the_guide_and_how_to_keep_data_in(product: Product, tmp_path: Path) -> None:
    """Each page continues where the one before ended; the tutorial's jobs end as it says."""
    steps = steps_of("walk", "tutorial.md", "guide.md", "how-to/keep-data-in.md")
    assert not (wrong := wrong_in(steps, product, tmp_path, more=by_default(product))), "\n\n".join(wrong)
    jobs = product.account().comprehend.list_entities_detection_jobs()["EntitiesDetectionJobPropertiesList"]
    here = [job for job in jobs if job["InputDataConfig"]["S3Uri"].startswith("s3://library/")]
    found = sorted(here, key=lambda job: job["SubmitTime"])
    assert [(job["JobStatus"], job.get("Message", "").partition(":")[0]) for job in found] == [
        ("COMPLETED", ""),
        ("FAILED", "NO_ROUTE_TO_STORAGE"),
        ("FAILED", "NO_WRITE_ACCESS_TO_OUTPUT"),
        ("COMPLETED", ""),
        ("COMPLETED", ""),
    ]

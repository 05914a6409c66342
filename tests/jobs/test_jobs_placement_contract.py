"""The contract of every driver of placement, here of the default one and of Slurm's on a small Slurm of the test.

``tests/chaos/test_chaos_slurm.py`` runs it on Debian's Slurm.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worlds.placement import Bed, LocalBed
from tests.worlds.placement_contract import CONTRACT, Clause
from tests.worlds.slurm import FakeSlurm
from tests.worlds.slurm_bed import SlurmBed, rounds


@pytest.fixture(params=["local", "slurm"])
def bed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bed]:
    """Two empty hosts, each with room for two containers."""
    if request.param == "local":
        yield LocalBed()
        return
    slurm = FakeSlurm(tmp_path / "slurmrestd", {"a": 2, "b": 2})
    bed = SlurmBed(slurm.path, rounds)
    yield bed
    bed.database.close()
    slurm.stop()


@pytest.mark.costs(0.2, reason="each round asks a server")
@pytest.mark.parametrize("clause", CONTRACT)
def test_a_driver_keeps_the_contract(bed: Bed, clause: Clause) -> None:
    clause(bed)

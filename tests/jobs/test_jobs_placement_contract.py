"""The contract of every driver of placement, here of the default one."""

from __future__ import annotations

import pytest

from tests.worlds.placement import LocalBed
from tests.worlds.placement_contract import CONTRACT, Clause


@pytest.mark.parametrize("clause", CONTRACT)
def test_a_driver_keeps_the_contract(clause: Clause) -> None:
    clause(LocalBed())

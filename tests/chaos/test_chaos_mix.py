"""Random faults during random jobs: every job ends, with the undisturbed bytes or a reason, and nothing is left.

A few seeds are short. ``CHAOS_FAULTS=300 CHAOS_SEED=7 pytest -m chaos tests/chaos/test_chaos_mix.py`` is the long run;
it prints the line for bench/RESULTS.md. The same seed gives the same plan. ``CHAOS_LONGEST_FREEZE`` is how many seconds
a process stands still, or pressure lasts, at most.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from tests.chaos.fault_mix import Mix
from tests.worlds.cluster import SMALL_PARTS
from tests.worlds.product import Product, product_under_pressure

FEW_FAULTS = 5
QUICK_SEEDS = (1, 2, 3)
QUICK_KINDS = ("entities", "dominant-language")


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A running product for all seeds, so that a later seed finds what an earlier one left behind."""
    with product_under_pressure(
        tmp_path_factory.mktemp("product"), JOBS_AT_ONCE="2", LOG_LEVEL="debug", **SMALL_PARTS
    ) as found:
        yield found


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", QUICK_SEEDS)
def test_a_few_random_faults_lose_no_result_and_leave_nothing_behind(crowded: Product, seed: int) -> None:
    mix = Mix(crowded, seed, QUICK_KINDS)
    mix.prepare()
    tally = mix.run(FEW_FAULTS, seconds=600)
    assert tally.faults.total() == FEW_FAULTS


@pytest.mark.chaos
@pytest.mark.timeout(0)
def test_many_random_faults_lose_no_result_and_leave_nothing_behind(
    crowded: Product, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = int(os.environ.get("CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 10_000)
    faults = int(os.environ.get("CHAOS_FAULTS", "300"))
    with capsys.disabled():
        print(f"\nCHAOS_SEED={seed} CHAOS_FAULTS={faults}", flush=True)  # noqa: T201
    mix = Mix(crowded, seed, longest_freeze=float(os.environ.get("CHAOS_LONGEST_FREEZE", "60")))
    mix.prepare()
    tally = mix.run(faults, seconds=60.0 * faults)
    with capsys.disabled():
        print(f"\n{tally.line()}", flush=True)  # noqa: T201

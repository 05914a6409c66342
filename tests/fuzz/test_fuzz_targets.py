"""The targets of fuzzing, each with its seeds: what ``make fuzz`` begins with holds at every change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import fuzz

SEED_BYTES, CORPUS_BYTES = 4_096, 40_000
SEEDS = [(name, seed) for name in fuzz.TARGETS for seed in fuzz.seeds(name)]


@pytest.mark.costs(2, reason="the first call of some targets loads what it reads with")
@pytest.mark.parametrize(("name", "seed"), SEEDS, ids=[f"{name}-{seed.name}" for name, seed in SEEDS])
def test_a_seed_does_no_harm(name: str, seed: Path) -> None:
    fuzz.load(name)(seed.read_bytes())


def test_every_target_has_seeds_and_all_of_them_are_small() -> None:
    assert {folder.name for folder in fuzz.CORPUS.iterdir()} == set(fuzz.TARGETS)
    sizes = [seed.stat().st_size for _, seed in SEEDS]
    assert max(sizes) <= SEED_BYTES
    assert sum(sizes) <= CORPUS_BYTES
    assert all(len(fuzz.seeds(name)) > 1 for name in fuzz.TARGETS)

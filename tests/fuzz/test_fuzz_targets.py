"""The fuzzing targets with their seeds: the start of ``make fuzz``, checked with every change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import fuzz

SEED_BYTES, CORPUS_BYTES = 4_096, 60_000
SEEDS = [(name, seed) for name in fuzz.TARGETS for seed in fuzz.seeds(name)]


@pytest.mark.costs(2, reason="the first call of some targets loads libraries")
@pytest.mark.parametrize(("name", "seed"), SEEDS, ids=[f"{name}-{seed.name}" for name, seed in SEEDS])
def test_each_target_handles_its_seeds(name: str, seed: Path) -> None:
    fuzz.load(name)(seed.read_bytes())


def test_every_target_has_small_seeds() -> None:
    assert {folder.name for folder in fuzz.CORPUS.iterdir()} == set(fuzz.TARGETS)
    sizes = [seed.stat().st_size for _, seed in SEEDS]
    assert max(sizes) <= SEED_BYTES
    assert sum(sizes) <= CORPUS_BYTES
    assert all(len(fuzz.seeds(name)) > 1 for name in fuzz.TARGETS)

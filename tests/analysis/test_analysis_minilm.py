"""Sentence vectors: their form and order, and that texts of similar meaning have similar vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reading_room.analysis.engines.minilm import DIMENSIONS, Encoder
from reading_room.analysis.engines.transformer_graph import exact_products


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


def test_every_text_gets_one_vector_of_length_one(encoder: Encoder) -> None:
    vectors = encoder.encode(["a cat", "", "   ", "word " * 1000])
    assert vectors.shape == (4, DIMENSIONS)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_no_texts_give_no_vectors(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, DIMENSIONS)


def test_texts_of_similar_meaning_are_nearer_than_others(encoder: Encoder) -> None:
    cat, feline, bank = encoder.encode(
        ["A cat sleeps on the mat.", "The kitten is asleep on the rug.", "My card was declined at the bank."]
    )
    assert cat @ feline > 0.5 > 0.3 > cat @ bank


def test_a_vector_does_not_depend_on_its_neighbours_and_their_lengths(encoder: Encoder) -> None:
    texts = ["short", "a somewhat longer text about nothing in particular " * 3, "middle of the road", "short"]
    together = encoder.encode(texts)
    for text, vector in zip(texts, together, strict=True):
        # The graph's scales are those of a whole batch, so padding and neighbours change the int8 vectors slightly.
        assert encoder.encode([text])[0] @ vector > 0.97
    assert together[0] @ together[3] == pytest.approx(1, abs=1e-4)


@pytest.mark.costs(0.25, reason="another encoder is loaded, and texts of several windows are encoded")
def test_text_after_the_first_window_counts_unless_windows_are_limited(encoder: Encoder) -> None:
    start = "The weather was mild and the sea was calm. " * 20
    end = "The central bank raised its interest rate again. " * 40
    whole, other, bank = encoder.encode([start + end, start, end])
    assert whole @ bank > whole @ other
    bounded = Encoder(most_windows=1).encode([start + end, start])
    assert bounded[0] @ bounded[1] > 0.99


@pytest.mark.parametrize(
    ("processors", "exact"),
    [
        ("flags\t: fpu avx2 avx512f avx512_vnni\n", True),
        ("flags\t: fpu avx2 avx_vnni\n", True),
        ("flags\t: fpu avx2\n", False),
        ("Features\t: fp asimd asimddp\n", True),
    ],
)
def test_fast_products_are_used_only_where_they_are_exact(tmp_path: Path, processors: str, exact: bool) -> None:
    (tmp_path / "cpuinfo").write_text(processors)
    assert exact_products(tmp_path / "cpuinfo") is exact


def test_a_machine_with_an_unknown_processor_gets_the_exact_products(tmp_path: Path) -> None:
    assert not exact_products(tmp_path / "missing")

"""Numbers of examples for property tests in which the usual hundred take long and find no more."""

from __future__ import annotations

from hypothesis import settings

USUAL = 100
"""Examples in the default profile."""


def examples(budget: int) -> settings:
    """Return settings with fewer examples than usual, unless the profile asks for more (``make fuzz``).

    A budget is chosen by what it finds: with it, the test alone notices as many mutants of the code under test (made as
    ``scripts/mutants.py`` makes them) as with its earlier number of examples.
    """
    wanted = settings().max_examples
    return settings(max_examples=wanted if wanted > USUAL else budget)

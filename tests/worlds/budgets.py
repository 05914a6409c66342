"""How many examples property tests try where the usual hundred cost much and find no more."""

from __future__ import annotations

from hypothesis import settings

USUAL = 100
"""Examples in the default profile."""


def examples(budget: int) -> settings:
    """Return settings with fewer examples than usual; a profile that asks for more (``make fuzz``) has its way.

    A budget is chosen by what it finds: the test alone notices as many mutants of the code that it is about (made as
    ``scripts/mutants.py`` makes them) as it did with the examples that it had before.
    """
    wanted = settings().max_examples
    return settings(max_examples=wanted if wanted > USUAL else budget)

"""Fuzz one target in this process: ``python -m tests.fuzz.one TARGET`` and then libFuzzer's own arguments."""

from __future__ import annotations

import logging
import sys

import atheris

from tests import fuzz

READERS = ["reading_room", "tests.fuzz", "dnslib", "defusedxml", "zipfile", "numpy.lib", "urllib", "ipaddress", "email"]
"""Packages whose branches guide the search, where they are not in C."""


def main() -> None:
    """Call the target with bytes until the time is over or it fails."""
    name = sys.argv.pop(1)
    # Most inputs are refused, and some refusals are logged.
    logging.disable()
    with atheris.instrument_imports(include=READERS):
        target = fuzz.load(name)
    # What a first call loads and compiles is no fault of an input.
    for seed in fuzz.seeds(name):
        target(seed.read_bytes())
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

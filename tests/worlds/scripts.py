"""The programs in ``scripts/`` as modules, whose pages and drawings tests hold to the code."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

from tests.worlds.pages import ROOT


def script(name: str) -> ModuleType:
    """Return a program as a module: the one that other programs import too, so that what it read is read once."""
    folder = str(ROOT / "scripts")
    if folder not in sys.path:
        sys.path.append(folder)
    return import_module(name)

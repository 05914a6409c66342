"""The programs in ``scripts/`` as modules, whose pages and drawings tests hold to the code."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def script(name: str) -> ModuleType:
    """Return a program as a module: the one that other programs import too, so that what it read is read once.

    pytest finds it by its setting ``pythonpath``.
    """
    return import_module(name)

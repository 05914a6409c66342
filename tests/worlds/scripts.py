"""The programs in ``scripts/`` as modules, so that tests can compare their pages and drawings with the code."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def script(name: str) -> ModuleType:
    """Return a program as the module that other programs import too, so that its data is read only once.

    pytest finds it through its setting ``pythonpath``.
    """
    return import_module(name)

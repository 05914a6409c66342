"""The one library that would phone home is loaded where it is told not to."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "src" / "reading_room"


def test_only_one_module_loads_the_library_that_would() -> None:
    """It is there that the library is told not to."""
    loads = {
        path.relative_to(SOURCES).as_posix()
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import) and any(each.name.startswith("onnxruntime") for each in node.names)
    }
    assert loads == {"analysis/engines/transformer_graph.py"}

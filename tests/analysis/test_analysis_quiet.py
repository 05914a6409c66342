"""The one library that sends usage data is loaded only where that is switched off."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "src" / "reading_room"


def test_only_one_module_loads_the_library_that_sends_usage_data() -> None:
    """The module that loads it also switches that off."""
    loads = {
        path.relative_to(SOURCES).as_posix()
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import) and any(each.name.startswith("onnxruntime") for each in node.names)
    }
    assert loads == {"analysis/engines/transformer_graph.py"}

"""No engine phones home: loaded, and left alone for a while, it sends nothing and writes no file."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from reading_room.analysis.job_file import ENGINES

SOURCES = Path(__file__).resolve().parents[2] / "src" / "reading_room"
QUIET_SECONDS = 10
WATCHED = """
import sys, time
import pyseccomp
# The process is killed by what it sends, whoever in it does.
rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ALLOW)
for call in ("connect", "sendto", "sendmsg", "sendmmsg"):
    rules.add_rule(pyseccomp.KILL_PROCESS, call)
rules.load()
from reading_room.analysis.program import load_program
for engine in sys.argv[2:]:
    load_program(engine)
time.sleep(float(sys.argv[1]))
print("quiet")
"""
AT_ONCE = 4


@pytest.mark.costs(QUIET_SECONDS + 20, reason="every engine is loaded, and watched for ten seconds")
def test_no_engine_sends_anything_or_writes_a_file(tmp_path: Path) -> None:
    watched = []
    for number in range(AT_ONCE):
        home = tmp_path / str(number)
        home.mkdir()
        program = [sys.executable, "-B", "-I", "-c", WATCHED, str(QUIET_SECONDS), *ENGINES[number::AT_ONCE]]
        environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(home), "TMPDIR": str(home)}
        process = subprocess.Popen(
            program, env=environment, cwd=home, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        watched.append((home, process))
    for home, process in watched:
        said, complaint = process.communicate(timeout=300)
        assert (process.returncode, said) == (0, "quiet\n"), complaint
        assert [str(path.relative_to(home)) for path in home.rglob("*")] == []


def test_only_one_module_loads_the_library_that_would() -> None:
    """It is there that the library is told not to."""
    loads = {
        path.relative_to(SOURCES).as_posix()
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import) and any(each.name.startswith("onnxruntime") for each in node.names)
    }
    assert loads == {"analysis/engines/transformer_graph.py"}

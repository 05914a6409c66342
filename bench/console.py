"""The console at size, in Chromium: its first page, 10,000 jobs, 50,000 objects, a result of a gigabyte.

``console/e2e/scale.spec.ts`` defines the measurements; this runs it and records its figures. Needs
what ``make pages`` needs; run by hand, it takes some minutes. ``SCALE_BYTES``, ``SCALE_JOBS`` and ``SCALE_OBJECTS``
set other sizes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.report import Row, record

CONSOLE = Path(__file__).parents[1] / "console"
PROGRAM = Path(sys.executable).with_name("reading-room")


def main() -> None:
    """Measure and record. Raises ``CalledProcessError`` and records nothing if a hard limit is exceeded."""
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures.jsonl"
        environment = {"READING_ROOM": str(PROGRAM), **os.environ, "SCALE": "1", "SCALE_FIGURES": str(figures)}
        command = ["npx", "playwright", "test", "scale.spec.ts"]
        subprocess.run(command, cwd=CONSOLE, env=environment, check=True)
        record("Console", [Row(**json.loads(line)) for line in figures.read_text("utf-8").splitlines()])


if __name__ == "__main__":
    main()

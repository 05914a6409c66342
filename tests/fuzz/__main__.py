"""Fuzz every target for a while, one after the other: ``python -m tests.fuzz [TARGET…]``, which ``make fuzz`` calls.

``FUZZ_SECONDS`` is the time for each target, 120 by default. The results stay in ``build/fuzz``: inputs that reach more
code, with which the next run starts, and inputs that cause faults, in files ``crash-…`` and ``timeout-…``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import fuzz

ROOT = Path(__file__).resolve().parents[2]
FOUND = ROOT / "build" / "fuzz"
SECONDS_OF_ONE, MEMORY_MB, BYTES = 10, 2_000, 4_096
"""Limits for one input: seconds, memory and length. Exceeding the first two is a fault, too."""


def run(name: str, seconds: int) -> str | None:
    """Fuzz one target; return a summary line, or ``None`` after a fault, which has been printed."""
    found = FOUND / name
    (found / "corpus").mkdir(parents=True, exist_ok=True)
    limits = [f"-timeout={SECONDS_OF_ONE}", f"-rss_limit_mb={MEMORY_MB}", f"-max_len={BYTES}"]
    folders = [str(found / "corpus"), str(fuzz.CORPUS / name)]
    command = [sys.executable, "-m", "tests.fuzz.one", name, f"-max_total_time={seconds}", *limits]
    # Files of a target are in memory, and are deleted however its process ends.
    with tempfile.TemporaryDirectory(dir="/dev/shm") as scratch:
        process = subprocess.run(
            [*command, f"-artifact_prefix={found}/", "-print_final_stats=1", *folders],
            cwd=ROOT, env=os.environ | {"TMPDIR": scratch}, text=True, errors="replace", capture_output=True,
        )  # fmt: skip
    done = re.search(r"Done (\d+) runs in (\d+) second", process.stderr)
    covered = re.findall(r"cov: (\d+) ft: (\d+)", process.stderr)
    if process.returncode or done is None or not covered:
        sys.stdout.write(f"{name}: a fault\n{process.stdout[-2000:]}{process.stderr[-6000:]}\n")
        return None
    return f"{name}: {int(done[1]):,} inputs in {done[2]} s, {covered[-1][0]} branches"


def main(arguments: list[str]) -> int:
    """Fuzz the given targets, or all; the exit status says whether any has a fault."""
    seconds = int(os.environ.get("FUZZ_SECONDS", "120"))
    failed = []
    for name in arguments or fuzz.TARGETS:
        summary = run(name, seconds)
        sys.stdout.write(f"{summary}\n" if summary else "")
        sys.stdout.flush()
        if summary is None:
            failed.append(name)
    if failed:
        sys.stdout.write(f"Faults in {', '.join(failed)}; their inputs are in {FOUND}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The engines alone: loading, speed and memory on the demo's texts, in separate processes."""

from __future__ import annotations

import json
import subprocess
import sys

from bench.jobs import corpus
from bench.report import Row, record

PROGRAM = """
import json, resource, sys, time
from reading_room.analysis.engine import load_engine
texts = json.load(sys.stdin)
began = time.perf_counter()
engine = load_engine(sys.argv[1])
loaded = time.perf_counter() - began
began = time.process_time()
found = sum(len(result["Events"] if isinstance(result, dict) else result) for result in engine.analyse(texts))
spent = time.process_time() - began
print(json.dumps([loaded, len(texts) / spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, found]))
"""


def main() -> None:
    """Measure and record."""
    texts = json.dumps(corpus(500))
    rows = []
    for engine in ("entities-en", "events-en", "dominant-language"):
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM, engine], input=texts, capture_output=True, text=True, check=True
        )
        loaded, rate, memory, found = json.loads(run.stdout)
        rows.append(
            Row(
                engine,
                f"{rate:.0f} documents per CPU second; loads in {loaded:.2f} s; {memory:.0f} MB at most",
                "reported",
                f"500 documents of 2 KB from the demo's texts, {found} results",
            )
        )
    record("Engines", rows)


if __name__ == "__main__":
    main()

"""Measure the quality of the engines on public test sets, for all tasks or the named ones.

The figures go to docs/quality.md, section by section, and to the terminal. The exit status is 1 if a figure misses
its floor or a task could not be measured.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import sys
import time
import traceback
from typing import Protocol

from bench.quality.corpora import FOLDER_VARIABLE, Corpora, CorpusError, corpora_folder
from bench.quality.page import PAGE, glance, replaced, section, sources, table
from bench.quality.rows import Row
from reading_room.analysis.engine import one_thread

TASKS = (
    "entities",
    "syntax",
    "key_phrases",
    "language",
    "sentiment",
    "long_documents",
    "mentions",
    "classification",
    "multi_label",
    "custom_entities",
    "topics",
    "other_languages",
    "other_sentiment",
    "pii",
    "events",
    "toxicity",
    "prompt_safety",
)


class Task(Protocol):
    """A module of this package that measures a task."""

    TITLE: str
    HOW: str

    def measure(self, corpora: Corpora) -> list[Row]:
        """Return the figures."""
        ...


def main() -> int:
    """Run the tasks named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description=__doc__)
    parser.add_argument("tasks", nargs="*", metavar="task", help=f"of {', '.join(TASKS)}; all when none is named")
    parser.add_argument("--dry", action="store_true", help="print only, and do not change docs/quality.md")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.tasks) - set(TASKS))
    if unknown:
        parser.error(f"no such task: {', '.join(unknown)}; choose from {', '.join(TASKS)}")
    one_thread()
    corpora = Corpora()
    sys.stdout.write(f"Test sets in {corpora_folder()} (another folder: {FOLDER_VARIABLE}).\n")
    failed: list[str] = []
    for name in arguments.tasks or TASKS:
        try:
            failed += run(name, corpora, write=not arguments.dry)
        except Exception as error:
            # If a task cannot be measured, go on with the others; the exit status reports it.
            if not isinstance(error, CorpusError):
                traceback.print_exc()
            failed.append(f"{name}: not measured: {error}")
    if not arguments.dry:
        page = replaced(PAGE.read_text(encoding="utf-8"), "glance", "")
        page = replaced(replaced(page, "glance", glance(page)), "sources", sources(corpora))
        PAGE.write_text(page, encoding="utf-8")
    for each in failed:
        sys.stdout.write(f"FAILS {each}\n")
    sys.stdout.write(
        f"\n{'Some figures miss their floor or were not measured.' if failed else 'Every figure keeps its floor.'}\n"
    )
    return 1 if failed else 0


def run(name: str, corpora: Corpora, write: bool) -> list[str]:
    """Measure a task, print it and rewrite its section. Return a sentence for each figure that misses its bars."""
    task: Task = importlib.import_module(f"bench.quality.{name}")
    began = time.perf_counter()
    rows = task.measure(corpora)
    took = time.perf_counter() - began
    sys.stdout.write(f"\n{task.TITLE} ({took:.0f} s)\n\n{table(rows)}\n")
    if write:
        text = section(task.TITLE, task.HOW, rows, dt.datetime.now(dt.UTC).date())
        PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), name, text), encoding="utf-8")
    return [
        f"{name}: {row.what} is {row.estimate.value:.3f}, bar {row.floor if row.floor is not None else row.ceiling}"
        for row in rows
        if not row.passed
    ]


if __name__ == "__main__":
    sys.exit(main())

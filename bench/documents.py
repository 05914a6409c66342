"""The text of 1,000 PDFs of 10 pages: by the process that reads documents, against the bare library in a script."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pypdfium2

from bench.report import Row, median, record
from reading_room.analysis.readers.extractor import Extractor
from reading_room.analysis.readers.results import Limits, Wishes
from tests.worlds import made_documents as made
from tests.worlds.processes import processor_seconds

FILES = int(os.environ.get("BENCH_PDFS", "1000"))
PAGES, LINES, WORDS = 10, 45, 11
BATCH = 50
"""Files that are read by one side before the other side's turn, so that both meet the same load of the machine."""
TEXT = """the annual report of a company names its board and every place where it makes or sells things
letters came from Tromsø and Warsaw about prices terms and the delivery of three thousand books"""
"""The words of the pages."""


def main() -> None:
    """Measure and record."""
    files = [pdf(number) for number in range(FILES)]
    with Extractor(Limits(text_characters=1_048_576)) as extractor:
        _read(extractor, files[:5])
        _bare(files[:5])
        pairs = []
        for begin in range(0, FILES, BATCH):
            some = files[begin : begin + BATCH]
            used = _used(extractor)
            ours = _seconds(partial(_read, extractor, some))
            between = _used(extractor)
            pairs.append((ours, _seconds(partial(_bare, some)), between - used, _used(extractor) - between))
    ours, bare, used_by_us, used_by_it = (sum(each[number] for each in pairs) for number in range(4))
    ratios = [each[0] / each[1] for each in pairs]
    record(
        "Documents",
        [
            Row(
                f"text of {FILES:,} PDFs of {PAGES} pages, with a box for each line, against the bare library's",
                f"{ours / bare:.2f} × ({1000 * ours / FILES:.1f} ms against {1000 * bare / FILES:.1f} ms a file)",
                "1.2 ×",
                f"turns of {BATCH} files; the ratios of turns have the median {median(ratios):.2f}, "
                f"{min(ratios):.2f} to {max(ratios):.2f}; of processor time {used_by_us / used_by_it:.2f} × "
                f"({1000 * used_by_us / FILES:.1f} ms against {1000 * used_by_it / FILES:.1f} ms)",
            )
        ],
    )


def pdf(seed: int) -> bytes:
    """Return a PDF of pages full of text."""
    words = TEXT.split()
    chosen = random.Random(seed)  # nosec B311 # the same files each time
    return made.pdf([[" ".join(chosen.choices(words, k=WORDS)) for _ in range(LINES)] for _ in range(PAGES)])


def _read(extractor: Extractor, files: Sequence[bytes]) -> None:
    for content in files:
        (found,) = extractor.read([content], "a.pdf", Wishes())
        assert found.pages == PAGES
        assert len(found.blocks) == PAGES * LINES


def _bare(files: Sequence[bytes]) -> None:
    for content in files:
        with pypdfium2.PdfDocument(content) as document:
            for page in document:
                layer = page.get_textpage()
                assert len(layer.get_text_range().splitlines()) == LINES
                layer.close()
                page.close()


def _used(extractor: Extractor) -> float:
    """Return the processor seconds of this process, of the one that reads documents, and of its readers."""
    process = extractor.process_id
    readers = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    ended = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[13:15]
    living = sum(map(processor_seconds, (os.getpid(), process, *map(int, readers))))
    return living + sum(map(int, ended)) / os.sysconf("SC_CLK_TCK")


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()

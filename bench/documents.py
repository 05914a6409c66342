"""Reading documents: PDFs against the bare library, OCR against bare Tesseract, and a worker's memory.

``BENCH_READING`` names what to measure, separated by commas: pdf, ocr, memory.
"""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pypdfium2

from bench.jobs import library
from bench.report import Row, median, record
from reading_room.analysis.readers import ocr
from reading_room.analysis.readers.extractor import Extractor
from reading_room.analysis.readers.results import Limits, Wishes
from reading_room.analysis.tesseract import find_program
from reading_room.cli import reading
from tests.worlds import made_documents as made
from tests.worlds import made_pictures as pictures
from tests.worlds.processes import processor_seconds

FILES = int(os.environ.get("BENCH_PDFS", "1000"))
PAGES, LINES, WORDS = 10, 45, 11
SCANS = int(os.environ.get("BENCH_SCANS", "20"))
TURNS = 3
BATCH = 50
"""Files that are read by one side before the other side's turn, so that both meet the same load of the machine."""
TEXT = """the annual report of a company names its board and every place where it makes or sells things
letters came from Tromsø and Warsaw about prices terms and the delivery of three thousand books"""
"""The words of the pages."""


def main() -> None:
    """Measure and record."""
    wanted = os.environ.get("BENCH_READING", "pdf,ocr,memory").split(",")
    if "pdf" in wanted:
        _pdfs()
    if "ocr" in wanted:
        _recognition()
    if "memory" in wanted:
        _memory()


def _pdfs() -> None:
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


def _recognition() -> None:
    """Measure pages of an image and of a scanned PDF, in turns with the program for the image of the same page."""
    program = find_program()
    if program is None:
        raise SystemExit("tesseract is not installed")
    words = TEXT.split()
    chosen = random.Random(1)  # nosec B311 # the same pages each time
    lines = [[" ".join(chosen.choices(words, k=WORDS)) for _ in range(LINES // 2)] for _ in range(SCANS)]
    pages = [pictures.page_of(each) for each in lines]
    rows = []
    with Extractor(Limits()) as extractor, tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "page"
        command = ocr.command(program, "en", str(place))

        def bare(content: bytes) -> None:
            place.write_bytes(content)
            done = subprocess.run(command, env=ocr.environment(), capture_output=True, check=True)
            assert done.stdout.count(b"\n5\t") > LINES

        def read(content: bytes) -> None:
            (found,) = extractor.read([content], "a", Wishes(language="en"))
            assert len(found.blocks) >= LINES // 2, found.error

        read(pictures.png(pages[0]))
        for what, ours in (
            ("an image", list(map(pictures.png, pages))),
            ("a scanned page of a PDF", [pictures.scanned_pdf([page]) for page in pages]),
        ):
            pairs = []
            for page, content in zip(pages, ours, strict=True):
                before, children = _used(extractor), _children()
                took = _seconds(partial(read, content))
                used = _used(extractor) - before
                pairs.append((took, used, _seconds(partial(bare, pictures.png(page))), _children() - children))
            took, used, took_bare, used_bare = (sum(each[number] for each in pairs) for number in range(4))
            ratios = [each[1] / each[3] for each in pairs]
            rows.append(
                Row(
                    f"text of {what}, {LINES // 2} lines at {pictures.DOTS} dpi, against bare Tesseract for the image",
                    f"{used / used_bare:.2f} × ({used / SCANS:.2f} s against {used_bare / SCANS:.2f} s a page)",
                    "1.1 ×",
                    f"processor time of {SCANS} pages in turns; the ratios have the median {median(ratios):.2f}, "
                    f"{min(ratios):.2f} to {max(ratios):.2f}; of wall time {took / took_bare:.2f} ×",
                )
            )
    record("OCR", rows)


def _children() -> float:
    """Return the processor seconds of the children of this process that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _memory() -> None:
    """Run a job over the largest documents of each format, several times, and look at its container's control group."""
    with tempfile.TemporaryDirectory() as folder, library(Path(folder), 0) as (account, bucket, request):
        for turn in range(TURNS):
            for name, content in largest().items():
                account.s3.put_object(Bucket=bucket, Key=f"large/{turn}/{name}", Body=content)
        calls = reading.JobCalls(account, "entities")
        each = {"S3Uri": f"s3://{bucket}/large/", "InputFormat": "ONE_DOC_PER_FILE"}
        tags = [{"Key": "reading-room:documents", "Value": "any"}]
        began = time.perf_counter()
        job = calls.start(InputDataConfig=each, LanguageCode="en", Tags=tags, **request)
        peaks: list[int] = []
        while (properties := calls.describe(job))["JobStatus"] in ("SUBMITTED", "IN_PROGRESS"):
            if peak := _peak():
                peaks.append(peak)
            time.sleep(0.5)
        took = time.perf_counter() - began
        assert properties["JobStatus"] == "COMPLETED", properties
        for line in reading.results(account, properties):
            print(line["File"], line.get("ErrorMessage", "read")[:150])
    at = [peaks[min(len(peaks) - 1, len(peaks) * share // 100)] for share in (33, 66, 100)]
    figures = ", ".join(f"{size / 1e6:.0f} MB" for size in at)
    record(
        "Memory of a worker that reads documents",
        [
            Row(
                f"entities over the largest document of {len(largest())} formats, {TURNS} times",
                f"at most {figures} after a third, two thirds and all of the job; {took:.0f} s",
                "under 700 MB, flat",
                "the most memory of the container's control group so far: all processes, and files in memory",
            )
        ],
    )


def largest() -> dict[str, bytes]:
    """Return documents that need as much as a file may, or a little more."""
    side = 7_700
    white = pictures.Pixels(side, side, b"\xff" * (side * side))
    return {
        "a.txt": (TEXT + "\n").encode() * 5_000,
        "b.pdf": made.pdf([[TEXT] * 3] * 1_999),
        "c.docx": made.docx([TEXT] * 5_000),
        "d.docx": made.zipped({"word/document.xml": b"<w>" + b"<a/>" * 4_900_000 + bytes(0) + b"</w>"}),
        "e.html": b"<a>" * 5_100_000,
        "f.html": b"<p>x</p>" * 500_000,
        "g.csv": b"a," * 900_000 + b"\n",
        "h.csv": b"ab,cd\n" * 150_000,
        "i.jsonl": b'{"a": "bcdefgh"}\n' * 100_000,
        "j.png": pictures.png(white),
        "k.pdf": pictures.scanned_pdf([pictures.page_of([TEXT[:60]] * 20)] * 3),
        "l.rtf": b"{\\rtf1 " + b"{\\b x}" * 200_000 + b"}",
        "m.eml": made.eml("x", {f"{number}.txt": TEXT.encode() for number in range(500)}),
        "n.bin": bytes(range(256)) * 150_000,
    }


def _peak() -> int:
    """Return the most bytes that the control group of the worker has had; 0 while there is none."""
    for process in Path("/proc").iterdir():
        try:
            argv = (process / "cmdline").read_bytes().split(b"\0") if process.name.isdigit() else []
            if b"reading_room.analysis.worker" not in argv or not argv[0].startswith(os.fsencode(sys.prefix)):
                continue
            for line in (process / "cgroup").read_text().splitlines():
                _, controllers, path = line.split(":", 2)
                for file in (
                    Path("/sys/fs/cgroup/memory", path.lstrip("/"), "memory.max_usage_in_bytes"),
                    Path("/sys/fs/cgroup", path.lstrip("/"), "memory.peak"),
                ):
                    if controllers in ("memory", "") and "reading-room" in path and file.exists():
                        return int(file.read_text())
        except OSError:
            continue
    return 0


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()

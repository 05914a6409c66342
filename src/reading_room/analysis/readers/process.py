"""The process that reads documents for a worker: ``python -m reading_room.analysis.readers.process``.

It loads the libraries and parses nothing itself. For the files it starts a child with a limit for memory and time,
which can open no socket and start no process, and replaces a child that ended. It also runs tesseract.

Standard input has a JSON object on each line: ``limits`` and ``atOnce`` in the first, which says whether to load the
libraries before there is a file; then, for each file, its ``path``, its ``name`` and ``wishes``. For the images of a
PDF's pages, it is the ``path``, that of a file with ``marks``, and that of one which gets the ``images``. To each,
standard output has the length of an answer on a line of its own, and the answer (``answers.py``). End of input ends the
process.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from reading_room.analysis.confinement import confine
from reading_room.analysis.engine import keep_memory
from reading_room.analysis.readers import ocr
from reading_room.analysis.readers.answers import ANSWER_BYTES, encode, encode_images, failed
from reading_room.analysis.readers.marks import read_marks
from reading_room.analysis.readers.results import BROKEN, Limits, ReadError, Wishes
from reading_room.analysis.tesseract import find_program

READY = b"ready\n"
LINE_BYTES = 65_536
KEPT_MEMORY = 16 << 20
"""Bytes of free memory that a child keeps for its next file. Otherwise it asks for the same pages again, for each page
of a PDF, and the kernel clears them each time."""
DOCUMENTS = 500
"""A child is replaced after so many files, so that nothing can pile up in it."""
WALL_SECONDS = 900.0
"""How long a child may be silent. Its processor time is limited as well, and much lower."""
TESSERACT_MEMORY = 1_073_741_824
"""Bytes of address space: a page of the most pixels in colours takes 660 MB."""
TESSERACT_OUTPUT = 67_108_864
"""Bytes of its table, and of its messages."""
_LOST = (b"Empty page", b"pix not defined")
"""What tesseract says, without an error, about a page for which it had no memory."""
_LOOKS = 500
"""How often a child is looked at before it is killed, a hundredth of a second apart."""
_IMAGE, _WORDS, _SAID = "image", "words", "said"


class _Gone(Exception):
    """The child ended, or does not answer. The message says how."""


class _Child:
    """A process that reads files one after the other."""

    def __init__(self, limits: Limits, folder: Path) -> None:
        (theirs_in, self._to), (self._from, theirs_out) = os.pipe(), os.pipe()
        self.files = 0
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._to)
            os.close(self._from)
            # Whatever happens, nothing of the parent runs here.
            try:
                _child(limits, folder, theirs_in, theirs_out)
            finally:
                os._exit(1)
        os.close(theirs_in)
        os.close(theirs_out)
        if self.line() != READY:
            raise _Gone("it did not begin")

    def send(self, line: bytes) -> None:
        """Send a line. Raise ``_Gone``."""
        try:
            os.write(self._to, line)
        except BrokenPipeError:
            raise _Gone(self.end()) from None

    def line(self) -> bytes:
        """Return the next line, which is short. Raise ``_Gone``."""
        found = bytearray()
        while not found.endswith(b"\n"):
            found += self.take(1)
            if len(found) > 100:
                raise _Gone(self.end())
        return bytes(found)

    def take(self, size: int) -> bytes:
        """Return exactly so many bytes. Raise ``_Gone``."""
        found: list[bytes] = []
        deadline = time.monotonic() + WALL_SECONDS
        while size:
            if not select.select([self._from], [], [], max(deadline - time.monotonic(), 0))[0]:
                raise _Gone(f"reading it took more than {WALL_SECONDS:.0f} s; {self.end()}")
            piece = os.read(self._from, min(size, 1 << 20))
            if not piece:
                raise _Gone(self.end())
            found.append(piece)
            size -= len(piece)
        return b"".join(found)

    def end(self) -> str:
        """End the child, and return how it ended. A child whose pipes are closed ends by itself."""
        for descriptor in (self._to, self._from):
            os.close(descriptor)
        ended = status = 0
        for _ in range(_LOOKS):
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                break
            time.sleep(0.01)
        if not ended:
            os.kill(self.pid, signal.SIGKILL)
            _, status = os.waitpid(self.pid, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
            return "time"
        return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit code {os.WEXITSTATUS(status)}"


def main() -> int:
    """Read files until there are no more."""
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    first = json.loads(stdin.readline(LINE_BYTES))
    limits = Limits(**first["limits"])
    if first["atOnce"]:
        _load()
    program = find_program()
    child: _Child | None = None
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        confine("extractor")
        stdout.write(READY)
        stdout.flush()
        while line := stdin.readline(LINE_BYTES):
            if child is not None and child.files == DOCUMENTS:
                child.end()
                child = None
            _load()
            # If one cannot start, neither can the next: this ends the process, and the job.
            child = child or _Child(limits, folder)
            try:
                answer = _answer(child, line, folder, limits, program)
            except _Gone as gone:
                child = None
                answer = failed(BROKEN, _how(str(gone), limits, _seconds(json.loads(line), limits)))
            stdout.write(b"%d\n" % len(answer) + answer)
            stdout.flush()
        if child is not None:
            child.end()
    return 0


def _seconds(request: Mapping[str, Any], limits: Limits) -> int:
    """Return the processor time that a request may take."""
    return limits.copy_seconds if "images" in request else limits.seconds


def _load() -> None:
    """Load the libraries, which the children then share."""
    if "reading_room.analysis.readers.reading" not in sys.modules:
        import reading_room.analysis.readers.reading  # noqa: F401

        # They live as long as the process, so the garbage collectors of children need never scan them.
        gc.freeze()


def _how(ended: str, limits: Limits, seconds: int) -> str:
    if ended == "time":
        return f"reading it took more than {seconds} s of processor time"
    return f"it is damaged, or needs more than {limits.memory // 1_048_576} MB of memory: the reader ended ({ended})"


def _answer(child: _Child, line: bytes, folder: Path, limits: Limits, program: str | None) -> bytes:
    child.files += 1
    child.send(line)
    while True:
        kind, _, rest = child.line().rstrip(b"\n").partition(b" ")
        if kind == b"answer" and rest.isdigit() and len(rest) < 10 and int(rest) <= ANSWER_BYTES:
            return child.take(int(rest))
        if kind != b"ocr":
            raise _Gone(child.end())
        pages, _, language = rest.decode("ascii", "replace").partition(" ")
        # A child that a document took over can ask for no more time than 100 pages of a PDF would get.
        seconds = limits.seconds * min(max(int(pages) if pages.isdecimal() else 1, 1), limits.ocr_pages)
        child.send(_recognised(folder, language, seconds, program).encode() + b"\n")


def _recognised(folder: Path, language: str, seconds: int, program: str | None) -> str:
    """Run tesseract on the image in the folder for at most so many seconds; return why it failed, or nothing."""
    if program is None:
        return "missing"
    words = folder / _WORDS

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (TESSERACT_MEMORY, TESSERACT_MEMORY))
        resource.setrlimit(resource.RLIMIT_FSIZE, (TESSERACT_OUTPUT, TESSERACT_OUTPUT))

    command = ocr.command(program, language or None, str(folder / _IMAGE))
    try:
        with words.open("wb") as output, (folder / _SAID).open("wb") as said:
            ended = subprocess.run(
                command,
                env=ocr.environment(),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=said,
                preexec_fn=limit,
                timeout=WALL_SECONDS,
                check=False,
            ).returncode
    except (OSError, subprocess.SubprocessError) as error:
        return f"tesseract did not start or end: {type(error).__name__}"
    if ended == -signal.SIGXCPU or ended == -signal.SIGKILL:
        return f"recognising its text took more than {seconds} s of processor time"
    if not ended and all(map(_end_of(folder / _SAID).__contains__, _LOST)):
        return f"recognising its text needs more than {TESSERACT_MEMORY // 1_048_576} MB of memory"
    return f"tesseract cannot read its image (exit code {ended})" if ended else ""


def _end_of(path: Path) -> bytes:
    """Return the last bytes of a file."""
    with path.open("rb") as file:
        file.seek(max(file.seek(0, os.SEEK_END) - LINE_BYTES, 0))
        return file.read()


def _child(limits: Limits, folder: Path, source: int, sink: int) -> None:
    """Read files in the child until its input ends, then end the process."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    keep_memory(KEPT_MEMORY)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(null, descriptor)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = _address_space() + limits.memory
    resource.setrlimit(resource.RLIMIT_AS, (most if hard < 0 else min(most, hard), hard))
    try:
        confine("reading")
    except OSError:
        traceback.print_exc()
        raise
    # Libraries print what they find in documents.
    os.dup2(null, 2)
    given, answers = os.fdopen(source, "rb"), os.fdopen(sink, "wb")
    answers.write(READY)
    answers.flush()

    def recognise(image: bytes, language: str | None, pages: int) -> bytes:
        (folder / _IMAGE).write_bytes(image)
        answers.write(b"ocr %d %s\n" % (pages, (language or "").encode("ascii", "replace")[:20]))
        answers.flush()
        if (why := given.readline(LINE_BYTES).decode().strip()) == "missing":
            return ocr.missing()
        if why:
            raise ReadError(BROKEN, why)
        return (folder / _WORDS).read_bytes()

    while line := given.readline(LINE_BYTES):
        request = json.loads(line)
        _limit_time(_seconds(request, limits))
        answer = _read(request, limits, recognise)
        with suppress(FileNotFoundError):
            (folder / _IMAGE).unlink()
        _send(answers, answer)
    os._exit(0)


def _read(request: dict[str, Any], limits: Limits, recognise: ocr.Ocr) -> bytes:
    # Loaded by the parent.
    from reading_room.analysis.readers.reading import read

    try:
        content = Path(request["path"]).read_bytes()
        if "images" in request:
            # Imported only now: few jobs need it.
            from reading_room.analysis.readers.page_images import page_images

            marks = read_marks(Path(request["marks"]).read_bytes())
            with Path(request["images"]).open("wb") as sink:
                return encode_images(page_images(content, marks, limits, sink))
        return encode(read(content, request["name"], limits, Wishes(**request["wishes"]), recognise))
    except ReadError as error:
        return failed(error.code, error.message)
    except MemoryError:
        return failed(BROKEN, f"reading it needs more than {limits.memory // 1_048_576} MB of memory")
    except Exception as error:
        # A fault of a library or ours. The message may quote the document, so only its kind is told.
        return failed(BROKEN, f"the reader failed on it ({type(error).__name__})")


def _send(answers: BinaryIO, answer: bytes) -> None:
    answers.write(b"answer %d\n" % len(answer) + answer)
    answers.flush()


def _limit_time(seconds: int) -> None:
    used = time.process_time()
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used) + seconds + 1, hard))


def _address_space() -> int:
    """Return the bytes of address space that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    sys.exit(main())

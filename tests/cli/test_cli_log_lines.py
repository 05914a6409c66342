"""Outsiders cannot forge lines of the log: whatever text of theirs is logged stays within one line."""

from __future__ import annotations

import ast
import io
import json
import logging
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from reading_room.cli.log_lines import FIELDS, JsonLines, LogLines
from reading_room.cli.running import reasons
from reading_room.cli.screen import fail, make_console
from reading_room.printable import escaped

SOURCES = Path(__file__).resolve().parents[2] / "src" / "reading_room"
FORMED = LogLines("%(asctime)s serve %(levelname)s %(name)s: %(message)s")
FORGED = "/x\n2026-11-29 10:00:00,000 serve INFO reading_room.iam: root signed in\r\x1b[2J\u2028\x85"
BEGINS = re.compile(r"\d{4}-\d\d-\d\d ")


JSON = JsonLines("serve")


def record(message: str, *arguments: object, failed: BaseException | None = None) -> logging.LogRecord:
    about = None if failed is None else (type(failed), failed, failed.__traceback__)
    return logging.LogRecord("reading_room.aws", logging.WARNING, "f.py", 1, message, arguments, about)


@given(st.text(st.characters(categories=None)))
def test_a_record_is_one_line_whatever_is_in_it(text: str) -> None:
    line = FORMED.format(record("refused %s", text))
    assert line.splitlines() == [line]
    assert line.isprintable()


@given(st.text(st.characters(categories=None)))
def test_no_line_of_a_traceback_begins_like_a_record(text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError as error:
        first, *rest = FORMED.format(record("failed", failed=error)).split("\n")
    assert BEGINS.match(first)
    assert all(line.startswith("  | ") and line.isprintable() for line in rest)


LOGGING = """
import gc, logging, sys, threading, warnings
from reading_room.cli.log_lines import configure_logging
from reading_room.settings import Settings

forged = sys.argv[1]
configure_logging(Settings(log_format=sys.argv[2]), "serve")
logging.getLogger("reading_room.anything").warning("asked for %s", forged)
logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=ValueError(forged))
warnings.warn(forged)

def fail():
    raise ValueError(forged)

class Fails:
    def __del__(self):
        fail()

thread = threading.Thread(target=fail)
thread.start()
thread.join()
Fails()
gc.collect()
fail()
"""
"""A program that puts a text into every kind of line that Python or the product writes to standard error."""


@pytest.mark.costs(0.5, reason="a process is started")
@pytest.mark.parametrize("form", ["text", "json"])
def test_the_product_logs_by_these_lines_and_by_nothing_else(form: str) -> None:
    run = subprocess.run([sys.executable, "-c", LOGGING, FORGED, form], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    lines = run.stderr.split("\n")[:-1]
    begin = [line for line in lines if (line[0] == "{" if form == "json" else BEGINS.match(line))]
    assert len(begin) == 6, run.stderr
    assert all(line.isprintable() for line in lines)
    assert all(line in begin or (line.startswith("  | ") and form == "text") for line in lines)


@cache
def everything() -> list[tuple[Path, list[ast.AST]]]:
    """Return the syntax of each module: what of it can make a log, or give a record a field."""
    return [
        (
            path,
            [each for each in ast.walk(ast.parse(path.read_text())) if isinstance(each, ast.Attribute | ast.keyword)],
        )
        for path in SOURCES.rglob("*.py")
    ]


@pytest.mark.costs(1, reason="every module is parsed")
def test_only_one_module_of_the_product_configures_logging() -> None:
    makers = {"basicConfig", "StreamHandler", "FileHandler", "SysLogHandler", "Formatter", "dictConfig", "fileConfig"}
    found = {
        path.relative_to(SOURCES).as_posix()
        for path, nodes in everything()
        for node in nodes
        if isinstance(node, ast.Attribute) and node.attr in makers
    }
    assert found == {"cli/log_lines.py"}


def test_a_commands_error_cannot_control_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    fail("no folder \x1b[31m\r\udce9\nsecond line")
    said = capfd.readouterr().err
    assert "no folder \\x1b[31m\\r\\udce9" in said
    assert "second line" in said
    assert "\x1b[31m\r" not in said


def test_no_output_of_a_command_can_control_the_terminal() -> None:
    """Also where a command forgets to call ``plain``."""
    file = io.StringIO()
    console = make_console(file=file)
    table = Table("\x1b[2Jtitle")
    table.add_row(f"[red]{FORGED}[/]")
    for each in (FORGED, f"[bold]{FORGED}[/]", table, "{", 1):
        console.print(each, markup=each != "{")
    assert "signed in" in file.getvalue()
    assert all(line.isprintable() for line in file.getvalue().split("\n"))


@given(st.text(st.characters(categories=None)), st.sampled_from(["", "\n", "\n\t"]))
def test_escaped_text_is_printable_except_for_kept_characters(text: str, keep: str) -> None:
    assert all(each.isprintable() or each in keep for each in escaped(text, keep))


# Lines of JSON.


@given(st.text(st.characters(categories=None)))
def test_a_json_record_is_one_printable_object_whatever_is_in_it(text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError as error:
        made = record("refused %s", text, failed=error)
    made.caller = text
    line = JSON.format(made)
    assert line.splitlines() == [line]
    assert line.isprintable()
    members = json.loads(line)
    assert members["message"] == f"refused {escaped(text)}"
    assert members["caller"] == escaped(text)
    assert "ValueError" in members["exception"]


def test_a_json_record_has_its_fields_and_no_others() -> None:
    made = record("request=%s", "r-1")
    made.__dict__.update({"request_id": "r-1", "status": 200, "duration_seconds": 0.5, "secret": "s"})
    members = json.loads(JSON.format(made))
    assert members.pop("time").endswith("+00:00")
    assert members == {
        "process": "serve",
        "level": "warning",
        "logger": "reading_room.aws",
        "message": "request=r-1",
        "request_id": "r-1",
        "status": 200,
        "duration_seconds": 0.5,
    }


def test_every_field_that_the_product_gives_to_a_record_is_written_and_every_written_one_is_given() -> None:
    given = {
        key.value
        for _, nodes in everything()
        for node in nodes
        if isinstance(node, ast.keyword) and node.arg == "extra" and isinstance(node.value, ast.Dict)
        for key in node.value.keys
        if isinstance(key, ast.Constant)
    }
    assert given == set(FIELDS)


@pytest.mark.costs(0.5, reason="a process is started")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["up", "--host", "192.0.2.1"], "--host 192.0.2.1 can be reached from other machines"),
        (["holder"], "data cannot be written (Not a directory)"),
        (["trail-head"], "READING_ROOM_TRAIL_HEAD is not set"),
        (["traces"], "READING_ROOM_TRACES is not set"),
        (["host", "run"], "data cannot be written (Not a directory)"),
        (["link"], "data"),
    ],
)
def test_why_a_process_ends_is_a_line_of_json_too(tmp_path: Path, words: list[str], message: str) -> None:
    folder = tmp_path / "data"
    if words[0] in ("holder", "host"):
        tmp_path.joinpath("file").touch()
        folder = tmp_path / "file" / "data"
    done = subprocess.run(
        [sys.executable, "-m", "reading_room", *words, "--data", str(folder)],
        env=os.environ | {"READING_ROOM_LOG_FORMAT": "json", "READING_ROOM_STATE": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    members = json.loads(line)
    assert (members["process"], members["level"]) == (words[0], "critical")
    assert message in members["message"]


def test_of_a_failed_start_only_the_reasons_are_shown() -> None:
    usual = FORMED.format(logging.makeLogRecord({"levelname": "INFO", "msg": "serving", "name": "reading_room"}))
    reason = FORMED.format(record("bwrap was not found"))
    last = "reading-room: the agent ended before it was ready"
    assert reasons("\n".join([usual, reason, usual, last])) == f"{reason}\n{last}"
    assert reasons(usual) == usual

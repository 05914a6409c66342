"""Outsiders cannot forge lines of the log: whatever text of theirs is logged stays within one line."""

from __future__ import annotations

import ast
import logging
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.cli.log_lines import LogLines, configure_logging
from reading_room.cli.screen import fail
from reading_room.printable import escaped
from reading_room.settings import Settings

SOURCES = Path(__file__).resolve().parents[2] / "src" / "reading_room"
FORMED = LogLines("%(asctime)s serve %(levelname)s %(name)s: %(message)s")
FORGED = "/x\n2026-11-29 10:00:00,000 serve INFO reading_room.iam: root signed in\r\x1b[2J\u2028\x85"
BEGINS = re.compile(r"\d{4}-\d\d-\d\d ")


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


def test_the_product_logs_by_these_lines_and_by_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        configure_logging(Settings(), "serve")
        logging.getLogger("reading_room.anything").warning("asked for %s", FORGED)
        logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=ValueError(FORGED))
    finally:
        for handler in root.handlers[:]:
            root.removeHandler(handler)
        for handler in before:
            root.addHandler(handler)
        root.setLevel(level)
    lines = capfd.readouterr().err.split("\n")[:-1]
    assert [bool(BEGINS.match(line)) for line in lines].count(True) == 2
    assert all(line.isprintable() for line in lines)


def test_only_one_module_of_the_product_configures_logging() -> None:
    makers = {"basicConfig", "StreamHandler", "FileHandler", "SysLogHandler", "Formatter", "dictConfig", "fileConfig"}
    found = {
        path.relative_to(SOURCES).as_posix()
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in makers
    }
    assert found == {"cli/log_lines.py"}


def test_a_commands_error_cannot_control_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    fail("no folder \x1b[31m\r\udce9\nsecond line")
    said = capfd.readouterr().err
    assert "no folder \\x1b[31m\\r\\udce9" in said
    assert "second line" in said
    assert "\x1b[31m\r" not in said


@given(st.text(st.characters(categories=None)), st.sampled_from(["", "\n", "\n\t"]))
def test_escaped_text_is_printable_except_for_kept_characters(text: str, keep: str) -> None:
    assert all(each.isprintable() or each in keep for each in escaped(text, keep))

"""Write the manual pages from the commands and the settings: man_pages.py FOLDER VERSION

The program click-man does not read Typer's commands, because Typer includes its own Click.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main


def commands_page(version: str) -> str:
    """Return reading-room(1): every command with its options."""
    from reading_room.cli.commands import HELP, app

    lines = [_title("READING-ROOM", 1, version, "User Commands")]
    lines += [".SH NAME", r"reading\-room \- run Amazon Comprehend's jobs inside a VPC that the kernel enforces"]
    lines += [".SH SYNOPSIS", r".B reading\-room", r"\fICOMMAND\fR [\fIOPTIONS\fR]", ".SH DESCRIPTION", roff(HELP)]
    root: Any = typer.main.get_command(app)
    lines += [".SH OPTIONS", *_parameters(root.params), ".SH COMMANDS"]
    for name, child in root.commands.items():
        lines += _command(child, ["reading-room", name])
    lines += [".SH FILES", ".TP", r".I /etc/reading\-room.conf", "Settings of the services of systemd."]
    lines += [".TP", r".I ~/.local/share/reading\-room", "Data of a product that a user starts."]
    lines += [".TP", r".I /var/lib/reading\-room", "Data of the services."]
    lines += [".SH SEE ALSO", r".BR reading\-room.conf (5)"]
    return "\n".join(lines) + "\n"


def _command(command: Any, path: list[str]) -> Iterator[str]:
    children = getattr(command, "commands", {})
    for name, child in children.items():
        yield from _command(child, [*path, name])
    if not children:
        arguments = [each.name.upper() for each in command.params if each.param_type_name == "argument"]
        yield f".SS {roff(' '.join([*path, *arguments]))}"
        yield roff(command.help or "")
        yield from _parameters(command.params)


def _parameters(parameters: list[Any]) -> Iterator[str]:
    for parameter in parameters:
        if getattr(parameter, "hidden", False) or parameter.name == "help":
            continue
        yield ".TP"
        if parameter.param_type_name == "argument":
            yield rf"\fI{roff(parameter.name.upper())}\fR"
        else:
            value = "" if parameter.is_flag else r" \fIVALUE\fR"
            yield ", ".join(rf"\fB{roff(name)}\fR{value}" for name in parameter.opts)
        yield roff(getattr(parameter, "help", None) or "")


def settings_page(version: str) -> str:
    """Return reading-room.conf(5): every setting."""
    from reading_room.analysis.kinds import CONTAINER_BYTES
    from reading_room.settings import variables

    lines = [_title("READING-ROOM.CONF", 5, version, "File Formats")]
    lines += [".SH NAME", r"reading\-room.conf \- settings of Reading Room", ".SH SYNOPSIS"]
    lines += [r".I /etc/reading\-room.conf", ".br", r".I ~/.config/reading\-room.conf", ".SH DESCRIPTION"]
    lines += ["The services of systemd read the first file, and the services of a user the second."]
    lines += ["Each line is a setting,", r".IR NAME = VALUE ;", "lines that begin with # are comments."]
    lines += ["A product that a command starts reads the same names from its environment.", ".SH SETTINGS"]
    for name, (default, sentence) in variables(CONTAINER_BYTES).items():
        lines += [".TP", rf"\fB{name}\fR", roff(sentence)]
        if str(default):
            lines.append(rf"The default is \fB{roff(str(default))}\fR.")
    lines += [".SH SEE ALSO", r".BR reading\-room (1)"]
    return "\n".join(lines) + "\n"


def _title(name: str, section: int, version: str, manual: str) -> str:
    date = dt.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), dt.UTC)
    return f'.TH {name} {section} {date:%Y-%m-%d} "Reading Room {version}" "{manual}"'


def roff(text: str) -> str:
    """Return text as lines of a manual page; what is in backticks becomes bold."""
    text = re.sub(r"\s+", " ", text.strip()).replace("\\", r"\e").replace("-", r"\-")
    text = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text)
    return r"\&" + text if text.startswith((".", "'")) else text


def main(folder: Path, version: str) -> None:
    """Write both pages below a folder such as ``/usr/share/man``."""
    for name, text in (
        ("man1/reading-room.1", commands_page(version)),
        ("man5/reading-room.conf.5", settings_page(version)),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

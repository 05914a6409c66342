"""Write the pages that are read off the code: `make docs`. A test fails when one of them is behind.

docs/reference/settings.md, docs/reference/operations.md, docs/reference/cli.md, and the tree in ARCHITECTURE.md.
"""

from __future__ import annotations

import ast
import dataclasses
import sys
from pathlib import Path
from typing import Any

import typer.main

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "reading_room"
BEGIN, END = "<!-- tree: begin -->", "<!-- tree: end -->"


def settings_page() -> str:
    """Return the reference of the settings."""
    from reading_room.settings import Settings

    lines = [
        "# Settings",
        "",
        "Each is an environment variable. `--data`, `--port` and `--host` of the command line win over theirs.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    for entry in dataclasses.fields(Settings):
        lines.append(f"| `READING_ROOM_{entry.name.upper()}` | `{entry.default}` | {entry.metadata['help']} |")
    return "\n".join(lines) + "\n"


def operations_page() -> str:
    """Return the table of AWS operations, with the IAM action that each needs."""
    from reading_room.app import operation_table

    rows: dict[str, list[str]] = {}
    for bound in operation_table():
        facts = bound.facts
        action = f"`{facts.action}`" if facts.authorized else "none"
        if facts.passed_role is not None:
            action += f", `iam:PassRole` for `{facts.passed_role.service}`"
        rows.setdefault(facts.service, []).append(f"| {facts.name} | {action} |")
    lines = [
        "# Operations",
        "",
        "Every other operation of these services answers with AWS's own error and changes nothing.",
    ]
    for service in sorted(rows):
        lines += ["", f"## {service}", "", "| operation | needs |", "|---|---|", *sorted(rows[service])]
    lines += ["", "## s3", "", "| operation | needs |", "|---|---|"]
    lines += [f"| {name} | {_needs(name)} |" for name in _s3_operations()]
    return "\n".join(lines) + "\n"


def _s3_operations() -> list[str]:
    from reading_room.s3.backends import embedded  # importing it fills the table
    from reading_room.s3.operations.table import OPERATIONS

    assert embedded.__name__
    return sorted(OPERATIONS)


def _needs(operation: str) -> str:
    """Return the IAM actions of an S3 operation, with the object that each is decided on where it is not its own."""
    from reading_room.s3.actions import requirements
    from reading_room.s3.addressing import Address

    if operation == "DeleteObjects":
        return "`s3:DeleteObject` for each key"
    headers = {"x-amz-copy-source": "/source/key"}
    found = requirements(operation, Address("bucket", "key"), {}, headers)
    return ", ".join(f"`{r.action}`" + (" on the source" if r.bucket == "source" else "") for r in found)


def cli_page() -> str:
    """Return the help of every command."""
    from reading_room.cli.main import app

    root = typer.main.get_command(app)
    lines = ["# Command line", ""]
    _command(root, ["reading-room"], lines)
    return "\n".join(lines).rstrip() + "\n"


def _command(command: Any, path: list[str], lines: list[str]) -> None:
    # Typer brings a Click of its own, whose types it does not publish.
    lines += [f"## {' '.join(path)}", "", (command.help or "").strip(), ""]
    options = [
        (", ".join(parameter.opts), getattr(parameter, "help", None) or "")
        for parameter in command.params
        if not getattr(parameter, "hidden", False) and parameter.name not in ("help", "install_completion")
    ]
    if options:
        lines += ["| option | meaning |", "|---|---|", *(f"| `{name}` | {text} |" for name, text in options), ""]
    for name, child in getattr(command, "commands", {}).items():
        _command(child, [*path, name], lines)


def tree() -> str:
    """Return the package's tree, each module with the first line of its docstring."""
    lines = ["```", "src/reading_room/"]
    _folder(PACKAGE, "  ", lines)
    lines.append("```")
    return "\n".join(lines)


def _folder(folder: Path, indent: str, lines: list[str]) -> None:
    for path in sorted(folder.iterdir(), key=lambda p: (p.is_dir(), p.name)):
        if path.is_dir() and (path / "__init__.py").exists():
            lines.append(f"{indent}{path.name + '/':<26}{_says(path / '__init__.py')}".rstrip())
            _folder(path, indent + "  ", lines)
        elif path.suffix == ".py" and path.name != "__init__.py":
            lines.append(f"{indent}{path.name:<26}{_says(path)}".rstrip())


def _says(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    first = text.split("\n\n")[0].replace("\n", " ")
    return first.split(". ")[0].rstrip(".").replace("``", "")


def with_tree(page: str) -> str:
    """Return ARCHITECTURE.md with its tree replaced by today's."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{tree()}\n{END}{after}"


def pages() -> dict[Path, str]:
    """Return every generated page by its path."""
    architecture = ROOT / "ARCHITECTURE.md"
    return {
        ROOT / "docs" / "reference" / "settings.md": settings_page(),
        ROOT / "docs" / "reference" / "operations.md": operations_page(),
        ROOT / "docs" / "reference" / "cli.md": cli_page(),
        architecture: with_tree(architecture.read_text()),
    }


if __name__ == "__main__":
    for target, text in pages().items():
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_text() != text:
            target.write_text(text)
            sys.stdout.write(f"wrote {target.relative_to(ROOT)}\n")

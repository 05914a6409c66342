"""``reading-room access perimeter``: which controls of a data perimeter hold, and what closes each hole."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from reading_room.cli.options import DataOption, read_settings
from reading_room.cli.screen import output as console
from reading_room.cli.screen import plain

if TYPE_CHECKING:
    from reading_room.extension.perimeter.controls import Finding
    from reading_room.extension.perimeter.report import Report

_SHOWN = 10
"""The most buckets, roles or endpoints that are listed for one control."""


def perimeter(
    account: Annotated[str | None, typer.Option(help="Only the buckets, roles and endpoints of this account.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    data: DataOption = None,
) -> None:
    """Report which of the nine controls of a data perimeter hold, for which bucket, role and endpoint.

    For each hole it prints the statement or command that closes it, and it ends with 1 if there is one. It reads the
    database, whether or not Reading Room is running, and changes nothing.
    """
    from reading_room.cli.opened_database import open_to_read
    from reading_room.extension.perimeter.report import report
    from reading_room.organizations.view import CurrentOrganization

    settings = read_settings(data)
    database = open_to_read(settings)
    try:
        organization = CurrentOrganization(database)()
        with database.reading() as session:
            found = report(session, organization, settings.region)
    finally:
        database.close()
    findings = [each for each in found.findings if account in (None, each.account)]
    if as_json:
        document = {"organization": found.organization_id, "findings": [each.to_document() for each in findings]}
        typer.echo(json.dumps(document, indent=2))
    else:
        _print(found, findings)
    if any(each.state != "enforced" for each in findings):
        raise typer.Exit(1)


def _print(found: Report, findings: Sequence[Finding]) -> None:
    from reading_room.extension.perimeter.controls import PERIMETERS, SUBJECTS, TITLES

    console.print(f"Organization: {found.organization_id or 'none'}")
    table = Table()
    for column in ("perimeter", *(f"{subject}s" for subject in SUBJECTS)):
        table.add_column(column)
    for perimeter in PERIMETERS:
        cells = [[each for each in findings if (each.subject, each.perimeter) == (s, perimeter)] for s in SUBJECTS]
        table.add_row(f"trusted {perimeter}" if perimeter != "networks" else "expected networks", *map(_cell, cells))
    console.print(table)
    for (subject, perimeter), title in TITLES.items():
        holes = [e for e in findings if (e.subject, e.perimeter) == (subject, perimeter) and e.state != "enforced"]
        if holes:
            console.print(f"\n[bold]Not everywhere: {title}[/]", soft_wrap=True)
            for line in _lines(holes):
                console.print(line, soft_wrap=True, markup=False)


def _cell(findings: Sequence[Finding]) -> str:
    states = Counter(each.state for each in findings)
    if not findings:
        return "none"
    held = f"{states['enforced']} of {len(findings)} enforced"
    return f"{held}, {states['open']} open" if states["open"] else held


def _lines(holes: Sequence[Finding]) -> Iterator[str]:
    for each in holes[:_SHOWN]:
        yield f"  {plain(each.name)}: {each.state}: {plain(each.because)}"
    if len(holes) > _SHOWN:
        yield f"  and {len(holes) - _SHOWN} more (--json lists all)"
    shown = set()
    for each in holes[:_SHOWN]:
        remedy = each.remedy
        if remedy is None:
            continue
        text = remedy.command or (json.dumps(remedy.statement) if remedy.statement is not None else "")
        if (remedy.where, text) not in shown:
            shown.add((remedy.where, text))
            yield f"  To close it, {plain(remedy.where)}" + (":" if text else "")
            if text:
                yield f"    {plain(text)}"

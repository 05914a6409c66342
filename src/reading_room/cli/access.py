"""``reading-room access``: why a call was denied, whether the trail is whole, and what is wrong with a policy."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args

import typer
from rich.table import Table

from reading_room.cli.data_owner import become_owner_of_data
from reading_room.cli.options import DataOption, read_settings
from reading_room.cli.perimeter import perimeter
from reading_room.cli.screen import fail, plain
from reading_room.cli.screen import output as console
from reading_room.clock import system_clock
from reading_room.iam.policy.document import PolicyUse
from reading_room.settings import Settings
from reading_room.trail.chain import BOOKS, FIRST, FOLDER, ChainBroken, Verified, verify
from reading_room.trail.head import Head, read_heads
from reading_room.trail.requests import with_request_id

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from reading_room.trail.kept_heads import ExpectedLine

T = TypeVar("T")

app = typer.Typer(help="Explain denials, check the trail, policies and the perimeter.", no_args_is_help=True)
app.command("perimeter")(perimeter)
USES: tuple[str, ...] = get_args(PolicyUse)


@app.command("explain")
def explain(
    request_id: Annotated[str, typer.Argument(help="The request id that the denied caller received, or a job's id.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    data: DataOption = None,
) -> None:
    """Explain what happened to a call: each decision against it, statement by statement. For a job, all its denials.

    Reads the data folder, so it needs permission to do so. It works whether or not Reading Room is running.
    """
    settings = read_settings(data)
    become_owner_of_data(settings)
    folder = _trail_of(settings)
    try:
        found = [each for book in BOOKS for each in with_request_id(folder, book, request_id)]
    except OSError as error:
        raise _unreadable(error) from None
    calls = [each for each in found if "eventName" in each]
    denials = [each for each in found if "eventName" not in each]
    if not calls and not denials:
        raise fail(
            f"no call with the request id {request_id} in {folder}: it is older than {settings.trail_days} days or "
            "less than a second old, it is in another data folder (--data), or it is one of many unauthenticated calls "
            "that were only counted"
        )
    if as_json:
        typer.echo(json.dumps({"calls": calls, "denials": denials}, indent=2))
        return
    for call in calls:
        _print_call(call)
    for denial in denials:
        _print_denial(denial)
    if not denials:
        failed = any("errorCode" in call for call in calls)
        console.print("No policy decided this: " + ("the error is the whole reason." if failed else "it was allowed."))


@app.command("verify-trail")
def verify_trail(
    known: Annotated[
        str | None, typer.Option(help="A digest that this command printed earlier; check that its line is still there.")
    ] = None,
    head: Annotated[
        Path | None,
        typer.Option(help="A file of heads that were sent elsewhere; check that all that they cover is still there."),
    ] = None,
    data: DataOption = None,
) -> None:
    """Check that no line of the trail was changed, removed or inserted since it was written, and that none is missing.

    The heads in the database show whether lines are missing at the end, or with a whole file. To detect someone who can
    change the database too, use heads that READING_ROOM_TRAIL_HEAD sent elsewhere (--head), or a digest that this
    command printed earlier (--known).
    """
    settings = read_settings(data)
    heads = _heads_in(head)
    become_owner_of_data(settings)
    kept_heads = _kept_heads(settings)
    folder = settings.data / FOLDER
    if folder.exists() or all(each.digest == FIRST for each in kept_heads):
        folder = _trail_of(settings)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("book", "lines", "since", "newest line's digest"):
        table.add_column(column)
    seen = known is None
    kept = []
    for book in BOOKS:
        wanted = {each.digests[book] for each in heads if book in each.digests} | ({known} if known else set())
        verified = _verified(settings, folder, book, wanted, kept_heads)
        seen = seen or known in verified.found
        kept.append(verified)
        since = verified.first_day.isoformat() if verified.first_day is not None else "-"
        cut = f" ({verified.torn} cut off by a crash)" if verified.torn else ""
        table.add_row(book, f"{verified.lines}{cut}", since, verified.last_digest)
    console.print(table)
    if not kept_heads:
        text = "No database here keeps heads of this trail, so lines missing at its end cannot be detected"
        console.print(text, soft_wrap=True)
    _print_others(settings)
    if not seen:
        raise fail(
            f"no line of {folder} has the digest {known}: lines are missing at the end, or it predates the trail"
        )
    if heads:
        _compare(heads, kept, system_clock().date() - dt.timedelta(days=settings.trail_days))


def _kept_heads(settings: Settings) -> list[ExpectedLine]:
    """Return what the books must contain according to the database."""
    from reading_room.trail.kept_heads import expected_lines

    return _read_heads(settings, expected_lines, [])


def _print_others(settings: Settings) -> None:
    """Print whose books this command does not read, if several ``serve`` processes share the database."""
    from reading_room.trail.kept_heads import other_folders

    nothing: Mapping[str, dt.datetime] = {}
    for server, noted_at in _read_heads(settings, other_folders, nothing).items():
        console.print(
            f"Another serve of this database, {server}, has a trail of its own, last written at "
            f"{noted_at.isoformat(timespec='seconds')}: verify it too, with --data and its folder",
            soft_wrap=True,
        )


def _read_heads(settings: Settings, read: Callable[[Session, str], T], nothing: T) -> T:
    """Return what a function reads from the database, which may be missing or have no heads yet: then ``nothing``."""
    # No other command here needs the database.
    from sqlalchemy.exc import OperationalError

    from reading_room.cli.opened_database import FILE, open_to_read, server_of

    if not settings.database and not os.path.lexists(settings.data / FILE):
        return nothing
    database = open_to_read(settings)
    try:
        with database.reading() as session:
            return read(session, server_of(settings))
    except OperationalError as error:
        if "no such table" not in str(error):
            raise fail(f"{settings.data / FILE} cannot be read: {error.orig}") from None
        return nothing  # An earlier version kept none.
    finally:
        database.close()


def _verified(
    settings: Settings, folder: Path, book: str, known: Collection[str], kept: Sequence[ExpectedLine]
) -> Verified:
    """Verify a book; end the program if it was changed, or if it lacks lines that the database says it has."""
    while True:
        wanted = [each for each in kept if each.book == book]
        try:
            verified = verify(folder, book, {*known, *(each.digest for each in wanted)})
        except ChainBroken as error:
            raise fail(f"the trail is not as it was written: {error}") from None
        except OSError as error:
            raise _unreadable(error) from None
        found = verified.found if verified.lines else {each.digest for each in wanted if each.kind == "start"}
        missing = [text for each in wanted if (text := each.missing(found, verified.first_day)) is not None]
        if not missing:
            return verified
        # A running product may have deleted old files in the meantime.
        now = _kept_heads(settings)
        if now == kept:
            raise fail(f"the trail is not as it was written: {missing[0]}")
        kept = now


def _heads_in(file: Path | None) -> list[Head]:
    """Return the heads in a file, none without a file, or end the program if the file holds none."""
    if file is None:
        return []
    try:
        heads = read_heads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise fail(f"{file} cannot be read: {error}") from None
    if not heads:
        raise fail(f"{file} holds no heads of a trail")
    return heads


def _compare(heads: Sequence[Head], books: Sequence[Verified], oldest: dt.date) -> None:
    """Print that the books have the lines that all heads name, or end the program and say what is missing.

    ``oldest`` is the first day for which a book without files would have some.
    """
    missing: list[tuple[dt.datetime, str]] = []
    too_old = [head for head in heads if all(head.at.date() < (book.first_day or oldest) for book in books)]
    for head in heads:
        lost = [
            book.book
            for book in books
            if head.at.date() >= (book.first_day or oldest)
            and head.digests.get(book.book, FIRST) not in {FIRST, *book.found}
        ]
        if lost:
            missing.append((head.at, lost[0]))
    if missing:
        at, book_name = min(missing)
        raise fail(
            f"{len(missing)} of {len(heads)} heads are not in the trail: lines of the book {book_name} that were there "
            f"at {at.isoformat()} are missing, or were rewritten"
        )
    old = f"; {len(too_old)} {'is' if len(too_old) == 1 else 'are'} older than what is kept" if too_old else ""
    console.print(f"All {len(heads) - len(too_old)} heads are in the trail{old}", soft_wrap=True)


@app.command("lint")
def lint(
    file: Annotated[Path, typer.Argument(help="A file with the policy's JSON text.")],
    use: Annotated[str, typer.Option(help=f"What the policy is for: {', '.join(USES)}.")] = "managed",
) -> None:
    """Show what AWS would answer to a policy, and which of its parts do not do what they seem to do."""
    from reading_room.iam.policy.lint import lint as findings_in
    from reading_room.iam.policy.lint import merged

    if use not in USES:
        raise fail(f"--use {use}: expected one of {', '.join(USES)}")
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise fail(f"{file} cannot be read: {error}") from None
    findings = findings_in(text, use)  # type: ignore[arg-type]
    for finding in findings:
        console.print(plain(finding), soft_wrap=True)
    if (one := merged(text)) is not None:
        console.print("Both in one document:")
        console.print(one, soft_wrap=True, markup=False)
    if findings:
        raise typer.Exit(1)
    console.print(f"{plain(str(file))}: no findings", soft_wrap=True)


def _unreadable(error: OSError) -> typer.Exit:
    return fail(f"{error.filename} cannot be read ({error.strerror}): run this as the owner of the data folder")


def _trail_of(settings: Settings) -> Path:
    """Return the folder of the trail, or end the program if it cannot be read."""
    folder = settings.data / FOLDER
    try:
        next(folder.iterdir(), None)
    except FileNotFoundError:
        raise fail(f"{folder} does not exist: no call was made yet, or --data names another folder") from None
    except OSError as error:
        raise fail(f"{folder} cannot be read ({error.strerror}): run this as root, or as the folder's owner") from None
    return folder


def _print_call(call: Mapping[str, Any]) -> None:
    identity = call["userIdentity"]
    who = identity.get("arn") or identity.get("invokedBy") or identity["type"]
    way = f" through {call['vpcEndpointId']}" if "vpcEndpointId" in call else ""
    service = str(call["eventSource"]).partition(".")[0]
    console.print(f"[bold]{plain(call['eventName'])}[/] of {plain(service)}, {call['eventTime']}", soft_wrap=True)
    console.print(f"  by {plain(str(who))} from {plain(call['sourceIPAddress'] or '-')}{plain(way)}", soft_wrap=True)
    if "errorCode" in call:
        console.print(f"  [red]{plain(call['errorCode'])}[/]: {plain(call['errorMessage'])}", soft_wrap=True)
    else:
        console.print("  it succeeded")


def _print_denial(denial: Mapping[str, Any]) -> None:
    decision = {"explicitDeny": "denied by a statement", "implicitDeny": "allowed by no statement"}[denial["outcome"]]
    console.print(f"\n[bold]{plain(denial['action'])}[/] on {plain(denial['resource'])}: {decision}", soft_wrap=True)
    console.print(f"  request {plain(denial['requestID'])} of {plain(denial['principal'])}", soft_wrap=True)
    for reason in denial["because"]:
        console.print(f"  because {plain(reason)}", soft_wrap=True)
    for statement in denial.get("deciding", []):
        _print_statement("The statement that decided", statement)
    for statement in denial.get("closest", []):
        _print_statement("The statement that came closest", statement)
    console.print("  Policies that were evaluated:")
    for policy in denial.get("policies", []):
        console.print(f"    {plain(policy)}", soft_wrap=True)
    console.print("  Condition keys of the request:")
    for key, values in denial.get("context", {}).items():
        console.print(f"    {plain(key)} = {plain(', '.join(values))}", soft_wrap=True)


def _print_statement(title: str, statement: Mapping[str, Any]) -> None:
    console.print(f"  {title}: {plain(statement['statement'])} of {plain(statement['policy'])}", soft_wrap=True)
    console.print(f"    {plain(json.dumps(statement['document']))}", soft_wrap=True)
    for condition in statement["conditions"]:
        wanted, actual = ", ".join(condition["wanted"]), ", ".join(condition["actual"]) or "absent"
        says = f"{condition['operator']} on {condition['key']} wants {wanted}; the request's is {actual}"
        holds = "holds" if condition["holds"] else "[red]fails[/]"
        console.print(f"    condition {holds}: {plain(says)}", soft_wrap=True)
    for mismatch in statement["mismatches"]:
        if not mismatch.startswith("Condition "):
            console.print(f"    [red]does not match[/]: {plain(mismatch)}", soft_wrap=True)

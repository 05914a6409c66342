"""``reading-room events``: the changes of state of jobs, custom models and endpoints."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

import typer

from reading_room.cli.options import DataOption, PortOption, read_settings
from reading_room.cli.own_api import own_api
from reading_room.cli.screen import fail, print_line
from reading_room.printable import escaped

app = typer.Typer(help="See what changed its state: jobs, custom models and endpoints.", no_args_is_help=True)

LOOK_SECONDS = 1.0
"""How often the server is asked for news. Without news, it reads nothing from its database."""
AT_ONCE = 1_000
_REFUSALS = ("NotOperatorException", "AccessDeniedException", "ValidationException")


@app.callback()
def _options() -> None:
    """Accept no option before the command."""


@app.command("tail")
def tail(
    account: Annotated[
        str, typer.Option("--account", help="Number of the account whose events to show; by default all.")
    ] = "all",
    job: Annotated[
        str | None,
        typer.Option("--job", help="Id or ARN of a job, or ARN of a model or endpoint, for its events only."),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new events, until Ctrl-C.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each event in EventBridge's form, as a line of JSON.")
    ] = False,
    data: DataOption = None,
    port: PortOption = None,
) -> None:
    """Show the changes of state of the last day, the oldest first."""
    settings = read_settings(data, port)
    if account != "all" and not (account.isascii() and account.isdecimal() and len(account) == 12):
        raise fail(f"--account {account}: give the 12 digits of an account")
    filters = {"AccountId": account} | ({} if job is None else {"Resource": job})
    try:
        with own_api(settings, _REFUSALS) as room:
            for text in every(room.list_state_events, filters, follow=follow):
                print_line(text if as_json else line(json.loads(text)))
    except KeyboardInterrupt:
        raise typer.Exit from None


def every(
    call: Callable[..., Mapping[str, Any]],
    filters: Mapping[str, str],
    *,
    follow: bool,
    pause: Callable[[float], object] = time.sleep,
) -> Iterator[str]:
    """Yield all events as JSON, and with ``follow`` those to come."""
    asked: dict[str, Any] = {**filters, "MaxResults": AT_ONCE}
    while True:
        answer = call(**asked)
        yield from (each["Event"] for each in answer["Events"])
        asked["NextToken"] = answer["NextToken"]
        if not answer["Events"]:
            if not follow:
                return
            pause(LOOK_SECONDS)


def line(event: Mapping[str, Any]) -> str:
    """Return an event as a line for people."""
    detail = event["detail"]
    words = [event["time"], event["account"], detail["Status"], event["resources"][0].split(":", 5)[5]]
    words += [detail[name] for name in ("JobName", "FailureCode") if name in detail]
    return escaped("  ".join(words))

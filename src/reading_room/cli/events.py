"""``reading-room events``: the changes of state of jobs, models, endpoints and flywheels, and their deliveries."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from reading_room.cli.options import DataOption, PortOption, read_settings
from reading_room.cli.own_api import own_api
from reading_room.cli.screen import fail, print_line
from reading_room.printable import escaped

app = typer.Typer(
    help="See what changed its state: jobs, custom models, endpoints and flywheels; and deliver it again.",
    no_args_is_help=True,
)

LOOK_SECONDS = 1.0
"""How often the server is asked for news. Without news, it reads nothing from its database."""
AT_ONCE = 1_000
_REFUSALS = ("NotOperatorException", "AccessDeniedException", "ValidationException")


class Target(StrEnum):
    """Where events are delivered."""

    WEBHOOK = "webhook"
    LOG_GROUP = "log-group"
    BUCKET = "bucket"


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


@app.command("deliveries")
def deliveries(
    given_up: Annotated[bool, typer.Option("--given-up", help="Only those that were given up.")] = False,
    data: DataOption = None,
    port: PortOption = None,
) -> None:
    """Show the deliveries of state events that have not succeeded, and why."""
    settings = read_settings(data, port)
    asked: dict[str, Any] = {"MaxResults": AT_ONCE} | ({"State": "GIVEN_UP"} if given_up else {})
    with own_api(settings, _REFUSALS) as room:
        while True:
            answer = room.list_state_event_deliveries(**asked)
            for each in answer["Deliveries"]:
                print_line(delivery_line(each))
            if "NextToken" not in answer:
                return
            asked["NextToken"] = answer["NextToken"]


@app.command("retry")
def retry(
    target: Annotated[
        Target | None, typer.Option("--target", help="Only deliveries to this target; by default to all.")
    ] = None,
    event: Annotated[
        str | None, typer.Option("--event", help="Only deliveries of the event with this id; by default of all.")
    ] = None,
    data: DataOption = None,
    port: PortOption = None,
) -> None:
    """Attempt deliveries again now that failed, or were given up after a day."""
    settings = read_settings(data, port)
    asked = {} if target is None else {"Target": target.value}
    with own_api(settings, _REFUSALS) as room:
        answer = room.retry_state_event_deliveries(**asked, **({} if event is None else {"EventId": event}))
    print_line(retried_line(answer))


def delivery_line(delivery: Mapping[str, Any]) -> str:
    """Return a delivery as a line for people."""
    event = json.loads(delivery["Event"])
    words = [delivery["Target"], delivery["State"], f"attempts {delivery['Attempts']}", event["id"], line(event)]
    return escaped("  ".join(words + [delivery[name] for name in ("Reason",) if name in delivery]))


def retried_line(answer: Mapping[str, Any]) -> str:
    """Return what ``retry`` did as a line for people."""
    given_up, failed = answer["GivenUp"], answer["Failed"]
    if not given_up + failed:
        return "No delivery has failed or was given up."
    return f"{given_up:,} that were given up and {failed:,} that failed will be attempted again."


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

"""``reading-room jobs``: analyse a folder without knowing AWS; follow, explain and purge jobs."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from rich.table import Table

from reading_room.cli import following, reading
from reading_room.cli.answers import not_answered, not_running
from reading_room.cli.folder import StartError
from reading_room.cli.jobs_purge import purge
from reading_room.cli.jobs_run import INTERRUPTED, run
from reading_room.cli.options import DataOption, PortOption, command, read_settings
from reading_room.cli.running import endpoint_of
from reading_room.cli.screen import fail, plain
from reading_room.cli.screen import output as console
from reading_room.cli.training_story import find_training

app = typer.Typer(help="Analyse a folder of texts; follow, explain and purge jobs.", no_args_is_help=True)


app.command("run")(run)
app.command("purge")(purge)


@app.command("explain")
def explain(
    job: Annotated[str, typer.Argument(help="The job's id, or for a training the ARN of its model.")],
    data: DataOption = None,
    port: PortOption = None,
) -> None:
    """Show what happened to a job, step by step, with milliseconds since it was submitted."""
    settings = read_settings(data, port)
    try:
        account = reading.Account(endpoint_of(settings))
        properties: dict[str, Any] | None
        if job.startswith("arn:"):
            properties, training = find_training(account, job)
            lines = reading.story(account, training)
        else:
            lines = reading.story(account, job)
            properties = reading.find_job(account, job)
    except (StartError, reading.NoTrainingError) as error:
        raise fail(str(error)) from None
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            raise fail(no_such_job(job)) from None
        raise fail(not_answered(error, settings)) from None
    except BotoCoreError as error:
        raise fail(not_running(error, settings)) from None
    except ResponseParserError as error:
        raise fail(not_answered(error, settings)) from None
    if properties is not None:
        _print_state(job, properties)
    print_story(lines)


def _print_state(job: str, properties: dict[str, Any]) -> None:
    status = properties.get("JobStatus") or properties["Status"]
    console.print(f"[bold]{plain(job)}[/]  {status}", soft_wrap=True)
    if properties.get("Message"):
        colour = "yellow" if status in following.SUCCEEDED else "red"
        console.print(f"[{colour}]{plain(properties['Message'])}[/]", soft_wrap=True)


@app.command("watch")
def watch(
    job: Annotated[str, typer.Argument(help="The job's id, or for a training the ARN of its model.")],
    data: DataOption = None,
    port: PortOption = None,
) -> None:
    """Follow a job to its end: documents done, rate, time left. Ctrl-C does not stop the job.

    Exits with 0 if the job completed, and with 1 if it failed or was stopped.
    """
    settings = read_settings(data, port)
    try:
        account = reading.Account(endpoint_of(settings))
        follower = following.of_model(account, job) if job.startswith("arn:") else following.of_job(account, job)
        if follower is None:
            raise fail(no_such_job(job))
        with following.shown(f"Job {plain(job)}") as show:
            view = follower.to_the_end(show)
    except KeyboardInterrupt:
        follow = command(settings, "jobs", "watch", job)
        console.print(f"The job continues: {follow}", soft_wrap=True, markup=False)
        raise typer.Exit(INTERRUPTED) from None
    except (StartError, reading.NoTrainingError) as error:
        raise fail(str(error)) from None
    except (ClientError, ResponseParserError) as error:
        raise fail(not_answered(error, settings)) from None
    except BotoCoreError as error:
        raise fail(not_running(error, settings)) from None
    _print_state(job, view.properties)
    if view.status not in following.SUCCEEDED:
        raise typer.Exit(1)


def no_such_job(job: str) -> str:
    """Return the message for an id that no job has."""
    return f"no job {job}: `aws comprehend list-entities-detection-jobs` lists the existing ones"


def print_story(lines: list[tuple[int, str]]) -> None:
    """Print a job's story, each event with the milliseconds since the first. In a pipe an event is one line."""
    # The event's name is for programs that read the log; the sentence after it says the same.
    events = [(f"{at - lines[0][0]} ms", plain(text.partition(": ")[2] or text)) for at, text in lines]
    if not console.is_terminal:
        width = max((len(at) for at, _ in events), default=0)
        for at, text in events:
            console.print(f"{at:>{width}}  {text}", soft_wrap=True)
        return
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(justify="right")
    for event in events:
        table.add_row(*event)
    console.print(table)

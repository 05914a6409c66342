"""``reading-room jobs``: run a folder through a job without knowing AWS, follow one, read what happened to one."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from rich.table import Table

from reading_room.cli import following, reading
from reading_room.cli.folder import StartError
from reading_room.cli.processes import DataOption, PortOption, fail, read_settings
from reading_room.cli.running import endpoint_of, listening, started
from reading_room.cli.screen import output as console
from reading_room.cli.screen import plain
from reading_room.cli.summaries import SHOWN, Summary, documents_of_topics, summary
from reading_room.settings import Settings

ERRORS_SHOWN = 20
INTERRUPTED = 130
"""The exit code of a program that Ctrl-C ended, as shells have it."""
MENDS = {"DOCUMENT_SIZE_EXCEEDED": " Split the file, or analyse each line by itself with --per-line."}
"""What a person can do about a document's error, where its message does not say it."""

app = typer.Typer(help="Run jobs and explain them.", no_args_is_help=True)


@app.command("run")
def run(
    folder: Annotated[Path, typer.Argument(help="Folder of .txt files, UTF-8.")],
    kind: Annotated[str, typer.Option(help=f"One of {', '.join(reading.JobCalls.KINDS)}.")] = "entities",
    language: Annotated[str, typer.Option(help="Language of the texts, where the kind must be told.")] = "en",
    topics: Annotated[int, typer.Option(help="How many topics to find.", min=1, max=100)] = 10,
    per_line: Annotated[bool, typer.Option("--per-line", help="Each line is a document, not each file.")] = False,
    output: Annotated[Path | None, typer.Option(help="File for the results, one JSON object a line.")] = None,
    data: DataOption = None,
    port: PortOption = None,
) -> None:
    """Analyse a folder: makes bucket, VPC, endpoint, role and job, shows progress, prints the results.

    Uses the running product, or starts one for as long as the job takes.
    """
    if kind not in reading.JobCalls.KINDS:
        raise fail(f"--kind {kind}: expected one of {', '.join(reading.JobCalls.KINDS)}")
    if (known := reading.JobCalls.KINDS[kind].languages) and language not in known:
        raise fail(f"--language {language}: {kind} knows {', '.join(known)}")
    settings = read_settings(data, port)
    try:
        reading.text_files(folder)
        _check_output(output)
        with ExitStack() as stack:
            if listening(settings):
                endpoint = endpoint_of(settings)
            else:
                console.print("[dim]Nothing runs yet: starting Reading Room for this job[/]")
                scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                endpoint = stack.enter_context(started(settings.data, settings.port, scratch / "log"))
            own = {"LanguageCode": language} if known else {"NumberOfTopics": topics} if kind == "topics" else {}
            job = _analyse(reading.Account(endpoint), folder, kind, own, per_line, output)
            given = "".join(f" --{name} {value}" for name, value in (("data", data), ("port", port)) if value)
            console.print("\nThe whole story, while Reading Room runs (reading-room up):")
            console.print(f"  reading-room jobs explain {job}{given}", soft_wrap=True, markup=False)
    except (StartError, reading.FolderError, TimeoutError) as error:
        raise fail(plain_message(error)) from None
    except (ClientError, BotoCoreError, ResponseParserError, S3UploadFailedError) as error:
        raise fail(not_answered(error, settings)) from None


def _check_output(output: Path | None) -> None:
    """Raise ``FolderError`` when the results could not be written at the end."""
    if output is None:
        return
    place = output if output.exists() else output.parent
    if output.is_dir() or not os.access(place, os.W_OK):
        raise reading.FolderError(f"{output} cannot be written: name another file with --output")


def plain_message(error: Exception) -> str:
    """Return an error's message with bytes that are not text escaped."""
    return str(error).encode("utf-8", "backslashreplace").decode()


def not_answered(error: Exception, settings: Settings) -> str:
    """Return what to say of an error of the SDK; where nothing or something else may have answered, what to look at."""
    says = str(error)
    if isinstance(error, S3UploadFailedError):
        return says
    if isinstance(error, ClientError):
        code = error.response["Error"]["Code"]
        if code and not code.isdigit():
            return says
    if isinstance(error, ClientError | ResponseParserError):
        says = "the answer is none that AWS gives"
    return f"{says}: is it Reading Room that listens on {settings.host}:{settings.port}? --port names another port"


def _analyse(
    account: reading.Account, folder: Path, kind: str, own: dict[str, Any], per_line: bool, output: Path | None
) -> str:
    """Analyse a folder and print what was found; return the id of the job."""
    name = f"reading-{secrets.token_hex(4)}"
    with console.status("Preparing a private network, a bucket and a role"):
        network = reading.private_network(account)
        account.s3.create_bucket(Bucket=name)
        role = reading.make_reader_role(account, name, name)
        count = reading.upload_folder(account, folder, name, "input")
    files = "1 file" if count == 1 else f"{count} files"
    console.print(f"{files} in s3://{name}/input; network {network.vpc}; role {name}")
    calls = reading.JobCalls(account, kind)
    job = calls.start(
        InputDataConfig={
            "S3Uri": f"s3://{name}/input/",
            "InputFormat": "ONE_DOC_PER_LINE" if per_line else "ONE_DOC_PER_FILE",
        },
        OutputDataConfig={"S3Uri": f"s3://{name}/output/"},
        DataAccessRoleArn=role,
        VpcConfig=network.config(),
        **own,
    )
    follower = following.Follower(account.logs, job, partial(calls.describe, job))
    with following.shown(f"Job {job}", states=False) as show:
        properties = follower.to_the_end(show).properties
    if properties["JobStatus"] != "COMPLETED":
        raise fail(f"job {job} is {properties['JobStatus']}: {properties.get('Message') or 'it was stopped'}")
    lines = _results(account, kind, properties)
    if output is not None:
        output.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
        console.print(f"Results in {output}", soft_wrap=True, markup=False)
    print_summary(summary(account, kind, properties, lines))
    _print_errors([line for line in lines if "ErrorCode" in line])
    return job


def _results(account: reading.Account, kind: str, properties: dict[str, Any]) -> list[dict[str, Any]]:
    if kind == "topics":
        return list(documents_of_topics(*reading.topics(account, properties)))
    return list(reading.results(account, properties))


def print_summary(found: Summary, most: int = SHOWN) -> None:
    """Print a summary, at most so many of its rows."""
    if not found.rows:
        console.print(found.nothing)
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in found.columns:
        table.add_column(column)
    for values in found.rows[:most]:
        table.add_row(*(plain(value) for value in values))
    console.print(table)


def _print_errors(errors: list[dict[str, Any]]) -> None:
    for line in errors[:ERRORS_SHOWN]:
        number = f" line {line['Line']}" if "Line" in line else ""
        says = plain(f"{line['ErrorCode']}: {line['ErrorMessage']}") + MENDS.get(line["ErrorCode"], "")
        console.print(f"[yellow]{plain(line['File'])}{number}[/] {says}", soft_wrap=True)
    if len(errors) > ERRORS_SHOWN:
        console.print(f"[yellow]{len(errors) - ERRORS_SHOWN} more documents[/] had errors: --output writes all of them")


@app.command("explain")
def explain(
    job: Annotated[str, typer.Argument(help="The job's id, or for a training the ARN of its model.")],
    data: DataOption = None,
    port: PortOption = None,
) -> None:
    """Tell what happened to a job, step by step, with milliseconds since it was submitted."""
    settings = read_settings(data, port)
    try:
        account = reading.Account(endpoint_of(settings))
        properties: dict[str, Any] | None
        if job.startswith("arn:"):
            properties, training = reading.find_training(account, job)
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
        raise fail(not_running(error)) from None
    except ResponseParserError as error:
        raise fail(not_answered(error, settings)) from None
    if properties is not None:
        _print_state(job, properties)
    print_story(lines)


def _print_state(job: str, properties: dict[str, Any]) -> None:
    status = properties.get("JobStatus") or properties["Status"]
    console.print(f"[bold]{plain(job)}[/]  {status}", soft_wrap=True)
    if properties.get("Message"):
        console.print(f"[red]{plain(properties['Message'])}[/]", soft_wrap=True)


@app.command("watch")
def watch(
    job: Annotated[str, typer.Argument(help="The job's id, or for a training the ARN of its model.")],
    data: DataOption = None,
    port: PortOption = None,
) -> None:
    """Follow a job to its end: documents done of all, rate, time left. Ctrl-C leaves the job alone.

    Exits with 0 when it is completed, with 1 when it failed or was stopped.
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
        console.print(f"The job goes on: reading-room jobs watch {job}", soft_wrap=True, markup=False)
        raise typer.Exit(INTERRUPTED) from None
    except (StartError, reading.NoTrainingError) as error:
        raise fail(str(error)) from None
    except (ClientError, ResponseParserError) as error:
        raise fail(not_answered(error, settings)) from None
    except BotoCoreError as error:
        raise fail(not_running(error)) from None
    _print_state(job, view.properties)
    if view.status not in following.WELL:
        raise typer.Exit(1)


def no_such_job(job: str) -> str:
    """Return what to say of an id that is no job's."""
    return f"no job {job}: `aws comprehend list-entities-detection-jobs` lists those there are"


def not_running(error: BotoCoreError) -> str:
    """Return what to say when nothing answered."""
    return f"{error}: is the product running (`reading-room up`)?"


def print_story(lines: list[tuple[int, str]]) -> None:
    """Print a story, each line with its milliseconds since the first."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(justify="right")
    for at, text in lines:
        # The event's name is for programs that read the log; the sentence after it says the same.
        table.add_row(f"{at - lines[0][0]} ms", plain(text.partition(": ")[2] or text))
    console.print(table)

"""``reading-room jobs``: run a folder through a job without knowing AWS, and read what happened to one."""

from __future__ import annotations

import json
import secrets
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

from reading_room.cli import reading
from reading_room.cli.folder import StartError
from reading_room.cli.processes import DataOption, PortOption, fail, read_settings
from reading_room.cli.running import endpoint_of, listening, started

app = typer.Typer(help="Run jobs and explain them.", no_args_is_help=True)
console = Console(highlight=False)


@app.command("run")
def run(
    folder: Annotated[Path, typer.Argument(help="Folder of .txt files, UTF-8.")],
    kind: Annotated[str, typer.Option(help="entities or dominant-language.")] = "entities",
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
    if not folder.is_dir() or not any(folder.rglob("*.txt")):
        raise fail(f"{folder} has no .txt files: name a folder of texts")
    settings = read_settings(data, port)
    try:
        with ExitStack() as stack:
            if listening(settings):
                endpoint = endpoint_of(settings)
            else:
                console.print("[dim]Nothing runs yet: starting Reading Room for this job[/]")
                scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                endpoint = stack.enter_context(started(settings.data, settings.port, scratch / "log"))
            _analyse(reading.Account(endpoint), folder, kind, per_line, output)
    except StartError as error:
        raise fail(str(error)) from None
    except (ClientError, BotoCoreError) as error:
        raise fail(str(error)) from None


def _analyse(account: reading.Account, folder: Path, kind: str, per_line: bool, output: Path | None) -> None:
    name = f"reading-{secrets.token_hex(4)}"
    with console.status("Preparing a private network, a bucket and a role"):
        network = reading.build_network(account)
        account.s3.create_bucket(Bucket=name)
        role = reading.make_reader_role(account, name, name)
        count = reading.upload_folder(account, folder, name, "input")
    console.print(f"{count} files in s3://{name}/input; network {network.vpc}; role {name}")
    calls = reading.JobCalls(account, kind)
    job = calls.start(
        InputDataConfig={
            "S3Uri": f"s3://{name}/input/",
            "InputFormat": "ONE_DOC_PER_LINE" if per_line else "ONE_DOC_PER_FILE",
        },
        OutputDataConfig={"S3Uri": f"s3://{name}/output/"},
        DataAccessRoleArn=role,
        VpcConfig=network.config(),
    )
    with console.status(f"Job {job}") as status:
        properties = calls.wait(job, seconds=86_400, tell=lambda state: status.update(f"Job {job}: {state}"))
    if properties["JobStatus"] != "COMPLETED":
        raise fail(f"job {job} is {properties['JobStatus']}: {properties.get('Message', '')}")
    lines = list(reading.results(account, properties))
    if output is not None:
        output.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
        console.print(f"Results in {output}")
    _summarize(lines)
    console.print(f"\nThe whole story:  reading-room jobs explain {job}")


def _summarize(lines: list[dict[str, Any]]) -> None:
    errors = [line for line in lines if "ErrorCode" in line]
    table = Table(box=None, padding=(0, 2, 0, 0))
    if any("Entities" in line for line in lines):
        entities = Counter((e["Text"], e["Type"]) for line in lines for e in line.get("Entities", ()))
        for column in ("entity", "type", "times"):
            table.add_column(column)
        for (text, kind), times in entities.most_common(20):
            table.add_row(" ".join(text.split()), kind, str(times))
    else:
        languages = Counter(line["Languages"][0]["LanguageCode"] for line in lines if line.get("Languages"))
        table.add_column("language")
        table.add_column("documents")
        for code, times in languages.most_common():
            table.add_row(code, str(times))
    console.print(table)
    for line in errors:
        console.print(f"[yellow]{line['File']}[/] {line['ErrorCode']}: {line['ErrorMessage']}")


@app.command("explain")
def explain(
    job: Annotated[str, typer.Argument(help="The job's id.")], data: DataOption = None, port: PortOption = None
) -> None:
    """Tell what happened to a job, step by step, with milliseconds since it was submitted."""
    settings = read_settings(data, port)
    try:
        account = reading.Account(endpoint_of(settings))
        lines = reading.story(account, job)
        properties = _find(account, job)
    except StartError as error:
        raise fail(str(error)) from None
    except ClientError as error:
        if error.response["Error"]["Code"] in ("ResourceNotFoundException", "JobNotFoundException"):
            raise fail(f"no job {job}: `aws comprehend list-entities-detection-jobs` lists those there are") from None
        raise fail(str(error)) from None
    except BotoCoreError as error:
        raise fail(f"{error}: is the product running (`reading-room up`)?") from None
    console.print(f"[bold]{job}[/]  {properties['JobStatus']}")
    if properties.get("Message"):
        console.print(f"[red]{properties['Message']}[/]", soft_wrap=True)
    print_story(lines)


def print_story(lines: list[tuple[int, str]]) -> None:
    """Print a story, each line with its milliseconds since the first."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(justify="right")
    for at, text in lines:
        table.add_row(f"{at - lines[0][0]} ms", text)
    console.print(table)


def _find(account: reading.Account, job: str) -> dict[str, Any]:
    try:
        return reading.JobCalls(account, "entities").describe(job)
    except account.comprehend.exceptions.JobNotFoundException:
        return reading.JobCalls(account, "dominant-language").describe(job)

"""The commands with a running product, as somebody without AWS knowledge uses them."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from reading_room.cli import commands, once_made, reading
from reading_room.iam.policy.open_endpoint import openings
from tests.worlds.place import Place
from tests.worlds.product import Product, running_product
from tests.worlds.shells import data_of
from tests.worlds.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def place(product: Product) -> Place:
    """A bucket, a network and a role."""
    return Place(product, "10.77.0.0/16")


def command(product: Product, *arguments: str, code: int = 0) -> Result:
    """Run the program against the product, and see with which code it ends."""
    result = CliRunner().invoke(commands.app, [*arguments], env=data_of(product))
    assert result.exit_code == code, result.output
    assert not isinstance(result.exception, Exception), result.exception
    return result


def trace(product: Product, source: str, *, code: int = 0) -> tuple[str, str]:
    """Trace a packet in a process of its own, which becomes the owner of the data folder; return what it printed."""
    argv = [sys.executable, "-m", "reading_room", "network", "trace", source, "198.51.100.10:443"]
    run = subprocess.run(argv, env=os.environ | data_of(product), capture_output=True, text=True, check=False)
    assert run.returncode == code, run.stderr
    return run.stdout, run.stderr


@pytest.mark.costs(5, reason="a command is a process of its own, and its job starts the first container")
def test_a_folder_is_analysed_and_its_story_explained(product: Product, tmp_path: Path) -> None:
    """Use the installed program, with its output in a pipe."""
    texts = tmp_path / "texts"
    (texts / "deep").mkdir(parents=True)
    (texts / "a.txt").write_text("Marie Curie was born in Warsaw.")
    (texts / "deep" / "[red]b.TXT").write_text("Ada Lovelace [/bold] lived in London.")
    (texts / "binary.txt").write_bytes(b"\xff\xfe\x00")
    (texts / "deep" / "old.doc").write_bytes(b"\xd0\xcf\x11\xe0")
    output = tmp_path / "out.jsonl"
    argv = [sys.executable, "-m", "reading_room", "jobs", "run", str(texts), "--output", str(output)]
    environment = os.environ | data_of(product)
    run = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert run.returncode == 3, run.stdout + run.stderr
    assert "Traceback" not in run.stdout + run.stderr
    lines = run.stdout.splitlines()
    assert lines[0] == "1 file left out, of 4:"
    assert lines[1].endswith(": deep/old.doc")
    assert "No language was recognised in binary.txt: read as English (en)" in lines
    rows = [line.split() for line in lines]
    assert ["binary.txt", "en", "1"] in rows
    assert ["Marie", "Curie", "PERSON", "1"] in rows
    (said,) = (line for line in lines if "binary.txt: UNSUPPORTED_ENCODING:" in line)
    assert said.endswith(" Save its text in UTF-8.")
    names = {json.loads(line)["File"] for line in output.read_text().splitlines()}
    assert names == {"a.txt", "deep/[red]b.TXT", "binary.txt"}
    job = next(line.split("explain ")[1] for line in lines if "jobs explain" in line)
    shown = command(product, "jobs", "explain", job).stdout.splitlines()
    assert shown[:2] == [f"{job}  COMPLETED", "completed, 1 of 3 documents failed"]
    assert "0 ms" in shown[2]
    assert any("network interface eni-" in line and "subnet-" in line for line in shown), shown


def left_by_runs(account: reading.Account) -> tuple[list[str], list[str], list[str]]:
    """Return the buckets, roles and networks that runs made."""
    buckets = [each["Name"] for each in account.s3.list_buckets()["Buckets"]]
    roles = [each["RoleName"] for each in account.iam.list_roles()["Roles"]]
    return (
        [each for each in buckets if each.startswith(once_made.NAME)],
        [each for each in roles if each.startswith(once_made.NAME)],
        reading.networks_of_runs(account),
    )


@pytest.mark.costs(6, reason="three jobs run one after the other")
def test_the_next_run_uses_bucket_role_and_network_of_the_first_and_clean_deletes_them(
    product: Product, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("Ceci est une phrase en français.\nEine Zeile auf Deutsch.\n")
    account = product.account()
    run = ("jobs", "run", str(tmp_path), "--kind", "dominant-language", "--per-line")
    for _ in range(2):
        printed = command(product, *run).stdout
        assert ["fr", "1"] in [line.split() for line in printed.splitlines()]
    (bucket,), (role,), (vpc,) = left_by_runs(account)
    inside: Any = [{"Name": "vpc-id", "Values": [vpc]}]
    (way,) = account.ec2.describe_vpc_endpoints(Filters=inside)["VpcEndpoints"]
    (network,) = account.ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    assert openings(way["PolicyDocument"], network["OwnerId"]) == ()
    printed = command(product, *run, "--clean").stdout
    assert printed.splitlines()[-1] == f"Deleted: bucket {bucket}, role {role}, network {vpc}"
    assert left_by_runs(account) == ([], [], [])
    assert "There was nothing to delete" in command(product, "jobs", "run", "--clean").stdout


def test_resources_of_others_with_its_name_are_neither_used_nor_deleted(product: Product, tmp_path: Path) -> None:
    account = product.account()
    theirs = f"{once_made.NAME}-theirs"
    account.s3.create_bucket(Bucket=theirs)
    account.s3.put_object(Bucket=theirs, Key="kept", Body=b"x")
    assert theirs != once_made.place(account).bucket
    once_made.clean(account)
    assert account.s3.get_object(Bucket=theirs, Key="kept")["Body"].read() == b"x"
    reading.make_reader_role(account, once_made.NAME, theirs)
    (tmp_path / "a.txt").write_text("Marie Curie was born in Warsaw.")
    refused = command(product, "jobs", "run", str(tmp_path), "--language", "en", code=1).stderr
    assert f"the role {once_made.NAME} was not created by `jobs run`" in refused
    account.iam.delete_role_policy(RoleName=once_made.NAME, PolicyName="access")
    account.iam.delete_role(RoleName=once_made.NAME)
    account.s3.delete_object(Bucket=theirs, Key="kept")
    account.s3.delete_bucket(Bucket=theirs)


@pytest.mark.costs(12, reason="eight jobs of six engines, and two engines of calls")
def test_each_text_is_read_in_its_own_language_by_every_requested_kind(product: Product, tmp_path: Path) -> None:
    """Two files with one name are distinguished in the output and in the workbook."""
    texts = {
        "en/note.txt": "Marie Curie was born in Warsaw, and she loved her work there very much.",
        "de/note.txt": "Angela Merkel wurde in Hamburg geboren und lebte danach lange Zeit in Berlin.",
        "ja/tegami.txt": "大統領は昨日、妻とともにナポリの町を訪れました。",
    }
    for name, text in texts.items():
        (tmp_path / "texts" / name).parent.mkdir(parents=True)
        (tmp_path / "texts" / name).write_text(text)
    output = tmp_path / "out.csv"
    kinds = ("--kind", "entities,targeted-sentiment", "--kind", "syntax")
    run = command(product, "jobs", "run", str(tmp_path / "texts"), *kinds, "--output", str(output))
    lines = run.stdout.splitlines()
    assert "Languages detected: " in run.stdout
    (said,) = (line for line in lines if line.startswith("targeted-sentiment has no engine for "))
    assert "German (de)" in said
    assert "Japanese (ja)" in said
    assert "de/note.txt" in said
    assert "ja/tegami.txt" in said
    assert "syntax has no engine for Japanese (ja), and does not read ja/tegami.txt" in lines
    with output.open(encoding="utf-8-sig", newline="") as file:
        found = list(csv.DictReader(file))
    entities = [row for row in found if row["kind"] == "entities"]
    people = {(row["document"], row["language"], row["text"]) for row in entities if row["type"] == "PERSON"}
    assert people == {("en/note.txt", "en", "Marie Curie"), ("de/note.txt", "de", "Angela Merkel")}
    read = {(row["kind"], row["document"]) for row in found if not row["error"]}
    assert {name for kind, name in read if kind == "targeted-sentiment"} == {"en/note.txt"}
    assert {name for kind, name in read if kind == "syntax"} == {"en/note.txt", "de/note.txt"}
    with (tmp_path / "out-documents.csv").open(encoding="utf-8-sig", newline="") as file:
        documents = {row["document"]: row for row in csv.DictReader(file)}
    row = documents["ja/tegami.txt"]
    assert [row[kind] for kind in ("targeted-sentiment", "syntax")] == ["not read"] * 2
    assert int(documents["de/note.txt"]["entities"]) >= 1


@pytest.mark.costs(8, reason="four jobs run where one may be started a second")
def test_a_run_waits_for_an_account_that_may_call_once_a_second(tmp_path: Path) -> None:
    texts = {
        "en": "Marie Curie was born in Warsaw, and she loved her work there very much.",
        "de": "Angela Merkel wurde in Hamburg geboren und lebte danach lange Zeit in Berlin.",
        "fr": "Nous avons bien reçu votre commande à Lyon, et toute l'équipe vous remercie.",
        "es": "El hotel en Sevilla era precioso, pero nadie nos ayudó con las maletas.",
    }
    for name in ("texts", "product"):
        (tmp_path / name).mkdir()
    for language, text in texts.items():
        (tmp_path / "texts" / f"{language}.txt").write_text(text)
    with running_product(tmp_path / "product", PROFILE="aws") as product:
        run = command(product, "jobs", "run", str(tmp_path / "texts"), "--kind", "key-phrases")
    assert "4 files in s3://" in run.stdout
    assert run.stdout.count("jobs explain") == 4


@pytest.mark.costs(6, reason="a command is a process of its own, and its job takes a while")
def test_ending_a_run_does_not_end_its_job_and_shows_how_to_follow_it(product: Product, tmp_path: Path) -> None:
    for number in range(40):
        # A third of a second of work each.
        (tmp_path / f"{number}.txt").write_text("Marie Curie was born in Warsaw. " * 2_000)
    program = [sys.executable, "-m", "reading_room", "jobs", "run", str(tmp_path), "--language", "en"]
    with subprocess.Popen(
        ["env", "--default-signal=INT", *program], stdout=subprocess.PIPE, text=True, env=os.environ | data_of(product)
    ) as run:
        assert run.stdout is not None
        assert "Started: entities (en)\n" in iter(run.stdout.readline, "")
        run.send_signal(signal.SIGINT)
        printed = run.stdout.read().splitlines()
        assert run.wait() == 130
    assert printed[-2] == "The job continues:"
    assert "reading-room jobs watch " in printed[-1]
    job = printed[-1].split()[-1]
    calls = reading.JobCalls(product.account(), "entities")
    assert calls.describe(job)["JobStatus"] in ("SUBMITTED", "IN_PROGRESS")
    calls.stop(job)
    calls.wait(job)


def test_shared_resources_are_also_deleted_after_a_failed_run(product: Product, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Marie Curie was born in Warsaw.")
    arn = "arn:aws:comprehend:us-east-1:000000000001:document-classifier/none"
    failed = ("jobs", "run", str(tmp_path), "--kind", "classification", "--classifier", arn)
    run = command(product, *failed, "--clean", code=1)
    assert "ResourceNotFoundException" in run.stderr
    assert "Deleted: bucket" in run.stdout
    assert left_by_runs(product.account()) == ([], [], [])


def test_if_no_engine_knows_the_language_nothing_is_read(product: Product, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Il presidente della Repubblica ha visitato ieri la città di Napoli.")
    run = command(product, "jobs", "run", str(tmp_path), "--kind", "targeted-sentiment", code=1)
    assert "targeted-sentiment has no engine for Italian (it), and does not read a.txt" in run.stdout
    assert "nothing is left to analyse" in run.stderr


def test_hints_name_the_data_folder_and_the_port_in_use(product: Product, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Marie Curie was born in Warsaw.")
    place = ("--data", str(product.data), "--port", str(product.port))
    environment = dict.fromkeys(data_of(product)) | {"READING_ROOM_STATE": str(product.state)}
    run = CliRunner().invoke(commands.app, ["jobs", "run", str(tmp_path), *place], env=environment)
    assert run.exit_code == 0, run.output
    (hint,) = (line.strip() for line in run.stdout.splitlines() if "jobs explain" in line)
    assert hint.endswith(" ".join(place))
    explained = CliRunner().invoke(commands.app, hint.split()[1:], env=environment)
    assert "COMPLETED" in explained.output


def test_an_unknown_job_is_named(product: Product) -> None:
    for subcommand in ("explain", "watch"):
        assert f"no job {'0' * 32}" in command(product, "jobs", subcommand, "0" * 32, code=1).stderr


@pytest.mark.costs(8, reason="two containers are started that can train")
def test_a_training_is_explained_by_the_arn_of_its_model(product: Product, place: Place) -> None:
    comprehend = product.account().comprehend
    create: Any = comprehend.create_document_classifier
    describe = comprehend.describe_document_classifier
    # Without training data it fails soon; the second model's ARN begins with the first one's.
    models: list[tuple[str, dict[str, str]]] = [("first", {}), ("second", {"VersionName": "v1"})]

    def failed(arn: str) -> bool:
        return describe(DocumentClassifierArn=arn)["DocumentClassifierProperties"]["Status"] == "IN_ERROR"

    for shown, version in models:
        arn = create(
            DocumentClassifierName="tickets",
            LanguageCode="en",
            DataAccessRoleArn=place.role,
            InputDataConfig={"S3Uri": f"s3://{place.bucket}/{shown}.csv"},
            VpcConfig=place.network.config(),
            **version,
        )["DocumentClassifierArn"]
        eventually(partial(failed, arn))
        lines = command(product, "jobs", "explain", arn).stdout.splitlines()
        assert lines[0] == f"{arn}  IN_ERROR"
        assert f"{shown}.csv" in lines[1]
        assert any(line.rstrip().endswith(f"to make {arn}") for line in lines), lines
    unknown = command(product, "jobs", "explain", arn.replace("/v1", "/v2"), code=1)
    assert "/v2: `aws comprehend list-document-classifiers`" in unknown.stderr
    assert "is not the ARN of a custom model" in command(product, "jobs", "explain", place.role, code=1).stderr


@pytest.mark.costs(4, reason="two commands are processes of their own")
def test_a_packet_of_an_interface_without_a_container_goes_nowhere(product: Product, place: Place) -> None:
    subnet, group = place.network.subnets[0], place.network.group
    made = product.account().ec2.create_network_interface(SubnetId=subnet, Groups=[group])["NetworkInterface"]
    printed, _ = trace(product, made["NetworkInterfaceId"])
    assert printed.splitlines()[:2] == [
        "no-wire",
        f"  {made['NetworkInterfaceId']} is attached to nothing that could send",
    ]
    _, refused = trace(product, "eni-0123456789abcdef0", code=1)
    assert "no interface eni-0123456789abcdef0" in refused


def test_a_healthy_host_has_nothing_to_change(product: Product) -> None:
    reading.build_network(product.account(), "10.78.0.0/16")
    # The agent gets the spec a moment later.
    eventually(lambda: command(product, "network", "plan").stdout == "nothing to change\n")


def test_a_job_is_watched_to_its_end_which_the_exit_code_shows(product: Product, place: Place) -> None:
    place.put("watched/", 1)
    job = place.start("watched/")
    assert command(product, "jobs", "watch", job).stdout.splitlines()[-1] == f"{job}  COMPLETED"
    job = place.start("nothing/")
    run = command(product, "jobs", "watch", job, code=1)
    assert f"{job}  FAILED" in run.stdout.splitlines()
    assert "INPUT_NOT_FOUND" in run.stdout


@pytest.mark.costs(15, reason="a job first tells how far it is after ten seconds")
def test_ending_a_watch_does_not_end_the_job_and_the_next_watch_shows_its_progress(
    product: Product, place: Place
) -> None:
    """Watch in a separate process, which gets the Ctrl-C."""
    account = product.account()
    for number in range(40):
        # All but the first are a third of a second of work each.
        text = "Marie Curie was born in Warsaw. " * (2_000 if number else 1)
        account.s3.put_object(Bucket=place.bucket, Key=f"long/{number:02}.txt", Body=text.encode())
    source = {"S3Uri": f"s3://{place.bucket}/long/", "InputFormat": "ONE_DOC_PER_FILE"}
    job = place.start("long/", "entities", InputDataConfig=source)
    eventually(lambda: place.worker(job))
    # Whoever runs the tests in the background has them ignore what Ctrl-C sends, and so would what they start.
    argv = ["env", "--default-signal=INT", sys.executable, "-m", "reading_room", "jobs", "watch", job]
    environment = os.environ | data_of(product)
    with (
        # Frozen, it is not over before somebody has seen how far it is.
        place.holding(job),
        subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as watching,
    ):
        assert watching.stdout is not None
        lines = iter(watching.stdout.readline, "")
        shown = next((line for line in lines if " of 40 documents" in line), "")
        watching.send_signal(signal.SIGINT)
        rest = watching.stdout.read()
        assert watching.wait() == 130
    assert shown.startswith("IN_PROGRESS, "), shown
    assert "The job continues: " in rest
    assert f"reading-room jobs watch {job}" in rest
    calls = reading.JobCalls(account, "entities")
    assert calls.describe(job)["JobStatus"] == "IN_PROGRESS"
    calls.stop(job)
    run = command(product, "jobs", "watch", job, code=1)
    assert run.stdout.splitlines()[-1] == f"{job}  STOPPED"

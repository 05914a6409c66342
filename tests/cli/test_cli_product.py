"""The commands against a running product, as a person uses them who knows no AWS."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from reading_room.cli import commands, reading
from reading_room.iam.policy.open_endpoint import openings
from tests.worlds.place import Place
from tests.worlds.product import Product
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


@pytest.mark.costs(5, reason="a command is a process of its own, and its job starts the first container")
def test_a_folder_is_read_and_its_story_told(product: Product, tmp_path: Path) -> None:
    """By the program as it is installed, with its output in a pipe."""
    texts = tmp_path / "texts"
    (texts / "deep").mkdir(parents=True)
    (texts / "a.txt").write_text("Marie Curie was born in Warsaw.")
    (texts / "deep" / "[red]b.txt").write_text("Ada Lovelace [/bold] lived in London.")
    (texts / "binary.txt").write_bytes(b"\xff\xfe\x00")
    output = tmp_path / "out.jsonl"
    argv = [sys.executable, "-m", "reading_room", "jobs", "run", str(texts), "--output", str(output)]
    environment = os.environ | data_of(product)
    run = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stdout + run.stderr
    rows = [line.split() for line in run.stdout.splitlines()]
    assert ["Marie", "Curie", "PERSON", "1"] in rows
    assert any(row[:2] == ["binary.txt", "UNSUPPORTED_ENCODING:"] for row in rows)
    assert len(output.read_text().splitlines()) == 3
    job = next(line.split("explain ")[1] for line in run.stdout.splitlines() if "jobs explain" in line)
    told = command(product, "jobs", "explain", job).stdout.splitlines()
    assert told[0] == f"{job}  COMPLETED"
    assert "0 ms" in told[1]
    assert any("network interface eni-" in line and "subnet-" in line for line in told), told


def test_the_next_folder_uses_the_same_private_network(product: Product, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ceci est une phrase en français.\nEine Zeile auf Deutsch.\n")
    account = product.account()
    for _ in range(2):
        run = command(product, "jobs", "run", str(tmp_path), "--kind", "dominant-language", "--per-line")
        assert ["fr", "1"] in [line.split() for line in run.stdout.splitlines()]
    tagged = account.ec2.describe_vpcs(Filters=[{"Name": "tag-key", "Values": [reading.NETWORK_TAG]}])["Vpcs"]
    assert len(tagged) == 1
    inside: Any = [{"Name": "vpc-id", "Values": [tagged[0]["VpcId"]]}]
    (way,) = account.ec2.describe_vpc_endpoints(Filters=inside)["VpcEndpoints"]
    assert openings(way["PolicyDocument"], tagged[0]["OwnerId"]) == ()


def test_a_job_that_is_not_there_is_named(product: Product) -> None:
    for asked in ("explain", "watch"):
        assert f"no job {'0' * 32}" in command(product, "jobs", asked, "0" * 32, code=1).stderr


@pytest.mark.costs(8, reason="two containers are started that can train")
def test_a_training_is_explained_by_the_arn_of_its_model(product: Product, place: Place) -> None:
    comprehend = product.account().comprehend
    create: Any = comprehend.create_document_classifier
    describe = comprehend.describe_document_classifier
    # Without training data it fails soon; the second model's ARN begins with the first one's.
    models: list[tuple[str, dict[str, str]]] = [("first", {}), ("second", {"VersionName": "v1"})]

    def failed(arn: str) -> bool:
        return describe(DocumentClassifierArn=arn)["DocumentClassifierProperties"]["Status"] == "IN_ERROR"

    for told, version in models:
        arn = create(
            DocumentClassifierName="tickets",
            LanguageCode="en",
            DataAccessRoleArn=place.role,
            InputDataConfig={"S3Uri": f"s3://{place.bucket}/{told}.csv"},
            VpcConfig=place.network.config(),
            **version,
        )["DocumentClassifierArn"]
        eventually(partial(failed, arn))
        lines = command(product, "jobs", "explain", arn).stdout.splitlines()
        assert lines[0] == f"{arn}  IN_ERROR"
        assert f"{told}.csv" in lines[1]
        assert any(line.rstrip().endswith(f"to make {arn}") for line in lines), lines
    unknown = command(product, "jobs", "explain", arn.replace("/v1", "/v2"), code=1)
    assert "/v2: `aws comprehend list-document-classifiers`" in unknown.stderr
    assert "is of no custom model" in command(product, "jobs", "explain", place.role, code=1).stderr


def test_a_packet_of_an_interface_without_a_container_goes_nowhere(product: Product, place: Place) -> None:
    subnet, group = place.network.subnets[0], place.network.group
    made = product.account().ec2.create_network_interface(SubnetId=subnet, Groups=[group])["NetworkInterface"]
    run = command(product, "network", "trace", made["NetworkInterfaceId"], "198.51.100.10:443")
    assert run.stdout.splitlines()[:2] == [
        "no-wire",
        f"  {made['NetworkInterfaceId']} is attached to nothing that could send",
    ]
    run = command(product, "network", "trace", "eni-0123456789abcdef0", "198.51.100.10:443", code=1)
    assert "no interface eni-0123456789abcdef0" in run.stderr


def test_a_healthy_host_has_nothing_to_change(product: Product) -> None:
    reading.build_network(product.account(), "10.78.0.0/16")
    # The agent hears of it a moment later.
    eventually(lambda: command(product, "network", "plan").stdout == "nothing to change\n")


def test_a_job_is_watched_to_its_end_and_the_exit_code_says_which(product: Product, place: Place) -> None:
    place.put("watched/", 1)
    job = place.start("watched/")
    assert command(product, "jobs", "watch", job).stdout.splitlines()[-1] == f"{job}  COMPLETED"
    job = place.start("nothing/")
    run = command(product, "jobs", "watch", job, code=1)
    assert f"{job}  FAILED" in run.stdout.splitlines()
    assert "INPUT_NOT_FOUND" in run.stdout


@pytest.mark.costs(15, reason="a job first tells how far it is after ten seconds")
def test_who_stops_watching_leaves_the_job_alone_and_the_next_one_sees_how_far_it_is(
    product: Product, place: Place
) -> None:
    """In a process of its own, which Ctrl-C is for."""
    account = product.account()
    for number in range(40):
        # All but the first are a third of a second of work each.
        text = "Marie Curie was born in Warsaw. " * (2_000 if number else 1)
        account.s3.put_object(Bucket=place.bucket, Key=f"long/{number:02}.txt", Body=text.encode())
    source = {"S3Uri": f"s3://{place.bucket}/long/", "InputFormat": "ONE_DOC_PER_FILE"}
    job = place.start("long/", InputDataConfig=source)
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
        told = next((line for line in lines if " of 40 documents" in line), "")
        watching.send_signal(signal.SIGINT)
        rest = watching.stdout.read()
        assert watching.wait() == 130
    assert told.startswith("IN_PROGRESS, "), told
    assert f"The job goes on: reading-room jobs watch {job}" in rest
    calls = reading.JobCalls(account, "entities")
    assert calls.describe(job)["JobStatus"] == "IN_PROGRESS"
    calls.stop(job)
    run = command(product, "jobs", "watch", job, code=1)
    assert run.stdout.splitlines()[-1] == f"{job}  STOPPED"

"""The commands against a running product, as a person uses them who knows no AWS."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from reading_room.cli import reading
from reading_room.cli.running import Endpoint, free_port, started
from reading_room.iam.policy.open_endpoint import openings
from tests.worlds.waiting import DEADLINE, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """The product, started as a user starts it."""
    folder = tmp_path_factory.mktemp("cli-product")
    with started(folder / "data", free_port(), folder / "log") as running:
        yield running


def command(endpoint: Endpoint, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program against the product, with its output in a pipe."""
    environment = {
        **os.environ,
        "READING_ROOM_DATA": str(endpoint.data),
        "READING_ROOM_PORT": endpoint.url.rsplit(":", 1)[1],
    }
    argv = [sys.executable, "-m", "reading_room", *arguments]
    run = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert "Traceback" not in run.stdout + run.stderr
    return run


def test_a_folder_is_read_and_its_story_told(endpoint: Endpoint, tmp_path: Path) -> None:
    texts = tmp_path / "texts"
    (texts / "deep").mkdir(parents=True)
    (texts / "a.txt").write_text("Marie Curie was born in Warsaw.")
    (texts / "deep" / "[red]b.txt").write_text("Ada Lovelace [/bold] lived in London.")
    (texts / "binary.txt").write_bytes(b"\xff\xfe\x00")
    output = tmp_path / "out.jsonl"
    run = command(endpoint, "jobs", "run", str(texts), "--output", str(output))
    assert run.returncode == 0, run.stderr
    rows = [line.split() for line in run.stdout.splitlines()]
    assert ["Marie", "Curie", "PERSON", "1"] in rows
    assert any(row[:2] == ["binary.txt", "UNSUPPORTED_ENCODING:"] for row in rows)
    assert len(output.read_text().splitlines()) == 3
    job = next(line.split("explain ")[1] for line in run.stdout.splitlines() if "jobs explain" in line)
    told = command(endpoint, "jobs", "explain", job)
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines()[0] == f"{job}  COMPLETED"
    assert "0 ms" in told.stdout.splitlines()[1]
    assert any("network interface eni-" in line and "subnet-" in line for line in told.stdout.splitlines()), told.stdout


def test_the_next_folder_uses_the_same_private_network(endpoint: Endpoint, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ceci est une phrase en français.\nEine Zeile auf Deutsch.\n")
    account = reading.Account(endpoint)
    for _ in range(2):
        run = command(endpoint, "jobs", "run", str(tmp_path), "--kind", "dominant-language", "--per-line")
        assert run.returncode == 0, run.stderr
        assert ["fr", "1"] in [line.split() for line in run.stdout.splitlines()]
    tagged = account.ec2.describe_vpcs(Filters=[{"Name": "tag-key", "Values": [reading.NETWORK_TAG]}])["Vpcs"]
    assert len(tagged) == 1
    inside: Any = [{"Name": "vpc-id", "Values": [tagged[0]["VpcId"]]}]
    (way,) = account.ec2.describe_vpc_endpoints(Filters=inside)["VpcEndpoints"]
    assert openings(way["PolicyDocument"], tagged[0]["OwnerId"]) == ()


def test_a_job_that_is_not_there_is_named(endpoint: Endpoint) -> None:
    run = command(endpoint, "jobs", "explain", "0" * 32)
    assert run.returncode == 1
    assert f"no job {'0' * 32}" in run.stderr


def test_a_training_is_explained_by_the_arn_of_its_model(endpoint: Endpoint) -> None:
    account = reading.Account(endpoint)
    account.s3.create_bucket(Bucket="cli-training")
    role = reading.make_reader_role(account, "cli-training", "cli-training")
    network = reading.private_network(account)
    # Without training data they fail soon; the second model's ARN begins with the first one's.
    models: list[tuple[str, dict[str, str]]] = [("first", {}), ("second", {"VersionName": "v1"})]
    create: Any = account.comprehend.create_document_classifier
    arns = {
        told: create(
            DocumentClassifierName="tickets",
            LanguageCode="en",
            DataAccessRoleArn=role,
            InputDataConfig={"S3Uri": f"s3://cli-training/{told}.csv"},
            VpcConfig=network.config(),
            **version,
        )["DocumentClassifierArn"]
        for told, version in models
    }

    def failed(arn: str) -> bool:
        described = account.comprehend.describe_document_classifier(DocumentClassifierArn=arn)
        return bool(described["DocumentClassifierProperties"]["Status"] == "IN_ERROR")

    for told, arn in arns.items():
        eventually(partial(failed, arn))
        run = command(endpoint, "jobs", "explain", arn)
        assert run.returncode == 0, run.stderr
        lines = run.stdout.splitlines()
        assert lines[0] == f"{arn}  IN_ERROR"
        assert f"{told}.csv" in lines[1]
        # In one line or in two: that depends on how long it took, which stands before it.
        assert f"submitted, to make {arn} " in " ".join(run.stdout.split()), run.stdout
    run = command(endpoint, "jobs", "explain", arn.replace("/v1", "/v2"))
    assert run.returncode == 1
    assert "/v2: `aws comprehend list-document-classifiers`" in run.stderr
    run = command(endpoint, "jobs", "explain", role)
    assert run.returncode == 1
    assert "is of no custom model" in run.stderr


def test_a_packet_of_an_interface_without_a_container_goes_nowhere(endpoint: Endpoint) -> None:
    network = reading.build_network(reading.Account(endpoint), "10.77.0.0/16")
    ec2 = reading.Account(endpoint).ec2
    made = ec2.create_network_interface(SubnetId=network.subnets[0], Groups=[network.group])["NetworkInterface"]
    run = command(endpoint, "network", "trace", made["NetworkInterfaceId"], "198.51.100.10:443")
    assert run.stdout.splitlines()[:2] == [
        "no-wire",
        f"  {made['NetworkInterfaceId']} is attached to nothing that could send",
    ]
    run = command(endpoint, "network", "trace", "eni-0123456789abcdef0", "198.51.100.10:443")
    assert "no interface eni-0123456789abcdef0" in run.stderr


def test_a_healthy_host_has_nothing_to_change(endpoint: Endpoint) -> None:
    reading.build_network(reading.Account(endpoint), "10.78.0.0/16")

    def planned() -> str:
        run = command(endpoint, "network", "plan")
        assert run.returncode == 0, run.stderr
        return run.stdout

    # The agent hears of it a moment later.
    eventually(lambda: planned() == "nothing to change\n")


def started_job(endpoint: Endpoint, name: str, texts: int, text: str) -> str:
    """Start a job over so many objects and return its id."""
    account = reading.Account(endpoint)
    account.s3.create_bucket(Bucket=name)
    role = reading.make_reader_role(account, name, name)
    for number in range(texts):
        account.s3.put_object(Bucket=name, Key=f"in/{number}.txt", Body=text.encode())
    return reading.JobCalls(account, "entities").start(
        InputDataConfig={"S3Uri": f"s3://{name}/in/", "InputFormat": "ONE_DOC_PER_FILE"},
        OutputDataConfig={"S3Uri": f"s3://{name}/out/"},
        DataAccessRoleArn=role,
        VpcConfig=reading.private_network(account).config(),
    )


def test_a_job_is_watched_to_its_end_and_the_exit_code_says_which(endpoint: Endpoint) -> None:
    job = started_job(endpoint, "cli-watch", 1, "Marie Curie was born in Warsaw.")
    run = command(endpoint, "jobs", "watch", job)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == f"{job}  COMPLETED"
    job = started_job(endpoint, "cli-watch-nothing", 0, "")
    run = command(endpoint, "jobs", "watch", job)
    assert run.returncode == 1
    assert f"{job}  FAILED" in run.stdout.splitlines()
    assert "INPUT_NOT_FOUND" in run.stdout
    run = command(endpoint, "jobs", "watch", "0" * 32)
    assert run.returncode == 1
    assert f"no job {'0' * 32}" in run.stderr


def test_who_stops_watching_leaves_the_job_alone_and_the_next_one_sees_how_far_it_is(endpoint: Endpoint) -> None:
    # Ten megabytes: half a minute of work at the least, wherever this runs.
    job = started_job(endpoint, "cli-watch-long", 160, "Marie Curie was born in Warsaw. " * 2000)
    environment = {
        **os.environ,
        "READING_ROOM_DATA": str(endpoint.data),
        "READING_ROOM_PORT": endpoint.url.rsplit(":", 1)[1],
    }
    # Whoever runs the tests in the background has them ignore what Ctrl-C sends, and so would what they start.
    argv = ["env", "--default-signal=INT", sys.executable, "-m", "reading_room", "jobs", "watch", job]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as watching:
        assert watching.stdout is not None
        lines = iter(watching.stdout.readline, "")
        told = next((line for line in lines if " of 160 documents" in line), "")
        watching.send_signal(signal.SIGINT)
        rest = watching.stdout.read()
        assert watching.wait(DEADLINE) == 130
    assert told.startswith("IN_PROGRESS, "), told
    assert f"The job goes on: reading-room jobs watch {job}" in rest
    calls = reading.JobCalls(reading.Account(endpoint), "entities")
    assert calls.describe(job)["JobStatus"] == "IN_PROGRESS"
    calls.stop(job)
    run = command(endpoint, "jobs", "watch", job)
    assert run.returncode == 1
    assert run.stdout.splitlines()[-1] == f"{job}  STOPPED"

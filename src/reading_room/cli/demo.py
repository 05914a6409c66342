"""``reading-room demo``: the whole product in one minute, on real texts, with proofs."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table

from reading_room.analysis.job_file import CLUSTER_PORTS
from reading_room.cli import reading
from reading_room.cli.demo_kinds import start_all, table_of, wait_all
from reading_room.cli.demo_models import READY, Models
from reading_room.cli.folder import StartError
from reading_room.cli.jobs import print_story
from reading_room.cli.options import command, read_settings
from reading_room.cli.probe import Attempt, ProbeError, connect_from_job
from reading_room.cli.running import Endpoint, host_address, require_weights, started
from reading_room.cli.screen import fail, plain
from reading_room.cli.screen import output as console
from reading_room.cli.texts import upload_folder
from reading_room.comprehend.tags import CONTAINERS_TAG
from reading_room.console.listen_address import console_url
from reading_room.settings import Settings

TEXTS = Path(__file__).parent / "demo_texts"
BUCKET = "demo-library"
ONE_SPEECH = "speeches/1865"
FLOW_GROUP = "/demo/flow-logs"
FOREIGN_ADDRESS = "198.51.100.10"
"""An address of a documentation network, so that a mistake would reach nobody."""


def demo() -> None:
    """Analyse real texts in a container inside an enforced VPC, and prove what it can and cannot reach."""
    began = time.monotonic()
    try:
        require_weights()
        with tempfile.TemporaryDirectory(prefix="reading-room-demo-") as folder:
            data = Path(folder) / "data"
            with console.status("Starting Reading Room and proving that this machine enforces rules"):
                context = started(data, 0, Path(folder) / "log", Path(folder) / "state")
                endpoint = context.__enter__()
            try:
                console.print(f"[green]Running[/] at {endpoint.url} ({time.monotonic() - began:.1f} s)\n")
                Demo(endpoint).run()
            finally:
                context.__exit__(None, None, None)
    except (StartError, ProbeError, ClientError, BotoCoreError, TimeoutError, DemoError) as error:
        raise fail(str(error)) from None
    console.print(
        f"\n[green]Everything that was started has been stopped.[/] {time.monotonic() - began:.0f} s in all.\n"
    )
    _print_next_steps(read_settings())


def _print_next_steps(settings: Settings) -> None:
    url = console_url(settings)
    browser = f", or open the web console: {url}" if url is not None else ""
    console.print("Three things to try next:")
    for words, does in (
        (("jobs", "run", "FOLDER"), "your own .txt files, no AWS knowledge needed"),
        (("up",), f"keep it running, and point boto3 or the AWS CLI at it{browser}"),
        (("doctor",), "what this machine enforces, and what would be stronger"),
    ):
        # Not wrapped, so that a long path can be copied.
        console.print(f"  {command(settings, *words)}", markup=False, soft_wrap=True)
        console.print(f"      {does}")


class DemoError(Exception):
    """A step did not have the promised result."""


class Demo:
    """The steps, in order. Each checks what it claims and raises ``DemoError`` when it does not hold."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._account = reading.Account(endpoint)
        self._calls = reading.JobCalls(self._account, "entities")
        self._role = ""

    def run(self) -> None:
        """Build, read, and prove."""
        network = self._build()
        self._read(network)
        self._every_kind(network)
        self._custom_models(network)
        console.rule("[bold]The proofs")
        self._without_endpoint(network)
        self._without_put(network)
        self._outside(network)

    def _build(self) -> reading.Network:
        account = self._account
        console.rule("[bold]What is built (boto3, unchanged)")
        network = reading.build_network(account)
        reading.open_to_itself(account, network.group)
        reading.log_flows(account, network.vpc, FLOW_GROUP, "demo-flow-logs")
        account.s3.create_bucket(Bucket=BUCKET)
        self._role = reading.make_reader_role(account, "demo-reader", BUCKET)
        count = upload_folder(account, TEXTS, BUCKET, "speeches")
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        within = "{} to {}".format(*CLUSTER_PORTS)
        table.add_row("VPC", network.vpc, "10.0.0.0/16, no internet gateway")
        table.add_row("subnets", "\n".join(network.subnets), "10.0.1.0/24\n10.0.2.0/24")
        rules = f"egress: TCP 443 to the prefix list of S3\nboth ways: TCP {within} among its own members"
        table.add_row("security group", network.group, f"{rules}, nothing else")
        table.add_row("gateway endpoint", str(network.endpoint), "S3, with the guide's seven actions")
        table.add_row("flow log", FLOW_GROUP, "every packet of the VPC, accepted or refused")
        table.add_row("role", "demo-reader", "Comprehend may use it: one bucket, and network interfaces in VPCs")
        table.add_row("bucket", BUCKET, f"{count} inaugural addresses, 1789 to 1921, public domain")
        console.print(table)
        return network

    def _request(
        self, network: reading.Network, prefix: str = "speeches/", form: str = "ONE_DOC_PER_FILE"
    ) -> dict[str, Any]:
        return {
            "InputDataConfig": {"S3Uri": f"s3://{BUCKET}/{prefix}", "InputFormat": form},
            "OutputDataConfig": {"S3Uri": f"s3://{BUCKET}/results/"},
            "DataAccessRoleArn": self._role,
            "VpcConfig": network.config(),
        }

    def _start(self, network: reading.Network, prefix: str = "speeches/") -> str:
        return self._calls.start(**self._request(network, prefix))

    def _read(self, network: reading.Network) -> None:
        console.rule("[bold]The job")
        with console.status("StartEntitiesDetectionJob"):
            job = self._start(network)
            properties = self._calls.wait(job, seconds=300)
        expect(properties, "COMPLETED")
        lines = reading.story(self._account, job)
        print_story(lines)
        entities = Counter(
            (" ".join(entity["Text"].split()), entity["Type"])
            for line in reading.results(self._account, properties)
            for entity in line["Entities"]
        )
        console.print("\nThe ten most frequent entities:")
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        for (text, kind), times in entities.most_common(10):
            table.add_row(str(times), plain(text), kind)
        console.print(table)
        console.print("\nIts packets in the flow log:")
        self._print_flows(interface_of(lines), "ACCEPT")

    def _every_kind(self, network: reading.Network) -> None:
        console.rule("[bold]Every other kind, on the same speeches, at the same time")
        with console.status("Five jobs, each in a container with its own interface"):
            jobs = start_all(self._account, partial(self._request, network))
            ended = wait_all(self._account, jobs, seconds=300)
        for properties in ended.values():
            expect(properties, "COMPLETED")
        console.print(table_of(self._account, ended))

    def _custom_models(self, network: reading.Network) -> None:
        console.rule("[bold]Custom models")
        models = Models(self._account, BUCKET, TEXTS, partial(self._request, network))
        with console.status("Training a classifier and a recognizer in the same network, and a job with each"):
            models.start()
            trained = models.wait(seconds=300)
            for model in trained:
                if model["Status"] not in READY:
                    raise DemoError(f"a training ended with {model['Status']}: {model.get('Message', '')}")
            jobs = models.use(seconds=300)
        for properties in jobs:
            expect(properties, "COMPLETED")
        console.print(models.table(trained, jobs))

    def _print_flows(self, interface: str, action: str) -> list[str]:
        deadline = time.monotonic() + 10
        lines: list[str] = []
        while not lines and time.monotonic() < deadline:
            found = reading.flow_lines(self._account, FLOW_GROUP, interface)
            lines = [line for line in found if f" {action} " in line]
            time.sleep(0.1)
        if not lines:
            raise DemoError(f"the flow log has no {action} line for {interface}")
        for line in lines[:8]:
            console.print(f"  {line}", soft_wrap=True, markup=False)
        return lines

    def _without_endpoint(self, network: reading.Network) -> None:
        console.print("\n[bold]1.[/] A job over one speech, after the endpoint is deleted:")
        assert network.endpoint is not None
        self._account.ec2.delete_vpc_endpoints(VpcEndpointIds=[network.endpoint])
        properties = self._calls.wait(self._start(network, ONE_SPEECH), seconds=300)
        expect(properties, "FAILED", "NO_ROUTE_TO_STORAGE")
        console.print(f"   [red]FAILED[/] {plain(properties['Message'])}", soft_wrap=True)
        self._endpoint = reading.add_endpoint(self._account, network.vpc, network.route_table)

    def _without_put(self, network: reading.Network) -> None:
        console.print("\n[bold]2.[/] The same, with an endpoint policy that lacks s3:PutObject:")
        actions = tuple(action for action in reading.ENDPOINT_ACTIONS if action != "s3:PutObject")
        self._account.ec2.modify_vpc_endpoint(
            VpcEndpointId=self._endpoint, PolicyDocument=reading.endpoint_policy(actions)
        )
        before = self._objects()
        properties = self._calls.wait(self._start(network, ONE_SPEECH), seconds=300)
        expect(properties, "FAILED", "NO_WRITE_ACCESS_TO_OUTPUT")
        console.print(f"   [red]FAILED[/] {plain(properties['Message'])}", soft_wrap=True)
        if self._objects() != before:
            raise DemoError("the failed job left something behind in the bucket")
        console.print("   Nothing was left behind: no object, no unfinished upload, no interface.")
        self._account.ec2.modify_vpc_endpoint(VpcEndpointId=self._endpoint, PolicyDocument=reading.endpoint_policy())

    def _objects(self) -> tuple[list[str], int]:
        listed = self._account.s3.list_objects_v2(Bucket=BUCKET, Prefix="results/")
        uploads = self._account.s3.list_multipart_uploads(Bucket=BUCKET)
        return [entry["Key"] for entry in listed.get("Contents", ())], len(uploads.get("Uploads", ()))

    def _outside(self, network: reading.Network) -> None:
        console.print("\n[bold]3.[/] From inside the container of a running job, out to the world:")
        text = "\n".join(path.read_text() for path in sorted(TEXTS.glob("*.txt")))
        for number in range(40):
            self._account.s3.put_object(Bucket=BUCKET, Key=f"long/{number}.txt", Body=text.encode())
        # In one container, so that the flow log read below is that of the container that is entered.
        job = self._calls.start(**self._request(network, "long/"), Tags=[{"Key": CONTAINERS_TAG, "Value": "1"}])
        attempts = self._attempts(job)
        for attempt in attempts:
            verdict = "[red]REACHED[/]" if attempt.connected else "[green]blocked[/]"
            console.print(f"   {attempt.address}:{attempt.port}  {verdict}  ({attempt.says})")
        if any(attempt.connected for attempt in attempts):
            raise DemoError("a container reached what it must not reach")
        self._stop(job)
        console.print("   The same packets in the flow log:")
        interface = interface_of(reading.story(self._account, job))
        lines = self._print_flows(interface, "REJECT")
        for attempt in attempts:
            if not any(f" {attempt.address} " in line for line in lines):
                raise DemoError(f"the flow log lacks the packets to {attempt.address}")

    def _attempts(self, job: str) -> list[Attempt]:
        port = int(self._account.endpoint.url.rsplit(":", 1)[1])
        targets = [(host_address(), port), (FOREIGN_ADDRESS, 443)]
        endpoint = self._account.endpoint
        settings = Settings.from_environment(data=endpoint.data, state=endpoint.state)
        return connect_from_job(settings, f"job-{job}-", targets)

    def _stop(self, job: str) -> None:
        self._calls.stop(job)
        self._calls.wait(job, seconds=300)


def interface_of(lines: list[tuple[int, str]]) -> str:
    """Return the interface that a job's story names."""
    for _, text in lines:
        for word in text.replace(",", " ").replace(":", " ").split():
            if word.startswith("eni-"):
                return word.strip(".")
    raise DemoError("the job's story names no interface")


def expect(properties: dict[str, Any], status: str, code: str = "") -> None:
    """Raise ``DemoError`` unless a job ended with this status, and a message that begins with this code."""
    message = properties.get("Message", "")
    if properties["JobStatus"] != status or not message.startswith(code):
        raise DemoError(f"expected {status} {code}, got {properties['JobStatus']} {message}")


if __name__ == "__main__":
    typer.run(demo)

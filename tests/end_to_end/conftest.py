"""One running product for the tests of this folder, and what they do with it again and again."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from reading_room.cli import reading
from reading_room.cli.running import Endpoint, free_port, started


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """The product, started as a user starts it. Large jobs are for their time here: they keep to one container."""
    folder = tmp_path_factory.mktemp("product")
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("READING_ROOM_CONTAINERS_PER_JOB", "1")
            running = stack.enter_context(started(folder / "data", free_port(), folder / "log"))
        yield running


@pytest.fixture(scope="session")
def account(endpoint: Endpoint) -> reading.Account:
    """Clients of the first administrator."""
    return reading.Account(endpoint)


class Library:
    """A bucket, a private network with flow logs, and a role: what a job needs."""

    def __init__(self, account: reading.Account, name: str, network: reading.Network) -> None:
        self.account = account
        self.bucket = name
        self.network = network
        self.role = reading.make_reader_role(account, name, name)
        self.entities = reading.JobCalls(account, "entities")

    def put(self, key: str, content: bytes | str) -> None:
        """Store an object."""
        body = content.encode() if isinstance(content, str) else content
        self.account.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def start(self, prefix: str, vpc: bool = True, **more: Any) -> str:
        """Start an entities job over a prefix; members given win over the usual ones."""
        request: dict[str, Any] = {
            "InputDataConfig": {"S3Uri": f"s3://{self.bucket}/{prefix}"},
            "OutputDataConfig": {"S3Uri": f"s3://{self.bucket}/results/"},
            "DataAccessRoleArn": self.role,
        }
        if vpc:
            request["VpcConfig"] = self.network.config()
        return self.entities.start(**(request | more))

    def run(self, prefix: str, vpc: bool = True, **more: Any) -> dict[str, Any]:
        """Start a job and wait for its end."""
        return self.entities.wait(self.start(prefix, vpc, **more), seconds=60)

    def lines(self, properties: dict[str, Any]) -> list[dict[str, Any]]:
        """The result lines of a finished job."""
        return list(reading.results(self.account, properties))

    def interfaces(self) -> list[str]:
        """The interfaces that exist in the network."""
        found = self.account.ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [self.network.vpc]}])
        return [entry["NetworkInterfaceId"] for entry in found["NetworkInterfaces"]]


@pytest.fixture(scope="session")
def make_library(account: reading.Account) -> Callable[..., Library]:
    """Make a library of one's own: ``make_library(cidr)``."""

    def make(cidr: str = "10.0.0.0/16", **options: Any) -> Library:
        name = f"library-{secrets.token_hex(4)}"
        account.s3.create_bucket(Bucket=name)
        network = reading.build_network(account, cidr, **options)
        reading.log_flows(account, network.vpc, f"/flows/{name}", f"{name}-flows")
        return Library(account, name, network)

    return make


@pytest.fixture(scope="module")
def library(make_library: Callable[..., Library]) -> Library:
    """A library for one module."""
    return make_library()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder that does not exist yet."""
    return tmp_path / "data"

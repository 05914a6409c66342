"""The whole product in one process, without hosts: an account with a VPC, a bucket and a role for jobs, and a clock."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.aws.throttling import Throttle
from reading_room.client import InProcess
from reading_room.comprehend.operations.documents import Given
from reading_room.database.shared_files import contents, exchange, receive
from reading_room.iam import inline_policies, users
from reading_room.s3.backends.embedded import EmbeddedBackend
from reading_room.s3.backends.memory import MemoryBlobStore
from reading_room.s3.space import SpaceLimits
from reading_room.settings import Settings
from reading_room.wiring.product import Product
from tests.worlds import databases
from tests.worlds.alternating import PROCESSES, alternating, as_others
from tests.worlds.comprehend import NoModels

ACCOUNT, OTHER_ACCOUNT, REGION = "111122223333", "444455556666", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Reader"
SERVICE = "comprehend.amazonaws.com"
NINE = (
    "CreateNetworkInterface",
    "CreateNetworkInterfacePermission",
    "DeleteNetworkInterface",
    "DeleteNetworkInterfacePermission",
    "DescribeNetworkInterfaces",
    "DescribeVpcs",
    "DescribeDhcpOptions",
    "DescribeSubnets",
    "DescribeSecurityGroups",
)


def allow(*actions: str, resource: Any = "*", **more: Any) -> dict[str, Any]:
    """Return a statement that allows actions."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def deny(*actions: str, resource: Any = "*", **more: Any) -> dict[str, Any]:
    """Return a statement that denies actions."""
    return allow(*actions, resource=resource, **more) | {"Effect": "Deny"}


def policy(*statements: Mapping[str, Any]) -> str:
    """Return a policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(principal: Mapping[str, str], **more: Any) -> str:
    """Return a trust policy of one statement."""
    return policy({"Effect": "Allow", "Principal": dict(principal), "Action": "sts:AssumeRole", **more})


TRUST = trust({"Service": SERVICE}, Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}})
FOR_NETWORK = allow(*(f"ec2:{each}" for each in NINE))
FOR_STORAGE = allow("s3:ListBucket", "s3:GetObject", "s3:PutObject")


class NoEngines(NoModels):
    """Engines that find nothing."""

    def analyse(self, account: str, engine: str, texts: Sequence[Given], language: str | None) -> list[Any]:
        """Find nothing in any text."""
        return [[] for _ in texts]


class ExtensionWorld:
    """An account in which a job of one container would run: VPC, endpoint for S3, bucket with a document, role."""

    def __init__(self, folder: Path, processes: int = PROCESSES, **more: Any) -> None:
        """``more`` are further settings. With several ``processes``, each gets the requests in turn."""
        self.now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        self.folder = folder
        opened = partial(databases.made, folder / "db.sqlite", ACCOUNT)
        self.databases = as_others(opened(), opened, processes)
        self.database = self.databases[0]
        store = MemoryBlobStore()
        self.backends = [EmbeddedBackend(each, store, REGION, self.clock, SpaceLimits()) for each in self.databases]
        self.backend = self.backends[0]
        self.products = [self._product(number, more) for number in range(processes)]
        self.product = self.products[0]
        self.process = InProcess(alternating([each.app for each in self.products]))
        self._clients: dict[tuple[Any, ...], Any] = {}
        self.administrator = self.user("boss", allow("*"))
        iam, s3, ec2 = self.client("iam"), self.client("s3"), self.client("ec2")
        iam.create_role(RoleName="Reader", AssumeRolePolicyDocument=TRUST)
        self.allow_role(FOR_NETWORK, FOR_STORAGE)
        s3.create_bucket(Bucket="papers")
        s3.put_object(Bucket="papers", Key="in/one.txt", Body=b"A text about Ann.")
        self.vpc: str = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnet: str = ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        self.group: str = ec2.create_security_group(VpcId=self.vpc, GroupName="jobs", Description="jobs")["GroupId"]
        only = [{"Name": "vpc-id", "Values": [self.vpc]}]
        self.table: str = ec2.describe_route_tables(Filters=only)["RouteTables"][0]["RouteTableId"]
        self.endpoint = self.make_endpoint()

    def _product(self, number: int, more: Mapping[str, Any]) -> Product:
        database, several = self.databases[number], len(self.databases) > 1
        folder = self.folder / f"of-{number}" if several else self.folder
        folder.mkdir(exist_ok=True)
        receive(database, folder)
        received = contents(folder)
        product = Product(
            settings=Settings(data=folder, account=ACCOUNT, **more),
            database=database,
            backend=self.backends[number],
            engines=NoEngines(),
            clock=self.clock,
            throttle=Throttle(now=self.seconds),
            server=f"process-{number}" if several else "",
        )
        product.first_start()
        if several:
            product.access.messages.prepare()
            exchange(database, folder, received)
        return product

    def clock(self) -> dt.datetime:
        """Return the world's time."""
        return self.now

    def seconds(self) -> float:
        """Return the world's time in seconds."""
        return self.now.timestamp()

    def training(self) -> dict[str, Any]:
        """Store training data, and return a request for a classifier that learns from it."""
        self.client("s3").put_object(Bucket="papers", Key="rows.csv", Body=b"A,one\n")
        return {
            "DocumentClassifierName": "tickets",
            "DataAccessRoleArn": ROLE,
            "InputDataConfig": {"S3Uri": "s3://papers/rows.csv"},
            "LanguageCode": "en",
            "VpcConfig": {"Subnets": [self.subnet], "SecurityGroupIds": [self.group]},
        }

    def later(self, seconds: float) -> None:
        """Advance the clock."""
        self.now += dt.timedelta(seconds=seconds)

    def user(self, name: str, *statements: Mapping[str, Any], account: str = ACCOUNT) -> dict[str, str]:
        """Make a user with a policy of these statements, and return its key as a client's options."""
        with self.database.transaction() as session:
            user = users.create(session, account, name, now=self.now)
            if statements:
                inline_policies.put(session, "user", user.unique_id, name, "only", policy(*statements))
            key = users.create_access_key(session, user, self.now)
        return {"access_key_id": key.access_key_id, "secret_access_key": key.secret_access_key}

    def client(self, service: str, key: Mapping[str, str] | None = None, **options: Any) -> Any:
        """Return a client with a key, by default the administrator's."""
        given: dict[str, Any] = {**(key or self.administrator), **options}
        if options:
            return self.process.client(service, **given)
        # Making a client takes longer than what most tests do with it.
        wanted = (service, *sorted(given.items()))
        if wanted not in self._clients:
            self._clients[wanted] = self.process.client(service, **given)
        return self._clients[wanted]

    def room(self, key: Mapping[str, str] | None = None, **options: Any) -> Any:
        """Return a client of the API reading-room."""
        return self.client("reading-room", key, **options)

    def allow_role(self, *statements: Mapping[str, Any]) -> None:
        """Give the role another policy."""
        self.client("iam").put_role_policy(RoleName="Reader", PolicyName="only", PolicyDocument=policy(*statements))

    def make_endpoint(self, *statements: Mapping[str, Any]) -> str:
        """Make a gateway endpoint for S3, by default with a policy for the account and its bucket alone."""
        own = statements or (
            allow("s3:*", resource=["arn:aws:s3:::papers", "arn:aws:s3:::papers/*"], Principal="*"),
            allow("s3:*", Principal="*", Condition={"StringEquals": {"aws:PrincipalAccount": "reading-room"}}),
        )
        made = self.client("ec2").create_vpc_endpoint(
            VpcId=self.vpc,
            ServiceName=f"com.amazonaws.{REGION}.s3",
            RouteTableIds=[self.table],
            PolicyDocument=policy(*own),
        )
        return str(made["VpcEndpoint"]["VpcEndpointId"])

    def closed_endpoint(self) -> str:
        """Put an interface endpoint for S3 in the gateway endpoint's place; return its group, which lets nobody in."""
        ec2 = self.client("ec2")
        ec2.delete_vpc_endpoints(VpcEndpointIds=[self.endpoint])
        ec2.modify_vpc_attribute(VpcId=self.vpc, EnableDnsHostnames={"Value": True})
        closed = ec2.create_security_group(VpcId=self.vpc, GroupName="endpoint", Description="closed")["GroupId"]
        made = ec2.create_vpc_endpoint(
            VpcId=self.vpc,
            ServiceName=f"com.amazonaws.{REGION}.s3",
            VpcEndpointType="Interface",
            SubnetIds=[self.subnet],
            SecurityGroupIds=[closed],
            PrivateDnsEnabled=True,
            DnsOptions={"PrivateDnsOnlyForInboundResolverEndpoint": False},
        )
        self.endpoint = str(made["VpcEndpoint"]["VpcEndpointId"])
        return str(closed)

    def request(self, **changes: Any) -> dict[str, Any]:
        """Return a request for an entities job in the VPC; a change to ``None`` removes a member."""
        request: dict[str, Any] = {
            "InputDataConfig": {"S3Uri": "s3://papers/in/"},
            "OutputDataConfig": {"S3Uri": "s3://papers/out/"},
            "DataAccessRoleArn": ROLE,
            "LanguageCode": "en",
            "VpcConfig": {"Subnets": [self.subnet], "SecurityGroupIds": [self.group]},
            **changes,
        }
        return {name: value for name, value in request.items() if value is not None}

    def checks(
        self,
        key: Mapping[str, str] | None = None,
        operation: str = "StartEntitiesDetectionJob",
        request: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> dict[str, dict[str, Any]]:
        """Return what CheckJob tells of a request, by the names of the checks."""
        text = json.dumps(self.request(**changes) if request is None else request)
        answer = self.room(key).check_job(Operation=operation, Request=text)["Checks"]
        return {each["Name"]: each for each in answer}

    def close(self) -> None:
        """Close everything."""
        self.process.close()
        for product, backend, database in zip(self.products, self.backends, self.databases, strict=True):
            product.close()
            backend.close()
            database.close()


def refusal(call: Any, **parameters: Any) -> tuple[str, str]:
    """Return code and message of the error that a call raises."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    error = raised.value.response["Error"]
    return error["Code"], error.get("Message", "")


def keys_of(credentials: Mapping[str, Any]) -> dict[str, str]:
    """Return the Credentials of an answer as a client's options."""
    return {
        "access_key_id": credentials["AccessKeyId"],
        "secret_access_key": credentials["SecretAccessKey"],
        "session_token": credentials["SessionToken"],
    }

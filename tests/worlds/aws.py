"""A small service on the real wire, for the tests of ``aws``."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from reading_room.aws.call import Call, IncomingRequest, NetworkPath, Principal
from reading_room.aws.dispatch import Dispatcher
from reading_room.aws.errors import AwsError
from reading_room.aws.memory import MemoryCredentials
from reading_room.aws.operations import OperationFacts, OperationTable, operation
from reading_room.aws.receive import BODY_SECONDS, PATH_KEY
from reading_room.aws.server import AwsApplication
from reading_room.aws.sigv4 import Credential
from reading_room.client import InProcess
from reading_room.clock import Clock, system_clock

MOMENT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ACCOUNT = "111122223333"
PRINCIPAL = Principal("user", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/ann", "AIDAEXAMPLE", "ann")
KEY = Credential("AKIAEXAMPLE000000001", "secret/of+forty-characters-as-aws-has-them", PRINCIPAL)
SESSION = Credential(
    "ASIAEXAMPLE000000002",
    "another/secret",
    Principal("session", ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/one", "AROAEXAMPLE:one"),
    session_token="token/with+signs==",
    expires_at=dt.datetime(2999, 1, 1, tzinfo=dt.UTC),
)
ENDED = Credential(
    "ASIAEXAMPLE000000003",
    "a third secret",
    SESSION.principal,
    session_token="old",
    expires_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
)


class NoSuchJob(AwsError):
    """A modelled error of Comprehend."""

    code = "JobNotFoundException"

    def __init__(self, job: str) -> None:
        super().__init__(f"JOB_NOT_FOUND: no job {job}.")


class NoSuchRole(AwsError):
    """A modelled error of IAM."""

    code = "NoSuchEntity"
    status = 404

    def __init__(self, name: str) -> None:
        super().__init__(f"The role with name {name} cannot be found.")


class Denied(AwsError):
    """The exception that the authorizer of this world raises."""

    code = "UnauthorizedOperation"
    status = 403


class AllButDeleteSubnet:
    """Allows everything except one operation."""

    def authorize(self, call: Call, facts: OperationFacts) -> None:
        """Deny ``DeleteSubnet``."""
        if call.operation == "DeleteSubnet":
            raise Denied("You are not authorized to perform this operation.")


class Operations:
    """A few operations of every service, which record their calls."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.gate = threading.Event()

    @operation("sts", "GetCallerIdentity", authorized=False)
    def identity(self, call: Call, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the caller."""
        self.calls.append(call)
        principal = call.principal
        return {"UserId": principal.user_id, "Account": call.account, "Arn": principal.arn}

    @operation("comprehend", "DetectEntities")
    def detect(self, call: Call, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the text as one entity; fail for one text."""
        self.calls.append(call)
        text = request.get("Text", "")
        if text == "crash":
            raise RuntimeError("a bug, with a secret in it")
        entity = {"Text": text, "Score": 0.9956870675086975, "Type": "TITLE"}
        return {"Entities": [{**entity, "BeginOffset": 0, "EndOffset": len(text)}]}

    @operation("comprehend", "DescribeEntitiesDetectionJob")
    def describe_job(self, call: Call, request: Mapping[str, Any]) -> dict[str, Any]:
        """Raise ``NoSuchJob``, because no job exists."""
        raise NoSuchJob(request["JobId"])

    @operation("comprehend", "StartEntitiesDetectionJob")
    def start_job(self, call: Call, request: Mapping[str, Any]) -> dict[str, Any]:
        """Start nothing."""
        self.calls.append(call)
        return {"JobId": "0" * 32, "JobStatus": "SUBMITTED"}

    @operation("logs", "CreateLogGroup")
    def create_log_group(self, call: Call, request: Mapping[str, Any]) -> None:
        """Create nothing."""
        self.calls.append(call)

    @operation("ec2", "DescribeVpcs")
    def vpcs(self, call: Call, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return a VPC for each requested id."""
        self.calls.append(call)
        ids = request.get("VpcIds") or ["vpc-0123456789abcdef0"]
        tags = [{"Key": "a&b", "Value": "<c>"}]
        return {"Vpcs": [{"VpcId": i, "CidrBlock": "10.0.0.0/16", "IsDefault": False, "Tags": tags} for i in ids]}

    @operation("ec2", "CreateSubnet")
    def create_subnet(self, call: Call, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the request's own values."""
        self.calls.append(call)
        return {"Subnet": {"VpcId": request["VpcId"], "CidrBlock": request.get("CidrBlock", "")}}

    @operation("ec2", "DeleteSubnet")
    def delete_subnet(self, call: Call, request: Mapping[str, Any]) -> None:
        """Raise ``Denied``."""
        self.calls.append(call)

    @operation("ec2", "DeleteVpc")
    def delete_vpc(self, call: Call, request: Mapping[str, Any]) -> None:
        """Delete nothing."""
        self.calls.append(call)

    @operation("iam", "GetRole")
    def get_role(self, call: Call, request: Mapping[str, Any]) -> dict[str, Any]:
        """Raise ``NoSuchRole``, because no role exists."""
        raise NoSuchRole(request["RoleName"])

    @operation("iam", "CreateRole")
    def create_role(self, call: Call, request: Mapping[str, Any]) -> dict[str, Any]:
        """Wait for the gate of the test."""
        self.calls.append(call)
        return {
            "Role": {
                "Path": "/",
                "RoleName": request["RoleName"],
                "RoleId": "AROA2EXAMPLE23456789A",
                "Arn": f"arn:aws:iam::{ACCOUNT}:role/{request['RoleName']}",
                "CreateDate": dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
                "AssumeRolePolicyDocument": request["AssumeRolePolicyDocument"],
                "Tags": request.get("Tags", []),
            }
        }


async def echo_store(scope: Any, receive: Any, send: Any) -> None:
    """Take the place of S3: answer with the request's size, path and place."""
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    path: NetworkPath = scope[PATH_KEY]
    headers = [
        (b"x-amz-meta-size", str(size).encode()),
        (b"x-amz-meta-path", scope["raw_path"]),
        (b"x-amz-meta-endpoint", str(path.vpc_endpoint_id).encode()),
        (b"x-amz-meta-secure", str(path.secure).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if scope["method"] == "GET":
        for part in range(40):
            await send({"type": "http.response.body", "body": bytes([part]) * 100_000, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


class World:
    """The application with its operations, and clients of it."""

    def __init__(self, clock: Clock = system_clock, body_seconds: float = BODY_SECONDS) -> None:
        self.operations = Operations()
        self.keys = MemoryCredentials([KEY, SESSION, ENDED])
        dispatcher = Dispatcher(table=OperationTable(self.operations), authorizer=AllButDeleteSubnet())
        self.app = AwsApplication(
            dispatcher, self.keys, echo_store, region="us-east-1", clock=clock, body_seconds=body_seconds
        )
        self.process = InProcess(self.app)

    def client(self, service: str, key: Credential = KEY, **options: Any) -> Any:
        """Return a client that signs with a key."""
        return self.process.client(
            service,
            access_key_id=key.access_key_id,
            secret_access_key=key.secret_access_key,
            session_token=key.session_token,
            **options,
        )


@contextmanager
def world(clock: Clock = system_clock, body_seconds: float = BODY_SECONDS) -> Iterator[World]:
    """Yield a world and end it."""
    made = World(clock, body_seconds)
    try:
        yield made
    finally:
        made.process.close()
        made.app.close()


def arrived(serialized: dict[str, Any]) -> IncomingRequest:
    """Return a request that botocore serialized, as it arrives."""
    body = serialized["body"]
    if isinstance(body, dict):
        body = urlencode(body, doseq=True)
    body = body.encode() if isinstance(body, str) else body
    headers = tuple((name.lower(), value) for name, value in serialized["headers"].items())
    return IncomingRequest("POST", "/", "", headers, body, NetworkPath(), "request", MOMENT)

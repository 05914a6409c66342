"""Calls through a VPC endpoint: it serves one service, sets the keys of the path, and has a policy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from reading_room.aws.call import NetworkPath
from reading_room.aws.dispatch import Dispatcher
from reading_room.aws.operations import OperationTable
from reading_room.aws.receive import ONLY_KEY, PATH_KEY
from reading_room.aws.server import AwsApplication
from reading_room.client import InProcess
from reading_room.clock import system_clock
from reading_room.iam import inline_policies, users
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.iam.credentials import StoredCredentials
from reading_room.iam.key_uses import KeyUses
from reading_room.iam.operations.roles import RoleOperations
from reading_room.iam.operations.sts import StsOperations
from reading_room.kms.access import KeyAccess
from reading_room.kms.operations.table import kms_operations
from reading_room.kms.use import KeyUse
from reading_room.logs.operations import LogOperations
from reading_room.vpc.endpoints.endpoints import EndpointPolicies
from tests.worlds.ec2 import ACCOUNT, REGION, Ec2World, code_of, message_of

GROUP = "/readers"


class PathWorld(Ec2World):
    """An account whose calls can come through endpoints of its VPC."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        authorizer = PolicyAuthorizer(
            database=self.database, region=REGION, clock=system_clock, endpoint_policies=EndpointPolicies(self.database)
        )
        keys = KeyAccess(self.database, authorizer, system_clock)
        table = OperationTable(
            *kms_operations(self.database, keys, KeyUse(keys, system_clock), system_clock),
            LogOperations(self.database, system_clock),
            RoleOperations(self.database, system_clock, KeyUses(self.database)),
            StsOperations(self.database, authorizer, system_clock),
        )
        self.paths = AwsApplication(
            Dispatcher(table=table, authorizer=authorizer), StoredCredentials(self.database), no_s3, region=REGION
        )
        self.through = InProcess(self.paths)
        ec2 = self.client()
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.ec2 = ec2

    def endpoint(self, service: str, policy: str | None = None) -> str:
        """Create an interface endpoint of a service; return its id."""
        more: Any = {} if policy is None else {"PolicyDocument": policy}
        name = "com.amazonaws.iam" if service == "iam" else f"com.amazonaws.{REGION}.{service}"
        made = self.ec2.create_vpc_endpoint(
            VpcId=self.vpc, VpcEndpointType="Interface", ServiceName=name, PrivateDnsEnabled=False, **more
        )
        return made["VpcEndpoint"]["VpcEndpointId"]

    def key(self, *statements: dict[str, Any]) -> dict[str, Any]:
        """Return the key of a new user with these statements; by default they allow everything."""
        document = json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": list(statements) or [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
            }
        )
        self._users += 1
        with self.database.transaction() as session:
            user = users.create(session, ACCOUNT, f"user-{self._users}", system_clock())
            inline_policies.put(session, "user", user.unique_id, "own", "only", document)
            key = users.create_access_key(session, user, system_clock())
            return {"access_key_id": key.access_key_id, "secret_access_key": key.secret_access_key}

    def call(self, service: str, through: str, key: dict[str, Any] | None = None, only: str | None = None) -> Any:
        """Return a client of ``service`` that calls through an endpoint whose listener serves only ``only``."""
        path = NetworkPath(secure=True, vpc_id=self.vpc, vpc_endpoint_id=through, vpc_source_ip="10.0.0.9")
        scope = {PATH_KEY: path, ONLY_KEY: only or service}
        return self.through.client(service, scope=scope, **(key or self.key()))

    def close(self) -> None:
        """Close the applications and the database."""
        self.through.close()
        self.paths.close()
        super().close()


async def no_s3(scope: Any, receive: Any, send: Any) -> None:
    """An S3 application that no request here may reach."""
    raise AssertionError("a request went to S3")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PathWorld]:
    """An account for one test."""
    world = PathWorld(tmp_path)
    yield world
    world.close()


def statement(effect: str, action: str, **more: Any) -> dict[str, Any]:
    """Return a statement of an endpoint policy."""
    return {"Effect": effect, "Principal": "*", "Action": action, "Resource": "*", **more}


def policy(*statements: dict[str, Any]) -> str:
    """Return an endpoint policy."""
    return json.dumps({"Statement": list(statements)})


def refusal(call: Any, **parameters: Any) -> tuple[str, str]:
    """Return the code and message of a call that must be refused."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return code_of(caught.value), message_of(caught.value)


def test_the_default_policy_of_an_endpoint_allows_a_call(world: PathWorld) -> None:
    logs = world.call("logs", world.endpoint("logs"))
    logs.create_log_group(logGroupName=GROUP)
    assert [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]] == [GROUP]


@pytest.mark.parametrize(("service", "only"), [("logs", "sts"), ("sts", "logs"), ("iam", "sts"), ("s3", "logs")])
def test_an_endpoint_serves_only_its_own_service(world: PathWorld, service: str, only: str) -> None:
    client = world.call(service, world.endpoint(only), only=only)
    operations = {
        "logs": "describe_log_groups",
        "sts": "get_caller_identity",
        "iam": "list_users",
        "s3": "list_buckets",
    }
    # It answers in the protocol of its own service, which clients of other services need not understand.
    with pytest.raises((ClientError, ResponseParserError)) as caught:
        getattr(client, operations[service])()
    if isinstance(caught.value, ResponseParserError):
        assert "Credential should be scoped to correct service" in str(caught.value)


def test_the_public_address_of_the_apis_serves_every_service_except_s3(world: PathWorld) -> None:
    path = NetworkPath(source_ip="198.51.100.7", secure=True)

    def client(service: str) -> Any:
        return world.through.client(service, scope={PATH_KEY: path, ONLY_KEY: "api"}, **world.key())

    assert client("sts").get_caller_identity()["Account"] == ACCOUNT
    assert client("logs").describe_log_groups()["logGroups"] == []
    with pytest.raises(ClientError):
        client("s3").list_buckets()


def test_a_denial_by_the_endpoint_policy_names_it(world: PathWorld) -> None:
    through = world.endpoint("logs", policy(statement("Allow", "logs:Describe*")))
    logs = world.call("logs", through)
    logs.describe_log_groups()
    code, message = refusal(logs.create_log_group, logGroupName=GROUP)
    assert code == "AccessDeniedException"
    assert message.endswith("because no VPC endpoint policy allows the logs:CreateLogGroup action")
    world.ec2.modify_vpc_endpoint(VpcEndpointId=through, ResetPolicy=True)
    logs.create_log_group(logGroupName=GROUP)
    denying = policy(statement("Allow", "*"), statement("Deny", "logs:DeleteLogGroup"))
    world.ec2.modify_vpc_endpoint(VpcEndpointId=through, PolicyDocument=denying)
    _, message = refusal(logs.delete_log_group, logGroupName=GROUP)
    assert message.endswith("with an explicit deny in a VPC endpoint policy")


def test_the_endpoint_policy_gives_no_permission_that_the_caller_lacks(world: PathWorld) -> None:
    key = world.key({"Effect": "Allow", "Action": "logs:Describe*", "Resource": "*"})
    logs = world.call("logs", world.endpoint("logs"), key)
    logs.describe_log_groups()
    code, _ = refusal(logs.create_log_group, logGroupName=GROUP)
    assert code == "AccessDeniedException"


def test_an_account_in_the_policy_means_all_its_principals(world: PathWorld) -> None:
    allowed = policy(statement("Allow", "*", Principal={"AWS": ACCOUNT}))
    world.call("logs", world.endpoint("logs", allowed)).describe_log_groups()
    other = policy(statement("Allow", "*", Principal={"AWS": "999999999999"}))
    code, _ = refusal(world.call("logs", world.endpoint("logs", other)).describe_log_groups)
    assert code == "AccessDeniedException"


def test_conditions_can_use_the_endpoint_but_not_the_source_address(world: PathWorld) -> None:
    through, other = world.endpoint("logs"), world.endpoint("logs")
    key = world.key(
        {
            "Effect": "Allow",
            "Action": "*",
            "Resource": "*",
            "Condition": {
                "StringEquals": {"aws:SourceVpce": through, "aws:SourceVpc": world.vpc},
                "IpAddress": {"aws:VpcSourceIp": "10.0.0.0/16"},
                "Null": {"aws:SourceIp": "true"},
            },
        }
    )
    world.call("logs", through, key).describe_log_groups()
    refusal(world.call("logs", other, key).describe_log_groups)
    refusal(world.through.client("logs", **key).describe_log_groups)


def test_the_endpoint_policy_also_applies_to_calls_that_need_no_permission(world: PathWorld) -> None:
    ec2_only = policy(statement("Allow", "sts:AssumeRole", Resource=f"arn:aws:iam::{ACCOUNT}:role/reader"))
    sts = world.call("sts", world.endpoint("sts", ec2_only))
    code, message = refusal(sts.get_caller_identity)
    assert code == "AccessDenied"
    assert "VPC endpoint policy" in message
    iam = world.through.client("iam", **world.key())
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}],
    }
    for name in ("reader", "writer"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/reader", RoleSessionName="one")
    parameters = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/writer", "RoleSessionName": "one"}
    assert refusal(sts.assume_role, **parameters)[0] == "AccessDenied"


def test_a_deleted_endpoint_lets_no_call_through(world: PathWorld) -> None:
    through = world.endpoint("logs")
    logs = world.call("logs", through)
    logs.describe_log_groups()
    world.ec2.delete_vpc_endpoints(VpcEndpointIds=[through])
    # In every protocol, the SDK understands the error, and it does not say that a policy denied the call.
    code, message = refusal(logs.describe_log_groups)
    assert (code, through in message) == ("ServiceUnavailable", True)


def test_an_endpoint_of_kms_lets_through_calls_on_the_keys_that_its_policy_names(world: PathWorld) -> None:
    key = world.key()
    maker = world.call("kms", world.endpoint("kms"), key)
    one, other = (maker.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    blobs = {arn: maker.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"] for arn in (one, other)}
    through = world.endpoint("kms", policy(statement("Allow", "kms:*", Resource=one)))
    kms = world.call("kms", through, key)
    assert kms.decrypt(CiphertextBlob=blobs[one])["Plaintext"] == b"x"
    code, message = refusal(kms.decrypt, CiphertextBlob=blobs[other])
    assert code == "AccessDeniedException"
    assert message.endswith("because no VPC endpoint policy allows the kms:Decrypt action")
    assert refusal(kms.create_key)[0] == "AccessDeniedException"


def test_a_key_policy_can_require_an_endpoint(world: PathWorld) -> None:
    key = world.key()
    through, elsewhere = world.endpoint("kms"), world.endpoint("kms")
    kms = world.call("kms", through, key)
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    allow = statement("Allow", "kms:*") | {"Principal": root}
    deny = statement("Deny", "kms:Encrypt") | {
        "Principal": "*",
        "Condition": {"StringNotEquals": {"aws:SourceVpce": through}},
    }
    kms.put_key_policy(KeyId=arn, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow, deny]}))
    kms.encrypt(KeyId=arn, Plaintext=b"x")
    code, message = refusal(world.call("kms", elsewhere, key).encrypt, KeyId=arn, Plaintext=b"x")
    assert (code, message.rpartition(" with ")[2]) == (
        "AccessDeniedException",
        "an explicit deny in a resource-based policy",
    )

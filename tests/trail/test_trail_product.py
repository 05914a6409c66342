"""The whole product in one process: every call is in the trail and every denial explained, without secrets."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from reading_room.aws.call import NetworkPath
from reading_room.aws.errors import AwsError
from reading_room.aws.receive import PATH_KEY
from reading_room.cli import commands
from reading_room.client import InProcess
from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.iam.errors import RoleNotAssumable
from reading_room.iam.principals import service_principal
from reading_room.iam.service_sessions import assume_recorded
from reading_room.s3.backends.memory import memory_backend
from reading_room.settings import Settings
from reading_room.trail.chain import event_in, files_of
from reading_room.wiring.product import Product
from tests.worlds.comprehend import NoModels
from tests.worlds.databases import SEALER
from tests.worlds.waiting import eventually

pytestmark = pytest.mark.costs(0.25, reason="the whole product is made, with its trail")

REGION = "us-east-1"
ACCOUNT = "000000000001"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"},
    }
)


class NoEngines(NoModels):
    """Engines that return nothing."""

    def analyse(self, account: str, engine: str, texts: Any, language: str | None) -> list[Any]:
        """Return no results."""
        return [[] for _ in texts]


class World:
    """A product with its first administrator, and users with fewer permissions."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.data.mkdir()
        self.database = Database.open(self.data / "db.sqlite", sealer=SEALER)
        self.database.create_tables()
        settings = Settings(data=self.data)
        backend = memory_backend(self.database, REGION, system_clock)
        self.product = Product(settings=settings, database=self.database, backend=backend, engines=NoEngines())
        self.product.first_start()
        self.process = InProcess(self.product.app)
        self.inside = InProcess(self.product.objects.app_in_vpcs)
        lines = (self.data / "credentials").read_text().splitlines()
        found = dict(line.split(" = ") for line in lines if " = " in line)
        self.key = {"access_key_id": found["aws_access_key_id"], "secret_access_key": found["aws_secret_access_key"]}

    def client(self, service: str, **key: Any) -> Any:
        """Return a client, by default with the administrator's key."""
        return self.process.client(service, **(key or self.key))

    def user(self, name: str, *statements: dict[str, Any]) -> dict[str, str]:
        """Create a user with these statements, and return its key."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if statements:
            document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            iam.put_user_policy(UserName=name, PolicyName="only", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}

    def book(self, name: str) -> list[dict[str, Any]]:
        """Return the events in a book, oldest first."""
        assert self.product.access.trail.flush()
        lines = [line for _, path in files_of(self.data / "trail", name) for line in path.read_bytes().splitlines()]
        return [event for line in lines if (event := event_in(line)) is not None]

    def last(self, book: str, name: str) -> dict[str, Any]:
        """Return the newest event with a name; those of S3 are written shortly after the response."""

        def found() -> dict[str, Any] | None:
            return next((event for event in reversed(self.book(book)) if event.get("eventName") == name), None)

        return eventually(found, what=f"{name} in {book}")

    def explained(self, request_id: str) -> str:
        """Return the output of ``access explain``."""
        assert self.product.access.trail.flush()
        result = CliRunner().invoke(commands.app, ["access", "explain", request_id, "--data", str(self.data)])
        assert result.exit_code == 0, result.output
        return result.output

    def close(self) -> None:
        """Close everything."""
        self.process.close()
        self.inside.close()
        self.product.close()
        self.database.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A product in this process."""
    world = World(tmp_path)
    yield world
    world.close()


def denied(call: Callable[..., Any], **parameters: Any) -> tuple[str, str, str]:
    """Make a call that is refused; return its error code, message and request id."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    response = raised.value.response
    return response["Error"]["Code"], response["Error"]["Message"], response["ResponseMetadata"]["RequestId"]


def test_lookup_events_finds_the_call_that_was_just_made(world: World) -> None:
    vpc = world.client("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    attribute = {"AttributeKey": "ResourceName", "AttributeValue": vpc}
    (event,) = world.client("cloudtrail").lookup_events(LookupAttributes=[attribute])["Events"]
    assert (event["EventName"], event["ReadOnly"], event["AccessKeyId"]) == (
        "CreateVpc",
        "false",
        world.key["access_key_id"],
    )
    whole = json.loads(event["CloudTrailEvent"])
    assert whole["responseElements"]["vpc"]["vpcId"] == vpc
    assert whole["userIdentity"]["arn"].startswith(f"arn:aws:iam::{ACCOUNT}:user/")


def test_pages_of_lookup_events_work_with_the_sdks_paginator(world: World) -> None:
    ec2 = world.client("ec2")
    for _ in range(7):
        ec2.describe_vpcs()
    pages = (
        world.client("cloudtrail")
        .get_paginator("lookup_events")
        .paginate(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "DescribeVpcs"}],
            PaginationConfig={"PageSize": 3},
        )
    )
    assert [len(page["Events"]) for page in pages] == [3, 3, 1]


def test_lookup_events_requires_permission_and_shows_a_single_account(world: World) -> None:
    code, message, _ = denied(world.client("cloudtrail", **world.user("bo")).lookup_events)
    assert code == "AccessDeniedException"
    assert "is not authorized to perform: cloudtrail:LookupEvents" in message
    reader = world.user("reader", {"Effect": "Allow", "Action": "cloudtrail:LookupEvents", "Resource": "*"})
    assert world.client("cloudtrail", **reader).lookup_events()["Events"]


def test_a_denied_call_is_in_the_trail_with_the_callers_message(world: World) -> None:
    code, message, request_id = denied(world.client("ec2", **world.user("bo")).create_vpc, CidrBlock="10.9.0.0/16")
    event = world.last("management", "CreateVpc")
    assert code == "UnauthorizedOperation"
    assert (event["errorCode"], event["errorMessage"]) == ("Client.UnauthorizedOperation", message)
    assert (event["requestID"], event["responseElements"]) == (request_id, None)
    assert event["requestParameters"] == {"cidrBlock": "10.9.0.0/16"}


def test_unauthenticated_and_unknown_calls_are_in_the_trail(world: World) -> None:
    wrong = {**world.key, "secret_access_key": "wrong"}
    code, _, request_id = denied(world.client("ec2", **wrong).describe_vpcs)
    event = world.last("unidentified", "DescribeVpcs")
    assert (event["errorCode"], event["requestID"]) == (f"Client.{code}", request_id)
    assert event["userIdentity"]["type"] == "Unknown"
    assert code in world.explained(request_id)
    denied(world.client("ec2").describe_fleets)
    assert world.last("management", "DescribeFleets")["errorCode"] == "Client.InvalidAction"


def test_a_role_session_can_be_traced_from_assume_role_to_its_calls(world: World) -> None:
    iam = world.client("iam")
    iam.create_role(RoleName="Reader", AssumeRolePolicyDocument=TRUST)
    allow = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": allow})
    iam.put_role_policy(RoleName="Reader", PolicyName="p", PolicyDocument=document)
    role = f"arn:aws:iam::{ACCOUNT}:role/Reader"
    given = world.client("sts").assume_role(RoleArn=role, RoleSessionName="night")["Credentials"]
    key = {
        "access_key_id": given["AccessKeyId"],
        "secret_access_key": given["SecretAccessKey"],
        "session_token": given["SessionToken"],
    }
    world.client("ec2", **key).describe_vpcs()
    assumed = world.last("management", "AssumeRole")
    assert assumed["responseElements"]["credentials"]["accessKeyId"] == given["AccessKeyId"]
    assert assumed["resources"][0]["ARN"] == role
    identity = world.last("management", "DescribeVpcs")["userIdentity"]
    assert (identity["type"], identity["accessKeyId"]) == ("AssumedRole", given["AccessKeyId"])
    assert identity["sessionContext"]["sessionIssuer"]["arn"] == role
    found = world.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "Username", "AttributeValue": "night"}]
    )["Events"]
    assert [event["EventName"] for event in found] == ["DescribeVpcs"]


def test_object_calls_are_data_events_with_their_endpoint(world: World) -> None:
    ec2, s3 = world.client("ec2"), world.client("s3")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    endpoint = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3")["VpcEndpoint"]
    s3.create_bucket(Bucket="papers")
    s3.put_object(Bucket="papers", Key="a b.txt", Body=b"hello")
    put = world.last("data", "PutObject")
    assert put["requestParameters"]["key"] == "a b.txt"
    assert put["resources"][1]["accountId"] == ACCOUNT
    path = NetworkPath(secure=True, vpc_id=vpc, vpc_endpoint_id=endpoint["VpcEndpointId"], vpc_source_ip="10.9.0.7")
    inner = world.inside.client("s3", scope={PATH_KEY: path}, **world.key)
    assert inner.get_object(Bucket="papers", Key="a b.txt")["Body"].read() == b"hello"
    got = world.last("data", "GetObject")
    assert (got["vpcEndpointId"], got["vpcEndpointAccountId"]) == (endpoint["VpcEndpointId"], ACCOUNT)
    assert (got["sourceIPAddress"], got["additionalEventData"]["bytesTransferredOut"]) == ("10.9.0.7", 5)
    assert world.last("management", "CreateBucket")["requestParameters"]["bucketName"] == "papers"
    names = {event["EventName"] for event in world.client("cloudtrail").lookup_events()["Events"]}
    assert "CreateBucket" in names
    assert not names & {"PutObject", "GetObject"}


def test_an_explanation_names_the_failed_condition_and_the_value(world: World) -> None:
    here = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
    key = world.user(
        "bo",
        {"Sid": "OnlyEurope", "Effect": "Allow", "Action": "ec2:DescribeVpcs", "Resource": "*", "Condition": here},
    )
    _, message, request_id = denied(world.client("ec2", **key).describe_vpcs)
    printed = world.explained(request_id)
    assert "OnlyEurope" not in message
    for part in ("OnlyEurope", "StringEquals", "aws:requestedregion", "eu-west-1", REGION, "ec2:DescribeVpcs", "bo"):
        assert part in printed


def test_an_explanation_names_the_statement_that_denied_an_object(world: World) -> None:
    s3 = world.client("s3")
    s3.create_bucket(Bucket="papers")
    statement = {
        "Sid": "NoWay",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::papers/*",
        "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}},
    }
    s3.put_bucket_policy(Bucket="papers", Policy=json.dumps({"Version": "2012-10-17", "Statement": statement}))
    _, _, request_id = denied(s3.get_object, Bucket="papers", Key="x")
    printed = world.explained(request_id)
    for part in ("NoWay", "StringNotEquals", "aws:sourcevpce", "vpce-1", "absent", "s3:GetObject", "GetObject of s3"):
        assert part in printed


def test_an_explanation_says_why_a_role_could_not_be_assumed_or_passed(world: World) -> None:
    world.client("iam").create_role(RoleName="Closed", AssumeRolePolicyDocument=TRUST.replace(ACCOUNT, "444455556666"))
    role = f"arn:aws:iam::{ACCOUNT}:role/Closed"
    _, message, request_id = denied(world.client("sts").assume_role, RoleArn=role, RoleSessionName="night")
    printed = world.explained(request_id)
    assert "trust" not in message
    assert "role trust policy" in printed
    assert "444455556666" in printed
    key = world.user("bo", {"Effect": "Allow", "Action": "comprehend:*", "Resource": "*"})
    _, _, request_id = denied(
        world.client("comprehend", **key).start_entities_detection_job,
        InputDataConfig={"S3Uri": "s3://papers/in"},
        OutputDataConfig={"S3Uri": "s3://papers/out"},
        DataAccessRoleArn=role,
        LanguageCode="en",
    )
    assert "iam:PassRole" in world.explained(request_id)


def encoded(message: str) -> str:
    """Return the encoded message in the text of a denial."""
    head, found, tail = message.partition("Encoded authorization failure message: ")
    assert found, head
    return tail


def test_permitted_callers_can_decode_the_message_of_an_ec2_denial(world: World) -> None:
    key = world.user("bo", {"Sid": "Never", "Effect": "Deny", "Action": "ec2:Delete*", "Resource": "*"})
    vpc = world.client("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    _, message, _ = denied(world.client("ec2", **key).delete_vpc, VpcId=vpc)
    text = encoded(message)
    assert "Never" not in message
    assert denied(world.client("sts", **key).decode_authorization_message, EncodedMessage=text)[0] == "AccessDenied"
    answer = world.client("sts").decode_authorization_message(EncodedMessage=text)["DecodedMessage"]
    document = json.loads(answer)
    assert (document["allowed"], document["explicitDeny"]) == (False, True)
    (statement,) = document["matchedStatements"]["items"]
    assert (statement["statementId"], statement["effect"]) == ("Never", "DENY")
    assert statement["actions"] == {"items": [{"value": "ec2:Delete*"}]}
    assert document["context"]["principal"]["name"] == "bo"
    assert document["context"]["action"] == "ec2:DeleteVpc"
    assert document["context"]["resource"].endswith(f":vpc/{vpc}")
    keys = {item["key"]: item["values"]["items"] for item in document["context"]["conditions"]["items"]}
    assert keys["aws:RequestedRegion"] == [{"value": REGION}]


def test_an_implicit_deny_names_no_statement(world: World) -> None:
    _, message, _ = denied(world.client("ec2", **world.user("bo")).describe_vpcs)
    answer = world.client("sts").decode_authorization_message(EncodedMessage=encoded(message))["DecodedMessage"]
    document = json.loads(answer)
    assert document["explicitDeny"] is False
    assert document["matchedStatements"] == {"items": []}


def test_a_modified_or_fake_message_is_refused(world: World) -> None:
    _, message, _ = denied(world.client("ec2", **world.user("bo")).describe_vpcs)
    text = encoded(message)
    middle = len(text) // 2
    changed = text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]
    decode = world.client("sts").decode_authorization_message
    for wrong in (changed, text[:-4], "x", "é" * 10, "A" * 10_240):
        assert denied(decode, EncodedMessage=wrong)[0] == "InvalidAuthorizationMessageException"


def test_denials_of_other_services_have_no_message(world: World) -> None:
    _, message, _ = denied(world.client("iam", **world.user("bo")).list_users)
    assert "Encoded" not in message


def test_no_secret_is_in_the_trail(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    key = world.user("bo", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    sts, s3 = world.client("sts", **key), world.client("s3", **key)
    given = sts.get_session_token()["Credentials"]
    world.client("comprehend", **key).detect_entities(Text="Ada keeps a secret", LanguageCode="en")
    s3.create_bucket(Bucket="papers")
    s3.put_object(Bucket="papers", Key="x", Body=b"content of the object")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "papers", "Key": "x"})
    signature = url.rpartition("Signature=")[2].partition("&")[0]
    denied(world.client("ec2", **{**key, "secret_access_key": "wrong-secret"}).describe_vpcs)
    world.last("data", "PutObject")
    assert world.product.access.trail.flush()
    files = list((world.data / "trail").iterdir())
    whole = b"".join(path.read_bytes() for path in files).decode()
    assert "GetSessionToken" in whole
    for secret in (
        key["secret_access_key"],
        world.key["secret_access_key"],
        given["SecretAccessKey"],
        given["SessionToken"],
        "Ada keeps a secret",
        "content of the object",
        signature,
    ):
        assert secret not in whole


def test_allowed_and_denied_writes_of_a_service_are_in_the_trail(world: World) -> None:
    world.client("s3").create_bucket(Bucket="papers")
    delivery = service_principal("delivery.logs.amazonaws.com")
    with pytest.raises(AwsError):
        world.product.objects.store.put("papers", "k", b"line", "text/plain", delivery)
    event = world.last("data", "PutObject")
    assert event["userIdentity"] == {"type": "AWSService", "invokedBy": "delivery.logs.amazonaws.com"}
    assert (event["errorCode"], event["recipientAccountId"]) == ("AccessDenied", ACCOUNT)
    assert "s3:PutObject" in world.explained(event["requestID"])


def test_issued_and_refused_sessions_of_services_are_in_the_trail_of_the_roles_account(world: World) -> None:
    world.client("iam").create_role(RoleName="Reader", AssumeRolePolicyDocument=TRUST)
    role = f"arn:aws:iam::{ACCOUNT}:role/Reader"
    source: dict[str, Any] = {
        "source_arn": f"arn:aws:comprehend:{REGION}:{ACCOUNT}:entities-detection-job/1",
        "source_account": ACCOUNT,
    }
    service = "comprehend.amazonaws.com"
    trail = world.product.access.trail.record
    with pytest.raises(RoleNotAssumable):
        assume_recorded(trail, world.database, role, service, "job", system_clock, **source)
    refused = world.last("management", "AssumeRole")
    assert refused["errorCode"] == "AccessDenied"
    assert "trust policy" in refused["errorMessage"]
    policy = TRUST.replace(f'"AWS": "{ACCOUNT}"', f'"Service": "{service}"')
    world.client("iam").update_assume_role_policy(RoleName="Reader", PolicyDocument=policy)
    _, credentials = assume_recorded(trail, world.database, role, service, "job", system_clock, **source)
    given = world.last("management", "AssumeRole")
    assert given["responseElements"]["credentials"]["accessKeyId"] == credentials.access_key_id
    assert (given["sourceIPAddress"], given["awsRegion"], given["recipientAccountId"]) == (service, REGION, ACCOUNT)
    assert credentials.secret_access_key not in json.dumps(given)


def test_no_operation_of_any_service_reaches_the_files_of_the_trail(world: World) -> None:
    names = {(bound.facts.service, bound.facts.name) for bound in world.product.dispatcher.table}
    assert {name for service, name in names if service == "cloudtrail"} == {"LookupEvents"}


def test_uses_of_keys_are_recorded_with_their_context_and_without_plaintext(world: World) -> None:
    kms, secret = world.client("kms"), "aXQgaXMgYSBzZWNyZXQ"
    key = kms.create_key()["KeyMetadata"]["Arn"]
    context = {"shelf": "poetry"}
    blob = kms.encrypt(KeyId=key, Plaintext=secret.encode(), EncryptionContext=context)["CiphertextBlob"]
    kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    data_key = kms.generate_data_key(KeyId=key, KeySpec="AES_256")["Plaintext"]
    kms.disable_key(KeyId=key[-36:])
    assert denied(kms.decrypt, CiphertextBlob=blob, EncryptionContext=context)[0] == "DisabledException"
    found = world.last("management", "Encrypt")
    assert found["requestParameters"]["encryptionContext"] == context
    assert found["responseElements"] is None
    for name, read_only in (("CreateKey", False), ("Encrypt", True), ("GenerateDataKey", True), ("DisableKey", False)):
        event = world.last("management", name)
        assert event["resources"] == [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": key}], name
        assert event["readOnly"] is read_only
    assert world.last("management", "Decrypt")["errorCode"] == "DisabledException"
    text = json.dumps(world.book("management"))
    for hidden in (secret, base64.b64encode(secret.encode()).decode(), base64.b64encode(data_key).decode()):
        assert hidden not in text


def test_a_grant_is_recorded_without_its_token_and_a_denial_is_explained(world: World) -> None:
    kms, key_of_nora = world.client("kms"), world.user("nora")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    made = kms.create_grant(
        KeyId=key, GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:user/nora", Operations=["GenerateDataKey"]
    )
    event = world.last("management", "CreateGrant")
    assert event["responseElements"] == {"grantId": made["GrantId"]}
    assert made["GrantToken"] not in json.dumps(world.book("management"))
    code, _, request = denied(world.client("kms", **key_of_nora).encrypt, KeyId=key, Plaintext=b"x")
    assert code == "AccessDeniedException"
    explained = world.explained(request)
    assert "kms:Encrypt" in explained
    assert f"key policy of {key}" in explained

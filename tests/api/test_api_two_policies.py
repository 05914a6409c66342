"""Two policies in one text are refused for buckets and endpoints; each alone, or both merged, is accepted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.worlds.s3 import S3World

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

POLICIES: dict[str, Any] = json.loads((Path(__file__).parents[1] / "iam" / "data" / "iam_cases.json").read_text())[
    "policies"
]
GUIDE: str = POLICIES["seed-linux-repos-deny"]["text"]
HALVES = [json.dumps(POLICIES[f"seed-linux-repos-deny-{number}"]["document"]) for number in ("first", "second")]
MERGED = json.dumps(POLICIES["endpoint-merged"]["document"])


def refusal(call: Callable[..., object], **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


@pytest.fixture
def s3_world(tmp_path: Path) -> Iterator[S3World]:
    """S3 with a bucket named corpus-in."""
    world = S3World(tmp_path, "memory")
    world.s3.create_bucket(Bucket="corpus-in")
    yield world
    world.close()


def test_a_bucket_policy_must_be_one_document(s3_world: S3World) -> None:
    # The guide's policies name other buckets, so the resources are replaced with this one.
    halves = [
        text.replace("packages.*.amazonaws.com", "corpus-in")
        .replace("repo.*.amazonaws.com", "corpus-in")
        .replace("amazonlinux.*.amazonaws.com", "corpus-in")
        for text in HALVES
    ]
    entries = [entry for half in halves for entry in json.loads(half)["Statement"]]
    put = s3_world.s3.put_bucket_policy
    for text in (GUIDE, "\n".join(halves), "".join(halves)):
        code, message = refusal(put, Bucket="corpus-in", Policy=text)
        assert (code, message) == ("MalformedPolicy", "This policy contains invalid Json")
    for text in (*halves, json.dumps({"Version": "2012-10-17", "Statement": entries})):
        put(Bucket="corpus-in", Policy=text)
        assert json.loads(s3_world.s3.get_bucket_policy(Bucket="corpus-in")["Policy"]) == json.loads(text)


def test_the_policy_of_a_new_endpoint_must_be_one_document(ec2: EC2Client, vpc_id: str) -> None:
    def create(text: str) -> Any:
        return ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName="com.amazonaws.us-east-1.s3", PolicyDocument=text)[
            "VpcEndpoint"
        ]

    for text in (GUIDE, "\n".join(HALVES), "".join(HALVES)):
        code, message = refusal(create, text=text)
        assert code == "InvalidPolicyDocument"
        assert message.startswith("The Policy Document is not valid. Syntax error at position (")
    for text in (*HALVES, MERGED):
        assert json.loads(create(text)["PolicyDocument"]) == json.loads(text)


def test_a_changed_endpoint_policy_must_be_one_document(ec2: EC2Client, vpc_id: str) -> None:
    endpoint = ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName="com.amazonaws.us-east-1.s3")["VpcEndpoint"]
    endpoint_id = endpoint["VpcEndpointId"]
    code, message = refusal(ec2.modify_vpc_endpoint, VpcEndpointId=endpoint_id, PolicyDocument=GUIDE)
    assert code == "InvalidPolicyDocument"
    assert message == "The Policy Document is not valid. Syntax error at position (18,1)"
    (unchanged,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint_id])["VpcEndpoints"]
    assert unchanged["PolicyDocument"] == endpoint["PolicyDocument"]
    for text in (*HALVES, MERGED):
        ec2.modify_vpc_endpoint(VpcEndpointId=endpoint_id, PolicyDocument=text)
        (changed,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint_id])["VpcEndpoints"]
        assert json.loads(changed["PolicyDocument"]) == json.loads(text)

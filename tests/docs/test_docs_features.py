"""The commands of pages about single features: their blocks are independent, and use example ids."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from reading_room.cli import reading
from reading_room.client import connect
from tests.worlds.pages import elsewhere
from tests.worlds.place import Place
from tests.worlds.product import Product
from tests.worlds.shells import EXAMPLES, by_default, steps_of, wrong_in
from tests.worlds.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

FROM_HOME = {
    "Version": "2012-10-17",
    "Statement": {
        "Sid": "FromHome",
        "Effect": "Allow",
        "Action": "ec2:*",
        "Resource": "*",
        "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
    },
}
READER = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}],
}


@pytest.fixture(scope="module")
def place(product: Product) -> Place:
    """A network, a bucket and a role."""
    return Place(product)


@pytest.fixture(scope="module")
def job(place: Place) -> str:
    """A job that is completed."""
    place.put("texts/", 1)
    started = place.start("texts/", "entities")
    assert place.wait(started)["JobStatus"] == "COMPLETED"
    return started


def things(place: Place) -> dict[str, str]:
    """Return the ids that pages use as examples: they are made here, because listing nothing would fail."""
    account, vpc, subnet, group = (
        place.product.account(),
        place.network.vpc,
        place.network.subnets[0],
        place.network.group,
    )
    make = account.ec2.create_network_interface
    sender, other = (make(SubnetId=subnet, Groups=[group])["NetworkInterface"]["NetworkInterfaceId"] for _ in range(2))
    endpoint = account.ec2.create_vpc_endpoint(
        VpcEndpointType="Interface",
        PrivateDnsEnabled=False,
        VpcId=vpc,
        ServiceName="com.amazonaws.us-east-1.logs",
        SubnetIds=[subnet],
        SecurityGroupIds=[group],
    )["VpcEndpoint"]["VpcEndpointId"]
    office = account.ec2.create_managed_prefix_list(
        PrefixListName="office", MaxEntries=1, AddressFamily="IPv4", Entries=[{"Cidr": "10.9.0.0/16"}]
    )
    path = account.ec2.create_network_insights_path(
        Source=sender, Destination=endpoint, Protocol="tcp", ClientToken="features"
    )
    account.s3.create_bucket(Bucket="records")
    account.s3.put_object(Bucket="records", Key="AWSLogs/first")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "comprehend.amazonaws.com"}}
    account.iam.create_role(
        RoleName="Nightly",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    return {
        "VPC": vpc,
        "GROUP": group,
        "ENI": sender,
        "OTHER": other,
        "ENDPOINT": endpoint,
        "LIST": office["PrefixList"]["PrefixListId"],
        "WAY": path["NetworkInsightsPath"]["NetworkInsightsPathId"],
    }


def denied(account: reading.Account, product: Product) -> dict[str, str]:
    """Return the request id and the encoded message of a denied call by nora, once the trail has it."""
    account.iam.create_user(UserName="nora")
    account.iam.put_user_policy(UserName="nora", PolicyName="night", PolicyDocument=json.dumps(FROM_HOME))
    key = account.iam.create_access_key(UserName="nora")["AccessKey"]
    hers = {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}
    with pytest.raises(ClientError, match="UnauthorizedOperation") as refused:
        connect("ec2", account.endpoint.url, **hers).create_vpc(CidrBlock="10.7.0.0/16")
    request = refused.value.response["ResponseMetadata"]["RequestId"]
    books = ("management", "denials")
    eventually(lambda: all(any(each["requestID"] == request for each in product.events(book)) for book in books))
    return {"DENIED": request, "ENCODED": refused.value.response["Error"]["Message"].rpartition(" ")[2]}


@pytest.mark.costs(15, reason="twenty pages are typed, with fifty commands")
def test_how_to_see_each_feature_of_a_vpc(product: Product, place: Place, job: str, tmp_path: Path) -> None:
    """Each page's commands succeed, with existing ids in place of its examples."""
    steps = steps_of("features", *(page for page, row in elsewhere().items() if row.run == "features"))
    ids = {"JOB": job, **things(place), **denied(product.account(), product)}
    (tmp_path / "reader.json").write_text(json.dumps(READER))
    (tmp_path / "reader-2.json").write_text(json.dumps(READER).replace("Get", "List"))
    wrong = wrong_in(steps, product, tmp_path, examples=EXAMPLES, more=by_default(product) | ids)
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.skipif(shutil.which("jq") is None, reason="the page reads files with jq, which is not installed here")
def test_how_to_read_the_files_of_the_trail(product: Product, job: str, tmp_path: Path) -> None:
    """They show what a job read and wrote."""
    eventually(lambda: any(each["eventName"] == "GetObject" for each in product.storage_events_of(job)))
    steps = steps_of("jq", "trail.md")
    wrong = wrong_in(steps, product, tmp_path, examples=EXAMPLES, more=by_default(product))
    assert not wrong, "\n\n".join(wrong)

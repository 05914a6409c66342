"""A job in several containers, from boto3 to output.tar.gz: it writes the same bytes as one, and requires a rule."""

from __future__ import annotations

import io
import os
import re
import signal
import tarfile
import time
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.cli import reading
from tests.worlds.cluster import LIMITED, SCHEDULER_PORT, TAG, WORKER_PORT, Hall, Member, long
from tests.worlds.own_account import OwnAccount
from tests.worlds.product import Product
from tests.worlds.waiting import eventually, settled

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

FOUND_OUT_SECONDS = 5.0
"""The time in seconds within which a job fails if its containers cannot connect to each other."""
DOCUMENTS = 400
"""About 70 kB: nine parts, and a second of work."""
LONGER_THAN_A_PART = "Nobody in Tromsø reads this. " * 800


@pytest.fixture(scope="module")
def hall(product: Product, account: OwnAccount) -> Hall:
    """A place whose group has a rule that allows all traffic from itself."""
    found = Hall(product, account=account)
    found.write("in/", DOCUMENTS, files=3)
    return found


@pytest.fixture(scope="module")
def one(hall: Hall) -> bytes:
    """The archive that one container writes for ``in/``."""
    return hall.archives("in/", 1)[0]


@dataclass
class ObservedJob:
    """What was observed of a job on ``in/`` in three containers with two groups."""

    properties: dict[str, Any]
    members: dict[int, Member]
    interfaces: list[dict[str, Any]]
    """The interfaces while the job worked."""
    groups: list[str]
    progress: tuple[int, int]
    """The progress reported before the end: the numbers of finished and of all documents."""


@pytest.fixture(scope="module")
def observed(hall: Hall) -> ObservedJob:
    """Run a job and observe it while it works."""
    more = hall.ec2.create_security_group(VpcId=hall.network.vpc, GroupName="too", Description="another group")
    groups = [hall.network.group, more["GroupId"]]
    config = {"SecurityGroupIds": groups, "Subnets": list(hall.network.subnets)}
    with hall.at_work("in/", 3, VpcConfig=config) as (job, members):
        interfaces = hall.interfaces_of(job)
        # The first container reports progress once a second. The others stay stopped meanwhile.
        os.kill(members[0].worker, signal.SIGCONT)
        progress = eventually(lambda: counts if (counts := hall.progress(job))[0] else None, what="progress")
    properties = hall.wait(job)
    hall.completed(properties)
    assert progress is not None
    return ObservedJob(properties, members, interfaces, groups, progress)


# The result


@pytest.mark.parametrize(
    "kind", ["entities", "dominant-language", *long("key-phrases", "sentiment", "targeted-sentiment")]
)
def test_many_containers_write_the_same_bytes_as_one(hall: Hall, kind: str) -> None:
    prefix = f"{kind}/"
    documents = 1_000 if kind == "dominant-language" else 150
    hall.write(prefix, documents, files=2)
    odd = "\ufeffZoë lives in Tromsø. 😀\r\n\r\n" + LONGER_THAN_A_PART + "\nThe last line has no end."
    hall.put_text(f"{prefix}odd.txt", odd)
    hall.put_text(f"{prefix}foreign.bin", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    hall.put_text(f"{prefix}empty.txt", b"")
    one, *others = hall.archives(prefix, *((1, 3) if kind == "entities" else (1, 2)), kind=kind)
    assert all(other == one for other in others)
    with tarfile.open(fileobj=io.BytesIO(one)) as tar:
        lines = sum(file.read().count(b"\n") for member in tar if (file := tar.extractfile(member)))
    assert lines > documents


def test_documents_in_files_are_distributed_too(hall: Hall) -> None:
    for number in range(12):
        hall.write(f"files/{number:02}/", 12)
    config = {"S3Uri": f"s3://{hall.bucket}/files/", "InputFormat": "ONE_DOC_PER_FILE"}
    one, two = hall.archives("files/", 1, 2, InputDataConfig=config)
    assert two == one


def test_topics_of_many_containers_are_the_same_tables(hall: Hall) -> None:
    hall.write("topics/", 100, files=2)
    one, two = hall.archives("topics/", 1, 2, kind="topics", NumberOfTopics=4)
    assert two == one


def test_a_classifier_trained_in_two_containers_is_the_same_model(hall: Hall) -> None:
    texts = {"billing": "The invoice {} is wrong, I was charged twice.", "delivery": "My parcel {} has not arrived."}
    rows = "".join(f'{label},"{text.format(n)}"\n' for n in range(60) for label, text in texts.items())
    hall.put_text("training/rows.csv", rows)
    found = {}
    for containers in (1, 2):
        request: dict[str, Any] = {
            "DocumentClassifierName": f"tickets-{containers}",
            "LanguageCode": "en",
            "DataAccessRoleArn": hall.role,
            "InputDataConfig": {"S3Uri": f"s3://{hall.bucket}/training/rows.csv"},
            "VpcConfig": hall.network.config(),
            "Tags": [{"Key": TAG, "Value": str(containers)}],
        }
        arn = hall.account.comprehend.create_document_classifier(**request)["DocumentClassifierArn"]
        job = hall.training(arn)
        properties = hall.wait_for_model(arn)
        assert properties["Status"].startswith("TRAINED"), f"{properties}\n{hall.story(job)}\n{hall.product.tail()}"
        assert len(hall.interfaces_told(job)) == containers
        found[containers] = (properties["ClassifierMetadata"], hall.artifact_sha256(job))
    assert found[2] == found[1]


def test_a_job_without_a_vpc_config_is_distributed_in_the_services_network(hall: Hall, one: bytes) -> None:
    (plain,) = hall.archives("in/", 2, VpcConfig=None)
    assert plain == one


# Interfaces, subnets, packets


def test_every_container_has_an_interface_with_all_groups_and_both_subnets_are_used(
    hall: Hall, observed: ObservedJob
) -> None:
    members, interfaces = observed.members, observed.interfaces
    wanted = {each.interface_id for each in members.values()}
    assert {each["NetworkInterfaceId"] for each in interfaces} == wanted
    assert len(interfaces) == 3
    for each in interfaces:
        assert {group["GroupId"] for group in each["Groups"]} == set(observed.groups)
    used = [each["SubnetId"] for each in interfaces]
    assert sorted(used.count(subnet) for subnet in hall.network.subnets) == [1, 2]
    hosts = len(hall.product.hosts())
    assert len(hall.hosts_told(observed.properties["JobId"])) == (hosts if hosts > 1 else 0)
    assert hall.interfaces_of(observed.properties["JobId"]) == []
    # Each container is in the flow log, and they use only the cluster's ports.
    eventually(lambda: {each[2] for each in hall.records(*wanted)} >= wanted, 20, "flow records of every interface")
    addresses = {each.address for each in members.values()}
    first = members[0].address
    records = [each for each in hall.records(*wanted) if each[3] in addresses and each[4] in addresses]
    flows = {
        verdict: {frozenset({(each[3], each[5]), (each[4], each[6])}) for each in records if each[12] == verdict}
        for verdict in ("ACCEPT", "REJECT")
    }
    # At the end of a job, a container may be gone before another one's last packets on an accepted connection arrive.
    assert flows["REJECT"] <= flows["ACCEPT"]
    to_scheduler = {each[3] for each in records if each[4] == first and each[6] == str(SCHEDULER_PORT)}
    assert to_scheduler >= addresses - {first}
    ports = {min(int(each[5]), int(each[6])) for each in records}
    assert ports <= {SCHEDULER_PORT, WORKER_PORT}
    assert hall.unequal_flows({each.interface_id: each.address for each in members.values()}) == {}


# The rule


def test_without_the_rule_a_job_fails_at_once_with_commands_to_add_it(product: Product, account: OwnAccount) -> None:
    place = Hall(product, "10.31.0.0/16", rule=None, account=account)
    place.write("in/", 100)
    properties = place.run_many("in/", 2)
    assert properties["JobStatus"] == "FAILED", place.description(properties)
    message: str = properties["Message"]
    assert message.startswith("CONTAINERS_CANNOT_CONNECT: ")
    assert place.network.group in message
    assert (properties["EndTime"] - properties["SubmitTime"]).total_seconds() < FOUND_OUT_SECONDS
    assert place.outputs("in/") == []
    # A single container does not require the rule.
    one = place.completed(place.run_many("in/", 1))
    # The group allows no ingress and only S3 as egress, so the message has a rule for each direction. They are enough.
    assert place.paste(message) == 2
    assert place.completed(place.run_many("in/", 2)) == one
    settled(place.left)


def test_the_narrow_form_of_the_rule_is_enough(product: Product, account: OwnAccount) -> None:
    """The other jobs of this module run with the wide form."""
    place = Hall(product, "10.33.0.0/16", rule=LIMITED, account=account)
    place.write("in/", 100)
    place.completed(place.run_many("in/", 2))


# What is refused


def test_two_free_addresses_per_container_are_required_and_the_message_counts_them(
    product: Product, account: OwnAccount
) -> None:
    place = Hall(product, "10.35.0.0/16", account=account)
    place.write("in/", 100)
    ec2 = place.ec2
    subnet = ec2.create_subnet(VpcId=place.network.vpc, CidrBlock="10.35.200.0/28")["Subnet"]["SubnetId"]
    ec2.associate_route_table(SubnetId=subnet, RouteTableId=place.network.route_table)
    free = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"]
    taken = [
        ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"] for _ in range(free - 3)
    ]
    config = {"SecurityGroupIds": [place.network.group], "Subnets": [subnet]}
    properties = place.run_many("in/", 2, VpcConfig=config)
    assert properties["JobStatus"] == "FAILED", place.description(properties)
    message: str = properties["Message"]
    assert message.startswith("INSUFFICIENT_IP_ADDRESSES: ")
    assert subnet in message
    assert {"3", "4"} <= set(re.findall(r"\b\d+\b", message)), message
    ec2.delete_network_interface(NetworkInterfaceId=taken.pop())
    place.completed(place.run_many("in/", 2, VpcConfig=config))
    for interface in taken:
        ec2.delete_network_interface(NetworkInterfaceId=interface)
    settled(place.left)


@pytest.mark.parametrize("value", ["0", "17", "-1", "two", "2.5", " 2", ""])
def test_a_tag_that_is_not_a_number_of_containers_is_refused_and_creates_nothing(hall: Hall, value: str) -> None:
    before = len(hall.account.comprehend.list_entities_detection_jobs()["EntitiesDetectionJobPropertiesList"])
    with pytest.raises(ClientError) as refused:
        hall.start("in/", "entities", Tags=[{"Key": TAG, "Value": value}])
    assert refused.value.response["Error"]["Code"] == "InvalidRequestException"
    assert TAG in str(refused.value)
    after = len(hall.account.comprehend.list_entities_detection_jobs()["EntitiesDetectionJobPropertiesList"])
    assert after == before


def test_a_kind_limited_to_one_container_refuses_more(hall: Hall) -> None:
    with pytest.raises(ClientError) as refused:
        hall.account.comprehend.create_entity_recognizer(
            RecognizerName="several",
            LanguageCode="en",
            DataAccessRoleArn=hall.role,
            InputDataConfig={
                "EntityTypes": [{"Type": "ENGINEER"}],
                "Documents": {"S3Uri": f"s3://{hall.bucket}/in/"},
                "Annotations": {"S3Uri": f"s3://{hall.bucket}/annotations.csv"},
            },
            Tags=[{"Key": TAG, "Value": "2"}],
        )
    assert refused.value.response["Error"]["Code"] == "InvalidRequestException"
    assert TAG in str(refused.value)
    assert "EntityRecognizerPropertiesList" in (shown := hall.account.comprehend.list_entity_recognizers())
    assert shown["EntityRecognizerPropertiesList"] == []


# Parts


def test_with_a_role_that_may_not_read_its_parts_a_job_runs_in_one_container_and_warns(hall: Hall, one: bytes) -> None:
    bucket = f"arn:aws:s3:::{hall.bucket}"
    role = reading.make_role(
        hall.account,
        f"{hall.bucket}-writes",
        "comprehend.amazonaws.com",
        [
            {"Effect": "Allow", "Action": list(reading.NETWORK_ACTIONS), "Resource": "*"},
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{bucket}/in/*"},
            {"Effect": "Allow", "Action": ["s3:PutObject", "s3:AbortMultipartUpload"], "Resource": f"{bucket}/*"},
            {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket},
        ],
    )
    properties = hall.run_many("in/", 2, DataAccessRoleArn=role)
    job = properties["JobId"]
    assert hall.completed(properties) == one
    assert len(hall.interfaces_told(job)) == 1
    warnings = [text for _, text in reading.story(hall.account, job) if text.startswith("Warning: ")]
    assert any("s3:GetObject" in text and f"{bucket}/results/" in text for text in warnings), hall.story(job)


def test_no_parts_remain_beside_the_result(hall: Hall, observed: ObservedJob) -> None:
    properties = observed.properties
    result = properties["OutputDataConfig"]["S3Uri"].split("/", 3)[3]
    below = result.removesuffix("output.tar.gz") + "parts/1/"

    def written() -> list[str]:
        events = hall.product.storage_events_of(properties["JobId"])
        return [event["requestParameters"]["key"] for event in events if event["eventName"] == "PutObject"]

    assert eventually(lambda: result in written() and [key for key in written() if key != result])
    assert [key for key in written() if not key.startswith(below)] == [result]
    folder = result.removesuffix("output/output.tar.gz")
    listed = hall.account.s3.list_objects_v2(Bucket=hall.bucket, Prefix=folder)["Contents"]
    assert [entry["Key"] for entry in listed] == [result]
    settled(hall.left)


# Stops and progress


def test_a_stopped_job_keeps_its_finished_documents_in_order(hall: Hall) -> None:
    with hall.at_work("in/") as (job, _):
        started_at = time.monotonic()
        hall.stop(job)
    properties = hall.wait(job)
    assert time.monotonic() - started_at < 30
    assert properties["JobStatus"] == "STOPPED", hall.description(properties)
    lines = hall.lines(properties)
    assert 0 < len(lines) < DOCUMENTS
    assert lines == sorted(set(lines)), "out of order or duplicated"
    settled(hall.left)


def test_progress_counts_all_documents(hall: Hall, observed: ObservedJob) -> None:
    done, of = observed.progress
    assert of == DOCUMENTS
    assert 0 < done < DOCUMENTS
    job = observed.properties["JobId"]
    assert hall.progress(job) == (DOCUMENTS, DOCUMENTS)
    lines = [text for _, text in reading.story(hall.account, job) if text.startswith("Progress: ")]
    assert all(f"of {DOCUMENTS:,} documents" in text for text in lines), lines


@pytest.mark.costs(15, reason="runs two jobs of two containers each")
def test_two_jobs_of_one_group_run_side_by_side(hall: Hall, one: bytes) -> None:
    assert hall.archives("in/", 2, 2) == [one, one]
    settled(hall.left)

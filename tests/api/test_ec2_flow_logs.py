"""Creating, describing and deleting flow logs, and refused requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.worlds.ec2 import Ec2World, code_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


ROLE = "arn:aws:iam::000000000001:role/logs"
GROUP: Any = {"LogGroupName": "/flow", "DeliverLogsPermissionArn": ROLE}


def create(ec2: EC2Client, vpc_id: str, **more: Any) -> Any:
    parameters: Any = {"ResourceIds": [vpc_id], "ResourceType": "VPC", "TrafficType": "ALL", **more}
    return ec2.create_flow_logs(**parameters)


def test_a_flow_log_is_active_with_the_default_format_and_interval(ec2: EC2Client, vpc_id: str) -> None:
    (flow_log_id,) = create(ec2, vpc_id, **GROUP, ClientToken="t")["FlowLogIds"]
    assert create(ec2, vpc_id, **GROUP, ClientToken="t")["FlowLogIds"] == [flow_log_id]
    by_resource: Any = [{"Name": "resource-id", "Values": [vpc_id]}]
    (seen,) = ec2.describe_flow_logs(Filters=by_resource)["FlowLogs"]
    assert (seen["FlowLogStatus"], seen["MaxAggregationInterval"], seen["LogGroupName"]) == ("ACTIVE", 600, "/flow")
    assert seen["LogFormat"].startswith("${version} ${account-id} ${interface-id} ${srcaddr}")
    assert ec2.delete_flow_logs(FlowLogIds=[flow_log_id])["Unsuccessful"] == []
    (failed,) = ec2.delete_flow_logs(FlowLogIds=[flow_log_id])["Unsuccessful"]
    assert failed["Error"]["Code"] == "InvalidFlowLogId.NotFound"


def test_duplicates_and_unknown_resources_are_listed_as_unsuccessful(ec2: EC2Client, vpc_id: str) -> None:
    create(ec2, vpc_id, **GROUP)
    answer = create(ec2, vpc_id, **GROUP, ResourceIds=[vpc_id, "vpc-0123456789abcdef0"])
    assert answer["FlowLogIds"] == []
    assert {entry["ResourceId"]: entry["Error"]["Code"] for entry in answer["Unsuccessful"]} == {
        vpc_id: "FlowLogAlreadyExists",
        "vpc-0123456789abcdef0": "InvalidVpcID.NotFound",
    }


def test_a_flow_log_to_s3_needs_a_bucket_that_it_may_write_to(world: Ec2World, ec2: EC2Client, vpc_id: str) -> None:
    bucket: Any = {"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::records/here/"}
    (failed,) = create(ec2, vpc_id, **bucket)["Unsuccessful"]
    assert failed["Error"] == {"Code": "400", "Message": "LogDestination: records does not exist"}
    world.buckets["records"] = "denied"
    (failed,) = create(ec2, vpc_id, **bucket)["Unsuccessful"]
    assert failed["Error"]["Message"].startswith("Access Denied for LogDestination: records.")
    world.buckets["records"] = "writable"
    assert create(ec2, vpc_id, **bucket, DestinationOptions={"PerHourPartition": True})["Unsuccessful"] == []
    (seen,) = ec2.describe_flow_logs()["FlowLogs"]
    assert seen["LogDestination"] == "arn:aws:s3:::records/here/"
    assert seen["DestinationOptions"] == {
        "FileFormat": "plain-text",
        "HiveCompatiblePartitions": False,
        "PerHourPartition": True,
    }


def test_files_may_be_parquet_but_no_unknown_format(world: Ec2World, ec2: EC2Client, vpc_id: str) -> None:
    bucket: Any = {"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::records"}
    world.buckets["records"] = "writable"
    options: Any = {"FileFormat": "parquet", "HiveCompatiblePartitions": True, "PerHourPartition": True}
    assert create(ec2, vpc_id, **bucket, DestinationOptions=options)["Unsuccessful"] == []
    (seen,) = ec2.describe_flow_logs()["FlowLogs"]
    assert seen["DestinationOptions"] == options
    with pytest.raises(ClientError) as caught:
        create(ec2, vpc_id, **bucket, TrafficType="REJECT", DestinationOptions={"FileFormat": "orc"})
    assert code_of(caught.value) == "InvalidParameterValue"


@pytest.mark.parametrize(
    "arn",
    ["arn:aws:logs:us-east-1:999999999999:log-group:/flow", "arn:aws:logs:eu-west-1:000000000001:log-group:/flow"],
)
def test_a_log_group_of_another_account_or_region_is_not_a_destination(ec2: EC2Client, vpc_id: str, arn: str) -> None:
    (failed,) = create(ec2, vpc_id, LogDestination=arn, DeliverLogsPermissionArn=ROLE)["Unsuccessful"]
    assert failed["Error"] == {
        "Code": "400",
        "Message": "Access Denied for LogDestination: /flow. Please check LogDestination permission",
    }
    own = "arn:aws:logs:us-east-1:000000000001:log-group:/flow:*"
    assert create(ec2, vpc_id, LogDestination=own, DeliverLogsPermissionArn=ROLE)["Unsuccessful"] == []


def test_the_number_of_flow_logs_of_a_resource_is_limited(ec2: EC2Client, vpc_id: str) -> None:
    role: Any = {"DeliverLogsPermissionArn": ROLE}
    for number in range(10):
        assert create(ec2, vpc_id, **role, LogGroupName=f"/flow/{number}")["Unsuccessful"] == []
    (failed,) = create(ec2, vpc_id, **role, LogGroupName="/flow/10")["Unsuccessful"]
    assert failed["Error"]["Code"] == "FlowLogsLimitExceeded"


def test_a_client_token_with_other_parameters_is_refused(ec2: EC2Client, vpc_id: str) -> None:
    create(ec2, vpc_id, **GROUP, ClientToken="t")
    with pytest.raises(ClientError) as caught:
        create(ec2, vpc_id, **GROUP, ClientToken="t", TrafficType="REJECT")
    assert code_of(caught.value) == "IdempotentParameterMismatch"
    assert len(ec2.describe_flow_logs()["FlowLogs"]) == 1


def test_an_answer_has_the_client_token_of_the_call_or_a_new_one(ec2: EC2Client, vpc_id: str) -> None:
    assert create(ec2, vpc_id, **GROUP, ClientToken="t")["ClientToken"] == "t"
    others = [create(ec2, vpc_id, **GROUP, LogFormat=f"${{{field}}}")["ClientToken"] for field in ("start", "end")]
    assert len(set(others)) == 2


def test_deleting_lists_unknown_ids(ec2: EC2Client) -> None:
    (failed,) = ec2.delete_flow_logs(FlowLogIds=["fl-0123456789abcdef0"])["Unsuccessful"]
    assert failed["ResourceId"] == "fl-0123456789abcdef0"
    assert failed["Error"]["Code"] == "InvalidFlowLogId.NotFound"
    assert "fl-0123456789abcdef0" in failed["Error"]["Message"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deliver-log-status", "SUCCESS"),
        ("log-destination-type", "cloud-watch-logs"),
        ("log-group-name", "/flow"),
        ("traffic-type", "ALL"),
        ("tag:Name", "one"),
        ("tag-key", "Name"),
    ],
)
def test_each_filter_selects_flow_logs(ec2: EC2Client, vpc_id: str, name: str, value: str) -> None:
    tagged: Any = [{"ResourceType": "vpc-flow-log", "Tags": [{"Key": "Name", "Value": "one"}]}]
    create(ec2, vpc_id, **GROUP, TagSpecifications=tagged)
    wanted: Any = [{"Name": name, "Values": [value]}]
    others: Any = [{"Name": name, "Values": ["something-else"]}]
    assert len(ec2.describe_flow_logs(Filters=wanted)["FlowLogs"]) == 1
    assert ec2.describe_flow_logs(Filters=others)["FlowLogs"] == []


@pytest.mark.parametrize(
    "refused",
    [
        {"LogDestinationType": "kinesis-data-firehose", "LogDestination": "arn:aws:firehose:us-east-1:1:x/y"},
        {**GROUP, "ResourceType": "TransitGateway"},
        {**GROUP, "DeliverCrossAccountRole": ROLE},
    ],
)
def test_parameters_without_effect_are_refused(ec2: EC2Client, vpc_id: str, refused: Any) -> None:
    with pytest.raises(ClientError):
        create(ec2, vpc_id, **refused)
    with pytest.raises(ClientError):
        ec2.get_flow_logs_integration_template(
            FlowLogId="fl-0123456789abcdef0", ConfigDeliveryS3DestinationArn="arn:aws:s3:::b", IntegrateServices={}
        )
    assert ec2.describe_flow_logs()["FlowLogs"] == []


def test_the_first_flow_log_adds_to_a_bucket_policy_that_the_caller_may_change(
    world: Ec2World, ec2: EC2Client, vpc_id: str
) -> None:
    bucket: Any = {"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::records"}
    world.buckets["records"] = "grantable"
    assert create(ec2, "vpc-0123456789abcdef0", **bucket)["FlowLogIds"] == []
    assert world.buckets["records"] == "grantable", "nothing was made, so nothing is opened"
    assert create(ec2, vpc_id, **bucket)["Unsuccessful"] == []
    assert world.buckets.get("records") == "writable"


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({**GROUP, "LogDestination": "arn:aws:logs:us-east-1:1:log-group:x"}, "Please only provide LogGroupName"),
        ({"DeliverLogsPermissionArn": ROLE}, "LogDestination can't be empty"),
        ({"LogGroupName": "/x"}, "DeliverLogsPermissionArn can't be empty"),
        ({"LogGroupName": "/x", "LogDestinationType": "s3"}, "must be cloud-watch-logs"),
        ({**GROUP, "MaxAggregationInterval": 61}, "Invalid Flow Log Max Aggregation Interval"),
        ({**GROUP, "LogFormat": "srcaddr"}, "LogFormat"),
        ({**GROUP, "LogFormat": "${srcaddr} ${colour}"}, "colour"),
        ({"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::b/AWSLogs"}, "reserved term"),
        ({"LogDestinationType": "s3", "LogDestination": "bucket"}, "not the ARN"),
        ({**GROUP, "DestinationOptions": {"PerHourPartition": True}}, "s3 delivery only"),
    ],
)
def test_contradictory_parameters_are_refused(ec2: EC2Client, vpc_id: str, wanted: Any, says: str) -> None:
    with pytest.raises(ClientError, match=says) as caught:
        create(ec2, vpc_id, **wanted)
    assert code_of(caught.value) == "InvalidParameter"
    assert ec2.describe_flow_logs()["FlowLogs"] == []

"""Flow logs: what is asked for, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from ec2_world import Ec2World, code_of

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


def test_the_same_again_and_unknown_resources_are_listed_as_unsuccessful(ec2: EC2Client, vpc_id: str) -> None:
    create(ec2, vpc_id, **GROUP)
    answer = create(ec2, vpc_id, **GROUP, ResourceIds=[vpc_id, "vpc-0123456789abcdef0"])
    assert answer["FlowLogIds"] == []
    assert {entry["ResourceId"]: entry["Error"]["Code"] for entry in answer["Unsuccessful"]} == {
        vpc_id: "FlowLogAlreadyExists",
        "vpc-0123456789abcdef0": "InvalidVpcID.NotFound",
    }


def test_a_bucket_is_asked_first(world: Ec2World, ec2: EC2Client, vpc_id: str) -> None:
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


def test_a_bucket_whose_policy_the_caller_may_change_is_opened_with_the_first_flow_log(
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
def test_parameters_that_contradict_each_other_are_refused(ec2: EC2Client, vpc_id: str, wanted: Any, says: str) -> None:
    with pytest.raises(ClientError, match=says) as caught:
        create(ec2, vpc_id, **wanted)
    assert code_of(caught.value) == "InvalidParameter"
    assert ec2.describe_flow_logs()["FlowLogs"] == []

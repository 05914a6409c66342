"""The data access role of jobs and trainings in a VPC: each of its nine EC2 actions missing in turn, and conditions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore import xform_name

from reading_room.comprehend.network.failures import EC2_ACTIONS
from reading_room.iam import inline_policies, roles
from reading_room.vpc.tables import NetworkInterface
from tests.worlds.minimal_calls import ACCOUNT, REGION, minimal
from tests.worlds.models import ModelWorld

pytestmark = pytest.mark.costs(0.2, reason="each test writes a policy and prepares a job, some of them twice")

EC2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
KINDS = {
    "StartEntitiesDetectionJob": ("entities_detection_job", "", "JobId"),
    "CreateDocumentClassifier": ("document_classifier", "DocumentClassifierName", "DocumentClassifierArn"),
    "CreateEntityRecognizer": ("entity_recognizer", "RecognizerName", "EntityRecognizerArn"),
}
"""For each operation: the noun in the client's methods, the name parameter of a model, and the identifier returned."""
STORAGE = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}


class RoleWorld(ModelWorld):
    """The whole product, with a subnet and a group whose tags say ``use=jobs``, and a gateway endpoint."""

    def __init__(self, folder: Any) -> None:
        super().__init__(folder)
        ec2 = self.client_of("networker", service="ec2")
        vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
        inside = [{"Name": "vpc-id", "Values": [vpc]}]
        self.subnet = ec2.describe_subnets(Filters=inside)["Subnets"][0]["SubnetId"]
        self.group = ec2.create_security_group(VpcId=vpc, GroupName="jobs", Description="of jobs")["GroupId"]
        table = ec2.describe_route_tables(Filters=inside)["RouteTables"][0]["RouteTableId"]
        service = f"com.amazonaws.{REGION}.s3"
        ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=service, RouteTableIds=[table])
        ec2.create_tags(Resources=[self.subnet, self.group], Tags=[{"Key": "use", "Value": "jobs"}])
        self.vpc, self.ec2 = vpc, ec2
        self.number = 0

    def allow(self, *statements: dict[str, Any]) -> None:
        """Replace the statements of the role's policy."""
        document = json.dumps({"Version": "2012-10-17", "Statement": [STORAGE, *statements]})
        with self.database.transaction() as session:
            role = roles.get(session, ACCOUNT, "Reader")
            inline_policies.put(session, "role", role.unique_id, "Reader", "All", document)

    def outcome(self, operation: str) -> str:
        """Start a job or training in the VPC; return its failure message, or an empty string if it continues."""
        self.number += 1
        network = {"Subnets": [self.subnet], "SecurityGroupIds": [self.group]}
        parameters = minimal("comprehend", operation) | {"VpcConfig": network}
        noun, name, identifier = KINDS[operation]
        if name:
            parameters[name] = f"model-{self.number}"
        called = {identifier: getattr(self.client, xform_name(operation))(**parameters)[identifier]}
        self.turn(3)
        (found,) = (
            answer
            for answer in getattr(self.client, f"describe_{noun}")(**called).values()
            if isinstance(answer, dict) and "DataAccessRoleArn" in answer
        )
        if found.get("JobStatus", found.get("Status")) in ("FAILED", "IN_ERROR"):
            return str(found["Message"])
        (spec,) = self.wanted()
        getattr(self.client, f"stop_{'training_' * bool(name)}{noun}")(**called)
        self.says(spec, phase="exited")
        assert self.wanted() == ()
        return ""

    def interfaces(self) -> list[str]:
        """Return the interfaces that exist for jobs."""
        with self.database.reading() as session:
            rows = session.query(NetworkInterface).filter(NetworkInterface.requester_id.endswith(":Comprehend"))
            return [row.interface_id for row in rows]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoleWorld]:
    """An account for this file; each test sets the role's policy."""
    world = RoleWorld(tmp_path_factory.mktemp("roles"))
    yield world
    world.close()


def actions(*names: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": [f"ec2:{name}" for name in names], "Resource": "*", **more}


@pytest.mark.parametrize("operation", KINDS)
def test_a_job_gets_its_interface_with_the_nine_actions(world: RoleWorld, operation: str) -> None:
    world.allow(actions(*EC2_ACTIONS))
    assert world.outcome(operation) == ""


@pytest.mark.parametrize("missing", EC2_ACTIONS)
@pytest.mark.parametrize("operation", KINDS)
def test_each_missing_action_is_named_and_leaves_no_interface(world: RoleWorld, operation: str, missing: str) -> None:
    before = world.interfaces()
    world.allow(actions(*(name for name in EC2_ACTIONS if name != missing)))
    message = world.outcome(operation)
    assert message.startswith("NO_PERMISSION_FOR_NETWORK_INTERFACE")
    assert f"needs ec2:{missing} " in message
    assert world.interfaces() == before


DESCRIBES = actions(*(name for name in EC2_ACTIONS if name.startswith("Describe")))
REST = ("CreateNetworkInterfacePermission", "DeleteNetworkInterfacePermission", "DeleteNetworkInterface")


def creation(kind: str, **condition: Any) -> dict[str, Any]:
    return actions("CreateNetworkInterface", Resource=f"{EC2}:{kind}/*", Condition=condition)


def test_a_role_can_be_limited_to_tagged_subnets_and_groups(world: RoleWorld) -> None:
    for use, works in (("jobs", True), ("web", False)):
        tagged = {"StringEquals": {"aws:ResourceTag/use": use}}
        world.allow(
            DESCRIBES,
            actions(*REST),
            creation("network-interface"),
            creation("subnet", **tagged),
            creation("security-group", **tagged),
        )
        assert (world.outcome("StartEntitiesDetectionJob") == "") is works


def test_a_role_can_be_limited_to_one_subnet_and_one_vpc_for_every_action(world: RoleWorld) -> None:
    here = {"ArnEquals": {"ec2:Subnet": f"{EC2}:subnet/{world.subnet}", "ec2:Vpc": f"{EC2}:vpc/{world.vpc}"}}
    on_interfaces = actions("CreateNetworkInterface", *REST, Resource=f"{EC2}:network-interface/*", Condition=here)
    by_id = creation("subnet", StringEquals={"ec2:SubnetID": world.subnet})
    groups = creation("security-group", StringEquals={"ec2:SecurityGroupID": world.group})
    world.allow(DESCRIBES, on_interfaces, by_id, groups)
    assert world.outcome("StartEntitiesDetectionJob") == ""
    elsewhere = {"ArnEquals": {"ec2:Subnet": f"{EC2}:subnet/subnet-0123456789abcdef0"}}
    world.allow(DESCRIBES, {**on_interfaces, "Condition": elsewhere}, by_id, groups)
    assert "needs ec2:CreateNetworkInterface " in world.outcome("StartEntitiesDetectionJob")


def test_a_role_can_be_limited_to_attach_permissions_in_its_region(world: RoleWorld) -> None:
    permission = {"StringEquals": {"ec2:Permission": "INSTANCE-ATTACH", "ec2:Region": REGION}}
    others = [name for name in EC2_ACTIONS if name != "CreateNetworkInterfacePermission"]
    in_region = actions(*others, Condition={"StringEquals": {"ec2:Region": REGION}})
    world.allow(in_region, actions("CreateNetworkInterfacePermission", Condition=permission))
    assert world.outcome("StartEntitiesDetectionJob") == ""
    for_address = {"StringEquals": {"ec2:Permission": "EIP-ASSOCIATE"}}
    world.allow(in_region, actions("CreateNetworkInterfacePermission", Condition=for_address))
    assert "needs ec2:CreateNetworkInterfacePermission " in world.outcome("StartEntitiesDetectionJob")

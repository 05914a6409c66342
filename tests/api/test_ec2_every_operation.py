"""Behaviour common to every operation of EC2: dry runs, filters, page sizes, and refused operations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from sqlalchemy import inspect, text

from reading_room.aws.operations import Authorizer
from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.vpc.ec2 import ec2_operations
from reading_room.vpc.operations.binding import declarations
from reading_room.vpc.operations.effects import REFUSED
from reading_room.vpc.quotas import Quotas
from tests.api.ec2_filters import FILTERS, LEGACY_FILTERS, PAGE_SIZES
from tests.worlds.ec2 import Buckets, Ec2World, code_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import StructureShape
    from mypy_boto3_ec2 import EC2Client

MODEL = botocore.session.get_session().get_service_model("ec2")
DIGITS = "0123456789abcdef0"
IDS = {
    "AllocationId": "eipalloc",
    "AllocationIds": "eipalloc",
    "AssociationId": "rtbassoc",
    "AssociationIds": "eipassoc",
    "AttachmentId": "eni-attach",
    "DhcpOptionsId": "dopt",
    "FlowLogIds": "fl",
    "GroupId": "sg",
    "InstanceId": "i",
    "InternetGatewayId": "igw",
    "NatGatewayId": "nat",
    "NetworkInsightsPathId": "nip",
    "NetworkInsightsAnalysisId": "nia",
    "NetworkInterfaceId": "eni",
    "NetworkInterfacePermissionId": "eni-perm",
    "PrefixListId": "pl",
    "ResourceIds": "vpc",
    "Resources": "vpc",
    "RouteTableId": "rtb",
    "SecurityGroupRuleId": "sgr",
    "SubnetId": "subnet",
    "VpcEndpointId": "vpce",
    "VpcEndpointIds": "vpce",
    "VpcId": "vpc",
}


CROWD = Quotas(
    vpcs=20, internet_gateways=20, elastic_addresses=20, nat_gateways_per_zone=20, gateway_endpoints=20, prefix_lists=20
)
NEVER_CROWDED = {
    "DescribeStaleSecurityGroups",
    "DescribeVpcEndpointAssociations",
    "GetManagedPrefixListAssociations",
}
"""Operations with short answers: they list what belongs to AWS, what does not exist here, or a single resource."""


class _UnusedAuthorizer:
    """An authorizer that must not be called."""

    def authorize(self, call: object, facts: object) -> None:
        raise AssertionError("must not be called")


def _names() -> list[str]:
    database = Database.open(None)
    classes = ec2_operations(
        database=database,
        clock=system_clock,
        authorizer=cast(Authorizer, _UnusedAuthorizer()),
        bucket_check=Buckets({}),
    )
    names = [bound.facts.name for each in classes for bound in each.bound_operations()]
    database.close()
    return sorted(names)


def shape_of(operation: str) -> StructureShape:
    """Return the model of an operation's input."""
    shape = MODEL.operation_model(operation).input_shape
    assert shape is not None
    return shape


NAMES = _names()
PAGED = [name for name in NAMES if "MaxResults" in shape_of(name).members]
DRY = [name for name in NAMES if "DryRun" in shape_of(name).members]


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ec2World]:
    """An account that no test of this file changes."""
    world = Ec2World(tmp_path_factory.mktemp("ec2") / Path("."))
    yield world
    world.close()


@pytest.fixture(scope="module")
def reader(standing: Ec2World) -> EC2Client:
    """A client with all permissions in it."""
    return standing.client()


def call(ec2: EC2Client, operation: str, **parameters: Any) -> Any:
    return getattr(ec2, xform_name(operation))(**parameters)


def minimal(operation: str) -> dict[str, Any]:
    """Return made-up values for the parameters that the model requires."""
    shape = shape_of(operation)
    return {name: _value(name, shape.members[name]) for name in shape.required_members}


def _value(name: str, shape: Any) -> Any:
    match shape.type_name:
        case "list":
            return [_value(name, shape.member)]
        case "structure":
            return {
                member: _value(member, shape.members[member])
                for member in shape.required_members or list(shape.members)[:1]
            }
        case "integer" | "long":
            return 1
        case "boolean":
            return True
        case "timestamp":
            return "2026-01-01T00:00:00Z"
        case _:
            if name in IDS:
                return f"{IDS[name]}-{DIGITS}"
            return shape.enum[0] if getattr(shape, "enum", None) else "x"


def _items(answer: dict[str, Any]) -> list[Any]:
    """Return the list in an answer; if there are two, the one with details."""
    lists = [value for key, value in answer.items() if isinstance(value, list) and key != "ServiceNames"]
    return list(lists[0]) if lists else []


def rows(world: Ec2World) -> dict[str, list[Any]]:
    """Return all rows of the EC2 tables."""
    with world.database.reading() as session:
        names = inspect(session.connection()).get_table_names()
        kept = [name for name in names if not name.startswith("iam_")]
        return {name: [tuple(row) for row in session.execute(text(f'SELECT * FROM "{name}"'))] for name in kept}


@pytest.mark.parametrize("operation", DRY)
def test_a_dry_run_of_any_operation_changes_nothing(standing: Ec2World, reader: EC2Client, operation: str) -> None:
    before = rows(standing)
    with pytest.raises(ClientError) as caught:
        call(reader, operation, **minimal(operation), DryRun=True)
    assert code_of(caught.value) == "DryRunOperation"
    assert rows(standing) == before


@pytest.mark.parametrize("operation", sorted(set(NAMES) & set(FILTERS)))
def test_every_filter_of_the_model_is_known_and_finds_nothing_for_an_unknown_value(
    reader: EC2Client, operation: str
) -> None:
    names = [*FILTERS[operation].split(), *LEGACY_FILTERS.get(operation, "").split()]
    extra = {"VpcId": _default_vpc(reader)} if operation == "GetSecurityGroupsForVpc" else {}
    # DescribeNatGateways and DescribeFlowLogs call the same parameter "Filter".
    members = shape_of(operation).members
    parameter = "Filters" if "Filters" in members else "Filter"
    if "tag-key" in names:
        # EC2 accepts it wherever it accepts tag-key, although its reference no longer says so.
        names.append("tag-value")
    for name in names:
        # The only filter whose values must be ids.
        by_id = (operation, name) == ("DescribeSecurityGroupRules", "group-id")
        wanted = [
            {"Name": "tag:none" if name == "tag" else name, "Values": [f"sg-{DIGITS}" if by_id else "none"]},
        ]
        answer = call(reader, operation, **extra, **{parameter: wanted})
        assert not any(isinstance(value, list) and value for value in answer.values()), name
    with pytest.raises(ClientError, match="The filter 'colour' is invalid"):
        call(reader, operation, **extra, **{parameter: [{"Name": "colour", "Values": ["red"]}]})


def test_every_describe_operation_with_filters_is_tested() -> None:
    filtered = {name for name in NAMES if {"Filters", "Filter"} & set(shape_of(name).members)}
    assert filtered == set(FILTERS) & set(NAMES)


@pytest.mark.parametrize("operation", sorted(set(NAMES) & set(PAGE_SIZES)))
def test_a_page_size_out_of_bounds_or_an_unknown_token_is_refused(reader: EC2Client, operation: str) -> None:
    least, most = PAGE_SIZES[operation]
    given = minimal(operation)
    if "VpcId" in given:
        given["VpcId"] = _default_vpc(reader)
    if "PrefixListId" in given:
        given["PrefixListId"] = "pl-63a5400a"
    for size in (least, most):
        call(reader, operation, **given, MaxResults=size)
    for size in (least - 1, most + 1):
        with pytest.raises(ClientError) as caught:
            _call_with_page_size(reader, operation, given, size)
        assert code_of(caught.value) == "InvalidParameterValue", size
    with pytest.raises(ClientError) as caught:
        call(reader, operation, **given, NextToken="strange")
    assert code_of(caught.value) == "InvalidNextToken"


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EC2Client]:
    """A client of an account with six of nearly everything."""
    world = Ec2World(tmp_path_factory.mktemp("crowd"), CROWD)
    ec2 = world.client()
    vpc_id = _default_vpc(ec2)
    subnet_id = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    group_id = ec2.create_security_group(GroupName="g", Description="g")["GroupId"]
    for number in range(6):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
        ec2.create_security_group(GroupName=f"g{number}", Description="g")
        ec2.create_route_table(VpcId=vpc_id)
        ec2.create_internet_gateway()
        ec2.create_dhcp_options(DhcpConfigurations=[{"Key": "domain-name", "Values": [f"d{number}"]}])
        ec2.create_nat_gateway(SubnetId=subnet_id, ConnectivityType="private")
        ec2.allocate_address()
        ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName="com.amazonaws.us-east-1.s3")
        interface = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
        ec2.create_network_interface_permission(
            NetworkInterfaceId=interface, AwsAccountId="123456789012", Permission="INSTANCE-ATTACH"
        )
        ec2.create_flow_logs(
            ResourceIds=[interface],
            ResourceType="NetworkInterface",
            TrafficType="ALL",
            LogGroupName="/flow",
            DeliverLogsPermissionArn="arn:aws:iam::000000000001:role/logs",
        )
        ec2.create_tags(Resources=[interface], Tags=[{"Key": "Name", "Value": "x"}])
        path = ec2.create_network_insights_path(
            Source=interface, DestinationIp="192.0.2.1", Protocol="tcp", ClientToken=f"t{number}"
        )["NetworkInsightsPath"]["NetworkInsightsPathId"]
        ec2.start_network_insights_analysis(NetworkInsightsPathId=path, ClientToken=f"t{number}")
        entries: Any = [{"Cidr": f"10.{number}.{each}.0/24"} for each in range(6)]
        made = ec2.create_managed_prefix_list(
            PrefixListName=f"p{number}", MaxEntries=6, AddressFamily="IPv4", Entries=entries
        )
        used: Any = [{"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": made["PrefixList"]["PrefixListId"]}]}]
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=used)
    yield ec2
    world.close()


@pytest.mark.parametrize("operation", PAGED)
def test_the_pages_of_any_operation_add_up_to_the_whole_list(crowded: EC2Client, operation: str) -> None:
    given = minimal(operation)
    if "VpcId" in given:
        given["VpcId"] = _default_vpc(crowded)
    if "PrefixListId" in given:
        mine: Any = [{"Name": "prefix-list-name", "Values": ["p0"]}]
        given["PrefixListId"] = crowded.describe_managed_prefix_lists(Filters=mine)["PrefixLists"][0]["PrefixListId"]
    whole = _items(call(crowded, operation, **given))
    size = PAGE_SIZES.get(operation, (5, 0))[0]
    pages: list[list[Any]] = []
    token: str | None = None
    while token is not None or not pages:
        answer = call(crowded, operation, **given, MaxResults=size, **({} if token is None else {"NextToken": token}))
        pages.append(_items(answer))
        assert len(pages[-1]) <= size
        token = answer.get("NextToken")
    assert [item for page in pages for item in page] == whole
    assert len(pages) > 1 or operation in NEVER_CROWDED


@pytest.mark.parametrize("operation", [name for names in REFUSED.values() for name in names])
@pytest.mark.parametrize("dry", [False, True])
def test_an_operation_that_does_not_exist_here_is_refused(
    standing: Ec2World, reader: EC2Client, operation: str, dry: bool
) -> None:
    before = rows(standing)
    extra = {"DryRun": True} if dry and "DryRun" in shape_of(operation).members else {}
    with pytest.raises(ClientError, match=f"The action {operation} is not valid for this web service") as caught:
        call(reader, operation, **minimal(operation), **extra)
    assert code_of(caught.value) == "InvalidAction"
    assert rows(standing) == before


def test_a_parameter_without_effect_is_refused_even_in_a_dry_run(reader: EC2Client) -> None:
    for extra in ({}, {"DryRun": True}):
        with pytest.raises(ClientError, match="AmazonProvidedIpv6CidrBlock") as caught:
            reader.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True, **cast(Any, extra))
        assert code_of(caught.value) == "UnsupportedOperation"


@pytest.mark.parametrize("operation", [name for name in NAMES if name.startswith("Create")])
def test_every_create_operation_accepts_tags(operation: str) -> None:
    members = shape_of(operation).members
    if "TagSpecifications" not in members:
        assert re.fullmatch("Create(Tags|Route|DefaultVpc|DefaultSubnet|NetworkInterfacePermission)", operation)
        return
    declared = _declared()[operation]
    assert "TagSpecifications" in declared


@pytest.mark.parametrize("operation", NAMES)
def test_every_declared_parameter_is_in_the_model(operation: str) -> None:
    assert set(_declared()[operation]) <= set(shape_of(operation).members)


def _declared() -> dict[str, frozenset[str]]:
    return {each.name: each.parameters for each in declarations()}


def _default_vpc(ec2: EC2Client) -> str:
    return ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]


def _call_with_page_size(ec2: EC2Client, operation: str, given: dict[str, Any], size: int) -> None:
    """Send a page size that botocore would reject."""

    def put(params: dict[str, Any], **_: object) -> None:
        params["body"]["MaxResults"] = size

    event = f"before-call.ec2.{operation}"
    ec2.meta.events.register(event, put)
    try:
        call(ec2, operation, **given)
    finally:
        ec2.meta.events.unregister(event, put)

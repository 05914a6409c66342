"""Gateway endpoints, their policies, and the routes to their prefix lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.worlds.ec2 import code_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


S3 = "com.amazonaws.us-east-1.s3"
PREFIX_LIST = "pl-63a5400a"
POLICY = (
    '{"Version": "2008-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", '
    '"Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"}]}'
)


@pytest.fixture
def table_id(ec2: EC2Client, vpc_id: str) -> str:
    return ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]


def routes(ec2: EC2Client, table_id: str) -> list[Any]:
    (table,) = ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
    return [route for route in table["Routes"] if "DestinationPrefixListId" in route]


def test_an_endpoint_is_available_immediately_with_a_route_in_each_of_its_tables(
    ec2: EC2Client, vpc_id: str, table_id: str
) -> None:
    made = ec2.create_vpc_endpoint(
        VpcId=vpc_id, ServiceName=S3, RouteTableIds=[table_id], PrivateDnsEnabled=False, ClientToken="t"
    )
    endpoint = made["VpcEndpoint"]
    assert made["ClientToken"] == "t"
    assert (endpoint["State"].lower(), endpoint["VpcEndpointType"], endpoint["RouteTableIds"]) == (
        "available",
        "Gateway",
        [table_id],
    )
    (route,) = routes(ec2, table_id)
    assert (route["DestinationPrefixListId"], route["GatewayId"], route["State"]) == (
        PREFIX_LIST,
        endpoint["VpcEndpointId"],
        "active",
    )
    again = ec2.create_vpc_endpoint(
        VpcId=vpc_id, ServiceName=S3, RouteTableIds=[table_id], PrivateDnsEnabled=False, ClientToken="t"
    )
    assert again["VpcEndpoint"]["VpcEndpointId"] == endpoint["VpcEndpointId"]


def test_a_table_routes_a_prefix_list_to_one_endpoint_only(ec2: EC2Client, vpc_id: str, table_id: str) -> None:
    ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName=S3, RouteTableIds=[table_id])
    with pytest.raises(ClientError, match=f"route table {table_id} already has a route") as caught:
        ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName=S3, RouteTableIds=[table_id])
    assert code_of(caught.value) == "RouteAlreadyExists"
    assert len(ec2.describe_vpc_endpoints()["VpcEndpoints"]) == 1


def test_the_routes_of_an_endpoint_are_changed_only_through_the_endpoint(
    ec2: EC2Client, vpc_id: str, subnet_id: str, table_id: str
) -> None:
    endpoint_id = ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName=S3)["VpcEndpoint"]["VpcEndpointId"]
    interface = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    route: Any = {"RouteTableId": table_id, "DestinationPrefixListId": PREFIX_LIST}
    with pytest.raises(ClientError):
        ec2.create_route(**route, GatewayId=endpoint_id)
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint_id, AddRouteTableIds=[table_id])
    with pytest.raises(ClientError):
        ec2.delete_route(**route)
    with pytest.raises(ClientError):
        ec2.replace_route(**route, NetworkInterfaceId=interface)
    assert len(routes(ec2, table_id)) == 1
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint_id, RemoveRouteTableIds=[table_id])
    assert routes(ec2, table_id) == []


def test_the_policy_is_stored_as_sent_and_can_be_reset(ec2: EC2Client, vpc_id: str) -> None:
    endpoint_id = ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName=S3, PolicyDocument=POLICY)["VpcEndpoint"][
        "VpcEndpointId"
    ]

    def policy() -> str:
        (seen,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint_id])["VpcEndpoints"]
        return seen["PolicyDocument"]

    assert policy() == POLICY
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint_id, ResetPolicy=True)
    assert '"Action":"*"' in policy()
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint_id, PolicyDocument=POLICY)
    assert policy() == POLICY


@pytest.mark.parametrize(
    "policy",
    [
        "{",
        "[]",
        POLICY + "\n" + POLICY,
        '{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}',
        POLICY + " " * 20_480,
    ],
    ids=["broken", "no object", "two documents", "no principal", "too long"],
)
def test_an_invalid_endpoint_policy_is_refused_and_changes_nothing(ec2: EC2Client, vpc_id: str, policy: str) -> None:
    with pytest.raises(ClientError, match="The Policy Document is not valid") as caught:
        ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName=S3, PolicyDocument=policy)
    assert code_of(caught.value) == "InvalidPolicyDocument"
    endpoint_id = ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName=S3)["VpcEndpoint"]["VpcEndpointId"]
    before = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    with pytest.raises(ClientError):
        ec2.modify_vpc_endpoint(VpcEndpointId=endpoint_id, PolicyDocument=policy)
    assert ec2.describe_vpc_endpoints()["VpcEndpoints"] == before


def test_parameters_that_gateway_endpoints_cannot_have_are_refused(ec2: EC2Client, vpc_id: str, subnet_id: str) -> None:
    wanted: list[tuple[dict[str, Any], str]] = [
        ({"ServiceName": "com.amazonaws.us-east-1.teapot"}, "InvalidServiceName"),
        ({"ServiceName": "com.amazonaws.us-east-1.logs"}, "InvalidParameter"),
        ({"ServiceName": S3, "VpcEndpointType": "GatewayLoadBalancer"}, "InvalidParameter"),
        ({"ServiceName": S3, "DnsOptions": {"PrivateDnsOnlyForInboundResolverEndpoint": True}}, "InvalidParameter"),
        ({"ServiceName": S3, "IpAddressType": "dualstack"}, "UnsupportedOperation"),
        ({"ServiceName": S3, "ServiceRegion": "eu-west-1"}, "UnsupportedOperation"),
        ({}, "MissingParameter"),
        ({"ServiceName": S3, "SubnetIds": [subnet_id]}, "InvalidParameter"),
        ({"ServiceName": S3, "PrivateDnsEnabled": True}, "InvalidParameter"),
        ({"ServiceName": S3, "RouteTableIds": ["rtb-0123456789abcdef0"]}, "InvalidRouteTableID.NotFound"),
    ]
    for parameters, code in wanted:
        with pytest.raises(ClientError) as caught:
            ec2.create_vpc_endpoint(VpcId=vpc_id, **parameters)
        assert code_of(caught.value) == code
    assert ec2.describe_vpc_endpoints()["VpcEndpoints"] == []


def test_an_endpoint_cannot_be_the_target_of_a_route(ec2: EC2Client, vpc_id: str, table_id: str) -> None:
    endpoint_id = ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName=S3)["VpcEndpoint"]["VpcEndpointId"]
    where: Any = {"RouteTableId": table_id, "DestinationCidrBlock": "192.0.2.0/24"}
    message = f"unsupported route target: {endpoint_id}. VPC Endpoints of this type cannot be used as route targets."
    with pytest.raises(ClientError, match=message) as caught:
        ec2.create_route(**where, VpcEndpointId=endpoint_id)
    assert code_of(caught.value) == "RouteNotSupported"
    with pytest.raises(ClientError) as caught:
        ec2.create_route(**where, GatewayId=endpoint_id)
    assert code_of(caught.value) == "InvalidParameterValue"
    assert routes(ec2, table_id) == []


def test_deleting_removes_the_routes_and_lists_unknown_ids(ec2: EC2Client, vpc_id: str, table_id: str) -> None:
    endpoint_id = ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName=S3, RouteTableIds=[table_id])["VpcEndpoint"][
        "VpcEndpointId"
    ]
    (failed,) = ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint_id, "vpce-0123456789abcdef0"])["Unsuccessful"]
    assert failed["ResourceId"] == "vpce-0123456789abcdef0"
    assert failed["Error"] == {
        "Code": "InvalidVpcEndpoint.NotFound",
        "Message": "The Vpc Endpoint Id 'vpce-0123456789abcdef0' does not exist",
    }
    with pytest.raises(ClientError) as caught:
        ec2.describe_vpc_endpoints(VpcEndpointIds=["vpce-0123456789abcdef0"])
    assert code_of(caught.value) == "InvalidVpcEndpointId.NotFound"
    assert routes(ec2, table_id) == []
    assert ec2.describe_vpc_endpoints()["VpcEndpoints"] == []


def test_the_service_and_its_prefix_list_are_described(ec2: EC2Client) -> None:
    by_name: Any = [{"Name": "prefix-list-name", "Values": [S3]}]
    (entry,) = ec2.describe_prefix_lists(Filters=by_name)["PrefixLists"]
    assert entry["PrefixListId"] == PREFIX_LIST
    (managed,) = ec2.describe_managed_prefix_lists(Filters=by_name)["PrefixLists"]
    assert managed["OwnerId"] == "AWS"
    entries = ec2.get_managed_prefix_list_entries(PrefixListId=PREFIX_LIST)["Entries"]
    assert [found["Cidr"] for found in entries] == sorted(entry["Cidrs"])
    services = ec2.describe_vpc_endpoint_services(Filters=[{"Name": "service-type", "Values": ["Gateway"]}])
    assert services["ServiceNames"] == [S3]
    with pytest.raises(ClientError) as caught:
        ec2.describe_vpc_endpoint_services(ServiceNames=["teapot"])
    assert code_of(caught.value) == "InvalidServiceName"

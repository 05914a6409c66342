"""How many resources of each type an account may have, and the error for one too many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from reading_room.vpc.quotas import Quotas
from tests.worlds.ec2 import Ec2World, code_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

LITTLE = Quotas(
    vpcs=2,
    subnets_per_vpc=1,
    route_tables_per_vpc=2,
    routes_per_table=1,
    security_groups=3,
    rules_per_group=1,
    groups_per_interface=1,
    interfaces=1,
)


class Place:
    """A VPC with one resource of each type."""

    def __init__(self, ec2: EC2Client) -> None:
        self.ec2 = ec2
        self.vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnet_id = ec2.create_subnet(VpcId=self.vpc_id, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        self.table_id = ec2.create_route_table(VpcId=self.vpc_id)["RouteTable"]["RouteTableId"]
        self.group_id = ec2.create_security_group(GroupName="a", Description="a", VpcId=self.vpc_id)["GroupId"]
        created = ec2.create_network_interface(SubnetId=self.subnet_id, Groups=[self.group_id])
        self.interface_id = created["NetworkInterface"]["NetworkInterfaceId"]
        self.route(0)
        self.rule(0)

    def route(self, number: int) -> None:
        """Add a route."""
        self.ec2.create_route(
            RouteTableId=self.table_id,
            DestinationCidrBlock=f"192.0.{number}.0/24",
            NetworkInterfaceId=self.interface_id,
        )

    def rule(self, number: int) -> None:
        """Add a rule."""
        permission: Any = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": f"192.0.{number}.0/24"}]}
        self.ec2.authorize_security_group_ingress(GroupId=self.group_id, IpPermissions=[permission])

    def default_group(self) -> str:
        """Return the VPC's default group."""
        wanted: Any = [{"Name": "vpc-id", "Values": [self.vpc_id]}, {"Name": "group-name", "Values": ["default"]}]
        return self.ec2.describe_security_groups(Filters=wanted)["SecurityGroups"][0]["GroupId"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A VPC in which every quota is used up."""
    world = Ec2World(tmp_path_factory.mktemp("little"), LITTLE)
    yield Place(world.client())
    world.close()


ONE_TOO_MANY: dict[str, Callable[[Place], object]] = {
    "VpcLimitExceeded": lambda p: p.ec2.create_vpc(CidrBlock="10.0.0.0/16"),
    "SubnetLimitExceeded": lambda p: p.ec2.create_subnet(VpcId=p.vpc_id, CidrBlock="10.0.1.0/24"),
    "RouteTableLimitExceeded": lambda p: p.ec2.create_route_table(VpcId=p.vpc_id),
    "RouteLimitExceeded": lambda p: p.route(1),
    "SecurityGroupLimitExceeded": lambda p: p.ec2.create_security_group(GroupName="b", Description="b", VpcId=p.vpc_id),
    "RulesPerSecurityGroupLimitExceeded": lambda p: p.rule(1),
    "SecurityGroupsPerInterfaceLimitExceeded": lambda p: p.ec2.modify_network_interface_attribute(
        NetworkInterfaceId=p.interface_id, Groups=[p.group_id, p.default_group()]
    ),
    "NetworkInterfaceLimitExceeded": lambda p: p.ec2.create_network_interface(SubnetId=p.subnet_id),
    "TagLimitExceeded": lambda p: p.ec2.create_tags(
        Resources=[p.vpc_id], Tags=[{"Key": str(number), "Value": ""} for number in range(51)]
    ),
}


@pytest.mark.parametrize("code", ONE_TOO_MANY)
def test_one_resource_too_many_is_refused_with_the_quotas_own_code(place: Place, code: str) -> None:
    with pytest.raises(ClientError) as caught:
        ONE_TOO_MANY[code](place)
    assert code_of(caught.value) == code


def test_each_address_family_has_its_own_limit_of_rules(place: Place) -> None:
    def rule(number: int) -> Any:
        return [{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": f"2001:db8:{number}::/48"}]}]

    place.ec2.authorize_security_group_ingress(GroupId=place.group_id, IpPermissions=rule(0))
    with pytest.raises(ClientError) as caught:
        place.ec2.authorize_security_group_ingress(GroupId=place.group_id, IpPermissions=rule(1))
    assert code_of(caught.value) == "RulesPerSecurityGroupLimitExceeded"

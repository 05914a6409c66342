"""A VPC with two subnets and two interfaces on the wire, and questions about it, for tests of paths."""

from __future__ import annotations

import itertools
from typing import Any

from reading_room.clock import system_clock
from reading_room.vpc.interfaces import network_interfaces
from tests.worlds.ec2 import Ec2World

_TOKENS = itertools.count()


class Net:
    """A VPC with two subnets, a group for each interface, and what a test adds."""

    def __init__(self, world: Ec2World) -> None:
        self.world = world
        self.ec2 = world.client()
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [self.subnet(f"10.0.{number}.0/24") for number in (1, 2)]
        tables = self.ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])["RouteTables"]
        self.table = tables[0]["RouteTableId"]
        self.sender_group, self.receiver_group = self.group("sender"), self.group("receiver")
        self.sender = self.interface(self.subnets[0], self.sender_group)
        self.receiver = self.interface(self.subnets[1], self.receiver_group)

    def subnet(self, cidr: str) -> str:
        """Make a subnet."""
        return self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=cidr)["Subnet"]["SubnetId"]

    def group(self, name: str) -> str:
        """Make a group."""
        return self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)["GroupId"]

    def interface(self, subnet_id: str, *groups: str) -> str:
        """Make an interface."""
        made = self.ec2.create_network_interface(SubnetId=subnet_id, Groups=list(groups))
        return made["NetworkInterface"]["NetworkInterfaceId"]

    def address(self, interface_id: str) -> str:
        """Return an interface's primary address."""
        found = self.ec2.describe_network_interfaces(NetworkInterfaceIds=[interface_id])
        return found["NetworkInterfaces"][0]["PrivateIpAddress"]

    def attach(self, interface_id: str) -> None:
        """Give an interface to a container."""
        self.ec2.create_network_interface_permission(
            NetworkInterfaceId=interface_id,
            AwsAccountId=network_interfaces.SERVICE_ACCOUNT,
            Permission="INSTANCE-ATTACH",
        )
        with self.world.database.transaction() as session:
            container = f"container-{interface_id}"
            network_interfaces.attach(session, interface_id, "local", container, job_arn="arn", now=system_clock())

    def allow(self, group: str, port: int, last: int | None = None, *, protocol: str = "tcp", **peer: Any) -> str:
        """Allow ingress to a port from a network or a group; return the rule's id."""
        source = {"IpRanges": [{"CidrIp": peer["cidr"]}]} if "cidr" in peer else {
            "UserIdGroupPairs": [{"GroupId": peer["source"]}]
        }  # fmt: skip
        permission: Any = {"IpProtocol": protocol, "FromPort": port, "ToPort": last or port, **source}
        made = self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
        return made["SecurityGroupRules"][0]["SecurityGroupRuleId"]

    def gateway(self, table: str | None = None) -> str:
        """Attach an internet gateway, and route a table to it."""
        made = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=self.vpc)
        self.ec2.create_route(RouteTableId=table or self.table, DestinationCidrBlock="0.0.0.0/0", GatewayId=made)
        return made

    def path(self, source: str, destination: str | None = None, **more: Any) -> str:
        """Make a path."""
        given = {"Protocol": "tcp", **more, **({"Destination": destination} if destination else {})}
        made = self.ec2.create_network_insights_path(Source=source, ClientToken=f"t{next(_TOKENS)}", **given)
        return made["NetworkInsightsPath"]["NetworkInsightsPathId"]

    def analysis(self, path_id: str, **more: Any) -> Any:
        """Analyse a path and return the result."""
        started = self.ec2.start_network_insights_analysis(
            NetworkInsightsPathId=path_id, ClientToken=f"t{next(_TOKENS)}", **more
        )["NetworkInsightsAnalysis"]
        assert started["Status"] == "running"
        found = self.ec2.describe_network_insights_analyses(
            NetworkInsightsAnalysisIds=[started["NetworkInsightsAnalysisId"]]
        )
        return found["NetworkInsightsAnalyses"][0]

    def ask(self, source: str, destination: str | None = None, **more: Any) -> Any:
        """Make a path and analyse it."""
        return self.analysis(self.path(source, destination, **more))


def ids(components: list[Any]) -> list[str]:
    """Return the ids of components, and check that they are numbered without a gap."""
    assert [each["SequenceNumber"] for each in components] == list(range(1, len(components) + 1))
    return [each["Component"]["Id"] for each in components]


def code(analysis: Any) -> str:
    """Return the code of the only explanation of a path that does not exist."""
    assert analysis["Status"] == "succeeded", analysis
    assert analysis["NetworkPathFound"] is False
    (explanation,) = analysis["Explanations"]
    return str(explanation["ExplanationCode"])

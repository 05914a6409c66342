"""The results of path analyses: components in both directions, and codes with the ids of the components that decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.worlds.ec2 import ACCOUNT, REGION, Ec2World
from tests.worlds.insights import Net, code, ids

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ec2World]:
    """An account in which every test has its own network."""
    world = Ec2World(tmp_path_factory.mktemp("insights"))
    yield world
    world.close()


@pytest.fixture
def net(shared: Ec2World) -> Net:
    """A new VPC."""
    return Net(shared)


# Between interfaces


def test_a_path_between_interfaces_is_described_hop_by_hop_in_both_directions(net: Net) -> None:
    rule = net.allow(net.receiver_group, 5432, source=net.sender_group)
    analysis = net.ask(net.sender, net.receiver, DestinationPort=5432)
    assert analysis["NetworkPathFound"] is True
    acl = f"acl-{net.vpc.removeprefix('vpc-')}"
    forward = analysis["ForwardPathComponents"]
    assert ids(forward) == [
        net.sender, net.sender_group, acl, net.table, acl, net.receiver_group, net.receiver,
    ]  # fmt: skip
    assert forward[0]["Subnet"]["Id"] == net.subnets[0]
    assert forward[0]["Vpc"]["Arn"] == f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/{net.vpc}"
    header = forward[0]["OutboundHeader"]
    assert header["SourceAddresses"] == [f"{net.address(net.sender)}/32"]
    assert header["DestinationAddresses"] == [f"{net.address(net.receiver)}/32"]
    assert (header["Protocol"], header["DestinationPortRanges"]) == ("6", [{"From": 5432, "To": 5432}])
    assert forward[1]["SecurityGroupRule"] == {"Cidr": "0.0.0.0/0", "Direction": "egress", "Protocol": "all"}
    assert [forward[at]["AclRule"]["Egress"] for at in (2, 4)] == [True, False]
    assert forward[3]["RouteTableRoute"]["GatewayId"] == "local"
    assert forward[5]["SecurityGroupRule"] == {
        "SecurityGroupId": net.sender_group,
        "Direction": "ingress",
        "PortRange": {"From": 5432, "To": 5432},
        "Protocol": "tcp",
    }
    assert forward[5]["AdditionalDetails"][0]["Component"]["Id"] == rule
    back = analysis["ReturnPathComponents"]
    assert ids(back) == list(reversed(ids(forward)))
    assert "SecurityGroupRule" not in back[1]
    assert back[0]["OutboundHeader"]["SourcePortRanges"] == [{"From": 5432, "To": 5432}]
    assert back[-1]["InboundHeader"]["DestinationAddresses"] == header["SourceAddresses"]
    assert analysis["Explanations"] == []


def test_a_path_within_a_subnet_has_no_access_list_and_no_route(net: Net) -> None:
    neighbour = net.interface(net.subnets[0], net.receiver_group)
    net.allow(net.receiver_group, 80, cidr="10.0.0.0/16")
    analysis = net.ask(net.sender, neighbour)
    assert ids(analysis["ForwardPathComponents"]) == [net.sender, net.sender_group, net.receiver_group, neighbour]


def test_a_missing_ingress_rule_is_explained_with_the_groups_and_the_interface(net: Net) -> None:
    analysis = net.ask(net.sender, net.receiver, DestinationPort=5432)
    assert code(analysis) == "ENI_SG_RULES_MISMATCH"
    (explanation,) = analysis["Explanations"]
    assert explanation["Direction"] == "ingress"
    assert explanation["NetworkInterface"]["Id"] == net.receiver
    assert [each["Id"] for each in explanation["SecurityGroups"]] == [net.receiver_group]
    assert "ReturnPathComponents" not in analysis


def test_a_missing_egress_rule_is_explained_in_the_same_way(net: Net) -> None:
    everything: Any = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    net.ec2.revoke_security_group_egress(GroupId=net.sender_group, IpPermissions=everything)
    analysis = net.ask(net.sender, net.receiver)
    assert code(analysis) == "ENI_SG_RULES_MISMATCH"
    assert analysis["Explanations"][0]["Direction"] == "egress"
    assert analysis["Explanations"][0]["SecurityGroup"]["Id"] == net.sender_group


def test_without_a_given_port_one_port_that_both_ends_allow_is_enough(net: Net) -> None:
    everything: Any = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    net.ec2.revoke_security_group_egress(GroupId=net.sender_group, IpPermissions=everything)
    out: Any = [{"IpProtocol": "tcp", "FromPort": 1000, "ToPort": 2000, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
    net.ec2.authorize_security_group_egress(GroupId=net.sender_group, IpPermissions=out)
    net.allow(net.receiver_group, 500, 1500, cidr="10.0.1.0/24")
    analysis = net.ask(net.sender, net.receiver)
    assert analysis["NetworkPathFound"] is True
    ports = analysis["ForwardPathComponents"][0]["OutboundHeader"]["DestinationPortRanges"]
    assert ports == [{"From": 1000, "To": 1000}]
    narrowed = {"DestinationPortRange": {"FromPort": 1501, "ToPort": 9000}}
    assert code(net.ask(net.sender, net.receiver, FilterAtSource=narrowed)) == "ENI_SG_RULES_MISMATCH"


def test_an_interface_can_send_from_its_own_addresses_only(net: Net) -> None:
    net.allow(net.receiver_group, 80, cidr="0.0.0.0/0")
    analysis = net.ask(net.sender, net.receiver, SourceIp="10.0.9.9", DestinationPort=80)
    assert code(analysis) == "ENI_SOURCE_DEST_CHECK_RESTRICTION"
    assert analysis["Explanations"][0]["NetworkInterface"]["Id"] == net.sender


def test_an_interface_of_another_vpc_cannot_be_reached(net: Net, shared: Ec2World) -> None:
    other = Net(shared)
    analysis = net.ask(net.sender, other.receiver)
    assert code(analysis) in ("NO_POSSIBLE_DESTINATION", "NO_ROUTE_TO_DESTINATION", "ENI_SG_RULES_MISMATCH")


# Routes and gateways


def test_a_table_without_a_route_is_named(net: Net) -> None:
    analysis = net.ask(net.sender, DestinationIp="192.0.2.7", DestinationPort=443)
    assert code(analysis) == "NO_ROUTE_TO_DESTINATION"
    assert analysis["Explanations"][0]["RouteTable"]["Id"] == net.table


def test_a_route_whose_target_was_deleted_is_named(net: Net) -> None:
    gateway = net.gateway()
    net.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=net.vpc)
    analysis = net.ask(net.sender, DestinationIp="192.0.2.7", DestinationPort=443)
    assert code(analysis) == "BAD_STATE_ROUTE"
    route = analysis["Explanations"][0]["RouteTableRoute"]
    assert (route["DestinationCidr"], route["State"]) == ("0.0.0.0/0", "blackhole")


def test_a_route_to_another_interface_is_blocked_by_its_source_destination_check(net: Net) -> None:
    net.attach(net.receiver)
    net.ec2.create_route(RouteTableId=net.table, DestinationCidrBlock="192.0.2.0/24", NetworkInterfaceId=net.receiver)
    analysis = net.ask(net.sender, DestinationIp="192.0.2.7", DestinationPort=443)
    assert code(analysis) == "ENI_SOURCE_DEST_CHECK_RESTRICTION"
    assert analysis["Explanations"][0]["NetworkInterface"]["Id"] == net.receiver


def test_an_interface_without_the_check_accepts_packets_for_other_addresses(net: Net) -> None:
    net.attach(net.receiver)
    net.ec2.modify_network_interface_attribute(NetworkInterfaceId=net.receiver, SourceDestCheck={"Value": False})
    net.ec2.create_route(RouteTableId=net.table, DestinationCidrBlock="192.0.2.0/24", NetworkInterfaceId=net.receiver)
    analysis = net.ask(net.sender, DestinationIp="192.0.2.7", DestinationPort=443)
    assert code(analysis) == "ENI_SG_RULES_MISMATCH"
    assert analysis["Explanations"][0]["NetworkInterface"]["Id"] == net.receiver
    net.allow(net.receiver_group, 443, cidr="10.0.0.0/16")
    analysis = net.ask(net.sender, DestinationIp="192.0.2.7", DestinationPort=443)
    assert (analysis["NetworkPathFound"], code(analysis)) == (False, "NO_POSSIBLE_DESTINATION")
    assert analysis["Explanations"][0]["NetworkInterface"]["Id"] == net.receiver


def test_a_route_to_an_unattached_interface_is_in_a_bad_state_even_without_the_check(net: Net) -> None:
    net.ec2.modify_network_interface_attribute(NetworkInterfaceId=net.receiver, SourceDestCheck={"Value": False})
    net.ec2.create_route(RouteTableId=net.table, DestinationCidrBlock="192.0.2.0/24", NetworkInterfaceId=net.receiver)
    analysis = net.ask(net.sender, DestinationIp="192.0.2.7", DestinationPort=443)
    assert code(analysis) == "BAD_STATE_ROUTE"


def test_an_internet_gateway_needs_a_public_address(net: Net) -> None:
    gateway = net.gateway()
    net.attach(net.sender)
    analysis = net.ask(net.sender, gateway)
    assert code(analysis) == "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"
    assert analysis["Explanations"][0]["InternetGateway"]["Id"] == gateway
    assert analysis["Explanations"][0]["Address"] == net.address(net.sender)


def test_an_elastic_address_reaches_the_internet_and_the_gateway_has_both_headers(net: Net) -> None:
    gateway = net.gateway()
    net.attach(net.sender)
    elastic = net.ec2.allocate_address()
    net.ec2.associate_address(AllocationId=elastic["AllocationId"], NetworkInterfaceId=net.sender)
    analysis = net.ask(net.sender, gateway)
    forward = analysis["ForwardPathComponents"]
    assert ids(forward)[-2:] == [net.table, gateway]
    assert forward[-2]["RouteTableRoute"]["GatewayId"] == gateway
    assert forward[-1]["InboundHeader"]["SourceAddresses"] == [f"{net.address(net.sender)}/32"]
    assert forward[-1]["OutboundHeader"]["SourceAddresses"] == [f"{elastic['PublicIp']}/32"]
    back = analysis["ReturnPathComponents"]
    assert ids(back)[0] == gateway
    assert ids(back)[-1] == net.sender
    assert back[0]["OutboundHeader"]["DestinationAddresses"] == [f"{net.address(net.sender)}/32"]


@pytest.mark.costs(0.2, reason="it creates a network with many calls, and analyses a path after each change")
def test_a_path_from_the_internet_needs_a_public_address_a_rule_and_a_return_route(net: Net) -> None:
    own = net.ec2.create_route_table(VpcId=net.vpc)["RouteTable"]["RouteTableId"]
    gateway = net.gateway(own)
    net.attach(net.receiver)
    analysis = net.ask(gateway, net.receiver, DestinationPort=22)
    assert code(analysis) == "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS"
    elastic = net.ec2.allocate_address()
    net.ec2.associate_address(AllocationId=elastic["AllocationId"], NetworkInterfaceId=net.receiver)
    path = net.path(gateway, net.receiver, DestinationPort=22)
    assert code(net.analysis(path)) == "ENI_SG_RULES_MISMATCH"
    net.allow(net.receiver_group, 22, cidr="203.0.113.5/32")
    missing = net.analysis(path)
    assert code(missing) == "NO_ROUTE_TO_DESTINATION"
    assert missing["Explanations"][0]["RouteTable"]["Id"] == net.table
    assert missing["Explanations"][0]["Destination"]["Id"] == gateway
    net.ec2.associate_route_table(RouteTableId=own, SubnetId=net.subnets[1])
    found = net.analysis(path)
    assert found["NetworkPathFound"] is True
    forward = found["ForwardPathComponents"]
    assert ids(forward)[0] == gateway
    assert forward[0]["InboundHeader"]["SourceAddresses"] == ["203.0.113.5/32"]
    assert forward[0]["OutboundHeader"]["DestinationAddresses"] == [f"{net.address(net.receiver)}/32"]
    back = found["ReturnPathComponents"]
    assert ids(back)[-2:] == [own, gateway]
    assert back[-1]["OutboundHeader"]["SourceAddresses"] == [f"{elastic['PublicIp']}/32"]


@pytest.mark.costs(0.2, reason="it creates a network with a NAT gateway with many calls")
def test_a_nat_gateway_follows_the_route_that_leads_to_it(net: Net) -> None:
    public = net.ec2.create_route_table(VpcId=net.vpc)["RouteTable"]["RouteTableId"]
    gateway = net.gateway(public)
    net.ec2.associate_route_table(RouteTableId=public, SubnetId=net.subnets[1])
    elastic = net.ec2.allocate_address()
    nat = net.ec2.create_nat_gateway(SubnetId=net.subnets[1], AllocationId=elastic["AllocationId"])
    nat_id = nat["NatGateway"]["NatGatewayId"]
    net.ec2.create_route(RouteTableId=net.table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat_id)
    net.attach(net.sender)
    path = net.path(net.sender, gateway)
    analysis = net.analysis(path)
    acl = f"acl-{net.vpc.removeprefix('vpc-')}"
    forward = ids(analysis["ForwardPathComponents"])
    assert forward == [net.sender, net.sender_group, acl, net.table, acl, nat_id, acl, public, gateway]
    assert ids(analysis["ReturnPathComponents"])[:2] == [gateway, acl]
    assert ids(analysis["ReturnPathComponents"])[-1] == net.sender
    arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}:natgateway/{nat_id}"
    assert net.analysis(path, FilterInArns=[arn])["NetworkPathFound"] is True
    without = net.analysis(path, FilterOutArns=[arn])
    assert code(without) == "COMPONENT_FILTER_RESTRICTION"
    assert without["Explanations"][0]["Component"]["Arn"] == arn
    assert without["FilterOutArns"] == [arn]
    as_sent = net.ask(net.sender, gateway, FilterAtDestination={"SourceAddress": net.address(net.sender)})
    assert code(as_sent) == "NGW_SOURCE_ADDRESS_REASSIGN"


def test_a_nat_gateway_replaces_low_source_ports(net: Net) -> None:
    public = net.ec2.create_route_table(VpcId=net.vpc)["RouteTable"]["RouteTableId"]
    gateway = net.gateway(public)
    net.ec2.associate_route_table(RouteTableId=public, SubnetId=net.subnets[1])
    elastic = net.ec2.allocate_address()
    nat = net.ec2.create_nat_gateway(SubnetId=net.subnets[1], AllocationId=elastic["AllocationId"])
    net.ec2.create_route(
        RouteTableId=net.table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat["NatGateway"]["NatGatewayId"]
    )
    net.attach(net.sender)
    low = {"SourcePortRange": {"FromPort": 1, "ToPort": 1023}}
    assert code(net.ask(net.sender, gateway, FilterAtDestination=low)) == "REMAP_EPHEMERAL_PORT"


# Endpoints


def test_a_gateway_endpoint_is_reached_by_the_route_to_its_prefix_list(net: Net) -> None:
    made = net.ec2.create_vpc_endpoint(
        VpcId=net.vpc, ServiceName=f"com.amazonaws.{REGION}.s3", RouteTableIds=[net.table]
    )
    endpoint = made["VpcEndpoint"]["VpcEndpointId"]
    analysis = net.ask(net.sender, endpoint, DestinationPort=443)
    forward = analysis["ForwardPathComponents"]
    assert ids(forward)[-2:] == [net.table, endpoint]
    assert forward[-2]["RouteTableRoute"]["DestinationPrefixListId"].startswith("pl-")
    assert forward[-2]["RouteTableRoute"]["GatewayId"] == endpoint
    assert ids(analysis["ReturnPathComponents"])[0] == endpoint
    by_udp = net.ask(net.sender, endpoint, Protocol="udp", DestinationPort=443)
    assert code(by_udp) == "VPCE_GATEWAY_PROTOCOL_RESTRICTION"
    assert by_udp["Explanations"][0]["VpcEndpoint"]["Id"] == endpoint
    net.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, RemoveRouteTableIds=[net.table])
    lost = net.ask(net.sender, endpoint, DestinationPort=443)
    assert code(lost) == "NO_ROUTE_TO_DESTINATION"
    assert lost["Explanations"][0]["Destination"]["Id"] == endpoint


@pytest.mark.costs(0.2, reason="it creates a network with an endpoint, and analyses a path after each change")
def test_an_interface_endpoint_is_reached_if_its_groups_allow_the_sender(net: Net) -> None:
    made = net.ec2.create_vpc_endpoint(
        VpcId=net.vpc,
        ServiceName=f"com.amazonaws.{REGION}.logs",
        VpcEndpointType="Interface",
        SubnetIds=[net.subnets[1]],
        SecurityGroupIds=[net.receiver_group],
        PrivateDnsEnabled=False,
    )
    endpoint = made["VpcEndpoint"]["VpcEndpointId"]
    refused = net.ask(net.sender, endpoint)
    assert code(refused) == "ENI_SG_RULES_MISMATCH"
    net.allow(net.receiver_group, 0, 65535, source=net.sender_group)
    analysis = net.ask(net.sender, endpoint)
    forward = ids(analysis["ForwardPathComponents"])
    assert forward[-1] == endpoint
    assert forward[-3] == net.receiver_group
    assert forward[-2].startswith("eni-")
    by_interface = net.ask(net.sender, forward[-2])
    assert ids(by_interface["ForwardPathComponents"]) == forward
    assert by_interface["NetworkPathFound"] is True
    deaf = net.ask(net.sender, endpoint, DestinationPort=8080)
    assert code(deaf) == "PROTOCOL_RESTRICTION"
    assert deaf["Explanations"][0]["PortRanges"] == [{"From": 80, "To": 80}, {"From": 443, "To": 443}]


def test_no_path_starts_at_a_gateway_endpoint(net: Net) -> None:
    made = net.ec2.create_vpc_endpoint(
        VpcId=net.vpc, ServiceName=f"com.amazonaws.{REGION}.s3", RouteTableIds=[net.table]
    )
    assert code(net.ask(made["VpcEndpoint"]["VpcEndpointId"], net.sender)) == "NO_POSSIBLE_DESTINATION"

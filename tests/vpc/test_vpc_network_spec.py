"""The ``NetworkSpec`` of a host, read from the tables."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from reading_room.dataplane import spec
from reading_room.vpc import network_spec
from reading_room.vpc.addressing.prefix_lists import API_CIDRS, API_PREFIX_LIST_ID, S3_CIDRS, S3_PREFIX_LIST_ID
from reading_room.vpc.endpoints import endpoints
from reading_room.vpc.flow_logs import flow_logs
from reading_room.vpc.groups import permissions, security_group_rules, security_groups
from reading_room.vpc.interfaces import network_interfaces
from reading_room.vpc.routing import route_tables, routes
from reading_room.vpc.tables import NetworkInterface, NetworkInterfaceGroup, SecurityGroup
from reading_room.vpc.vpcs import service_network
from tests.worlds.vpc import ACCOUNT, NOW, REGION, Network, network

S3 = "com.amazonaws.us-east-1.s3"


def interface(world: Network, *groups: SecurityGroup) -> NetworkInterface:
    ids = [group.group_id for group in groups]
    return network_interfaces.create(world.session, ACCOUNT, world.subnet, ids, NOW, requester_id="me")


def attach(world: Network, made: NetworkInterface, container: str = "c-1", host: str = "here") -> None:
    network_interfaces.permit(
        world.session, ACCOUNT, made.interface_id, network_interfaces.SERVICE_ACCOUNT, "INSTANCE-ATTACH"
    )
    network_interfaces.attach(world.session, made.interface_id, host, container)


def only_vpc(world: Network) -> spec.Vpc:
    (vpc,) = network_spec.read(world.session).vpcs
    return vpc


def test_a_vpc_without_interfaces_and_endpoints_is_left_out() -> None:
    with network() as world:
        read = network_spec.read(world.session)
        lists = (spec.PrefixList(S3_PREFIX_LIST_ID, S3_CIDRS), spec.PrefixList(API_PREFIX_LIST_ID, API_CIDRS))
        assert read == spec.NetworkSpec((), lists)


def test_a_rule_has_its_protocol_number_ports_and_peer() -> None:
    with network() as world:
        group = security_groups.create(world.session, world.vpc, "web", "web", NOW)
        made = interface(world, group)
        wanted = permissions.requested(
            {
                "IpPermissions": [
                    {
                        "IpProtocol": "tcp",
                        "FromPort": 80,
                        "ToPort": 81,
                        "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
                        "UserIdGroupPairs": [{"GroupId": group.group_id}],
                        "PrefixListIds": [{"PrefixListId": S3_PREFIX_LIST_ID}],
                    }
                ]
            }
        )
        security_group_rules.authorize(world.session, group, wanted, egress=False)
        described = next(entry for entry in only_vpc(world).groups if entry.group_id == group.group_id)
        assert {(rule.protocol, rule.from_port, rule.to_port, rule.peer) for rule in described.ingress} == {
            (6, 80, 81, spec.CidrPeer("10.0.0.0/8")),
            (6, 80, 81, spec.GroupPeer(group.group_id)),
            (6, 80, 81, spec.PrefixListPeer(S3_PREFIX_LIST_ID)),
        }
        assert [(rule.protocol, rule.peer) for rule in described.egress] == [
            (spec.ALL_PROTOCOLS, spec.CidrPeer("0.0.0.0/0"))
        ]
        assert described.members == (made.address,)


def test_a_rule_for_an_ipv6_network_does_not_change_the_network() -> None:
    with network() as world:
        group = security_groups.create(world.session, world.vpc, "web", "web", NOW)
        interface(world, group)
        before = network_spec.read(world.session)
        wanted = permissions.requested({"IpPermissions": [{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]})
        for egress in (False, True):
            security_group_rules.authorize(world.session, group, wanted, egress=egress)
        assert network_spec.read(world.session) == before


def test_an_interface_is_attached_only_while_a_container_uses_it() -> None:
    with network() as world:
        made = interface(world)
        assert [entry.container_id for entry in only_vpc(world).interfaces] == [None]
        attach(world, made)
        assert [entry.container_id for entry in only_vpc(world).interfaces] == ["c-1"]
        network_interfaces.detach(world.session, made.interface_id)
        assert [entry.container_id for entry in only_vpc(world).interfaces] == [None]


def test_an_endpoint_and_its_route_come_and_go_together() -> None:
    with network() as world:
        table = route_tables.create(world.session, world.vpc, NOW)
        made = endpoints.create(world.session, world.vpc, REGION, S3, [table.route_table_id], None, NOW)
        vpc = only_vpc(world)
        assert vpc.endpoints == (spec.Endpoint(made.vpc_endpoint_id, "gateway", "s3", S3_PREFIX_LIST_ID, 1),)
        assert vpc.route_tables[1].routes == (spec.Route(S3_PREFIX_LIST_ID, made.vpc_endpoint_id),)
        main = vpc.route_tables[0].route_table_id
        assert [subnet.route_table_id for subnet in vpc.subnets] == [main]
        association = route_tables.associate(world.session, ACCOUNT, table.route_table_id, world.subnet.subnet_id)
        assert only_vpc(world).subnets[0].route_table_id == table.route_table_id
        route_tables.disassociate(world.session, ACCOUNT, association.association_id)
        assert only_vpc(world).subnets[0].route_table_id == main
        endpoints.delete_endpoint(world.session, ACCOUNT, made.vpc_endpoint_id)
        interface(world)
        assert only_vpc(world).endpoints == ()
        assert all(entry.routes == () for entry in only_vpc(world).route_tables)


def test_a_route_leads_to_an_interface_that_a_container_has_and_whose_check_is_off() -> None:
    with network() as world:
        made = interface(world)
        wanted = {
            "RouteTableId": route_tables.main_of(world.session, world.vpc.vpc_id),
            "DestinationCidrBlock": "192.0.2.0/24",
            "NetworkInterfaceId": made.interface_id,
        }
        routes.create(world.session, ACCOUNT, wanted)

        def target() -> str:
            (route,) = only_vpc(world).route_tables[0].routes
            return route.target

        assert target() == "blackhole"
        made.source_dest_check = False
        assert target() == "blackhole"
        attach(world, made)
        assert target() == made.interface_id
        made.source_dest_check = True
        assert target() == "blackhole"


def test_a_flow_log_of_the_vpc_the_subnet_or_the_interface_marks_it_as_logged() -> None:
    request = {
        "TrafficType": "ALL",
        "LogGroupName": "/flow",
        "DeliverLogsPermissionArn": "arn:aws:iam::000000000001:role/r",
    }
    with network() as world:
        made = interface(world)
        for kind, identifier in (
            ("VPC", world.vpc.vpc_id),
            ("Subnet", world.subnet.subnet_id),
            ("NetworkInterface", made.interface_id),
        ):
            assert [entry.logged for entry in only_vpc(world).interfaces] == [False]
            settings = flow_logs.requested({**request, "ResourceType": kind})
            log = flow_logs.create(world.session, ACCOUNT, settings, identifier, NOW, "writable")
            assert [entry.logged for entry in only_vpc(world).interfaces] == [True]
            assert flow_logs.covering(world.session, made.vpc_id, made.subnet_id, made.interface_id) == [log]
            flow_logs.delete_flow_logs(world.session, ACCOUNT, [log.flow_log_id])


def test_without_dns_support_the_vpc_has_no_resolver() -> None:
    with network() as world:
        interface(world)
        assert only_vpc(world).dns_support
        world.vpc.enable_dns_support = False
        assert not only_vpc(world).dns_support


def test_the_services_own_network_reaches_s3_and_nothing_else() -> None:
    with network() as world:
        service_network.ensure(world.session, REGION)
        service_network.ensure(world.session, REGION)
        made = service_network.create_interface(world.session, "here", "c-9", "arn:job")
        again = service_network.create_interface(world.session, "here", "c-9", "arn:job")
        assert made is again
        vpc = only_vpc(world)
        assert [(entry.kind, entry.service) for entry in vpc.endpoints] == [("public", "s3")]
        assert [entry.container_id for entry in vpc.interfaces] == ["c-9"]
        (group_id,) = vpc.interfaces[0].group_ids
        group = next(entry for entry in vpc.groups if entry.group_id == group_id)
        assert group.ingress == ()
        assert {(rule.protocol, rule.from_port, rule.peer) for rule in group.egress} == {
            (6, 80, spec.PrefixListPeer(S3_PREFIX_LIST_ID)),
            (6, 443, spec.PrefixListPeer(S3_PREFIX_LIST_ID)),
        }
        service_network.delete_interface(world.session, made.interface_id)
        service_network.delete_interface(world.session, made.interface_id)
        assert only_vpc(world).interfaces == ()


@pytest.mark.costs(0.2, reason="a thousand interfaces are written and read")
def test_equal_tables_give_equal_specs_in_few_queries_even_for_a_thousand_interfaces() -> None:
    with network(subnet="10.0.0.0/20") as world:
        group = security_groups.default_of(world.session, world.vpc.vpc_id)
        world.session.add_all(
            NetworkInterface(
                interface_id=f"eni-{number:017x}",
                account=ACCOUNT,
                vpc_id=world.vpc.vpc_id,
                subnet_id=world.subnet.subnet_id,
                address=f"10.0.{number // 250}.{number % 250 + 4}",
                mac=f"02:00:00:00:{number // 256:02x}:{number % 256:02x}",
                requester_id="me",
                created_at=NOW,
            )
            for number in range(1000)
        )
        world.session.flush()
        world.session.add_all(
            NetworkInterfaceGroup(interface_id=f"eni-{number:017x}", group_id=group.group_id) for number in range(1000)
        )
        world.session.flush()
        world.session.expire_all()
        queries: list[str] = []
        event.listen(
            world.session.get_bind(),
            "before_cursor_execute",
            lambda connection, cursor, statement, *rest: queries.append(statement),
        )
        first = network_spec.read(world.session)
        assert len(first.vpcs[0].interfaces) == len(first.vpcs[0].groups[0].members) == 1000
        assert len(queries) < 20
        assert network_spec.read(world.session) == first


@pytest.mark.parametrize("table", ["vpcs", "routes", "network_interfaces", "flow_logs", "security_group_rules"])
def test_a_write_to_a_table_of_the_network_is_announced(table: str) -> None:
    assert table in network_spec.NETWORK_TABLES

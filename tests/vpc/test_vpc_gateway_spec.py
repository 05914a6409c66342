"""Gateways, public addresses and their routes in the ``NetworkSpec`` of a host."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from reading_room.agent.check import check
from reading_room.agent.spec import HostSpec
from reading_room.dataplane import spec
from reading_room.dataplane.rules.compile import compile_host
from reading_room.vpc import network_spec
from reading_room.vpc.addressing import customer_prefix_lists
from reading_room.vpc.gateways import elastic_addresses, internet_gateways, nat_gateways
from reading_room.vpc.gateways.gateway_spec import FAR_ENDPOINTS
from reading_room.vpc.interfaces import network_interfaces, secondary_addresses
from reading_room.vpc.quotas import Quotas
from reading_room.vpc.routing import route_tables, routes
from reading_room.vpc.tables import ElasticAddress, NatGateway, NetworkInterface, RouteTable
from tests.worlds.vpc import ACCOUNT, NOW, Network, network

POOL = "198.51.100.0/24"
OPEN = Quotas.of_profile("open")


def attach_gateway(world: Network) -> str:
    gateway = internet_gateways.create(world.session, ACCOUNT, NOW)
    internet_gateways.attach(world.session, ACCOUNT, gateway.internet_gateway_id, world.vpc.vpc_id)
    return gateway.internet_gateway_id


def interface(world: Network) -> NetworkInterface:
    return network_interfaces.create(world.session, ACCOUNT, world.subnet, [], NOW, requester_id="me")


def public_address(world: Network) -> ElasticAddress:
    return elastic_addresses.allocate(world.session, ACCOUNT, POOL, NOW, quotas=OPEN)


def nat(world: Network, **wanted: Any) -> NatGateway:
    request = {"SubnetId": world.subnet.subnet_id, **wanted}
    return nat_gateways.create(world.session, ACCOUNT, nat_gateways.requested(request), NOW, quotas=OPEN)


def route(world: Network, table: RouteTable, destination: str, **target: str) -> None:
    request = {"RouteTableId": table.route_table_id, "DestinationCidrBlock": destination, **target}
    routes.create(world.session, ACCOUNT, request)


def only_vpc(world: Network) -> spec.Vpc:
    (vpc,) = network_spec.read(world.session).vpcs
    return vpc


def routes_of(world: Network, table: RouteTable) -> dict[str, str]:
    (found,) = (each for each in only_vpc(world).route_tables if each.route_table_id == table.route_table_id)
    return {each.destination: each.target for each in found.routes}


def test_an_internet_gateway_adds_the_far_services() -> None:
    with network() as world:
        interface(world)
        assert (only_vpc(world).internet_gateway, only_vpc(world).endpoints) == (None, ())
        gateway_id = attach_gateway(world)
        assert only_vpc(world).internet_gateway == gateway_id
        assert only_vpc(world).endpoints == FAR_ENDPOINTS
        internet_gateways.detach(world.session, ACCOUNT, gateway_id, world.vpc.vpc_id)
        assert (only_vpc(world).internet_gateway, only_vpc(world).endpoints) == (None, ())


def test_each_public_address_has_its_private_address() -> None:
    with network() as world:
        attach_gateway(world)
        made = interface(world)
        (second,) = secondary_addresses.assign(world.session, made, NOW, count=1)
        rows = [public_address(world) for _ in range(3)]
        for row, private in zip(rows, (made.address, second), strict=False):
            elastic_addresses.associate(
                world.session, ACCOUNT, row.allocation_id, made.interface_id, private_address=private
            )
        vpc = only_vpc(world)
        assert {(each.public, each.private) for each in vpc.elastic_addresses} == {
            (rows[0].public_ip, made.address),
            (rows[1].public_ip, second),
        }
        assert vpc.interfaces[0].secondary == (second,)
        assert vpc.groups[0].members == (made.address, second)
        elastic_addresses.disassociate_by_id(world.session, ACCOUNT, str(rows[0].association_id))
        assert [each.public for each in only_vpc(world).elastic_addresses] == [rows[1].public_ip]


def test_a_nat_gateway_has_all_its_addresses_and_is_included_only_while_available() -> None:
    with network() as world:
        attach_gateway(world)
        first, second = public_address(world), public_address(world)
        made = nat(
            world,
            AllocationId=first.allocation_id,
            SecondaryAllocationIds=[second.allocation_id],
            SecondaryPrivateIpAddresses=["10.0.0.99"],
        )
        failed = nat(world, AllocationId=first.allocation_id)
        assert failed.state == "failed"
        vpc = only_vpc(world)
        (its_interface,) = vpc.interfaces
        assert its_interface.nat_gateway_id == made.nat_gateway_id
        assert its_interface.group_ids == ()
        assert vpc.nat_gateways == (
            spec.NatGateway(
                made.nat_gateway_id,
                world.subnet.subnet_id,
                its_interface.interface_id,
                private=("10.0.0.4", "10.0.0.99"),
                public=(first.public_ip, second.public_ip),
            ),
        )
        assert vpc.elastic_addresses == ()
        nat_gateways.delete_gateway(world.session, ACCOUNT, made.nat_gateway_id, NOW)
        interface(world)
        assert only_vpc(world).nat_gateways == ()


def test_a_private_nat_gateway_has_no_public_address() -> None:
    with network() as world:
        made = nat(world, ConnectivityType="private")
        (described,) = only_vpc(world).nat_gateways
        assert (described.nat_gateway_id, described.private, described.public) == (
            made.nat_gateway_id,
            ("10.0.0.4",),
            (),
        )


def test_a_route_is_a_blackhole_unless_its_target_accepts_packets() -> None:
    with network() as world:
        gateway_id, made = attach_gateway(world), interface(world)
        translator = nat(world, ConnectivityType="private")
        table = route_tables.create(world.session, world.vpc, NOW)
        route(world, table, "0.0.0.0/0", GatewayId=gateway_id)
        route(world, table, "192.0.2.0/24", NatGatewayId=translator.nat_gateway_id)
        route(world, table, "203.0.113.0/24", NetworkInterfaceId=made.interface_id)
        assert routes_of(world, table) == {
            "0.0.0.0/0": gateway_id,
            "192.0.2.0/24": translator.nat_gateway_id,
            "203.0.113.0/24": "blackhole",
        }
        nat_gateways.delete_gateway(world.session, ACCOUNT, translator.nat_gateway_id, NOW)
        internet_gateways.detach(world.session, ACCOUNT, gateway_id, world.vpc.vpc_id)
        assert set(routes_of(world, table).values()) == {"blackhole"}
        other = world.another_vpc()
        internet_gateways.attach(world.session, ACCOUNT, gateway_id, other.vpc_id)
        assert routes_of(world, table)["0.0.0.0/0"] == "blackhole"


def test_a_route_for_a_subnet_is_included_while_the_subnet_exists() -> None:
    with network() as world:
        translator = nat(world, ConnectivityType="private")
        other = world.another_subnet("10.0.1.0/24")
        table = route_tables.create(world.session, world.vpc, NOW)
        route(world, table, "10.0.1.0/24", NatGatewayId=translator.nat_gateway_id)
        assert routes_of(world, table) == {"10.0.1.0/24": translator.nat_gateway_id}
        world.session.delete(other)
        world.session.flush()
        world.another_subnet("10.0.1.0/25")
        assert routes_of(world, table) == {}


def test_a_replaced_local_route_applies_to_each_subnet_without_its_own_route() -> None:
    with network() as world:
        translator = nat(world, ConnectivityType="private")
        made = interface(world)
        world.another_subnet("10.0.1.0/24")
        table = route_tables.create(world.session, world.vpc, NOW)
        request = {"RouteTableId": table.route_table_id, "DestinationCidrBlock": "10.0.0.0/16"}
        routes.replace(world.session, ACCOUNT, {**request, "NatGatewayId": translator.nat_gateway_id})
        route(world, table, "10.0.1.0/24", NetworkInterfaceId=made.interface_id)
        assert routes_of(world, table) == {"10.0.0.0/24": translator.nat_gateway_id, "10.0.1.0/24": "blackhole"}
        routes.replace(world.session, ACCOUNT, {**request, "LocalTarget": True})
        assert routes_of(world, table) == {"10.0.1.0/24": "blackhole"}


def test_customers_prefix_lists_have_the_entries_of_their_latest_version() -> None:
    with network() as world:
        interface(world)
        made = customer_prefix_lists.create(
            world.session, ACCOUNT, "partners", 5, [{"Cidr": "192.0.2.0/24"}, {"Cidr": "203.0.113.0/24"}], NOW
        )
        empty = customer_prefix_lists.create(world.session, ACCOUNT, "nobody", 5, [], NOW)
        customer_prefix_lists.modify(
            world.session, ACCOUNT, made.prefix_list_id, remove=[{"Cidr": "192.0.2.0/24"}], current_version=1
        )
        described = {each.prefix_list_id: each.cidrs for each in network_spec.read(world.session).prefix_lists}
        assert described[made.prefix_list_id] == ("203.0.113.0/24",)
        assert described[empty.prefix_list_id] == ()


@pytest.mark.costs(0.25, reason="eleven NAT gateways are made, and as many public addresses beside them")
def test_the_number_of_queries_does_not_grow_with_the_gateways() -> None:
    def queries(gateways: int) -> int:
        with network() as world:
            attach_gateway(world)
            for _ in range(gateways):
                nat(world, AllocationId=public_address(world).allocation_id)
                row = public_address(world)
                elastic_addresses.associate(world.session, ACCOUNT, row.allocation_id, interface(world).interface_id)
            world.session.expire_all()
            seen: list[str] = []
            event.listen(
                world.session.get_bind(),
                "before_cursor_execute",
                lambda connection, cursor, statement, *rest: seen.append(statement),
            )
            network_spec.read(world.session)
            return len(seen)

    assert queries(1) == queries(10) < 22


def test_a_spec_with_gateways_passes_the_agents_checks_and_compiles() -> None:
    with network() as world:
        gateway_id, made = attach_gateway(world), interface(world)
        first, second, third = (public_address(world) for _ in range(3))
        outer = nat(world, AllocationId=first.allocation_id, SecondaryAllocationIds=[second.allocation_id])
        inner = nat(world, ConnectivityType="private", SecondaryPrivateIpAddressCount=1)
        elastic_addresses.associate(world.session, ACCOUNT, third.allocation_id, made.interface_id)
        world.another_subnet("10.0.1.0/24")
        table = route_tables.create(world.session, world.vpc, NOW)
        route(world, table, "0.0.0.0/0", NatGatewayId=outer.nat_gateway_id)
        route(world, table, "192.0.2.0/24", GatewayId=gateway_id)
        route(world, table, "10.0.1.0/24", NatGatewayId=inner.nat_gateway_id)
        described = network_spec.read(world.session)
        check(HostSpec("here", 1, described), "here", 0)
        compile_host(described)

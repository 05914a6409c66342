"""Whether a job's interface can reach S3, checked before the job starts: names first, then packets."""

from __future__ import annotations

import pytest

from reading_room.jobs.record import LOCAL_HOST
from reading_room.vpc.addressing import dhcp_options
from reading_room.vpc.endpoints import interface_endpoints
from reading_room.vpc.endpoints.endpoint_services import find
from reading_room.vpc.endpoints.interface_endpoints import Wanted
from reading_room.vpc.interfaces import network_interfaces
from reading_room.vpc.tables import SecurityGroupRule, Subnet, Vpc, VpcEndpoint
from tests.worlds.preparation import ACCOUNT, REGION, PreparationWorld


def with_dns(world: PreparationWorld, support: bool = True, servers: list[str] | None = None) -> None:
    """Set the DNS options of the VPC's containers."""
    with world.database.transaction() as session:
        vpc = session.get_one(Vpc, world.vpc)
        vpc.enable_dns_support = support
        if servers is not None:
            values = [{"Key": "domain-name-servers", "Values": servers}]
            vpc.dhcp_options_id = (
                dhcp_options.create(session, ACCOUNT, values).dhcp_options_id if servers else dhcp_options.NO_SET
            )


def failed_message(world: PreparationWorld) -> str:
    job = world.submit()
    world.run(job)
    message = world.message(job)
    assert message.startswith("NO_ROUTE_TO_STORAGE: "), message
    assert world.interfaces() == []
    return message


def test_without_dns_support_the_failure_names_dns_and_the_attribute(world: PreparationWorld) -> None:
    with_dns(world, support=False)
    message = failed_message(world)
    assert f"DNS resolves no name, because enableDnsSupport of {world.vpc} is false" in message


def test_without_dhcp_options_the_failure_names_dns_and_what_to_associate(world: PreparationWorld) -> None:
    with_dns(world, servers=[])
    message = failed_message(world)
    assert "DNS resolves no name" in message
    assert "domain-name-servers=AmazonProvidedDNS" in message


def test_the_vpc_s_own_name_servers_must_be_reachable(world: PreparationWorld) -> None:
    with_dns(world, support=False, servers=["192.0.2.53"])
    message = failed_message(world)
    assert "DNS is not available: the name server 192.0.2.53 cannot be reached" in message


def test_the_vpc_s_own_name_servers_are_suspected_if_nothing_else_is_wrong(world: PreparationWorld) -> None:
    other = world.make_subnet(world.vpc, "10.0.7.0/24")
    with world.database.transaction() as session:
        server = network_interfaces.create(
            session, ACCOUNT, session.get_one(Subnet, other), [world.group], world.now, requester_id=ACCOUNT
        )
        server.container_id, server.host = "its-own", LOCAL_HOST
        server.attachment_id, server.status = "eni-attach-0", "in-use"
        address = server.address
        session.add(
            SecurityGroupRule(
                rule_id="sgr-0123456789abcdef0",
                account=ACCOUNT,
                group_id=world.group,
                is_egress=False,
                protocol="udp",
                from_port=53,
                to_port=53,
                cidr_ipv4="10.0.0.0/16",
            )
        )
    with_dns(world, support=False, servers=[address])
    job = world.submit()
    world.run(job)
    assert world.status(job) == "IN_PROGRESS", world.message(job)
    why = str(world.network.explain(world.need(job)))
    assert f"{world.vpc} uses its own name servers ({address})" in why


@pytest.mark.costs(0.2, reason="an endpoint is made, and a job prepared after each change of it")
def test_s3_is_reached_through_an_interface_endpoint_with_private_dns(world: PreparationWorld) -> None:
    world.delete_endpoint()
    with world.database.transaction() as session:
        vpc = session.get_one(Vpc, world.vpc)
        vpc.enable_dns_hostnames = True
        service = find(REGION, f"com.amazonaws.{REGION}.s3")["Interface"]
        wanted = Wanted([world.subnet], [world.group], private_dns=False)
        made = interface_endpoints.create(session, vpc, service, wanted, world.now)
        endpoint_id = made.vpc_endpoint_id
    # Without private DNS the names of S3 lead past it, to where no route goes.
    job = world.submit()
    world.run(job)
    assert world.main_table() in world.message(job)
    with world.database.transaction() as session:
        vpc = session.get_one(Vpc, world.vpc)
        row = session.get_one(VpcEndpoint, endpoint_id)
        private = Wanted(private_dns=True, inbound_only=False)
        interface_endpoints.modify(session, vpc, row, service, private, Wanted(), world.now)
    # With it they do, and the endpoint's group has to admit the job.
    job = world.submit()
    world.run(job)
    assert "AuthorizeSecurityGroupIngress" in world.message(job)
    with world.database.transaction() as session:
        session.add(
            SecurityGroupRule(
                rule_id="sgr-0123456789abcdef1",
                account=ACCOUNT,
                group_id=world.group,
                is_egress=False,
                protocol="tcp",
                from_port=443,
                to_port=443,
                cidr_ipv4="10.0.1.0/24",
            )
        )
    job = world.submit()
    world.run(job)
    assert world.status(job) == "IN_PROGRESS", world.message(job)

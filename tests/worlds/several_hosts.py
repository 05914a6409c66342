"""Several hosts in the tables, and random VPCs whose interfaces are spread over them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from reading_room.clock import system_clock
from reading_room.fleet.tables import ACTIVE, HostRow
from reading_room.jobs.record import container_id
from reading_room.jobs.submission import NewJob, submit
from reading_room.jobs.tables import ContainerEpochRow, JobContainerRow
from reading_room.vpc.addressing import dhcp_options, subnets
from reading_room.vpc.addressing.prefix_lists import S3_PREFIX_LIST_ID
from reading_room.vpc.endpoints import endpoints
from reading_room.vpc.gateways import elastic_addresses, internet_gateways, nat_gateways
from reading_room.vpc.groups import permissions, security_group_rules, security_groups
from reading_room.vpc.interfaces import network_interfaces, secondary_addresses
from reading_room.vpc.quotas import Quotas
from reading_room.vpc.routing import route_tables, routes
from reading_room.vpc.tables import NetworkInterface, SecurityGroup, Subnet, Vpc
from reading_room.vpc.vpcs import vpcs
from reading_room.vpc.zones import zones_of
from tests.worlds.dataplane import Chooser, yes
from tests.worlds.vpc import ACCOUNT, NOW, REGION

OPEN = Quotas.of_profile("open")
S3 = f"com.amazonaws.{REGION}.s3"
LONG = dt.timedelta(days=1)


def add_host(session: Session, host: str, number: int, **columns: Any) -> HostRow:
    """Add a host in the first zone whose lease lasts."""
    now = system_clock()
    given = {
        "state": ACTIVE,
        "zone": zones_of(REGION)[0].name,
        "labels": {},
        "underlay": f"192.0.2.{number}",
        "mtu": 1500,
        "cores": 4,
        "memory_bytes": 16_000_000_000,
        "public_key": f"{number:064x}",
        "tunnel_key": "",
        "tunnel_port": 0,
        "program": "0.1.0",
        "joined_at": now,
        "seen_at": now,
        "epoch": 1,
        "lease_until": now + LONG,
    }
    row = HostRow(host=host, number=number, **(given | columns))
    session.add(row)
    session.flush()
    return row


def attach(session: Session, made: NetworkInterface, host: str, container: str) -> None:
    """Attach an interface to a container on a host."""
    service, permission = network_interfaces.SERVICE_ACCOUNT, network_interfaces.INSTANCE_ATTACH
    network_interfaces.permit(session, made.account, made.interface_id, service, permission)
    network_interfaces.attach(session, made.interface_id, host, container)


def add_job(
    session: Session, job: str, hosts: Sequence[str], subnet: Subnet, *, quotas: Quotas = Quotas()
) -> list[str]:
    """Add a running job with a container on each of these hosts, and their interfaces; return the addresses."""
    new = NewJob(
        job_id=job,
        account=ACCOUNT,
        region=REGION,
        kind="entities-detection-job",
        arn=f"arn:aws:comprehend:{REGION}:{ACCOUNT}:entities-detection-job/{job}",
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/reader",
        engine="entities-en",
        analysis="entities",
        input_uri="s3://papers/in",
        input_format="ONE_DOC_PER_LINE",
        output_uri="s3://papers/out/output.tar.gz",
        document_limit=5120,
        parameters={},
        language="en",
    )
    row = submit(session, new, NOW)
    row.phase, row.attempt, row.containers, row.members = "running", 1, len(hosts), list(range(len(hosts)))
    found = []
    for member, host in enumerate(hosts):
        made = network_interfaces.create(session, ACCOUNT, subnet, [], NOW, requester_id="r:Comprehend", quotas=quotas)
        name = container_id(job, 1, member)
        attach(session, made, host, name)
        session.add(
            JobContainerRow(
                container_id=name,
                job_id=job,
                attempt=1,
                member=member,
                host=host,
                vpc_id=subnet.vpc_id,
                interface_id=made.interface_id,
                role_arn=row.role_arn,
                session_name=name,
                credentials_path=f"/v2/credentials/{name}",
                cluster_path=f"/v2/cluster/{name}" if len(hosts) > 1 else None,
            )
        )
        row_of_host = session.get(HostRow, host)
        if row_of_host is not None:
            session.flush()
            session.add(ContainerEpochRow(container_id=name, epoch=row_of_host.epoch))
        found.append(made.address)
    session.flush()
    return found


def any_vpc(session: Session, choose: Chooser, hosts: list[str]) -> Vpc:
    """Make a VPC with two subnets, whose interfaces have containers on these hosts or none, and maybe a way out."""
    options = dhcp_options.default_set(session, ACCOUNT, REGION).dhcp_options_id
    vpc = vpcs.create(session, ACCOUNT, "10.0.0.0/16", NOW, dhcp_options_id=options, quotas=OPEN)
    made = [subnets.create(session, vpc, f"10.0.{n}.0/24", zones_of(REGION)[n % 2], NOW) for n in (1, 2)]
    groups = [security_groups.create(session, vpc, f"group {n}", "of a test", NOW) for n in range(2)]
    for group in groups:
        _any_rules(session, choose, group, groups)
    interfaces = [_any_interface(session, choose, subnet, groups) for subnet in made for _ in range(3)]
    _any_way_out(session, choose, vpc, made, interfaces)
    table = route_tables.main_of(session, vpc.vpc_id)
    if yes(choose):
        endpoints.create(session, vpc, REGION, S3, [table], None, NOW)
    for each in interfaces:
        if choose.number(0, 3):
            attach(session, each, choose.pick(hosts), f"job-{each.interface_id[-17:]}-1")
    return vpc


def _any_rules(session: Session, choose: Chooser, group: SecurityGroup, groups: list[SecurityGroup]) -> None:
    peers = (
        {"UserIdGroupPairs": [{"GroupId": choose.pick(groups).group_id}]},
        {"IpRanges": [{"CidrIp": choose.pick(("10.0.1.0/24", "10.0.0.0/16", "0.0.0.0/0"))}]},
        {"PrefixListIds": [{"PrefixListId": S3_PREFIX_LIST_ID}]},
    )
    for egress in (False, True):
        for peer in choose.some(range(3), 2):
            port = choose.pick((80, 443))
            permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **peers[peer]}
            wanted = permissions.requested({"IpPermissions": [permission]})
            security_group_rules.authorize(session, group, wanted, egress=egress)


def _any_interface(session: Session, choose: Chooser, subnet: Subnet, groups: list[SecurityGroup]) -> NetworkInterface:
    ids = [group.group_id for group in choose.some(groups, 2)]
    made = network_interfaces.create(session, ACCOUNT, subnet, ids, NOW, requester_id="me")
    if yes(choose):
        secondary_addresses.assign(session, made, NOW, count=1)
    return made


def _any_way_out(
    session: Session, choose: Chooser, vpc: Vpc, made: list[Subnet], interfaces: list[NetworkInterface]
) -> None:
    if not choose.number(0, 3):
        return
    gateway = internet_gateways.create(session, ACCOUNT, NOW).internet_gateway_id
    internet_gateways.attach(session, ACCOUNT, gateway, vpc.vpc_id)
    address = elastic_addresses.allocate(session, ACCOUNT, "198.51.100.0/24", NOW, quotas=OPEN)
    elastic_addresses.associate(session, ACCOUNT, address.allocation_id, choose.pick(interfaces).interface_id)
    main = route_tables.main_of(session, vpc.vpc_id)
    target: dict[str, str] = {"GatewayId": gateway}
    if yes(choose):
        address = elastic_addresses.allocate(session, ACCOUNT, "198.51.100.0/24", NOW, quotas=OPEN)
        request = {"SubnetId": made[0].subnet_id, "AllocationId": address.allocation_id}
        nat = nat_gateways.create(session, ACCOUNT, nat_gateways.requested(request), NOW, quotas=OPEN)
        public = route_tables.create(session, vpc, NOW)
        route_tables.associate(session, ACCOUNT, public.route_table_id, made[0].subnet_id)
        routes.create(session, ACCOUNT, _route(public.route_table_id, GatewayId=gateway))
        target = {"NatGatewayId": nat.nat_gateway_id}
    routes.create(session, ACCOUNT, _route(main, **target))


def _route(table: str, **target: str) -> dict[str, str]:
    return {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", **target}

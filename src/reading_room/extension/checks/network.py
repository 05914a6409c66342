"""Checks of a VpcConfig's network: whether it exists, and the way to S3 from the interfaces that a job would get."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from sqlalchemy.orm import Session

from reading_room.comprehend.network import cluster_reachability, storage_policy, storage_reachability
from reading_room.comprehend.network.preflight import PlannedNetwork, planned
from reading_room.comprehend.network.storage_reachability import Reachability
from reading_room.dataplane import spec
from reading_room.dataplane.rules.verdicts import Verdict
from reading_room.extension.checks import changes
from reading_room.extension.checks.changes import Change
from reading_room.extension.checks.check import Check, Report, failed, passed, skipped, warned
from reading_room.extension.checks.commands import run
from reading_room.jobs.job import counted
from reading_room.jobs.ports import JobSize
from reading_room.vpc.addressing.dhcp_options import AMAZON_DNS
from reading_room.vpc.addressing.prefix_lists import S3_PREFIX_LIST_ID, s3_service_name
from reading_room.vpc.interfaces import job_network
from reading_room.vpc.tables import NetworkInterface, Subnet, Vpc

_HTTPS = (storage_reachability.STORAGE_PORT, storage_reachability.STORAGE_PORT)


@dataclass(frozen=True, slots=True)
class Place:
    """The interface of a job's first container, and how its packets would reach S3, or ``None`` if they would not."""

    interface: NetworkInterface
    verdict: Verdict | None


def check(
    session: Session,
    report: Report,
    account: str,
    region: str,
    subnets: Sequence[str],
    groups: Sequence[str],
    size: JobSize | None,
) -> Place | None:
    """Check a VpcConfig of an account; return the first container's place, or ``None`` if there is none.

    ``size`` is ``None`` if the size of the job is unknown; one container is assumed then.
    """
    containers = 1 if size is None else size.containers
    try:
        network = planned(session, subnets, groups, containers, account)
    except job_network.TooFewAddresses as error:
        remedy = "Add another subnet, or choose one with more free addresses."
        report.add("Network", passed("The subnets and security groups exist, in one VPC."))
        report.add("Addresses", failed(f"{error}.", remedy, resource_id=error.identifier))
        return _with_fewer(session, report, account, region, subnets, groups, containers)
    except job_network.JobNetworkError as error:
        report.add("Network", failed(f"{error}.", resource_id=error.identifier))
        return None
    first = network.interfaces[0]
    report.add("Network", passed("The subnets and security groups exist, in one VPC.", first.vpc_id))
    report.add("Addresses", passed(f"The subnets have enough free addresses for {counted(containers)}."))
    report.add("Containers", _containers(network, groups, size))
    return _way(session, report, network, region, groups)


def _with_fewer(
    session: Session,
    report: Report,
    account: str,
    region: str,
    subnets: Sequence[str],
    groups: Sequence[str],
    containers: int,
) -> Place | None:
    """Check the way to S3 for a job that has enough addresses for one container, but not for all of them."""
    if containers == 1:
        return None
    try:
        network = planned(session, subnets, groups, 1, account)
    except job_network.JobNetworkError:
        return None
    return _way(session, report, network, region, groups)


def _containers(network: PlannedNetwork, groups: Sequence[str], size: JobSize | None) -> Check:
    if size is None:
        return skipped("The size of the job is unknown, because the request is not valid.")
    if size.containers == 1:
        return passed("The job has one container.")
    apart = cluster_reachability.obstacle(network.spec, network.interfaces, groups)
    if apart is not None:
        directions: tuple[cluster_reachability.Direction, ...] = ("ingress", "egress")
        missing = [direction for direction in directions if cluster_reachability.command(groups[0], direction) in apart]
        # The commands of all checks together suffice, in any order.
        command = " && ".join(cluster_reachability.command(groups[0], direction) for direction in missing)
        remedy = f"Let {groups[0]} reach itself, or run the job in one container: tag reading-room:containers=1."
        first, last = cluster_reachability.PORTS
        pair = {"UserIdGroupPairs": [{"GroupId": groups[0]}]}
        rules = [changes.group_rule(groups[0], direction.capitalize(), first, last, pair) for direction in missing]
        return failed(apart, remedy, command, groups[0], rules)
    return passed(f"The job has {size.reason or counted(size.containers)}; they reach each other.", groups[0])


def _way(session: Session, report: Report, network: PlannedNetwork, region: str, groups: Sequence[str]) -> Place:
    # The first container in a subnet represents the others.
    rows = list({row.subnet_id: row for row in reversed(network.interfaces)}.values())[::-1]
    ways = [(row, storage_reachability.find(session, network.spec, row)) for row in rows]
    report.add("DNS", _names(session, ways))
    # There may be several faults in sequence, so each check assumes that the previous step succeeds.
    named = [
        (row, storage_reachability.find_without_names(network.spec, row) if way.stage == "names" else way)
        for row, way in ways
    ]
    report.add("SecurityGroups", _groups(network.spec, named, groups))
    opened = _opened(network.spec, groups)
    assumed = [(row, _behind_groups(opened, row, way)) for row, way in named]
    report.add("Route", _routes(session, opened, assumed, region))
    row, way = assumed[0]
    if way.obstacle is None and way.verdict is None:
        # A VPC's own name servers may return any address of S3; the tables have one way there.
        way = storage_reachability.find_without_names(opened, row)
    return Place(network.interfaces[0], way.verdict)


def _names(session: Session, ways: Sequence[tuple[NetworkInterface, Reachability]]) -> Check:
    vpc_id = ways[0][0].vpc_id
    wrong = next((way for _, way in ways if way.stage == "names"), None)
    if wrong is None:
        suspicion = storage_reachability.suspicion(session, vpc_id)
        if suspicion is not None:
            return warned(f"{suspicion}.", "Ask the name servers for the name of the bucket.", resource_id=vpc_id)
        return passed(f"The names of S3 are resolved in {vpc_id}.", vpc_id)
    vpc = session.get_one(Vpc, vpc_id)
    message = f"{wrong.obstacle}."
    if not vpc.enable_dns_support:
        command = run("aws", "ec2", "modify-vpc-attribute", "--vpc-id", vpc_id, "--enable-dns-support", "Value=true")
        switched = Change("ec2", "ModifyVpcAttribute", {"VpcId": vpc_id, "EnableDnsSupport": {"Value": True}})
        return failed(message, f"Switch on DNS in {vpc_id}.", command, vpc_id, [switched])
    if "DHCP options" in message:
        remedy = f"Associate a DHCP options set that names {AMAZON_DNS}."
        command = run("aws", "ec2", "associate-dhcp-options", "--vpc-id", vpc_id, "--dhcp-options-id", "default")
        return failed(message, remedy, command, vpc_id)
    return failed(message, "Make the VPC's name servers reachable, or use AmazonProvidedDNS.", resource_id=vpc_id)


def _groups(
    network: spec.NetworkSpec, ways: Sequence[tuple[NetworkInterface, Reachability]], groups: Sequence[str]
) -> Check:
    wrong = next(((row, way) for row, way in ways if way.stage == "groups"), None)
    if wrong is None:
        return passed(f"{', '.join(groups)}: TCP {storage_reachability.STORAGE_PORT} to S3 is allowed.", groups[0])
    row, way = wrong
    assert way.refused is not None
    hop, port = way.refused.hops[-1], str(storage_reachability.STORAGE_PORT)
    if way.refused.outcome == "refused-ingress":
        # The endpoint's own groups must let the job in.
        about = next(iter(way.refused.reasons[-1].about), "")
        remedy = f"Let {groups[0]} into the endpoint's security group on port {port}."
        command = run(
            "aws", "ec2", "authorize-security-group-ingress", "--group-id", about, "--protocol", "tcp",
            "--port", port, "--source-group", groups[0],
        )  # fmt: skip
        if not about:
            return failed(_sentence(way), remedy)
        rule = changes.group_rule(about, "Ingress", *_HTTPS, {"UserIdGroupPairs": [{"GroupId": groups[0]}]})
        return failed(_sentence(way), remedy, command, about, [rule])
    vpc = next(each for each in network.vpcs if each.vpc_id == row.vpc_id)
    inside = any(IPv4Address(hop.destination) in IPv4Network(cidr) for cidr in vpc.cidrs)
    peer = f"IpRanges=[{{CidrIp={hop.destination}/32}}]" if inside else _listed()
    permission = f"IpProtocol=tcp,FromPort={port},ToPort={port},{peer}"
    command = run(
        "aws", "ec2", "authorize-security-group-egress", "--group-id", groups[0], "--ip-permissions", permission
    )
    to = (
        {"IpRanges": [{"CidrIp": f"{hop.destination}/32"}]}
        if inside
        else {"PrefixListIds": [{"PrefixListId": S3_PREFIX_LIST_ID}]}
    )
    rule = changes.group_rule(groups[0], "Egress", *_HTTPS, to)
    return failed(_sentence(way), f"Let {groups[0]} out to S3 on port {port}.", command, groups[0], [rule])


def _sentence(way: Reachability) -> str:
    text = str(way.obstacle)
    return f"{text[:1].upper()}{text[1:]}."


def _listed() -> str:
    return f"PrefixListIds=[{{PrefixListId={S3_PREFIX_LIST_ID}}}]"


def _routes(
    session: Session, opened: spec.NetworkSpec, ways: Sequence[tuple[NetworkInterface, Reachability]], region: str
) -> Check:
    """Check the routes; ``ways`` assumes open security groups if these refused the packets."""
    wrong = next(((row, way) for row, way in ways if way.stage == "routes"), None)
    if wrong is None:
        row, way = ways[0]
        verdict = way.verdict
        if verdict is None:
            return passed(f"An address of S3 is reached from {row.subnet_id}.", row.subnet_id)
        if not verdict.delivered_to.startswith("vpce-"):
            message = f"S3 is reached from {row.subnet_id} through the internet gateway, so no endpoint policy applies."
            return passed(message, row.subnet_id)
        return passed(f"S3 is reached from {row.subnet_id} through {verdict.delivered_to}.", verdict.delivered_to)
    row, way = wrong
    subnet = session.get_one(Subnet, row.subnet_id)
    vpc = next(each for each in opened.vpcs if each.vpc_id == row.vpc_id)
    table = next(each.route_table_id for each in vpc.subnets if each.subnet_id == subnet.subnet_id)
    gateway = next(
        (each.endpoint_id for each in vpc.endpoints if each.kind == "gateway" and each.service == "s3"), None
    )
    if gateway is None:
        remedy = f"Create a gateway endpoint for S3 with a route in {table}."
        command = run(
            "aws", "ec2", "create-vpc-endpoint", "--vpc-id", row.vpc_id, "--service-name", s3_service_name(region),
            "--route-table-ids", table,
        )  # fmt: skip
        change = Change(
            "ec2",
            "CreateVpcEndpoint",
            {"VpcId": row.vpc_id, "ServiceName": s3_service_name(region), "RouteTableIds": [table]},
        )
    else:
        change = Change("ec2", "ModifyVpcEndpoint", {"VpcEndpointId": gateway, "AddRouteTableIds": [table]})
        remedy = f"Add {table} to the route tables of {gateway}."
        command = run("aws", "ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", gateway, "--add-route-table-ids", table)
    message = f"From the subnet {row.subnet_id} the job would not reach S3: {way.obstacle}."
    return failed(message, remedy, command, table, [change])


def _behind_groups(opened: spec.NetworkSpec, row: NetworkInterface, way: Reachability) -> Reachability:
    """Return the way of packets if no security group refused them."""
    if way.stage != "groups" or way.refused is None:
        return way
    if way.refused.outcome == "refused-ingress":
        # They had reached the endpoint already.
        return Reachability(verdict=way.verdict)
    return storage_reachability.find_without_names(opened, row, way.refused.hops[-1].destination)


def _opened(network: spec.NetworkSpec, groups: Sequence[str]) -> spec.NetworkSpec:
    """Return the network with security groups that allow all egress traffic."""
    everything = spec.SecurityGroupRule("", spec.ALL_PROTOCOLS, 0, 65_535, spec.CidrPeer("0.0.0.0/0"))

    def opened(group: spec.SecurityGroup) -> spec.SecurityGroup:
        return dataclasses.replace(group, egress=(everything,)) if group.group_id in groups else group

    vpcs = (dataclasses.replace(vpc, groups=tuple(map(opened, vpc.groups))) for vpc in network.vpcs)
    return dataclasses.replace(network, vpcs=tuple(vpcs))


def endpoint(session: Session, place: Place, account: str) -> Check | None:
    """Return a warning if the policy of the endpoint that a job would use lets in others, or ``None``."""
    assert place.verdict is not None
    warnings = storage_policy.warnings(session, place.verdict.delivered_to, account)
    if not warnings:
        return None
    return warned(
        f"{'; '.join(warnings)}.",
        "Name your account and your buckets in the endpoint's policy.",
        run("aws", "ec2", "describe-vpc-endpoints", "--vpc-endpoint-ids", place.verdict.delivered_to),
        place.verdict.delivered_to,
    )

"""What must hold of a document from the server before anything of it is applied.

The server is not trusted: it answers the network. Its documents hold values only, and every one of them must have the
form and the size that such a value has. A document that breaks one rule is refused whole, with the rule and the place.
The network driver checks again what it compiles.
"""

from __future__ import annotations

import itertools
import re
import socket
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NoReturn

from reading_room.agent.errors import SpecRefused
from reading_room.agent.spec import HostSpec
from reading_room.analysis.job_file import JobFile, Kind, Location
from reading_room.containers.spec import ContainerSpec, EngineName, Limits
from reading_room.dataplane.spec import (
    ALL_PROTOCOLS,
    CidrPeer,
    GroupPeer,
    Interface,
    PrefixList,
    PrefixListPeer,
    SecurityGroupRule,
    Subnet,
    Vpc,
)

VPCS, INTERFACES, ITEMS, RULES, MEMBERS, CIDRS = 10_000, 20_000, 20_000, 2_000, 20_000, 10_000
CONTAINERS, STANDBYS, REALTIMES = 1_000, 64, 64
REQUEST_BYTES = 200_000

_HOST = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z._-]{0,62})\Z")
_CONTAINER = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z-]{0,63})\Z")
_MAC = re.compile(r"[0-9a-f][02468ace](?::[0-9a-f]{2}){5}\Z")
_CREDENTIALS = re.compile(r"/v2/credentials/[0-9A-Za-z_-]{16,128}\Z")
_JOB = re.compile(r"[0-9a-f]{32}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]{1,12}){1,3}-[0-9]{1,2}\Z")
_LANGUAGE = re.compile(r"[a-z]{2}(?:-[A-Z]{2})?\Z")
_ACCOUNT = re.compile(r"[0-9]{12}\Z")
_BUCKET = re.compile(r"[0-9a-z][0-9a-z.-]{1,61}[0-9a-z]\Z")
_IDS = {
    prefix: re.compile(prefix + r"-[0-9a-z]{1,32}\Z")
    for prefix in ("vpc", "subnet", "eni", "sg", "sgr", "rtb", "vpce", "igw", "nat", "pl")
}


def check(spec: HostSpec, host: str, newest: int) -> None:
    """Raise ``SpecRefused`` unless the document is for ``host``, not older than ``newest``, and of the right form."""
    _matches(_HOST, spec.host, "host")
    if spec.host != host:
        _refuse("host", f"{spec.host} is not this host, {host}")
    if spec.generation < newest:
        _refuse("generation", f"{spec.generation} is older than {newest}, which is in force")
    _between(spec.generation, 0, 1 << 53, "generation")
    _at_most(spec.network.vpcs, VPCS, "VPCs")
    _at_most(spec.network.prefix_lists, ITEMS, "prefix lists")
    _at_most([each for vpc in spec.network.vpcs for each in vpc.interfaces], INTERFACES, "interfaces")
    for prefix_list in spec.network.prefix_lists:
        _check_prefix_list(prefix_list)
    _once((each.prefix_list_id for each in spec.network.prefix_lists), "prefix list")
    for vpc in spec.network.vpcs:
        _check_vpc(vpc)
    _once((vpc.vpc_id for vpc in spec.network.vpcs), "VPC")
    _once((vpc.vni for vpc in spec.network.vpcs), "VNI")
    _once((each.interface_id for vpc in spec.network.vpcs for each in vpc.interfaces), "interface")
    _check_containers(spec)


def _check_containers(spec: HostSpec) -> None:
    _at_most(spec.containers, CONTAINERS, "containers")
    _at_most(spec.standby, STANDBYS, "engines")
    _at_most(spec.realtime, REALTIMES, "realtime containers")
    interfaces = {each.interface_id: (vpc.vpc_id, each) for vpc in spec.network.vpcs for each in vpc.interfaces}
    owners = [each.container_id for _, each in interfaces.values() if each.container_id is not None]
    _once(owners, "container behind an interface")
    for container in spec.containers:
        _check_container(container, interfaces)
    _once(
        [*(each.container_id for each in spec.containers), *(each.container_id for each in spec.realtime)], "container"
    )
    _once((each.credentials_path for each in spec.containers), "credentials path")
    _once((each.engine for each in spec.standby), "engine")
    for wish in spec.standby:
        _between(wish.count, 0, STANDBYS, f"containers ahead of {wish.engine}")
    for realtime in spec.realtime:
        _matches(_CONTAINER, realtime.container_id, "realtime container")
        _matches(_ACCOUNT, realtime.account, f"{realtime.container_id}: account")


def _check_container(container: ContainerSpec, interfaces: dict[str, tuple[str, Interface]]) -> None:
    _matches(_CONTAINER, container.container_id, "container")
    about = f"container {container.container_id}"
    vpc_id, interface = interfaces.get(container.interface_id, ("", None))
    if interface is None or vpc_id != container.vpc_id:
        _refuse(about, f"its interface {_shown(container.interface_id)} is not in {_shown(container.vpc_id)}")
    if interface.container_id != container.container_id:
        _refuse(about, f"its interface {container.interface_id} belongs to another")
    _matches(_CREDENTIALS, container.credentials_path, f"{about}: credentials path")
    if not serves(container.engine, container.job.kind):
        _refuse(about, f"{container.job.kind} is not what engine {container.engine} does")
    _check_limits(container.limits, about)
    _check_job(container.job, about)


def serves(engine: EngineName, kind: Kind) -> bool:
    """Say whether an engine does jobs of a kind: it has the kind's name, and where it knows one language that too."""
    return engine == kind or re.fullmatch(re.escape(kind) + "-[a-z]{2}(-[A-Z]{2})?", engine) is not None


def _check_limits(limits: Limits, about: str) -> None:
    _between(limits.memory_bytes, 64 << 20, 1 << 40, f"{about}: bytes of memory")
    _between(limits.processes, 4, 10_000, f"{about}: processes")
    _between(limits.seconds, 1, 31 * 86_400, f"{about}: seconds")
    if not 0.01 <= limits.cpus <= 1024:
        _refuse(about, f"{limits.cpus} is no number of processors")


def _check_job(job: JobFile, about: str) -> None:
    _matches(_JOB, job.job_id, f"{about}: job")
    _between(job.attempt, 0, 1_000, f"{about}: attempt")
    _matches(_REGION, job.region, f"{about}: region")
    if job.language is not None:
        _matches(_LANGUAGE, job.language, f"{about}: language")
    _check_location(job.input, f"{about}: input")
    _check_location(job.output, f"{about}: output")
    _between(job.document_limit, 1, 1 << 30, f"{about}: bytes of a document")
    _between(job.total_limit, 1, 1 << 50, f"{about}: bytes of all documents")
    _between(job.documents_limit, 1, 1 << 40, f"{about}: documents")
    _between(len(job.request), 2, REQUEST_BYTES, f"{about}: characters of the request")
    if job.model is not None:
        _check_location(job.model.artifact, f"{about}: model")
        _matches(_CREDENTIALS, job.model.credentials_path, f"{about}: credentials path of the model")
        if job.model.sha256:
            _matches(_SHA256, job.model.sha256, f"{about}: digest of the model")


def _check_location(location: Location, about: str) -> None:
    _matches(_BUCKET, location.bucket, f"{about}: bucket")
    try:
        size = len(location.key.encode())
    except UnicodeEncodeError:
        _refuse(about, "the key is not Unicode text")
    if size > 1_024:
        _refuse(about, f"a key of {size} bytes is longer than S3 has any")


def _check_vpc(vpc: Vpc) -> None:
    _id("vpc", vpc.vpc_id)
    about = vpc.vpc_id
    _between(vpc.vni, 1, (1 << 24) - 1, f"{about}: VNI")
    for items, name in (
        *((vpc.subnets, "subnets"), (vpc.route_tables, "route tables"), (vpc.groups, "groups")),
        *((vpc.endpoints, "endpoints"), (vpc.interfaces, "interfaces"), (vpc.placements, "placements")),
    ):
        _at_most(items, ITEMS, f"{about}: {name}")
    _between(len(vpc.cidrs), 1, 64, f"{about}: networks")
    networks = [_network(cidr, about) for cidr in vpc.cidrs]
    _apart(networks, f"{about}: networks")
    tables = {table.route_table_id for table in vpc.route_tables}
    subnets = _check_subnets(vpc, networks, tables)
    for table in vpc.route_tables:
        _id("rtb", table.route_table_id)
        _between(table.number, 1, 1_000_000, f"{table.route_table_id}: number")
        _at_most(table.routes, ITEMS, f"{table.route_table_id}: routes")
        for route in table.routes:
            if not _IDS["pl"].match(route.destination):
                _network(route.destination, table.route_table_id)
            if route.target != "blackhole" and not any(
                _IDS[kind].match(route.target) for kind in ("vpce", "igw", "nat")
            ):
                _refuse(table.route_table_id, f"{_shown(route.target)} is no target of a route")
    for endpoint in vpc.endpoints:
        _id("vpce", endpoint.endpoint_id)
        _id("pl", endpoint.prefix_list_id)
        _between(endpoint.number, 1, 2_000, f"{endpoint.endpoint_id}: number")
    _once((each.number for each in vpc.route_tables), f"{about}: number of a route table")
    _once((each.number for each in vpc.endpoints), f"{about}: number of an endpoint")
    _once(
        (
            *(each.subnet_id for each in vpc.subnets),
            *(each.route_table_id for each in vpc.route_tables),
            *(each.endpoint_id for each in vpc.endpoints),
            *(each.group_id for each in vpc.groups),
        ),
        f"{about}: id",
    )
    _check_groups(vpc)
    _check_interfaces(vpc, subnets)


def _check_subnets(vpc: Vpc, networks: list[tuple[int, int]], tables: set[str]) -> dict[str, tuple[int, int]]:
    subnets: dict[str, tuple[int, int]] = {}
    for subnet in vpc.subnets:
        subnets[subnet.subnet_id] = _check_subnet(subnet, networks, tables)
    _apart(list(subnets.values()), f"{vpc.vpc_id}: subnets")
    return subnets


def _check_subnet(subnet: Subnet, networks: list[tuple[int, int]], tables: set[str]) -> tuple[int, int]:
    _id("subnet", subnet.subnet_id)
    first, last = _network(subnet.cidr, subnet.subnet_id)
    if not any(low <= first and last <= high for low, high in networks):
        _refuse(subnet.subnet_id, f"{subnet.cidr} is outside of its VPC")
    if subnet.route_table_id not in tables:
        _refuse(subnet.subnet_id, f"its route table {_shown(subnet.route_table_id)} is not in its VPC")
    return first, last


def _check_groups(vpc: Vpc) -> None:
    for group in vpc.groups:
        _id("sg", group.group_id)
        _at_most(group.members, MEMBERS, f"{group.group_id}: members")
        for rules in (group.ingress, group.egress):
            _at_most(rules, RULES, f"{group.group_id}: rules")
            for rule in rules:
                _check_rule(rule)
        for member in group.members:
            _address(member, f"{group.group_id}: member")
    _once((each.rule_id for group in vpc.groups for each in (*group.ingress, *group.egress)), f"{vpc.vpc_id}: rule")


def _check_rule(rule: SecurityGroupRule) -> None:
    _id("sgr", rule.rule_id)
    _between(rule.protocol, ALL_PROTOCOLS, 255, f"{rule.rule_id}: protocol")
    _between(rule.from_port, -1, 65_535, f"{rule.rule_id}: port")
    _between(rule.to_port, -1, 65_535, f"{rule.rule_id}: port")
    match rule.peer:
        case CidrPeer(cidr):
            _network(cidr, rule.rule_id)
        case GroupPeer(group_id):
            _id("sg", group_id)
        case PrefixListPeer(prefix_list_id):
            _id("pl", prefix_list_id)


def _check_interfaces(vpc: Vpc, subnets: dict[str, tuple[int, int]]) -> None:
    groups = {group.group_id for group in vpc.groups}
    for interface in vpc.interfaces:
        _id("eni", interface.interface_id)
        about = interface.interface_id
        if interface.subnet_id not in subnets:
            _refuse(about, f"its subnet {_shown(interface.subnet_id)} is not in its VPC")
        first, last = subnets[interface.subnet_id]
        # The first four addresses and the last one of a subnet belong to AWS.
        if not first + 4 <= _address(interface.address, about) < last:
            _refuse(about, f"{interface.address} is not an address that its subnet gives away")
        _matches(_MAC, interface.mac, f"{about}: hardware address")
        _at_most(interface.group_ids, 64, f"{about}: groups")
        if unknown := set(interface.group_ids) - groups:
            _refuse(about, f"its group {_shown(sorted(unknown)[0])} is not in its VPC")
        if interface.container_id is not None:
            _matches(_CONTAINER, interface.container_id, f"{about}: container")
    for placement in vpc.placements:
        _address(placement.address, f"{vpc.vpc_id}: placement")
        _matches(_HOST, placement.host, f"{vpc.vpc_id}: host of a placement")
    _once(
        (*(each.address for each in vpc.interfaces), *(each.address for each in vpc.placements)),
        f"{vpc.vpc_id}: address",
    )


def _check_prefix_list(prefix_list: PrefixList) -> None:
    _id("pl", prefix_list.prefix_list_id)
    _at_most(prefix_list.cidrs, CIDRS, f"{prefix_list.prefix_list_id}: networks")
    for cidr in prefix_list.cidrs:
        _network(cidr, prefix_list.prefix_list_id)


def _address(text: str, about: str) -> int:
    try:
        packed = socket.inet_pton(socket.AF_INET, text)
    except (OSError, ValueError):
        _refuse(about, f"{_shown(text)} is no IPv4 address")
    if socket.inet_ntop(socket.AF_INET, packed) != text:
        _refuse(about, f"{_shown(text)} is not written as IPv4 addresses are")
    return int.from_bytes(packed, "big")


def _network(text: str, about: str) -> tuple[int, int]:
    address, slash, length = text.partition("/")
    if not slash or not length.isascii() or not length.isdigit() or str(int(length[:3])) != length or int(length) > 32:
        _refuse(about, f"{_shown(text)} is no IPv4 network")
    first = _address(address, about)
    size = 1 << (32 - int(length))
    if first % size:
        _refuse(about, f"{_shown(text)} has bits beyond its length")
    return first, first + size - 1


def _apart(networks: list[tuple[int, int]], about: str) -> None:
    ordered = sorted(networks)
    for (_, last), (first, _) in itertools.pairwise(ordered):
        if first <= last:
            _refuse(about, "two of them overlap")


def _id(prefix: str, text: str) -> None:
    _matches(_IDS[prefix], text, f"{prefix}-… id")


def _matches(pattern: re.Pattern[str], text: str, about: str) -> None:
    if not pattern.match(text):
        _refuse(about, f"{_shown(text)} does not have its form")


def _between(number: int, least: int, most: int, about: str) -> None:
    if not least <= number <= most:
        _refuse(about, f"{number} is not from {least} to {most}")


def _at_most(items: Iterable[object], most: int, about: str) -> None:
    count = sum(1 for _ in items)
    if count > most:
        _refuse(about, f"{count} are more than {most}")


def _once(items: Iterable[object], about: str) -> None:
    for twice in _repeated(items):
        _refuse(about, f"{_shown(str(twice))} is there twice")


def _repeated(items: Iterable[object]) -> Iterator[object]:
    return (item for item, count in Counter(items).items() if count > 1)


def _shown(text: str) -> str:
    written = ascii(text)
    return written if len(written) <= 80 else written[:77] + "..."


def _refuse(about: str, reason: str) -> NoReturn:
    raise SpecRefused(f"{about}: {reason}")

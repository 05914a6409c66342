"""A hijacked server sends what it likes; the agent applies nothing from a document that breaks one rule."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from reading_room.agent.check import check, serves
from reading_room.agent.errors import SpecRefused
from reading_room.agent.spec import HostSpec, StandbyCount
from reading_room.analysis.job_file import ClusterPlace, Location
from reading_room.analysis.kinds import JOB_KINDS
from reading_room.containers.spec import Limits, RealtimeSpec
from reading_room.dataplane.spec import (
    CidrPeer,
    ElasticAddress,
    Endpoint,
    GroupPeer,
    HostPlace,
    NatGateway,
    Placement,
    PrefixList,
    PrefixListPeer,
    Route,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Underlay,
)
from tests.worlds.agent import container, document, interface, job, vpc


def test_an_honest_document_passes() -> None:
    check(document(), "local", 7)


def _in_vpc(**changes: Any) -> HostSpec:
    return document(vpcs=(vpc(**changes),))


def _in_interface(**changes: Any) -> HostSpec:
    return document(vpcs=(vpc((interface(**changes),)),))


def _in_container(**changes: Any) -> HostSpec:
    return document(containers=(container(**changes),))


def _in_job(**changes: Any) -> HostSpec:
    return _in_container(job=job(**changes))


CLUSTER = ClusterPlace(0, 2, "10.0.0.10", "10.0.0.10", "/v2/cluster/" + "x" * 40)


def _in_cluster(**changes: Any) -> HostSpec:
    return _in_job(cluster=replace(CLUSTER, **changes))


def test_an_honest_document_of_a_job_of_two_containers_passes() -> None:
    first = container(0, job=job(cluster=CLUSTER))
    second = container(1, job=job(cluster=replace(CLUSTER, member=1, address="10.0.0.11", path=CLUSTER.path + "y")))
    spec = document(vpcs=(vpc((interface(0), interface(1))),), containers=(first, second))
    check(spec, "local", 7)
    # A container that replaces a lost one has a number beyond those with which the attempt began.
    check(_in_cluster(member=17, containers=16, scheduler="10.0.0.9"), "local", 7)


def _with_rule(**changes: Any) -> HostSpec:
    rule = replace(SecurityGroupRule("sgr-0a", 6, 443, 443, CidrPeer("0.0.0.0/0")), **changes)
    return _in_vpc(groups=(SecurityGroup("sg-0a", (), (rule,), ()),))


NAT_INTERFACE = interface(5, container_id=None, nat_gateway_id="nat-0a", secondary=("10.0.0.20",))
SERVICE = interface(6, container_id=None, endpoint_id="vpce-0b")
NAT = NatGateway("nat-0a", "subnet-0a", "eni-05", ("10.0.0.15", "10.0.0.20"), ("198.51.100.1",))
ELASTIC = ElasticAddress("eipalloc-0a", "198.51.100.2", "10.0.0.10")
ENDPOINTS = (
    *vpc().endpoints,
    Endpoint("vpce-0b", "interface", "logs", "", 2),
    Endpoint("far-s3", "far", "s3", "pl-63a5400a", 1999),
)


def _outward(nat: NatGateway = NAT, elastic: ElasticAddress = ELASTIC, **changes: Any) -> HostSpec:
    """Return a document whose VPC has gateways, an interface endpoint, public and secondary addresses."""
    everything: dict[str, Any] = {
        "interfaces": (interface(secondary=("10.0.0.30",)), NAT_INTERFACE, SERVICE),
        "endpoints": ENDPOINTS,
        "internet_gateway": "igw-0a",
        "nat_gateways": (nat,),
        "elastic_addresses": (elastic,),
    }
    return _in_vpc(**{**everything, **changes})


def test_an_honest_document_with_gateways_passes() -> None:
    check(_outward(), "local", 7)
    check(_outward(elastic=replace(ELASTIC, private="10.0.0.30")), "local", 7)


def _far(**changes: Any) -> HostSpec:
    return _outward(endpoints=(*ENDPOINTS[:2], replace(ENDPOINTS[2], **changes)))


def _interfaces(**changes: Any) -> HostSpec:
    return _outward(interfaces=(interface(**changes), NAT_INTERFACE, SERVICE))


INJECTION = 'vpc-0a"; accept; #'
OUTWARD: dict[str, HostSpec] = {
    "rule text as an internet gateway": _outward(internet_gateway='igw-0a" accept'),
    "rule text as an allocation": _outward(elastic=replace(ELASTIC, allocation_id="eipalloc-0a }")),
    "an Elastic IP that is a network": _outward(elastic=replace(ELASTIC, public="198.51.100.0/24")),
    "an Elastic IP of the VPC's own network": _outward(elastic=replace(ELASTIC, public="10.0.0.9")),
    "an Elastic IP of another private network": _outward(elastic=replace(ELASTIC, public="192.168.1.1")),
    "a loopback Elastic IP": _outward(elastic=replace(ELASTIC, public="127.0.0.1")),
    "a link-local Elastic IP": _outward(elastic=replace(ELASTIC, public="169.254.170.2")),
    "a multicast Elastic IP": _outward(elastic=replace(ELASTIC, public="224.0.0.1")),
    "a reserved Elastic IP": _outward(elastic=replace(ELASTIC, public="255.255.255.255")),
    "an Elastic IP for nobody": _outward(elastic=replace(ELASTIC, private="10.0.0.99")),
    "an Elastic IP for the router": _outward(elastic=replace(ELASTIC, private="10.0.0.1")),
    "an Elastic IP for a NAT gateway's interface": _outward(elastic=replace(ELASTIC, private="10.0.0.15")),
    "an Elastic IP that a NAT gateway has": _outward(elastic=replace(ELASTIC, public="198.51.100.1")),
    "two Elastic IPs of one private address": _outward(
        elastic_addresses=(ELASTIC, replace(ELASTIC, allocation_id="eipalloc-0b", public="198.51.100.3"))
    ),
    "one Elastic IP in two VPCs": document(
        vpcs=(
            _outward().network.vpcs[0],
            vpc(
                (interface(1),),
                vpc_id="vpc-0b",
                vni=2,
                internet_gateway="igw-0b",
                elastic_addresses=(replace(ELASTIC, private="10.0.0.11"),),
            ),
        )
    ),
    "a private address as a NAT gateway's public one": _outward(nat=replace(NAT, public=("10.1.1.1",))),
    "a NAT gateway without an address": _outward(nat=replace(NAT, private=())),
    "a NAT gateway with another's address": _outward(nat=replace(NAT, private=("10.0.0.10",))),
    "a NAT gateway in an unknown subnet": _outward(nat=replace(NAT, subnet_id="subnet-0b")),
    "a NAT gateway without an interface": _outward(nat=replace(NAT, interface_id="eni-0f")),
    "a NAT gateway at a job's interface": _outward(nat=replace(NAT, interface_id="eni-00", private=("10.0.0.10",))),
    "rule text as a NAT gateway": _outward(nat=replace(NAT, nat_gateway_id="nat-0a accept")),
    "a NAT gateway with a hundred addresses": _outward(
        nat=replace(NAT, public=tuple(f"198.51.100.{n}" for n in range(100, 200)))
    ),
    "an interface of two owners": _interfaces(endpoint_id="vpce-0b"),
    "an interface of an unknown endpoint": _interfaces(container_id=None, endpoint_id="vpce-0f"),
    "an interface of a gateway endpoint": _interfaces(container_id=None, endpoint_id="vpce-0a"),
    "an interface of a NAT gateway that is a path": _interfaces(container_id=None, nat_gateway_id="nat-../x"),
    "a secondary address twice": _interfaces(secondary=("10.0.0.30", "10.0.0.30")),
    "a secondary address that another has": _interfaces(secondary=("10.0.0.15",)),
    "a secondary address outside the subnet": _interfaces(secondary=("10.1.0.5",)),
    "the resolver as a secondary address": _interfaces(secondary=("10.0.0.2",)),
    "a thousand secondary addresses": _interfaces(secondary=tuple(f"10.0.9.{n}" for n in range(1, 250))),
    "an interface endpoint with a prefix list": _outward(
        endpoints=(ENDPOINTS[0], replace(ENDPOINTS[1], prefix_list_id="pl-63a5400a"), ENDPOINTS[2])
    ),
    "a far service under an endpoint's id": _far(endpoint_id="vpce-0f"),
    "an endpoint under a far service's id": _outward(
        endpoints=(replace(ENDPOINTS[0], endpoint_id="far-s3"), *ENDPOINTS[1:2])
    ),
    "a far service without networks": _far(prefix_list_id=""),
    "a far service with another's number": _far(number=1),
    "a route to an instance": _outward(route_tables=(RouteTable("rtb-0a", 1, (Route("0.0.0.0/0", "i-0a"),)),)),
}
HERE, THERE = HostPlace("local", 1, "192.0.2.1"), HostPlace("b", 2, "192.0.2.2")
KEY = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
AWAY = Placement("10.0.0.77", "b")


def _between_hosts(
    *others: HostPlace, here: HostPlace = HERE, mtu: int = 1500, placements: tuple[Placement, ...] = (AWAY,)
) -> HostSpec:
    spec = document(vpcs=(vpc(placements=placements),))
    return replace(spec, network=replace(spec.network, underlay=Underlay(here, others or (THERE,), mtu)))


def test_an_honest_document_between_hosts_passes() -> None:
    check(_between_hosts(), "local", 7)


ABOUT_HOSTS: dict[str, HostSpec] = {
    "an address elsewhere, without other hosts": document(vpcs=(vpc(placements=(AWAY,)),)),
    "gateways on an unknown host": document(vpcs=(replace(vpc(), gateway_host="b"),)),
    "an address on an unknown host": _between_hosts(placements=(Placement("10.0.0.77", "c"),)),
    "an address on this host among those on others": _between_hosts(placements=(Placement("10.0.0.77", "local"),)),
    "an address of an interface here, also elsewhere": _between_hosts(placements=(Placement("10.0.0.10", "b"),)),
    "an address elsewhere, outside of every subnet": _between_hosts(placements=(Placement("10.9.0.77", "b"),)),
    "a network elsewhere": _between_hosts(placements=(Placement("10.0.0.0/24", "b"),)),
    "a host that is another, too": _between_hosts(replace(THERE, host="local")),
    "a host with this one's number": _between_hosts(replace(THERE, number=1)),
    "a host with this one's address": _between_hosts(replace(THERE, underlay="192.0.2.1")),
    "a host number of 0": _between_hosts(replace(THERE, number=0)),
    "a host number beyond the link-local hops": _between_hosts(replace(THERE, number=4095)),
    "a host behind a name": _between_hosts(replace(THERE, underlay="b.example")),
    "a host that is a path": _between_hosts(here=replace(HERE, host="../local")),
    "an underlay that carries too little": _between_hosts(mtu=699),
    "a key without a port": _between_hosts(replace(THERE, key=KEY)),
    "a port without a key": _between_hosts(replace(THERE, port=51820)),
    "a key with a line of WireGuard's protocol": _between_hosts(
        replace(THERE, key=f"{KEY}\nreplace_peers=true", port=1)
    ),
    "a key that is too short": _between_hosts(replace(THERE, key="AAAA", port=1)),
    "a key of two hosts": _between_hosts(replace(THERE, key=KEY, port=1), here=replace(HERE, key=KEY, port=1)),
    "rule text as an interface elsewhere": _between_hosts(placements=(Placement("10.0.0.77", "b", 'eni-0" }'),)),
    "an interface on two hosts": _between_hosts(
        THERE,
        replace(THERE, host="c", number=3, underlay="192.0.2.3"),
        placements=(Placement("10.0.0.77", "b", "eni-0c"), Placement("10.0.0.78", "c", "eni-0c")),
    ),
    "an underlay that carries too much": _between_hosts(mtu=1 << 20),
}
HOSTILE: dict[str, HostSpec] = {
    "another host's": document(host="other"),
    "a host name with a path": document(host="../../etc"),
    "an older generation": document(generation=6),
    "a negative generation": document(generation=-1),
    "rule text as a VPC's id": _in_vpc(vpc_id=INJECTION),
    "a line break after an id": _in_vpc(vpc_id="vpc-0a\n"),
    "rule text as a group's id": _in_vpc(groups=(SecurityGroup('sg-0a" accept', (), (), ()),)),
    "rule text as a rule's id": _with_rule(rule_id='sgr-0"; accept comment "'),
    "rule text as a network": _with_rule(peer=CidrPeer("0.0.0.0/0 accept")),
    "a network with bits beyond its prefix length": _with_rule(peer=CidrPeer("10.0.0.1/8")),
    "a network of odd length": _with_rule(peer=CidrPeer("10.0.0.0/33")),
    "a network of a length with zeros": _with_rule(peer=CidrPeer("10.0.0.0/08")),
    "a network of a length in other digits": _with_rule(peer=CidrPeer("10.0.0.0/٨")),
    "a huge length": _with_rule(peer=CidrPeer("10.0.0.0/" + "9" * 5000)),
    "rule text as a peer group": _with_rule(peer=GroupPeer("sg-0a }")),
    "rule text as a prefix list": _with_rule(peer=PrefixListPeer("pl-0a; flush ruleset")),
    "protocol 256": _with_rule(protocol=256),
    "port 65536": _with_rule(to_port=65_536),
    "a path as an interface's id": _in_interface(interface_id="eni-../../x"),
    "an interface outside its subnet": _in_interface(address="10.1.0.5"),
    "an interface with the router's address": _in_interface(address="10.0.0.1"),
    "an interface with the resolver's address": _in_interface(address="10.0.0.2"),
    "an interface with the last address": _in_interface(address="10.0.255.255"),
    "an address with zeros": _in_interface(address="10.0.0.010"),
    "an address in few numbers": _in_interface(address="10.10"),
    "an IPv6 address": _in_interface(address="::1"),
    "an address with a null byte": _in_interface(address="10.0.0.10\0"),
    "shell text as a hardware address": _in_interface(mac="$(reboot)"),
    "a multicast hardware address": _in_interface(mac="01:00:00:00:00:01"),
    "an unknown subnet": _in_interface(subnet_id="subnet-0b"),
    "an unknown group": _in_interface(group_ids=("sg-0b",)),
    "a path as a container's id": _in_interface(container_id="../../proc/1"),
    "a VNI of 25 bits": _in_vpc(vni=1 << 24),
    "no network at all": _in_vpc(cidrs=()),
    "overlapping networks": _in_vpc(cidrs=("10.0.0.0/16", "10.0.1.0/24")),
    "a subnet outside its VPC": _in_vpc(subnets=(Subnet("subnet-0a", "10.1.0.0/24", "rtb-0a"),)),
    "overlapping subnets": _in_vpc(
        subnets=(Subnet("subnet-0a", "10.0.0.0/16", "rtb-0a"), Subnet("subnet-0b", "10.0.1.0/24", "rtb-0a"))
    ),
    "an unknown route table": _in_vpc(subnets=(Subnet("subnet-0a", "10.0.0.0/16", "rtb-0b"),)),
    "route table number 0": _in_vpc(route_tables=(RouteTable("rtb-0a", 0, ()),)),
    "a route to a device": _in_vpc(route_tables=(RouteTable("rtb-0a", 1, (Route("0.0.0.0/0", "dev eth0"),)),)),
    "a route to a word": _in_vpc(route_tables=(RouteTable("rtb-0a", 1, (Route("default", "blackhole"),)),)),
    "endpoint number 2001": _in_vpc(endpoints=(Endpoint("vpce-0a", "gateway", "s3", "pl-63a5400a", 2_001),)),
    "two endpoints of one number": _in_vpc(
        endpoints=tuple(Endpoint(f"vpce-0{n}", "gateway", "s3", "pl-63a5400a", 1) for n in "ab")
    ),
    "one VPC twice": document(vpcs=(vpc(), vpc())),
    "two VPCs of one VNI": document(vpcs=(vpc(), vpc((), vpc_id="vpc-0b"))),
    "two interfaces of one address": document(vpcs=(vpc((interface(0), interface(1, address=interface(0).address))),)),
    "one container behind two interfaces": document(
        vpcs=(vpc((interface(0), interface(1, container_id=interface(0).container_id))),)
    ),
    "a container without interface": _in_container(interface_id="eni-0f"),
    "a container in another VPC": _in_container(vpc_id="vpc-0b"),
    "a container behind another's interface": document(vpcs=(vpc((interface(container_id="somebody-else"),)),)),
    "a container twice": document(containers=(container(), container())),
    "a container without memory": _in_container(limits=Limits(memory_bytes=0)),
    "a container with all memory there is": _in_container(limits=Limits(memory_bytes=1 << 60)),
    "a container without processes": _in_container(limits=Limits(processes=0)),
    "a container with no processor": _in_container(limits=Limits(cpus=0.0)),
    "a container with a million processors": _in_container(limits=Limits(cpus=1e6)),
    "a container for a century": _in_container(limits=Limits(seconds=3_200_000_000)),
    "credentials of another address": _in_container(credentials_path="@evil.example/"),
    "credentials on a known path": _in_container(credentials_path="/v2/credentials/a"),
    "credentials with a query": _in_container(credentials_path="/v2/credentials/" + "x" * 20 + "?a=b"),
    "a name server that is a name": _in_container(name_servers=("ns.example",)),
    "a line more in the resolver's file": _in_container(search_domains=("a\nnameserver 8.8.8.8",)),
    "five name servers": _in_container(name_servers=("10.0.0.9",) * 5),
    "an engine for another analysis": _in_container(engine="entities-en"),
    "a path as a job's id": _in_job(job_id="../../../etc/passwd"),
    "a negative attempt": _in_job(attempt=-1),
    "a region with a host": _in_job(region="us-east-1.evil.example"),
    "a language with a path": _in_job(language="../en"),
    "a bucket with a path": _in_job(input=Location("../x", "k")),
    "a key of 1,025 bytes": _in_job(output=Location("documents", "ü" * 512 + "x")),
    "a key that is not Unicode": _in_job(output=Location("documents", "\ud800")),
    "documents of a terabyte": _in_job(document_limit=1 << 40),
    "parts of no bytes": _in_job(part_bytes=0),
    "another header after a trace context": _in_job(
        traceparent=f"00-{'a' * 32}-{'b' * 16}-01\r\nx-amz-acl: public-read"
    ),
    "parts of a terabyte and more": _in_job(part_bytes=1 << 41),
    "a cluster of none": _in_cluster(containers=0),
    "a cluster of a thousand": _in_cluster(containers=1_000),
    "a member of a negative number": _in_cluster(member=-1, scheduler="10.0.0.9"),
    "a member of a high number": _in_cluster(member=18, scheduler="10.0.0.9"),
    "another's address in a cluster": _in_cluster(address="10.0.0.11", scheduler="10.0.0.11"),
    "a cluster's address with a port": _in_cluster(address="10.0.0.10:22", scheduler="10.0.0.10:22"),
    "a scheduler that is a name": _in_cluster(member=1, scheduler="evil.example"),
    "a scheduler that is an option": _in_cluster(member=1, scheduler="--preload=/tmp/x"),
    "a scheduler elsewhere for the first": _in_cluster(scheduler="10.0.0.9"),
    "a scheduler in every container": _in_cluster(member=1),
    "a cluster path that leads elsewhere": _in_cluster(path="@evil.example/"),
    "a cluster path among the credentials": _in_cluster(path="/v2/credentials/" + "x" * 40),
    "a short cluster path": _in_cluster(path="/v2/cluster/x"),
    "one cluster path for two": document(
        vpcs=(vpc((interface(0), interface(1))),),
        containers=(
            container(0, job=job(cluster=CLUSTER)),
            container(1, job=job(cluster=replace(CLUSTER, member=1, address="10.0.0.11"))),
        ),
    ),
    "a million containers ahead": document(standby=(StandbyCount("entities-en", 1_000_000),)),
    "fewer than no containers ahead": document(standby=(StandbyCount("entities-en", -1),)),
    "one engine twice": document(standby=(StandbyCount("entities-en", 1), StandbyCount("entities-en", 2))),
    "an account that is none": document(realtime=(RealtimeSpec("rt", "root", "entities-en"),)),
    "a model that is no digest": document(
        realtime=(RealtimeSpec("rt", "0" * 12, "entities-en", "arn:aws:comprehend"),)
    ),
    "a hundred realtime containers": document(
        realtime=tuple(RealtimeSpec(f"rt{n}", "0" * 12, "entities-en") for n in range(100))
    ),
}


@pytest.mark.parametrize("name", [*HOSTILE, *OUTWARD, *ABOUT_HOSTS])
def test_a_document_with_a_hostile_value_is_refused_whole(name: str) -> None:
    with pytest.raises(SpecRefused):
        check((HOSTILE | OUTWARD | ABOUT_HOSTS)[name], "local", 7)


@pytest.mark.parametrize(
    ("engine", "kind", "does"),
    [
        ("entities-en", "entities", True),
        ("key-phrases-en", "key-phrases", True),
        ("targeted-sentiment-en", "targeted-sentiment", True),
        ("topics", "topics", True),
        ("classification", "classification", True),
        ("recognizer-training", "recognizer-training", True),
        ("targeted-sentiment-en", "sentiment", False),
        ("sentiment-en", "targeted-sentiment", False),
        ("custom-entities", "entities", False),
        ("entities-en", "custom-entities", False),
        ("classification", "classifier-training", False),
        ("topics-en; rm -rf /", "topics", False),
    ],
)
def test_an_engine_does_jobs_of_its_own_kind_only(engine: Any, kind: Any, does: bool) -> None:
    assert serves(engine, kind) is does


def test_the_documents_of_every_kind_fit_what_a_job_may_ask_for() -> None:
    for kind in JOB_KINDS:
        limits = {"total_limit": kind.total_limit, "documents_limit": kind.documents_limit}
        check(_in_job(document_limit=kind.document_limit, **limits), "local", 7)


def test_too_many_of_anything_are_refused() -> None:
    many = tuple(replace(vpc((), vpc_id=f"vpc-{n}"), vni=n + 1, groups=(), endpoints=()) for n in range(10_001))
    with pytest.raises(SpecRefused, match="VPCs"):
        check(document(vpcs=many, containers=()), "local", 0)
    network = document().network
    lists = (PrefixList("pl-63a5400a", ("10.0.0.0/8",) * 10_001),)
    with pytest.raises(SpecRefused, match="networks"):
        check(document(network=replace(network, prefix_lists=lists)), "local", 0)


def test_the_reason_names_the_place_and_shows_the_value_without_control_characters() -> None:
    with pytest.raises(SpecRefused) as refusal:
        check(_in_vpc(vpc_id="vpc-\x1b[2J"), "local", 0)
    assert refusal.value.reason == "vpc-… id: 'vpc-\\x1b[2J' is malformed"


def test_a_thousand_interfaces_are_checked_in_a_few_hundredths_of_a_second() -> None:
    spec = document(vpcs=(vpc(tuple(interface(number) for number in range(1000))),))
    start = time.perf_counter()
    check(spec, "local", 0)
    assert time.perf_counter() - start < 0.1

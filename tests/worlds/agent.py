"""A small, complete document for the agent, which tests change as they need."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reading_room.agent.spec import HostSpec, StandbyCount
from reading_room.analysis.job_file import JobFile, Location
from reading_room.containers.spec import ContainerSpec, RealtimeSpec
from reading_room.dataplane.spec import (
    CidrPeer,
    Endpoint,
    GroupPeer,
    Interface,
    NetworkSpec,
    PrefixList,
    PrefixListPeer,
    Route,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Vpc,
)

JOB_ID = "0123456789abcdef0123456789abcdef"


def job(**changes: Any) -> JobFile:
    """Return a job's file."""
    file = JobFile(
        job_id=JOB_ID,
        attempt=1,
        kind="dominant-language",
        region="us-east-1",
        language=None,
        input=Location("documents", "in/"),
        input_format="ONE_DOC_PER_LINE",
        output=Location("documents", "out/output.tar.gz"),
        document_limit=100_000,
    )
    return replace(file, **changes)


def container(number: int = 0, **changes: Any) -> ContainerSpec:
    """Return a container behind the interface of the same number."""
    spec = ContainerSpec(
        container_id=f"{JOB_ID}-{number}",
        vpc_id="vpc-0a",
        interface_id=f"eni-0{number}",
        engine="dominant-language",
        job=job(),
        credentials_path=f"/v2/credentials/{'x' * 40}{number}",
    )
    return replace(spec, **changes)


def interface(number: int = 0, **changes: Any) -> Interface:
    """Return an interface with an address in the one subnet."""
    place = Interface(
        interface_id=f"eni-0{number}",
        subnet_id="subnet-0a",
        address=f"10.0.{(number + 10) // 256}.{(number + 10) % 256}",
        mac=f"02:00:00:00:{number // 256:02x}:{number % 256:02x}",
        group_ids=("sg-0a",),
        container_id=f"{JOB_ID}-{number}",
        logged=True,
    )
    return replace(place, **changes)


def vpc(interfaces: tuple[Interface, ...] = (interface(),), **changes: Any) -> Vpc:
    """Return a VPC with one subnet, one group, a gateway endpoint and these interfaces."""
    everything = Vpc(
        vpc_id="vpc-0a",
        vni=1,
        cidrs=("10.0.0.0/16",),
        dns_support=True,
        subnets=(Subnet("subnet-0a", "10.0.0.0/16", "rtb-0a"),),
        route_tables=(RouteTable("rtb-0a", 1, (Route("pl-63a5400a", "vpce-0a"),)),),
        groups=(
            SecurityGroup(
                "sg-0a",
                ingress=(SecurityGroupRule("sgr-0a", -1, -1, -1, GroupPeer("sg-0a")),),
                egress=(
                    SecurityGroupRule("sgr-0b", 6, 443, 443, PrefixListPeer("pl-63a5400a")),
                    SecurityGroupRule("sgr-0c", 6, 80, 80, CidrPeer("0.0.0.0/0")),
                ),
                members=tuple(each.address for each in interfaces),
            ),
        ),
        endpoints=(Endpoint("vpce-0a", "gateway", "s3", "pl-63a5400a", 1),),
        interfaces=interfaces,
    )
    return replace(everything, **changes)


def document(*, vpcs: tuple[Vpc, ...] | None = None, **changes: Any) -> HostSpec:
    """Return a document with one VPC, one job, one container ahead and one realtime container."""
    network = NetworkSpec(vpcs if vpcs is not None else (vpc(),), (PrefixList("pl-63a5400a", ("52.216.0.0/15",)),))
    spec = HostSpec(
        host="local",
        generation=7,
        network=network,
        containers=(container(),),
        standby=(StandbyCount("entities-en", 1),),
        realtime=(RealtimeSpec("rt-1", "000000000001", "dominant-language"),),
    )
    return replace(spec, **changes)

"""Flow log records: their values, and their lines in a given format (Amazon VPC User Guide, "Flow log records").

A value that does not apply or is unknown is ``-``.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from reading_room.vpc.addressing.prefix_lists import API_CIDRS, S3_CIDRS
from reading_room.vpc.flow_logs.fields import record_version

Status = Literal["OK", "NODATA", "SKIPDATA"]
_TCP, _ICMP = 6, 1
_NETWORKS = lru_cache(maxsize=4096)(ipaddress.ip_network)
_ADDRESSES = lru_cache(maxsize=65_536)(ipaddress.ip_address)


@dataclass(frozen=True, slots=True)
class Way:
    """A route's network, and the ``traffic-path`` of its traffic, or ``-`` if the traffic is dropped."""

    network: str
    path: Literal["1", "7", "8", "-"]


@dataclass(frozen=True, slots=True)
class InterfaceFacts:
    """A record's information about its interface."""

    interface_id: str
    account: str
    vpc_id: str
    subnet_id: str
    zone_id: str
    region: str
    vpc_cidrs: tuple[str, ...]
    unrecorded: frozenset[str] = frozenset()
    """Addresses whose incoming traffic is not recorded: the VPC's resolver and the subnet's router."""
    ways: tuple[Way, ...] = ()
    """The routes of its subnet's table to networks outside the VPC, longest prefix first."""
    host: str | None = None
    """The host that records its flows; ``None`` if every host of the VPC records those that it sees (endpoints)."""


@dataclass(frozen=True, slots=True)
class FlowKey:
    """The values that packets of an interface in the same flow have in common.

    ``packet_source`` and ``packet_destination`` are the addresses in the packet itself, or empty if they equal
    ``source`` and ``destination``.
    """

    source: str
    destination: str
    source_port: int
    destination_port: int
    protocol: int
    direction: Literal["ingress", "egress"]
    action: Literal["ACCEPT", "REJECT"]
    packet_source: str = ""
    packet_destination: str = ""


@dataclass(frozen=True, slots=True)
class FlowRecord:
    """A flow's counts in one window; ``flow`` is ``None`` in records with status ``NODATA`` and ``SKIPDATA``.

    ``start`` and ``end`` are whole seconds since 1970, of the first and last packet, or of the window.
    """

    interface: InterfaceFacts
    start: int
    end: int
    status: Status = "OK"
    flow: FlowKey | None = None
    packets: int = 0
    bytes: int = 0
    tcp_flags: int = 0


def line(record: FlowRecord, fields: Sequence[str]) -> str:
    """Return a record as text: the fields' values in order, separated by spaces."""
    values: list[str] = []
    for name in fields:
        if name == "version":
            values.append(str(record_version(tuple(fields))))
        elif name in _OF_EVERY_RECORD:
            values.append(_OF_EVERY_RECORD[name](record))
        elif record.flow is not None and name in _OF_FLOWS:
            values.append(_OF_FLOWS[name](record, record.flow))
        else:
            values.append("-")
    return " ".join(values)


def header(fields: Sequence[str]) -> str:
    """Return the first line of a file of records, the names of its fields."""
    return " ".join(fields)


_OF_EVERY_RECORD: Mapping[str, Callable[[FlowRecord], str]] = {
    "account-id": lambda record: record.interface.account,
    "interface-id": lambda record: record.interface.interface_id,
    "start": lambda record: str(record.start),
    "end": lambda record: str(record.end),
    "log-status": lambda record: record.status,
    "vpc-id": lambda record: record.interface.vpc_id,
    "subnet-id": lambda record: record.interface.subnet_id,
    "region": lambda record: record.interface.region,
    "az-id": lambda record: record.interface.zone_id,
}


def _port(record: FlowRecord, port: int) -> str:
    return "0" if record.flow is not None and record.flow.protocol == _ICMP else str(port)


def _within(address: str, networks: Sequence[str]) -> bool:
    return any(_ADDRESSES(address) in _NETWORKS(network) for network in networks)


@lru_cache(maxsize=65_536)
def _service(address: str) -> str:
    """Return the service in whose published networks an address is: S3, or any other one (``AMAZON``)."""
    if _within(address, S3_CIDRS):
        return "S3"
    return "AMAZON" if _within(address, API_CIDRS) else "-"


def _path(record: FlowRecord, flow: FlowKey) -> str:
    """Return the path of egress traffic.

    1: another resource in the VPC, including NAT gateways and interface endpoints. 7: a gateway endpoint. 8: the
    internet gateway. The numbers are those for Nitro instances.
    """
    if flow.direction != "egress" or flow.action != "ACCEPT":
        return "-"
    if _within(flow.destination, record.interface.vpc_cidrs):
        return "1"
    return next((way.path for way in record.interface.ways if _within(flow.destination, (way.network,))), "-")


_OF_FLOWS: Mapping[str, Callable[[FlowRecord, FlowKey], str]] = {
    "srcaddr": lambda record, flow: flow.source,
    "dstaddr": lambda record, flow: flow.destination,
    "pkt-srcaddr": lambda record, flow: flow.packet_source or flow.source,
    "pkt-dstaddr": lambda record, flow: flow.packet_destination or flow.destination,
    "srcport": lambda record, flow: _port(record, flow.source_port),
    "dstport": lambda record, flow: _port(record, flow.destination_port),
    "protocol": lambda record, flow: str(flow.protocol),
    "packets": lambda record, flow: str(record.packets),
    "bytes": lambda record, flow: str(record.bytes),
    "action": lambda record, flow: flow.action,
    "tcp-flags": lambda record, flow: str(record.tcp_flags) if flow.protocol == _TCP else "-",
    "type": lambda record, flow: "IPv4",
    "pkt-src-aws-service": lambda record, flow: _service(flow.packet_source or flow.source),
    "pkt-dst-aws-service": lambda record, flow: _service(flow.packet_destination or flow.destination),
    "flow-direction": lambda record, flow: flow.direction,
    "traffic-path": _path,
}

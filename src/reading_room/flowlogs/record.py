"""One flow log record: its values, and the line that they make in a format (Amazon VPC User Guide, "Flow log records").

A value that does not apply, or that is not known, is ``-``.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from reading_room.vpc.flow_log_fields import record_version
from reading_room.vpc.prefix_lists import S3_CIDRS

Status = Literal["OK", "NODATA", "SKIPDATA"]
_TCP, _ICMP = 6, 1
_NETWORKS = lru_cache(maxsize=256)(ipaddress.ip_network)


@dataclass(frozen=True, slots=True)
class InterfaceFacts:
    """What a record says of its interface."""

    interface_id: str
    account: str
    vpc_id: str
    subnet_id: str
    zone_id: str
    region: str
    vpc_cidrs: tuple[str, ...]
    unrecorded: frozenset[str] = frozenset()
    """Addresses to which traffic is not recorded: the VPC's resolver and the subnet's router."""


@dataclass(frozen=True, slots=True)
class FlowKey:
    """What makes two packets of one interface one flow."""

    source: str
    destination: str
    source_port: int
    destination_port: int
    protocol: int
    direction: Literal["ingress", "egress"]
    action: Literal["ACCEPT", "REJECT"]


@dataclass(frozen=True, slots=True)
class FlowRecord:
    """A flow's sums in one window; ``flow`` is ``None`` in records of status ``NODATA`` and ``SKIPDATA``.

    ``start`` and ``end`` are whole seconds since 1970: of the first and last packet, or of the window.
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
    """Return a record as text: the fields' values in order, separated by one blank."""
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
    """Return the first line of a file of records: the names of its fields."""
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
    return any(ipaddress.ip_address(address) in _NETWORKS(network) for network in networks)


def _service(address: str) -> str:
    return "S3" if _within(address, S3_CIDRS) else "-"


def _path(record: FlowRecord, flow: FlowKey) -> str:
    """Return the way that leaving packets took: 1 inside the VPC, 7 through a gateway endpoint."""
    if flow.direction != "egress" or flow.action != "ACCEPT":
        return "-"
    if _within(flow.destination, record.interface.vpc_cidrs):
        return "1"
    return "7" if _within(flow.destination, S3_CIDRS) else "-"


_OF_FLOWS: Mapping[str, Callable[[FlowRecord, FlowKey], str]] = {
    "srcaddr": lambda record, flow: flow.source,
    "dstaddr": lambda record, flow: flow.destination,
    "pkt-srcaddr": lambda record, flow: flow.source,
    "pkt-dstaddr": lambda record, flow: flow.destination,
    "srcport": lambda record, flow: _port(record, flow.source_port),
    "dstport": lambda record, flow: _port(record, flow.destination_port),
    "protocol": lambda record, flow: str(flow.protocol),
    "packets": lambda record, flow: str(record.packets),
    "bytes": lambda record, flow: str(record.bytes),
    "action": lambda record, flow: flow.action,
    "tcp-flags": lambda record, flow: str(record.tcp_flags) if flow.protocol == _TCP else "-",
    "type": lambda record, flow: "IPv4",
    "pkt-src-aws-service": lambda record, flow: _service(flow.source),
    "pkt-dst-aws-service": lambda record, flow: _service(flow.destination),
    "flow-direction": lambda record, flow: flow.direction,
    "traffic-path": _path,
}

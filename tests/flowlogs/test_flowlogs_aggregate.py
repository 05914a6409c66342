"""Windows of flows: which packets form a record, when records are delivered, and which packets are omitted."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.dataplane.spec import FlowEvent
from reading_room.flowlogs.aggregate import Aggregator, ClosedWindow, Covered, FlowLogTarget
from reading_room.flowlogs.record import FlowKey, FlowRecord, InterfaceFacts, Way, header, line
from reading_room.vpc.flow_logs.fields import DEFAULT_FORMAT, LogFormatError, parse_format
from reading_room.vpc.flow_logs.fields import FIELDS as FIELD_VERSIONS

FIELDS = parse_format(DEFAULT_FORMAT)
ENI = InterfaceFacts(
    "eni-1", "000000000001", "vpc-1", "subnet-1", "use1-az1", "us-east-1", ("10.0.0.0/16",), frozenset({"10.0.0.2"})
)
ALL = FlowLogTarget("fl-1", "000000000001", "ALL", "cloud-watch-logs", FIELDS, 600, "/flow")
REJECTS = dataclasses.replace(ALL, flow_log_id="fl-2", traffic_type="REJECT")
START = 6_000_000.0
EVENT = FlowEvent(
    vpc_id="vpc-1",
    interface_id="eni-1",
    direction="egress",
    source="10.0.1.5",
    destination="52.216.0.10",
    source_port=40000,
    destination_port=443,
    protocol=6,
    packets=10,
    bytes=5000,
    start=START + 1.5,
    end=START + 2.5,
    action="ACCEPT",
    tcp_flags=3,
)


def event(**changes: Any) -> FlowEvent:
    return dataclasses.replace(EVENT, **changes)


def covering(*targets: FlowLogTarget, now: float = START, interrupted: bool = False, **limits: int) -> Aggregator:
    aggregator = Aggregator(**limits)
    aggregator.cover(
        [Covered(target, ENI) for target in targets],
        {target.flow_log_id for target in targets},
        now,
        {"eni-1"} if interrupted else set(),
    )
    return aggregator


def lines(closed: list[ClosedWindow], fields: tuple[str, ...] = FIELDS) -> list[str]:
    return [line(record, fields) for window in closed for record in window.records]


def test_packets_of_one_flow_are_one_line_in_the_default_format() -> None:
    aggregator = covering(ALL)
    aggregator.add(EVENT, START + 3)
    aggregator.add(event(packets=2, bytes=100, start=START + 4, end=START + 9.9), START + 10)
    assert aggregator.close_due(START + 59) == []
    assert lines(aggregator.close_due(START + 60)) == [
        "2 000000000001 eni-1 10.0.1.5 52.216.0.10 40000 443 6 12 5100 6000001 6000009 ACCEPT OK"
    ]


def test_a_window_without_traffic_is_nodata_and_the_next_one_opens() -> None:
    aggregator = covering(ALL)
    nodata = "2 000000000001 eni-1 - - - - - - - {} {} - NODATA"
    assert lines(aggregator.close_due(START + 60)) == [nodata.format(6000000, 6000060)]
    assert lines(aggregator.close_due(START + 120)) == [nodata.format(6000060, 6000120)]


def test_a_deleted_interface_is_delivered_at_once_and_its_last_packets_at_the_next_turn() -> None:
    aggregator = covering(ALL)
    aggregator.add(EVENT, START + 3)
    assert len(lines(aggregator.close_interface("eni-1", START + 4))) == 1
    assert aggregator.close_interface("eni-1", START + 4) == []
    aggregator.add(event(packets=1, bytes=40), START + 5)
    assert lines(aggregator.close_due(START + 5)) == [
        "2 000000000001 eni-1 10.0.1.5 52.216.0.10 40000 443 6 1 40 6000001 6000002 ACCEPT OK"
    ]
    assert aggregator.close_due(START + 200) == []
    assert not aggregator.add(EVENT, START + 201), "after a while it is forgotten"


def test_an_interface_with_a_deleted_row_waits_for_its_last_packets() -> None:
    aggregator = covering(ALL)
    aggregator.add(EVENT, START + 3)
    aggregator.cover([], {"fl-1"}, START + 4)
    assert aggregator.close_due(START + 4.5) == []
    aggregator.add(EVENT, START + 4.5)
    assert len(lines(aggregator.close_due(START + 5))) == 1


def test_a_deleted_flow_log_delivers_nothing_more() -> None:
    aggregator = covering(ALL)
    aggregator.add(EVENT, START + 3)
    aggregator.cover([], set(), START + 4)
    assert aggregator.close_due(START + 120) == []
    assert not aggregator.add(EVENT, START + 5)
    assert aggregator.close_due(START + 60) == []


def test_a_flow_log_of_rejects_omits_accepted_packets_without_nodata() -> None:
    aggregator = covering(ALL, REJECTS)
    aggregator.add(EVENT, START + 3)
    closed = aggregator.close_due(START + 60)
    assert [window.covered.target.flow_log_id for window in closed] == ["fl-1"]
    aggregator.add(event(action="REJECT"), START + 61)
    assert len(aggregator.close_due(START + 120)) == 2


@pytest.mark.parametrize("address", ["10.0.0.2", "169.254.170.2", "169.254.169.253"])
def test_traffic_to_the_resolver_and_to_credentials_is_not_recorded(address: str) -> None:
    aggregator = covering(ALL)
    aggregator.add(event(destination=address), START + 3)
    aggregator.add(event(source=address, direction="ingress"), START + 3)
    assert [text.split()[-1] for text in lines(aggregator.close_due(START + 60))] == ["NODATA"]


def test_only_what_an_interrupted_host_records_is_skipdata() -> None:
    aggregator = Aggregator()
    homes = {"eni-1": "local", "eni-2": "second", "eni-3": None}
    rows = [dataclasses.replace(ENI, interface_id=each, host=host) for each, host in homes.items()]
    aggregator.cover([Covered(ALL, row) for row in rows], {"fl-1"}, START)
    aggregator.interrupt("second")
    ends = {window.covered.interface.interface_id: window.records for window in aggregator.close_due(START + 60)}
    assert {each: records[0].status for each, records in ends.items()} == {
        "eni-1": "NODATA",
        "eni-2": "SKIPDATA",
        "eni-3": "SKIPDATA",
    }


def test_an_interrupted_window_is_skipdata() -> None:
    aggregator = covering(ALL, interrupted=True)
    aggregator.add(EVENT, START + 3)
    assert [text.split()[-1] for text in lines(aggregator.close_due(START + 60))] == ["OK", "SKIPDATA"]
    aggregator.interrupt("local")
    aggregator.add(EVENT, START + 63)
    assert [text.split()[-1] for text in lines(aggregator.close_due(START + 120))] == ["OK", "SKIPDATA"]
    assert [text.split()[-1] for text in lines(aggregator.close_due(START + 180))] == ["NODATA"]


def test_a_full_window_closes_early_and_loses_nothing() -> None:
    aggregator = covering(ALL, flows_per_window=2)
    for port in range(5):
        aggregator.add(event(source_port=port), START + 1)
        aggregator.add(event(source_port=port), START + 1)
    reported = lines(aggregator.close_due(START + 2))
    assert [text.split()[5] for text in reported] == ["0", "1", "2", "3"]
    reported += lines(aggregator.close_due(START + 60))
    assert len(reported) == 5
    assert {text.split()[8] for text in reported} == {"20"}
    assert {text.split()[-1] for text in reported} == {"OK"}


def test_records_beyond_the_limit_are_dropped_and_reported() -> None:
    aggregator = covering(ALL, flows_per_window=2, flows_waiting=4)
    for port in range(20):
        aggregator.add(event(source_port=port), START + 1)
    reported = [text.split()[-1] for text in lines(aggregator.close_due(START + 60))]
    assert reported == ["OK"] * 6 + ["SKIPDATA"]


def test_a_long_pause_is_a_single_window() -> None:
    aggregator = covering(ALL)
    aggregator.close_due(START + 100_000)
    assert len(aggregator.close_due(START + 100_060)) == 1


def test_fields_of_later_versions_are_supported() -> None:
    fields = parse_format(
        "${version} ${vpc-id} ${flow-direction} ${traffic-path} ${tcp-flags} ${pkt-dst-aws-service} ${az-id} "
        "${instance-id} ${encryption-status}"
    )
    key = FlowKey("10.0.1.5", "52.216.0.10", 40000, 443, 6, "egress", "ACCEPT")
    record = FlowRecord(dataclasses.replace(ENI, ways=(Way("52.216.0.0/15", "7"),)), 1, 2, "OK", key, 10, 5000, 3)
    assert line(record, fields) == "10 vpc-1 egress 7 3 S3 use1-az1 - -"
    inside = dataclasses.replace(record, flow=dataclasses.replace(key, destination="10.0.2.9"))
    assert line(inside, ("traffic-path",)) == "1"
    ping = dataclasses.replace(record, flow=dataclasses.replace(key, protocol=1))
    assert line(ping, ("srcport", "dstport", "tcp-flags")) == "0 0 -"
    assert header(fields).startswith("version vpc-id ")


def test_packet_addresses_are_recorded_beside_those_of_the_interface() -> None:
    aggregator = covering(ALL)
    aggregator.add(event(packet_source="10.0.1.77"), START + 3)
    aggregator.add(event(packet_destination="52.94.0.10"), START + 3)
    fields = ("srcaddr", "pkt-srcaddr", "dstaddr", "pkt-dstaddr", "pkt-src-aws-service", "pkt-dst-aws-service")
    assert lines(aggregator.close_due(START + 60), fields) == [
        "10.0.1.5 10.0.1.77 52.216.0.10 52.216.0.10 - S3",
        "10.0.1.5 10.0.1.5 52.216.0.10 52.94.0.10 - AMAZON",
    ]


_NAMES = st.lists(st.sampled_from(sorted(FIELD_VERSIONS)), min_size=1, max_size=12)
_MEMBERS: dict[str, Any] = {
    "direction": st.sampled_from(["ingress", "egress"]),
    "action": st.sampled_from(["ACCEPT", "REJECT"]),
    "protocol": st.integers(0, 255),
    "source_port": st.integers(0, 65_535),
    "packets": st.integers(1, 2**40),
    "bytes": st.integers(20, 2**50),
}


@given(_NAMES, st.fixed_dictionaries({}, optional=_MEMBERS))
def test_every_format_can_be_read_back_field_by_field(names: list[str], changes: dict[str, Any]) -> None:
    fields = parse_format(" ".join(f"${{{name}}}" for name in names))
    assert list(fields) == names
    aggregator = covering(ALL)
    sent = event(**changes)
    aggregator.add(sent, START + 3)
    (text,) = lines(aggregator.close_due(START + 60), fields)
    reported = dict(zip(names, text.split(" "), strict=True))
    expected = {
        "version": str(max(2, *(FIELD_VERSIONS[name] for name in names))),
        "packets": str(sent.packets),
        "bytes": str(sent.bytes),
        "protocol": str(sent.protocol),
        "action": sent.action,
        "flow-direction": sent.direction,
        "interface-id": "eni-1",
        "srcport": "0" if sent.protocol == 1 else str(sent.source_port),
        "log-status": "OK",
        "sublocation-type": "-",
        "instance-id": "-",
    }
    assert {name: reported[name] for name in reported if name in expected} == {
        name: expected[name] for name in reported if name in expected
    }


@pytest.mark.parametrize("text", ["", "version", "${version},${start}", "${nosuch}", "${transit-gateway-id}"])
def test_an_invalid_format_is_refused(text: str) -> None:
    with pytest.raises(LogFormatError):
        parse_format(text)


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.integers(1, 100), st.sampled_from(["ACCEPT", "REJECT"]), st.integers(0, 200)),
        max_size=40,
    )
)
def test_every_byte_is_recorded_exactly_once(packets: list[tuple[int, int, Any, int]]) -> None:
    aggregator = covering(ALL)
    closed: list[ClosedWindow] = []
    for port, size, action, delay in sorted(packets, key=lambda packet: packet[3]):
        now = START + delay
        closed += aggregator.close_due(now)
        aggregator.add(event(source_port=port, bytes=size, packets=1, action=action, start=now, end=now), now)
    closed += aggregator.close_interface("eni-1", START + 201)
    records = [record for window in closed for record in window.records if record.flow is not None]
    assert sum(record.bytes for record in records) == sum(size for _, size, _, _ in packets)
    assert sum(record.packets for record in records) == len(packets)
    reported = [(window.end, record.flow) for window in closed for record in window.records if record.flow]
    assert len(reported) == len(set(reported)), "one record for each flow and window"


@pytest.mark.parametrize("jump", [-86_400.0, -3600.0])
def test_set_back_the_clock_delays_no_record(jump: float) -> None:
    aggregator = covering(ALL)
    aggregator.add(EVENT, START + 3)
    now = START + 10 + jump
    aggregator.clock_set(jump, now)
    assert len(lines(aggregator.close_due(now + 60))) == 1
    aggregator.add(EVENT, now + 61)
    aggregator.cover([], {"fl-1"}, now + 61)
    aggregator.clock_set(jump, now + jump + 62)
    assert len(lines(aggregator.close_due(now + jump + 63))) == 1


def test_set_forward_the_clock_loses_no_packet_of_a_deleted_interface() -> None:
    aggregator = covering(ALL)
    aggregator.close_interface("eni-1", START + 1)
    now = START + 86_400
    aggregator.clock_set(86_399, now)
    aggregator.close_due(now)
    assert aggregator.add(EVENT, now + 1)
    assert len(lines(aggregator.close_due(now + 1))) == 1

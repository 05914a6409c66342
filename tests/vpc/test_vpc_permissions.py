"""Normalizing security group rules from requests."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.vpc.errors import InvalidParameterCombination, MissingParameter
from reading_room.vpc.groups import permissions
from reading_room.vpc.groups.errors import (
    BadPortRange,
    BadProtocol,
    MalformedCidr,
    MalformedPermission,
    NoPorts,
    NoProtocol,
)

ANYWHERE = [{"CidrIp": "0.0.0.0/0"}]


def read(**entry: Any) -> list[permissions.Permission]:
    return permissions.requested({"IpPermissions": [{"IpRanges": ANYWHERE, **entry}]})


def test_one_entry_with_several_peers_is_several_rules() -> None:
    rules = read(
        IpProtocol="TCP",
        FromPort=1,
        ToPort=2,
        IpRanges=[{"CidrIp": "10.0.0.9/8", "Description": "inside"}],
        Ipv6Ranges=[{"CidrIpv6": "2001:db8::1/32"}],
        PrefixListIds=[{"PrefixListId": "pl-1"}],
        UserIdGroupPairs=[{"GroupId": "sg-1"}, {"GroupName": "web"}],
    )
    assert [str(rule) for rule in rules] == [
        "peer: 10.0.0.0/8, TCP, from port: 1, to port: 2, ALLOW",
        "peer: 2001:db8::/32, TCP, from port: 1, to port: 2, ALLOW",
        "peer: pl-1, TCP, from port: 1, to port: 2, ALLOW",
        "peer: sg-1, TCP, from port: 1, to port: 2, ALLOW",
        "peer: web, TCP, from port: 1, to port: 2, ALLOW",
    ]
    assert rules[0].description == "inside"
    assert [rule.by_name for rule in rules[3:]] == [False, True]


@pytest.mark.parametrize(
    ("written", "normal"), [("6", "tcp"), ("UDP", "udp"), ("1", "icmp"), ("all", "-1"), ("50", "50")]
)
def test_protocols_have_one_normal_form(written: str, normal: str) -> None:
    assert permissions.normal_protocol(written) == normal


@given(st.integers(-70000, 70000), st.integers(-70000, 70000))
def test_ports_are_dropped_for_all_protocols_and_are_a_range_for_tcp(first: int, last: int) -> None:
    assert read(IpProtocol="-1", FromPort=first, ToPort=last)[0].from_port is None
    if 0 <= first <= last <= 65535:
        assert read(IpProtocol="tcp", FromPort=first, ToPort=last)[0].to_port == last
    elif (first, last) != (-1, -1):
        with pytest.raises(BadPortRange):
            read(IpProtocol="tcp", FromPort=first, ToPort=last)


def test_icmp_has_a_type_and_code_and_wildcards_for_them() -> None:
    assert read(IpProtocol="icmp", FromPort=8, ToPort=-1)[0].identity[:3] == ("icmp", 8, -1)
    assert read(IpProtocol="icmp")[0].identity[:3] == ("icmp", -1, -1)
    with pytest.raises(BadPortRange):
        read(IpProtocol="icmp", FromPort=-1, ToPort=3)


def test_the_flat_form_gives_the_same_permissions() -> None:
    flat = permissions.requested({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "10.0.0.0/8"})
    assert flat == read(IpProtocol="tcp", FromPort=22, ToPort=22, IpRanges=[{"CidrIp": "10.0.0.0/8"}])
    with pytest.raises(InvalidParameterCombination):
        permissions.requested({"IpProtocol": "tcp", "IpPermissions": [{"IpProtocol": "-1"}]})


@given(st.ip_addresses(v=6), st.integers(0, 128))
def test_an_ipv6_network_has_one_normal_form_however_it_is_written(address: IPv6Address, length: int) -> None:
    def form(text: str) -> str | None:
        return read(IpProtocol="-1", IpRanges=[], Ipv6Ranges=[{"CidrIpv6": text}])[0].cidr_ipv6

    normal = form(f"{address}/{length}")
    assert normal is not None
    assert normal == form(f"{address.exploded.upper()}/{length}") == form(normal)
    assert IPv6Network(normal) == IPv6Network(f"{address}/{length}", strict=False)


@pytest.mark.parametrize(
    "text", ["::", "::/129", "10.0.0.0/8", "fe80::%eth0/64", "fe80::1%1/128", "::/+1", "::/ffff::", ""]
)
def test_an_invalid_ipv6_network_is_malformed(text: str) -> None:
    with pytest.raises(MalformedCidr):
        read(IpProtocol="-1", IpRanges=[], Ipv6Ranges=[{"CidrIpv6": text}])


def test_a_rule_without_protocol_ports_or_peer_is_malformed() -> None:
    with pytest.raises(MissingParameter):
        permissions.requested({})
    with pytest.raises(NoProtocol):
        read()
    with pytest.raises(NoPorts):
        read(IpProtocol="tcp")
    with pytest.raises(MalformedPermission):
        read(IpProtocol="-1", IpRanges=[])
    with pytest.raises(BadProtocol):
        read(IpProtocol="ipx")
    for cidr in ("10.0.0.0", "10.0.0.0/40", "::/0", ""):
        with pytest.raises(MalformedCidr):
            read(IpProtocol="-1", IpRanges=[{"CidrIp": cidr}])

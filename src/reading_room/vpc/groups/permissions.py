"""Security group rules as requests write them: ``IpPermissions`` and the older flat parameters, in one normal form.

A ``Permission`` has one protocol, one port range and one peer, so a request with two CIDRs and a group becomes three.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reading_room.vpc.errors import InvalidParameterCombination, MissingParameter
from reading_room.vpc.groups.errors import (
    BadPortRange,
    BadProtocol,
    MalformedCidr,
    MalformedPermission,
    NoPeer,
    NoPorts,
    NoProtocol,
    SeveralPeers,
)
from reading_room.vpc.tables import SecurityGroupRule

ALL = "-1"
_NAMES = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}
_NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58, ALL: -1}
_RULE_PEERS = {
    "CidrIpv4": ("IpRanges", "CidrIp"),
    "CidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    "PrefixListId": ("PrefixListIds", "PrefixListId"),
    "ReferencedGroupId": ("UserIdGroupPairs", "GroupId"),
}
_FLAT = ("IpProtocol", "FromPort", "ToPort", "CidrIp", "SourceSecurityGroupName", "SourceSecurityGroupOwnerId")


@dataclass(frozen=True, slots=True)
class Permission:
    """One requested rule; two with the same ``identity`` are the same rule.

    Ports are ``None`` if the protocol has none. Exactly one peer is set; ``group`` is an id, or the name of a group
    in the default VPC when ``by_name``.
    """

    protocol: str
    from_port: int | None
    to_port: int | None
    cidr_ipv4: str | None = None
    cidr_ipv6: str | None = None
    prefix_list_id: str | None = None
    group: str | None = None
    by_name: bool = False
    description: str | None = None

    @property
    def identity(self) -> tuple[Any, ...]:
        """Everything that distinguishes the rule from others: all fields except the description."""
        return (self.protocol, self.from_port, self.to_port, *self.peers)

    @property
    def peers(self) -> tuple[str | None, str | None, str | None, str | None]:
        """The IPv4 network, IPv6 network, prefix list and group; exactly one of them is set."""
        return (self.cidr_ipv4, self.cidr_ipv6, self.prefix_list_id, self.group)

    def __str__(self) -> str:
        """The rule as EC2's error messages write it."""
        peer = self.cidr_ipv4 or self.cidr_ipv6 or self.prefix_list_id or self.group
        protocol = "ALL" if self.protocol == ALL else self.protocol.upper()
        ports = "" if self.from_port is None else f", from port: {self.from_port}, to port: {self.to_port}"
        return f"peer: {peer}, {protocol}{ports}, ALLOW"


def permission_of(rule: SecurityGroupRule) -> Permission:
    """Return the permission that a stored rule was created from."""
    return Permission(
        rule.protocol,
        rule.from_port,
        rule.to_port,
        rule.cidr_ipv4,
        rule.cidr_ipv6,
        rule.prefix_list_id,
        rule.referenced_group_id,
        description=rule.description,
    )


def protocol_number(protocol: str) -> int:
    """Return the IANA number of a protocol in normal form, -1 for all."""
    return _NUMBERS[protocol] if protocol in _NUMBERS else int(protocol)


def requested(request: Mapping[str, Any]) -> list[Permission]:
    """Return the permissions of an Authorize or Revoke call, in order.

    Raises ``MissingParameter`` if there are none, ``InvalidParameterCombination`` for both forms at once,
    ``BadProtocol``, ``BadPortRange``, ``MalformedCidr`` or ``MalformedPermission``.
    """
    listed = request.get("IpPermissions") or ()
    flat = [name for name in _FLAT if request.get(name) is not None]
    if listed and flat:
        raise InvalidParameterCombination("The parameter ipPermissions cannot be used with the parameter " + flat[0])
    if flat:
        listed = (_from_flat(request),)
    if not listed:
        raise MissingParameter("IpPermissions")
    return [permission for entry in listed for permission in _of_entry(entry)]


def of_rule(wanted: Mapping[str, Any]) -> Permission:
    """Return the permission in a ``SecurityGroupRuleRequest`` of ModifySecurityGroupRules.

    Raises ``MissingParameter`` or ``InvalidParameterCombination`` unless it has exactly one peer, and what
    ``requested`` raises.
    """
    entry: dict[str, Any] = {name: wanted[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in wanted}
    for peer, (member, key) in _RULE_PEERS.items():
        if wanted.get(peer):
            entry[member] = [{key: wanted[peer], "Description": wanted.get("Description")}]
    found = list(_of_entry(entry, of_one_peer=True))
    return found[0]


def normal_protocol(text: str) -> str:
    """Return a protocol's normal form: ``tcp`` for ``TCP`` and ``6``, ``-1`` for all. Raises ``BadProtocol``."""
    lowered = text.lower()
    if lowered in ("-1", "all"):
        return ALL
    lowered = _NAMES.get(lowered, lowered)
    if lowered in _NUMBERS:
        return lowered
    if not lowered.isascii() or not lowered.isdigit() or int(lowered) > 255:
        raise BadProtocol(text)
    return str(int(lowered))


def _from_flat(request: Mapping[str, Any]) -> dict[str, Any]:
    if "SourceSecurityGroupName" in request:
        # The old form allows all protocols if it names a group and no protocol.
        pair = {"GroupName": request["SourceSecurityGroupName"]}
        return {
            "IpProtocol": request.get("IpProtocol", ALL),
            "FromPort": request.get("FromPort"),
            "ToPort": request.get("ToPort"),
            "UserIdGroupPairs": [pair],
        }
    entry = {name: request[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in request}
    if request.get("CidrIp"):
        entry["IpRanges"] = [{"CidrIp": request["CidrIp"]}]
    return entry


def _of_entry(entry: Mapping[str, Any], *, of_one_peer: bool = False) -> Iterator[Permission]:
    if not entry.get("IpProtocol"):
        raise NoProtocol
    protocol = normal_protocol(str(entry["IpProtocol"]))
    first, last = _ports(protocol, entry.get("FromPort"), entry.get("ToPort"))
    peers = list(_peers(entry))
    if of_one_peer and len(peers) != 1:
        raise SeveralPeers if peers else NoPeer
    if not peers:
        raise MalformedPermission("it names no CIDR block, prefix list or security group")
    for peer in peers:
        yield Permission(protocol, first, last, **peer)


def _ports(protocol: str, first: int | None, last: int | None) -> tuple[int | None, int | None]:
    if protocol in ("tcp", "udp"):
        if first is None or last is None:
            raise NoPorts
        if first == -1 and last == -1:
            return 0, 65535
        if not 0 <= first <= last <= 65535:
            raise BadPortRange(protocol, first, last)
        return first, last
    if protocol in ("icmp", "icmpv6"):
        first, last = -1 if first is None else first, -1 if last is None else last
        if not (-1 <= first <= 255 and -1 <= last <= 255) or (first == -1 and last != -1):
            raise BadPortRange(protocol, first, last)
        return first, last
    return None, None


def _peers(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for item in entry.get("IpRanges") or ():
        yield {"cidr_ipv4": _cidr(item.get("CidrIp", ""), 4), "description": item.get("Description")}
    for item in entry.get("Ipv6Ranges") or ():
        yield {"cidr_ipv6": _cidr(item.get("CidrIpv6", ""), 6), "description": item.get("Description")}
    for item in entry.get("PrefixListIds") or ():
        yield {"prefix_list_id": item.get("PrefixListId", ""), "description": item.get("Description")}
    for item in entry.get("UserIdGroupPairs") or ():
        group = item.get("GroupId") or item.get("GroupName")
        if not group:
            raise MalformedPermission("a group pair names no group")
        yield {"group": group, "by_name": "GroupId" not in item, "description": item.get("Description")}


def _cidr(text: str, version: int) -> str:
    kind = ipaddress.IPv4Network if version == 4 else ipaddress.IPv6Network
    address, slash, length = text.partition("/")
    # The library would also accept netmasks, a missing length, and the zone of an IPv6 address.
    if not slash or not length.isascii() or not length.isdigit() or "%" in address:
        raise MalformedCidr(text)
    try:
        return str(kind(f"{address}/{length}", strict=False))
    except ValueError:
        raise MalformedCidr(text) from None

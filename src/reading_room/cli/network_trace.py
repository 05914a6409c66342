"""``reading-room network trace``: the fate of a packet, and which rule, route or endpoint decides it."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.markup import escape
from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.cli.network_hosts import PacketHosts
from reading_room.cli.opened_database import open_to_read
from reading_room.cli.options import read_settings
from reading_room.cli.screen import fail
from reading_room.cli.screen import output as console
from reading_room.dataplane.rules.verdicts import ICMP, TCP, UDP, Hop, Inbound, Packet
from reading_room.dataplane.spec import NetworkSpec
from reading_room.vpc import network_spec
from reading_room.vpc.addressing import dhcp_options
from reading_room.vpc.addressing.dhcp_options import AMAZON_DNS
from reading_room.vpc.endpoints import resolver
from reading_room.vpc.reachability.paths import Answer, answer_for, as_attached, destinations_of, vpc_of
from reading_room.vpc.tables import VpcEndpoint

PROTOCOLS = {"tcp": TCP, "udp": UDP, "icmp": ICMP}
Policies = Mapping[str, tuple[str, str]]
"""The policy of each endpoint, and the account that owns it."""
SOMEBODY = "192.0.2.1"
"""The sender's address if only an internet gateway is named; nobody here has it."""
_PORT = 443


def trace(source: str, destination: str, protocol: str, data: Path | None, *, as_json: bool) -> None:
    """Print the fate of a packet in both directions."""
    if protocol not in PROTOCOLS:
        raise fail(f"--protocol {protocol}: expected one of {', '.join(PROTOCOLS)}")
    where, port = _destination(destination, protocol)
    database = open_to_read(read_settings(data))
    try:
        with database.reading() as session:
            spec = network_spec.read(session)
            vpc = vpc_of(spec, source) or vpc_of(spec, where)
            if vpc is None and source.startswith(("eni-", "igw-")):
                raise fail(_unknown(source))
            named = _named(session, spec, vpc.vpc_id if vpc is not None else "", source, where)
            policies = {row.vpc_endpoint_id: (row.policy, row.account) for row in session.scalars(select(VpcEndpoint))}
            hosts = PacketHosts(session)
    finally:
        database.close()
    if not named.address:
        _print_unnamed(named, as_json=as_json)
        return
    packet = _packet(spec, source, named.address, PROTOCOLS[protocol], port)
    answer = answer_for(spec, packet)
    first, last = hosts.ends(packet, answer.verdict)
    if as_json:
        on_hosts = {"hosts": [first, last]} if first else {}
        print(json.dumps(_as_json(named, answer, policies) | on_hosts))
        return
    _print(named, answer, policies)
    if first:
        console.print(f"\nOn the host {first}" if first == last else f"\nFrom the host {first} to {last or 'no host'}")
    if answer.verdict.outcome == "no-wire":
        # No packet can leave now, but users ask what a job would meet before they start one.
        console.print("\nIf it were attached:")
        spec = as_attached(spec, {source, where})
        _print(replace(named, says=""), answer_for(spec, packet), policies)
    console.print("\nRules met:")
    console.print(hosts.met(spec, packet).table(), soft_wrap=True, markup=False)


@dataclass(frozen=True, slots=True)
class Named:
    """A destination and its address; ``says`` is where the address comes from, or why there is none."""

    name: str
    address: str
    says: str = ""


def _destination(text: str, protocol: str) -> tuple[str, int]:
    """Return the part before the last colon, and the port after it."""
    where, colon, port = text.rpartition(":")
    if not colon:
        where, port = text, "0" if protocol == "icmp" else str(_PORT)
    if not port.isdecimal() or int(port) > 65_535 or not where or ":" in where or not ("." in where or "-" in where):
        raise fail(
            f"{text}: expected ADDRESS:PORT, for example 198.51.100.10:443, or eni-…, vpce-… or a name before it"
        )
    return where, int(port)


def _unknown(identifier: str) -> str:
    what = "internet-gateways" if identifier.startswith("igw-") else "network-interfaces"
    kind = "internet gateway" if identifier.startswith("igw-") else "interface"
    return f"no {kind} {identifier}: `aws ec2 describe-{what}` lists the existing ones"


def _named(session: Session, spec: NetworkSpec, vpc_id: str, source: str, where: str) -> Named:
    """Return the address of a destination, as the sender would resolve it."""
    try:
        return Named(where, str(ipaddress.IPv4Address(where)))
    except ValueError:
        pass
    if where.startswith(("eni-", "vpce-")):
        addresses = destinations_of(spec, where, public=not source.startswith("eni-"))
        if not addresses:
            raise fail(f"{where} does not exist, or has no address yet")
        return Named(where, addresses[0])
    if where.startswith("igw-"):
        raise fail(f"{where}: a packet goes to an address: give one beyond the gateway")
    if not source.startswith("eni-"):
        raise fail(f"{where}: names are resolved inside a VPC, so the sender has to be an interface")
    servers = dhcp_options.name_servers(session)[vpc_id].servers
    if AMAZON_DNS not in servers:
        own = ", ".join(servers) or "no server"
        return Named(where, "", f"the DHCP options of {vpc_id} send queries to {own}: ask there, and give the address")
    zones = resolver.zones_of(session, vpc_id)
    if not zones.dns_support:
        return Named(where, "", f"the resolver of {vpc_id} answers nothing: enableDnsSupport is false")
    found = resolver.addresses_of(where.lower().rstrip("."), zones)
    if found is None:
        return Named(where, "", f"the resolver of {vpc_id} answers that {where} does not exist (NXDOMAIN)")
    if not found:
        return Named(where, "", f"the resolver of {vpc_id} knows {where} but has no address for it")
    return Named(where, found[0], f"the resolver of {vpc_id} says that {where} is {', '.join(found)}")


def _packet(spec: NetworkSpec, source: str, address: str, protocol: int, port: int) -> Packet | Inbound:
    vpc = vpc_of(spec, source)
    if source.startswith("eni-") and vpc is not None:
        return Packet(vpc.vpc_id, source, address, protocol, port)
    if source.startswith("igw-") and vpc is not None:
        return Inbound(SOMEBODY, address, protocol, port, vpc_id=vpc.vpc_id)
    try:
        ipaddress.IPv4Address(source)
    except ValueError:
        raise fail(f"{source}: expected eni-…, igw-…, or an address outside") from None
    return Inbound(source, address, protocol, port)


def _warnings(answer: Answer, policies: Policies) -> list[str]:
    """Return warnings about who else than the owner's account may use the endpoint that takes the packet."""
    endpoint = answer.verdict.delivered_to
    if endpoint not in policies:
        return []
    from reading_room.iam.policy.open_endpoint import openings  # Most packets do not go to an endpoint.

    return [opening.warning(endpoint) for opening in openings(*policies[endpoint])]


def _as_json(named: Named, answer: Answer, policies: Policies) -> dict[str, object]:
    verdict = answer.verdict
    return {
        "outcome": verdict.outcome,
        "delivered_to": verdict.delivered_to,
        "answered": verdict.answered,
        "source": verdict.source,
        "destination": named.name,
        "address": named.address,
        "forward": [asdict(hop) for hop in answer.forward],
        "back": [asdict(hop) for hop in answer.back],
        "reasons": [{"about": list(reason.about), "message": reason.message} for reason in verdict.reasons],
        "warnings": _warnings(answer, policies),
    }


def _print_unnamed(named: Named, *, as_json: bool) -> None:
    if as_json:
        reasons = [{"about": [], "message": named.says}]
        print(json.dumps({"outcome": "unnamed", "destination": named.name, "reasons": reasons}))
        return
    console.print(f"[red]unnamed[/]\n  {named.says}", soft_wrap=True)


def _print(named: Named, answer: Answer, policies: Policies) -> None:
    verdict = answer.verdict
    arrived = verdict.outcome in ("delivered", "left") and verdict.answered
    console.print(f"[{'green' if arrived else 'red'}]{verdict.outcome}[/] {verdict.delivered_to}".rstrip())
    if named.says:
        console.print(f"  {named.says}", soft_wrap=True)
    for reason in verdict.reasons:
        console.print(f"  {reason.message}", soft_wrap=True)
    for warning in _warnings(answer, policies):
        console.print(f"  [yellow]warning:[/] {escape(warning)}", soft_wrap=True)
    if verdict.outcome == "no-wire":
        return
    if answer.forward:
        first = answer.packet.source or answer.forward[0].source
        _print_way("The way there", answer.forward, (first, answer.packet.destination))
    if answer.back and verdict.answered:
        last = answer.forward[-1]
        _print_way("The way back", answer.back, (last.destination, last.source))


def _print_way(title: str, hops: tuple[Hop, ...], start: tuple[str, str]) -> None:
    console.print(f"\n{title}:")
    before = start
    for number, hop in enumerate(hops, 1):
        console.print(f"  {number}  {_sentence(hop)}{_translated(hop, before)}", soft_wrap=True, markup=False)
        before = (hop.source, hop.destination)


def _sentence(hop: Hop) -> str:
    if hop.refused:
        return f"{hop.component_id}: no {hop.kind} rule of its groups allows it"
    if hop.kind in ("egress", "ingress"):
        by = f" by {hop.rule_id}" if hop.rule_id else ", as an answer"
        return f"{hop.group_id} lets it pass {hop.component_id}{by} ({hop.kind})"
    if hop.kind == "route-table":
        return f"{hop.component_id} sends {hop.route} to {hop.target}"
    return f"{hop.component_id} ({hop.kind})"


def _translated(hop: Hop, before: tuple[str, str]) -> str:
    changes = [
        f"{what} {old} becomes {new}"
        for what, old, new in (
            ("source", before[0], hop.source),
            ("destination", before[1], hop.destination),
        )
        if old != new
    ]
    return f": {', '.join(changes)}" if changes else ""

"""Whether a job's interface can reach S3, checked in the order in which a job would fail: names first, then packets.

The result is a sentence that names the one thing to change, or nothing. If the VPC has its own name servers, their
answers are unknown here. Then it is enough if one of the name servers and one address of S3 can be reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session

from reading_room.dataplane.rules.semantics import UDP, Packet, Verdict, decide, storage_path
from reading_room.dataplane.spec import NetworkSpec
from reading_room.vpc.addressing import dhcp_options
from reading_room.vpc.addressing.dhcp_options import AMAZON_DNS
from reading_room.vpc.addressing.prefix_lists import S3_PREFIX_LIST_ID
from reading_room.vpc.endpoints import resolver
from reading_room.vpc.tables import NetworkInterface, Vpc

STORAGE_PORT = 443
"""The port that a job's SDK uses for S3."""
_DNS_PORT = 53
Stage = Literal["names", "groups", "routes"]
"""What can keep an interface from reaching S3: name resolution, security groups, or route tables."""
_REFUSED = frozenset({"refused-egress", "refused-ingress"})


@dataclass(frozen=True, slots=True)
class Reachability:
    """Whether an interface can reach S3. ``obstacle`` is a sentence on why it cannot, or ``None``.

    ``verdict`` is that of its packets, or ``None`` if it is unknown which address of S3 they will be sent to. ``stage``
    is the kind of obstacle, and ``refused`` is the verdict of the packets that it stops.
    """

    obstacle: str | None = None
    verdict: Verdict | None = None
    stage: Stage | None = None
    refused: Verdict | None = None


def find(session: Session, spec: NetworkSpec, interface: NetworkInterface) -> Reachability:
    """Return whether an interface can reach S3 by name."""
    servers = _servers(session, interface.vpc_id)
    zones = resolver.zones_of(session, interface.vpc_id)
    known = AMAZON_DNS in servers and zones.dns_support
    if known:
        name = f"s3.{zones.region}.amazonaws.com"
        addresses = resolver.addresses_of(name, zones) or ()
        if not addresses:
            why = f"DNS has no address for {name}: its interface endpoint with private DNS has no subnet yet"
            return Reachability(why, stage="names")
    else:
        unnamed = _unnamed(session, spec, interface, [server for server in servers if server != AMAZON_DNS])
        if unnamed is not None:
            return Reachability(unnamed, stage="names")
        addresses = ("", *_endpoint_addresses(zones))
    verdicts = [
        storage_path(spec, interface.vpc_id, interface.interface_id, STORAGE_PORT, address) for address in addresses
    ]
    reached = next((verdict for verdict in verdicts if verdict.delivered), None)
    if reached is None:
        return _refused(verdicts[0])
    return Reachability(verdict=reached if known else None)


def find_without_names(spec: NetworkSpec, interface: NetworkInterface, address: str = "") -> Reachability:
    """Return whether an interface can reach an address of S3, by default any, regardless of name resolution."""
    verdict = storage_path(spec, interface.vpc_id, interface.interface_id, STORAGE_PORT, address)
    return Reachability(verdict=verdict) if verdict.delivered else _refused(verdict)


def _refused(verdict: Verdict) -> Reachability:
    return Reachability(verdict.sentence, stage="groups" if verdict.outcome in _REFUSED else "routes", refused=verdict)


def suspicion(session: Session, vpc_id: str) -> str | None:
    """Return a possible problem if nothing else prevents reaching S3: the answers of the VPC's own name servers."""
    own = [server for server in _servers(session, vpc_id) if server != AMAZON_DNS]
    if not own:
        return None
    return (
        f"{vpc_id} uses its own name servers ({', '.join(own)}): they must resolve the names of S3 "
        f"to addresses of {S3_PREFIX_LIST_ID} or of an S3 interface endpoint"
    )


def _servers(session: Session, vpc_id: str) -> tuple[str, ...]:
    return dhcp_options.name_servers(session)[vpc_id].servers


def _unnamed(session: Session, spec: NetworkSpec, interface: NetworkInterface, own: Sequence[str]) -> str | None:
    """Return why no name is resolved. ``own`` are the name servers other than Amazon's, which does not answer."""
    vpc = session.get_one(Vpc, interface.vpc_id)
    if not own and not vpc.enable_dns_support and vpc.dhcp_options_id != dhcp_options.NO_SET:
        return (
            f"DNS resolves no name, because enableDnsSupport of {vpc.vpc_id} is false: set it with ModifyVpcAttribute"
        )
    if not own:
        return (
            f"DNS resolves no name, because the DHCP options of {vpc.vpc_id} ({vpc.dhcp_options_id}) name no server: "
            f"associate a set with domain-name-servers={AMAZON_DNS}"
        )
    verdicts = [_asks(spec, interface, server) for server in own]
    if any(verdict.outcome in ("delivered", "left") for verdict in verdicts):
        return None
    return f"DNS is not available: the name server {own[0]} cannot be reached, since {verdicts[0].sentence}"


def _asks(spec: NetworkSpec, interface: NetworkInterface, server: str) -> Verdict:
    return decide(spec, Packet(interface.vpc_id, interface.interface_id, server, UDP, _DNS_PORT))


def _endpoint_addresses(zones: resolver.Zones) -> tuple[str, ...]:
    """Return the addresses of the VPC's S3 interface endpoints, which its own name servers may return."""
    found = {
        address
        for name, addresses in zones.records.items()
        if ".s3." in name and ".vpce." in name
        for address in addresses
    }
    return tuple(sorted(found))

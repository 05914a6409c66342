"""The VPC's DNS answers: names of S3 and of the VPC's own interfaces, and nothing else, ever.

``answer`` is pure: a packet and the zones in, a packet out. It never forwards a question, so no name can carry data
out of a VPC. Amazon's resolver is documented in the VPC User Guide, "DNS attributes for your VPC".
"""

from __future__ import annotations

import ipaddress
import re
import struct
from collections import OrderedDict
from dataclasses import dataclass, field

from dnslib import PTR as PointerData
from dnslib import QTYPE, RCODE, RR, A, DNSHeader, DNSRecord
from dnslib.dns import DNSError
from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.vpc import dhcp_options, vpcs
from reading_room.vpc.prefix_lists import S3_ADDRESS
from reading_room.vpc.tables import NetworkInterface, Subnet, Vpc

TTL = 60
_S3_TTL = 5
_HEADER = struct.Struct("!HHHHHH")
_RESPONSE = 0x8000
_PRIVATE_NAME = re.compile(r"ip-(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})")
_REVERSE = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa")


@dataclass(frozen=True, slots=True)
class Zones:
    """What the resolver of one VPC knows.

    ``dns_support`` false means that it answers nothing at all. ``domain`` is that of private host names,
    ``addresses`` those of the VPC's interfaces.
    """

    region: str
    domain: str
    dns_support: bool = True
    addresses: frozenset[str] = field(default_factory=frozenset)


def zones_of(session: Session, vpc_id: str) -> Zones:
    """Return what the resolver of a VPC knows now. Of a VPC that does not exist it answers nothing."""
    vpc = session.get(Vpc, vpc_id)
    zone = session.scalar(select(Subnet.availability_zone).where(Subnet.vpc_id == vpc_id).limit(1))
    if vpc is None or zone is None:
        return Zones(region="", domain="", dns_support=False)
    region = zone.rstrip("abcdefghijklmnopqrstuvwxyz")
    found = session.scalars(select(NetworkInterface.address).where(NetworkInterface.vpc_id == vpc_id))
    return Zones(
        region=region,
        domain=dhcp_options.private_domain(region),
        dns_support=vpc.enable_dns_support and vpc.dhcp_options_id != "default",
        addresses=frozenset(found),
    )


def base_resolver_address(session: Session, vpc_id: str) -> str:
    """Return the address of the resolver in the VPC's primary block: its base plus two."""
    return str(ipaddress.IPv4Network(vpcs.cidrs_of(session, vpc_id)[0]).network_address + 2)


def answer(packet: bytes, zones: Zones) -> bytes:
    """Return the answer to one DNS message, empty where there is none.

    Nothing answers when DNS support is off, nor to what is no question (an answer, or less than a header). A question
    that cannot be read gets FORMERR, anything but a plain query NOTIMP, a name outside the zones NXDOMAIN, another
    type of a known name an empty answer.
    """
    if not zones.dns_support or len(packet) < _HEADER.size:
        return b""
    identifier, flags, questions, *_ = _HEADER.unpack_from(packet)
    if flags & _RESPONSE:
        return b""
    try:
        query = DNSRecord.parse(packet)
    except (DNSError, ValueError, IndexError, struct.error):
        return _refusal(identifier, flags, RCODE.FORMERR)
    if query.header.opcode != 0:
        return _refusal(identifier, flags, RCODE.NOTIMP)
    if questions != 1 or len(query.questions) != 1:
        return _refusal(identifier, flags, RCODE.FORMERR)
    reply = DNSRecord(DNSHeader(id=identifier, qr=1, aa=0, ra=1, rd=query.header.rd, opcode=0), q=query.questions[0])
    name = str(query.q.qname).rstrip(".").lower()
    record = _record(name, query.q, zones)
    if record is None:
        reply.header.rcode = RCODE.NXDOMAIN
    elif query.q.qtype in (record.rtype, QTYPE.ANY):
        reply.add_answer(record)
    return bytes(reply.pack())


def is_s3_name(name: str, region: str) -> bool:
    """Say whether a name (lower case, no final dot) is one of S3 in this region, with a bucket before it or without.

    Global, regional, dual-stack and the older ``s3-REGION`` forms.
    """
    bases = (
        "s3.amazonaws.com",
        f"s3.{region}.amazonaws.com",
        f"s3-{region}.amazonaws.com",
        f"s3.dualstack.{region}.amazonaws.com",
    )
    return any(name == base or (name.endswith(f".{base}") and len(name) > len(base) + 1) for base in bases)


class RateLimiter:
    """A token bucket per source: at most ``per_second`` packets a second, as of each EC2 interface.

    It remembers the ``sources`` seen last. The clock is the caller's: seconds that never go back.
    """

    def __init__(self, per_second: int = 1024, sources: int = 4096) -> None:
        self._rate = float(per_second)
        self._sources = sources
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, source: str, now: float) -> bool:
        """Count a packet from a source at the moment ``now``, and say whether it may be answered."""
        left, before = self._buckets.pop(source, (self._rate, now))
        left = min(self._rate, left + (now - before) * self._rate)
        allowed = left >= 1.0
        self._buckets[source] = (left - 1.0 if allowed else left, now)
        if len(self._buckets) > self._sources:
            self._buckets.popitem(last=False)
        return allowed


def _record(name: str, question: object, zones: Zones) -> RR | None:
    label = getattr(question, "qname")  # noqa: B009
    if is_s3_name(name, zones.region):
        return RR(label, QTYPE.A, ttl=_S3_TTL, rdata=A(S3_ADDRESS))
    private = _PRIVATE_NAME.fullmatch(name.removesuffix(f".{zones.domain}"))
    if private and name.endswith(f".{zones.domain}"):
        address = ".".join(private.groups())
        return RR(label, QTYPE.A, ttl=TTL, rdata=A(address)) if address in zones.addresses else None
    reverse = _REVERSE.fullmatch(name)
    if reverse:
        address = ".".join(reversed(reverse.groups()))
        if address in zones.addresses:
            host = f"ip-{address.replace('.', '-')}.{zones.domain}"
            return RR(label, QTYPE.PTR, ttl=TTL, rdata=PointerData(host))
    return None


def _refusal(identifier: int, flags: int, code: int) -> bytes:
    opcode_and_rd = flags & 0x7900
    return _HEADER.pack(identifier, _RESPONSE | 0x0080 | opcode_and_rd | code, 0, 0, 0, 0)

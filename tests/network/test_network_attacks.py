"""Attacks by a privileged attacker at the wire. Each is refused and recorded. The list is docs/attacks.md."""

from __future__ import annotations

import socket
import struct

import pytest

from tests.worlds.attack import (
    ACK,
    BROADCAST_MAC,
    ETHERNET_ARP,
    ETHERNET_IPV4,
    ETHERNET_IPV6,
    ETHERNET_VLAN,
    FIN,
    OPEN,
    PSH,
    RST,
    SHUT,
    SYN,
    URG,
    Street,
    arp,
    frame,
    icmp,
    ip,
    quiet,
    street,
    tcp,
    udp,
)
from tests.worlds.network import (
    ICMP,
    S3_ADDRESS,
    TCP,
    UDP,
    World,
    expect_blocked,
)

pytestmark = pytest.mark.network

FOREIGN = (
    "0.0.0.0",
    "8.8.8.8",
    "10.0.1.1",
    "10.0.0.2",
    "10.0.1.99",
    "127.0.0.1",
    "169.254.169.253",
    "169.254.170.1",
    "169.254.170.2",
    "224.0.0.1",
    "255.255.255.255",
    "198.51.100.5",
    S3_ADDRESS,
)
"""Sources that no interface has: the router's, its services', the internet's, and unassigned ones."""


# Sources


def test_forged_source_of_a_neighbour(world: World) -> None:
    place = street(world)
    wire, there = place.wire(), place.wire(place.victim)
    neighbour = place.bystander.address
    wire.send(
        ip(neighbour, place.victim.address, TCP, tcp(neighbour, place.victim.address, OPEN, SYN)),
        ip(neighbour, place.victim.address, UDP, udp(53)),
        ip(neighbour, S3_ADDRESS, TCP, tcp(neighbour, S3_ADDRESS, OPEN, SYN)),
    )
    assert quiet(there.seen())
    assert place.refused() == {
        (neighbour, place.victim.address, TCP),
        (neighbour, place.victim.address, UDP),
        (neighbour, S3_ADDRESS, TCP),
    }
    assert place.tracked() == 0


def test_forged_unused_source(world: World) -> None:
    place = street(world)
    wire, there = place.wire(), place.wire(place.victim)
    wire.send(*(ip(each, place.victim.address, TCP, tcp(each, place.victim.address, OPEN, SYN)) for each in FOREIGN))
    assert quiet(there.seen())
    assert {source for source, _, _ in place.refused()} == set(FOREIGN)
    assert place.counter("not its own address") == len(FOREIGN)


def test_address_of_ones_own_choice(world: World) -> None:
    place = street(world)
    place.in_container(place.attacker, "ip", "addr", "add", "10.0.1.99/32", "dev", "eth0")
    with world.listen(place.victim, OPEN):
        client = world.socket_in(place.attacker)
        client.bind(("10.0.1.99", 0))
        with pytest.raises(TimeoutError):
            world.connect_from(client, place.victim.address, OPEN)
    assert ("10.0.1.99", place.victim.address, TCP) in place.refused()


def test_own_masquerade(world: World) -> None:
    place = street(world)
    chain = "{ type nat hook postrouting priority 100 ; }"
    for command in ("add table ip lie", f"add chain ip lie out {chain}", "add rule ip lie out snat to 10.0.1.7"):
        place.in_container(place.attacker, "nft", command)
    with world.listen(place.victim, OPEN):
        expect_blocked(world, place.attacker, place.victim, OPEN)
    assert ("10.0.1.7", place.victim.address, TCP) in place.refused()


def test_forged_end_of_a_neighbours_connection(world: World) -> None:
    place = street(world)
    with world.listen(place.victim, OPEN) as server:
        client = world.connect(place.bystander, place.victim.address, OPEN)
        accepted, (peer, port) = server.accept()
        place.wire().send(
            *(
                ip(peer, place.victim.address, TCP, tcp(peer, place.victim.address, OPEN, flags, from_port=port))
                for flags in (RST, RST | ACK, SYN)
            ),
            *(
                ip(place.victim.address, peer, TCP, tcp(place.victim.address, peer, port, flags, from_port=OPEN))
                for flags in (RST, RST | ACK, FIN | ACK)
            ),
        )
        client.sendall(b"alive")
        assert accepted.recv(5) == b"alive"
        client.close()
        accepted.close()
    assert {(peer, place.victim.address, TCP), (place.victim.address, peer, TCP)} <= place.refused()


# Links


def test_arp_answers_as_gateway_and_neighbour(world: World) -> None:
    place = street(world)
    wire, there = place.wire(), place.wire(place.victim)
    before = place.in_router("ip", "neigh")
    for to in (BROADCAST_MAC, wire.gateway_mac, place.victim.mac):
        for address in ("10.0.1.1", place.victim.address, place.bystander.address):
            claim = arp(2, place.attacker.mac, address, to, address)
            wire.send_frame(frame(to, place.attacker.mac, ETHERNET_ARP, claim))
            wire.send_frame(
                frame(to, place.attacker.mac, ETHERNET_ARP, arp(1, place.attacker.mac, address, to, address))
            )
    assert quiet(there.seen())
    assert place.in_router("ip", "neigh") == before
    assert all(line.endswith("PERMANENT") for line in before.split("\n") if line.strip() for line in [line.strip()])
    assert place.works()


def test_arp_questions_for_everybody(world: World) -> None:
    place = street(world)
    wire, there = place.wire(), place.wire(place.victim)
    for last in range(1, 255):
        question = arp(1, place.attacker.mac, place.address, "00:00:00:00:00:00", f"10.0.1.{last}")
        wire.send_frame(frame(BROADCAST_MAC, place.attacker.mac, ETHERNET_ARP, question))
    assert quiet(there.seen())
    answers = [packet for packet in wire.seen() if packet[:2] == b"\0\1"]
    assert {answer[8:14] for answer in answers} <= {bytes.fromhex(wire.gateway_mac.replace(":", ""))}


def test_hardware_address_of_a_neighbour(world: World) -> None:
    place = street(world)
    wire, there = place.wire(), place.wire(place.victim)
    victim = place.victim
    for source in (place.address, place.bystander.address):
        syn = ip(source, victim.address, TCP, tcp(source, victim.address, SHUT, SYN))
        wire.send_frame(frame(wire.gateway_mac, place.bystander.mac, ETHERNET_IPV4, syn))
        wire.send_frame(frame(victim.mac, place.attacker.mac, ETHERNET_IPV4, syn))
    assert quiet(there.seen())
    events = place.events()
    assert {(each.interface_id, each.source, each.action, each.packets) for each in events} == {
        (place.attacker.interface_id, place.address, "ACCEPT", 1),
        (victim.interface_id, place.address, "REJECT", 1),
        (place.attacker.interface_id, place.bystander.address, "REJECT", 1),
    }
    assert place.works()


def test_frames_to_every_station(world: World) -> None:
    place = street(world)
    wire, there = place.wire(), place.wire(place.victim)
    for to in (BROADCAST_MAC, "01:00:5e:00:00:01", "33:33:00:00:00:01"):
        syn = ip(place.address, place.victim.address, TCP, tcp(place.address, place.victim.address, OPEN, SYN))
        wire.send_frame(frame(to, place.attacker.mac, ETHERNET_IPV4, syn))
    assert quiet(there.seen())
    assert place.tracked() == 0
    counters = place.kernel_counters("Ip:")
    assert (counters["InReceives"], counters["ForwDatagrams"], counters["InDelivers"]) == (3, 0, 0)


def test_vlan_tags(world: World) -> None:
    place = street(world)
    wire, there = place.wire(), place.wire(place.victim)
    syn = ip(place.address, place.victim.address, TCP, tcp(place.address, place.victim.address, OPEN, SYN))
    for vlan in (1, 2, 4094):
        tagged = struct.pack("!HH", vlan, ETHERNET_IPV4) + syn
        wire.send_frame(frame(wire.gateway_mac, place.attacker.mac, ETHERNET_VLAN, tagged))
        twice = struct.pack("!HHHH", vlan, ETHERNET_VLAN, vlan, ETHERNET_IPV4) + syn
        wire.send_frame(frame(wire.gateway_mac, place.attacker.mac, ETHERNET_VLAN, twice))
    assert quiet(there.seen())
    assert place.tracked() == 0
    assert place.strange_frames() >= 3


def test_own_routes(world: World) -> None:
    place = street(world)
    there = place.wire(place.victim)
    place.in_container(place.attacker, "ip", "route", "add", "10.0.1.6/32", "dev", "eth0", "scope", "link")
    expect_blocked_or_unreachable(place)
    place.in_container(
        place.attacker,
        "ip",
        "neigh",
        "replace",
        "10.0.1.6",
        "lladdr",
        place.victim.mac,
        "dev",
        "eth0",
        "nud",
        "permanent",
    )
    expect_blocked_or_unreachable(place)
    assert quiet(there.seen())
    assert place.events() == []
    assert place.strange_frames() > 0


def expect_blocked_or_unreachable(place: Street) -> None:
    """Assert that no connection opens, whatever error the sender's own kernel reports."""
    with pytest.raises(OSError):
        place.world.connect(place.attacker, place.victim.address, OPEN)


# Families and protocols


def test_ipv6(world: World) -> None:
    place = street(world)
    wire, there = place.wire(), place.wire(place.victim)
    for to in ("ff02::1", "fe80::1", "2001:db8::6", "::ffff:10.0.1.6"):
        header = struct.pack("!IHBB", 6 << 28, 14, UDP, 64)
        addresses = socket.inet_pton(socket.AF_INET6, "2001:db8::5") + socket.inet_pton(socket.AF_INET6, to)
        for mac in (wire.gateway_mac, "33:33:00:00:00:01"):
            wire.send_frame(frame(mac, place.attacker.mac, ETHERNET_IPV6, header + addresses + udp(53)))
    assert quiet(there.seen())
    counters = dict(line.split() for line in place.in_router("cat", "/proc/net/snmp6").splitlines())
    assert place.counter("no IPv6") + int(counters["Ip6InDiscards"]) >= 4


def test_tunnels_and_rare_protocols(world: World) -> None:
    place = street(world)
    wire, there = place.wire(), place.wire(place.victim)
    protocols = {
        2: "IGMP",
        4: "IPIP",
        41: "6in4",
        47: "GRE",
        50: "ESP",
        51: "AH",
        89: "OSPF",
        132: "SCTP",
        136: "UDP-Lite",
        255: "raw",
    }
    inner = ip(place.bystander.address, place.victim.address, UDP, udp(53))
    wire.send(*(ip(place.address, place.victim.address, each, inner) for each in protocols))
    assert quiet(there.seen())
    found = {each.protocol for each in place.events() if each.action == "REJECT"}
    assert found == set(protocols)


def test_multicast_and_broadcast(world: World) -> None:
    place = street(world)
    wire, there = place.wire(), place.wire(place.victim)
    targets = ("224.0.0.1", "224.0.0.251", "239.255.255.250", "10.0.1.255", "10.0.255.255", "255.255.255.255")
    for to in targets:
        for mac in (wire.gateway_mac, BROADCAST_MAC):
            wire.send_frame(frame(mac, place.attacker.mac, ETHERNET_IPV4, ip(place.address, to, UDP, udp(5353))))
    assert quiet(there.seen())
    assert {each.destination for each in place.events()} == set(targets)


def test_reserved_destinations(world: World) -> None:
    place = street(world)
    wire, there = place.wire(), place.wire(place.victim)
    targets = ("0.0.0.0", "0.0.0.1", "127.0.0.1", "127.0.0.53", "240.0.0.1", "169.254.0.1", "169.254.169.254")
    wire.send(*(ip(place.address, to, TCP, tcp(place.address, to, OPEN, SYN)) for to in targets))
    assert quiet(there.seen())
    assert quiet(wire.seen())
    assert {each.destination for each in place.events()} == {each for each in targets if not each.startswith("169.")}
    assert place.counter("nobody at this link-local address", "pre_route") == 2


# IP


def test_source_routing(world: World) -> None:
    place = street(world)
    wire, there = place.wire(), place.wire(place.victim)
    for kind in (131, 137):  # loose, strict
        for first, then in (("10.0.1.1", place.victim.address), (place.victim.address, place.bystander.address)):
            options = struct.pack("!BBB", kind, 7, 4) + socket.inet_aton(then) + b"\0"
            syn = tcp(place.address, then, OPEN, SYN)
            wire.send(ip(place.address, first, TCP, syn, options=options))
    assert quiet(there.seen())
    assert quiet(place.wire(place.bystander).seen())
    assert place.tracked() == 0


def test_fragments_that_hide_the_port(world: World) -> None:
    place = street(world)
    wire, there = place.wire(), place.wire(place.victim)
    victim, more = place.victim.address, 0x2000
    segment = tcp(place.address, victim, SHUT, SYN)
    # A whole packet in the smallest pieces is judged after reassembly.
    wire.send(
        *(
            ip(place.address, victim, TCP, segment[at : at + 8], fragment=at // 8 | (more if at < 16 else 0), number=7)
            for at in (0, 8, 16)
        )
    )
    # A later piece overwrites the port of the first.
    mild = tcp(place.address, victim, OPEN, SYN)
    wire.send(
        ip(place.address, victim, TCP, mild[:16], fragment=more, number=8),
        ip(place.address, victim, TCP, segment[:8] + b"\0" * 16, fragment=0 | more, number=8),
        ip(place.address, victim, TCP, segment[8:], fragment=1, number=8),
    )
    # Pieces of a packet that is never complete.
    wire.send(*(ip(place.address, victim, TCP, segment[:8], fragment=at | more, number=9) for at in (3, 64, 8189)))
    assert quiet(there.seen())
    refused = [each for each in place.events() if each.action == "REJECT"]
    assert {(each.direction, each.destination_port) for each in refused} == {("ingress", SHUT)}


def test_time_to_live_games(world: World) -> None:
    place = street(world)
    wire, there = place.wire(), place.wire(place.victim)
    for ttl in (0, 1):
        for port in (OPEN, SHUT):
            wire.send(
                ip(
                    place.address,
                    place.victim.address,
                    TCP,
                    tcp(place.address, place.victim.address, port, SYN),
                    ttl=ttl,
                )
            )
        wire.send(ip(place.address, "203.0.113.9", UDP, udp(33434), ttl=ttl))
    assert quiet(there.seen())
    assert quiet(wire.seen()), "the router revealed itself"
    assert ("203.0.113.9", "ACCEPT") in {(each.destination, each.action) for each in place.events()}


def test_broken_headers(world: World) -> None:
    place = street(world)
    wire, there = place.wire(), place.wire(place.victim)
    whole = ip(place.address, place.victim.address, TCP, tcp(place.address, place.victim.address, OPEN, SYN))
    wrong_sum = whole[:10] + b"\x12\x34" + whole[12:]
    wire.send(
        wrong_sum, b"\x55" + whole[1:], b"\x44" + whole[1:], whole[:2] + b"\xff\xff" + whole[4:], whole[:19], whole[:30]
    )
    assert quiet(there.seen())
    assert place.tracked() == 0
    counters = place.kernel_counters("Ip:")
    assert counters["InHdrErrors"] + counters["InDiscards"] >= 3


# TCP


def test_segments_of_no_connection(world: World) -> None:
    place = street(world)
    wire, there = place.wire(), place.wire(place.victim)
    kinds = (0, FIN, ACK, SYN | ACK, RST, RST | ACK, FIN | PSH | URG, SYN | FIN, SYN | RST, PSH | ACK, FIN | ACK)
    for port, flags in enumerate(kinds, 5000):
        wire.send(
            ip(
                place.address,
                place.victim.address,
                TCP,
                tcp(place.address, place.victim.address, OPEN, flags, from_port=port),
            )
        )
    assert quiet(there.seen())
    refused = {each.source_port for each in place.events() if each.action == "REJECT" and each.direction == "egress"}
    assert refused == set(range(5000, 5000 + len(kinds)))


def test_unsolicited_answers(world: World) -> None:
    place = street(world)
    wire, there = place.wire(), place.wire(place.victim)
    wire.send(
        ip(
            place.address,
            place.victim.address,
            TCP,
            tcp(place.address, place.victim.address, 40_000, SYN | ACK, from_port=443),
        ),
        ip(place.address, place.victim.address, UDP, udp(40_000, from_port=53)),
        ip(place.address, place.victim.address, ICMP, icmp(0, 0, data=b"tunnel")),
    )
    assert quiet(there.seen())
    refused = [each for each in place.events() if each.action == "REJECT"]
    assert {each.protocol for each in refused} == {TCP, UDP, ICMP}


# ICMP


def test_redirects(world: World) -> None:
    place = street(world)
    wire, there = place.wire(), place.wire(place.victim)
    quoted = ip(place.victim.address, S3_ADDRESS, TCP, tcp(place.victim.address, S3_ADDRESS, OPEN, SYN))[:28]
    turn = icmp(5, 1, socket.inet_aton(place.address), quoted)
    before = place.in_router("ip", "route", "show", "table", "all")
    wire.send(
        *(
            ip(source, to, ICMP, turn)
            for source in ("10.0.1.1", place.address)
            for to in (place.victim.address, "10.0.1.1")
        )
    )
    assert quiet(there.seen())
    assert place.in_router("ip", "route", "show", "table", "all") == before
    assert ("10.0.1.1", place.victim.address, ICMP) in place.refused()


def test_errors_about_a_neighbours_connection(world: World) -> None:
    place = street(world)
    with world.listen(place.victim, OPEN) as server:
        client = world.connect(place.bystander, place.victim.address, OPEN)
        accepted, (peer, port) = server.accept()
        there = place.wire(place.victim)
        quoted = ip(place.victim.address, peer, TCP, tcp(place.victim.address, peer, port, ACK, from_port=OPEN))
        place.wire().send(
            ip(place.address, place.victim.address, ICMP, icmp(3, 1, data=quoted + b"a message")),
            ip(place.address, place.victim.address, ICMP, icmp(3, 4, struct.pack("!HH", 0, 576), quoted)),
        )
        assert quiet(there.seen()), "what no group lets pass reached the victim inside an ICMP error"
        client.sendall(b"alive")
        assert accepted.recv(5) == b"alive"
        client.close()
        accepted.close()


def test_echo_to_a_whole_subnet(world: World) -> None:
    place = street(world)
    wire, there = place.wire(), place.wire(place.victim)
    ask = icmp(8, 0, data=b"smurf")
    wire.send(*(ip(source, "10.0.1.255", ICMP, ask) for source in (place.victim.address, place.address)))
    assert quiet(there.seen())
    assert quiet(wire.seen())
    assert (place.victim.address, "10.0.1.255", ICMP) in place.refused()


def test_questions_to_the_router_itself(world: World) -> None:
    place = street(world)
    wire = place.wire()
    for to in ("10.0.1.1", "10.0.2.1", "10.0.0.2", "169.254.169.253", "169.254.170.1", "169.254.170.2"):
        wire.send(
            ip(place.address, to, ICMP, icmp(8, 0)),
            ip(place.address, to, ICMP, icmp(13, 0, data=b"\0" * 12)),
            ip(place.address, to, ICMP, icmp(17, 0, data=b"\0" * 4)),
            ip(place.address, to, UDP, udp(33434)),
            ip(place.address, to, 132, b"\0" * 16),
        )
    assert quiet(wire.seen())
    # SCTP is refused earlier, because it starts no connection.
    assert place.counter("the router answers nobody", "pre_route") == 6 * 4

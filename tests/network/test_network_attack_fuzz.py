"""Random frames from a privileged attacker: a frame that no group allows never reaches anybody else's wire."""

from __future__ import annotations

import random
import re
import socket
from pathlib import Path

import pytest

from tests.network import test_network_attacks, test_network_attacks_at_large
from tests.worlds.attack import (
    BROADCAST_MAC,
    ETHERNET_ARP,
    ETHERNET_IPV4,
    ETHERNET_IPV6,
    ETHERNET_VLAN,
    OPEN,
    SHUT,
    Street,
    Wire,
    frame,
    icmp,
    ip,
    street,
    tcp,
    udp,
)
from tests.worlds.network import ICMP, S3_ADDRESS, TCP, UDP, World, expect_reaches

pytestmark = pytest.mark.network

LIST = Path(__file__).resolve().parents[2] / "docs" / "attacks.md"
KINDS = (*[ETHERNET_IPV4] * 9, ETHERNET_ARP, ETHERNET_IPV6, ETHERNET_VLAN, 0x88CC, 0x0000)


def any_frame(chance: random.Random, place: Street, wire: Wire) -> bytes:
    """Return a frame that is slightly or very wrong."""
    addresses = ("10.0.1.1", "10.0.0.2", "10.0.1.255", "169.254.170.1", "169.254.169.253", "127.0.0.1", S3_ADDRESS)
    people = (place.address, place.victim.address, place.bystander.address)
    source = chance.choice((*[place.address] * 6, *people, *addresses))
    to = chance.choice((*people, *people, *addresses))
    port, from_port = chance.choice((SHUT, SHUT, OPEN, 53, 80, chance.randrange(65_536))), chance.randrange(65_536)
    # A packet that the victim accepts from everybody is no attack.
    if to in people and port == OPEN:
        port = SHUT
    protocol = chance.choice((TCP, TCP, UDP, ICMP, chance.randrange(256)))
    flags = chance.choice((2, 2, chance.randrange(256)))
    payload = {
        TCP: tcp(source, to, port, flags, from_port=from_port, at=chance.getrandbits(32)),
        UDP: udp(port, from_port),
        ICMP: icmp(chance.randrange(20), chance.randrange(5), data=chance.randbytes(chance.randrange(60))),
    }.get(protocol, chance.randbytes(chance.randrange(60)))
    options = chance.choice((b"", b"", b"", chance.randbytes(4 * chance.randrange(1, 9))))
    fragment = chance.choice((0, 0, 0, 0x4000, 0x2000, chance.randrange(65_536)))
    packet = bytearray(
        ip(source, to, protocol, payload, options=options, ttl=chance.choice((64, 1, 0)), fragment=fragment)
    )
    for _ in range(chance.choice((0, 0, 0, 1, 3))):
        packet[chance.randrange(len(packet))] = chance.randrange(256)
    if chance.random() < 0.1:
        del packet[chance.randrange(len(packet)) :]
    mac = chance.choice((*[wire.gateway_mac] * 8, BROADCAST_MAC, place.victim.mac, "01:00:5e:00:00:fb"))
    return frame(mac, chance.choice((place.attacker.mac, place.victim.mac)), chance.choice(KINDS), bytes(packet))


def stray(place: Street, packet: bytes) -> bool:
    """Return whether the victim's group forbids a packet at its wire; it allows TCP to one port from anybody."""
    ends = (place.address, place.bystander.address)
    if packet[9] != TCP or socket.inet_ntoa(packet[12:16]) not in ends:
        return True
    start = 4 * (packet[0] & 15)
    return int.from_bytes(packet[start + 2 : start + 4], "big") != OPEN


def bombard(world: World, seed: int, frames: int) -> None:
    """Send ``frames`` frames, and check that nothing came through."""
    chance = random.Random(seed)
    place = street(world)
    wire, there, beside = place.wire(), place.wire(place.victim), place.wire(place.bystander)
    for number in range(frames):
        try:
            wire.send_frame(any_frame(chance, place, wire))
        except OSError:
            continue  # The sender's own device refuses malformed frames.
        if number % 500 == 499:
            for each in (there, beside):
                assert not [packet for packet in each.seen() if stray(place, packet)], f"seed {seed}"
    for each in (there, beside):
        assert not [packet for packet in each.seen() if stray(place, packet)], f"seed {seed}"
    assert place.works()
    expect_reaches(world, place.attacker, S3_ADDRESS, 443)


@pytest.mark.parametrize("seed", range(2))
def test_no_frame_at_random_gets_anywhere(world: World, seed: int) -> None:
    bombard(world, seed, 3_000)


@pytest.mark.fuzz
@pytest.mark.timeout(1200)
def test_no_frame_at_random_gets_anywhere_at_length(world: World) -> None:
    bombard(world, random.SystemRandom().randrange(10, 10**9), 300_000)


def test_every_attempt_of_the_list_is_a_test_and_the_other_way_round() -> None:
    text = LIST.read_text().partition("## At the wire")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE)
    tests = [
        name.removeprefix("test_").replace("_", "-")
        for module in (test_network_attacks, test_network_attacks_at_large)
        for name in vars(module)
        if name.startswith("test_")
    ]
    assert listed == tests

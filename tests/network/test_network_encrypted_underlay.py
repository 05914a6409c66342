"""Two hosts whose tunnels are inside WireGuard: what the network between them can see and forge, and what survives."""

from __future__ import annotations

import signal
import socket
from collections import Counter
from dataclasses import replace

import pytest

from reading_room.dataplane.linux import namespaces, offloads
from reading_room.dataplane.rules.encryption import DEVICE
from reading_room.dataplane.spec import Interface
from tests.worlds.hosts import A, B, TwoHosts, counted, frame, transfer, udp_packet
from tests.worlds.network import APP, WEB, Network, World, connected, expect_blocked, expect_silence
from tests.worlds.waiting import DEADLINE, eventually

pytestmark = pytest.mark.network

EVERY_PROTOCOL = 3
"""ETH_P_ALL."""


def encrypted(world: World) -> tuple[TwoHosts, Network, Interface, Interface]:
    """Return two hosts that encrypt, and an interface on each."""
    hosts = TwoHosts(world, encrypted=True)
    network = Network()
    web, app = network.add(1, "10.0.1.11", WEB), network.add(2, "10.0.2.12", APP, subnet=2)
    network.ingress[APP] = [*network.ingress[APP], *network.egress[WEB]]
    hosts.realize({web.interface_id: "a", app.interface_id: "b"}, network)
    return hosts, network, web, app


def test_the_network_between_hosts_sees_only_wireguard(world: World) -> None:
    """What containers send is enforced as ever, and nothing of it can be read between the hosts."""
    hosts = TwoHosts(world, encrypted=True)
    network = Network()
    web, app = network.add(1, "10.0.1.11", WEB), network.add(2, "10.0.2.12", APP, subnet=2)
    hosts.realize({web.interface_id: "a", app.interface_id: "b"}, network)
    with namespaces.inside(hosts.underlays["b"]):
        sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERY_PROTOCOL))
    server = world.listen(app, 8443)
    with connected(world, web, app, 8443) as client, server.accept()[0] as accepted:
        client.sendall(b"a secret" * 500)
        received = b""
        while len(received) < 4000:
            received += accepted.recv(4000)
    expect_blocked(world, web, app, 8444)
    sniffer.setblocking(False)
    seen = []
    while True:
        try:
            seen.append(sniffer.recv(4096))
        except BlockingIOError:
            break
    ports = {each[36:38] for each in seen if each[12:14] == b"\x08\x00" and each[23] == socket.IPPROTO_UDP}
    assert ports == {(51820).to_bytes(2, "big")}
    assert not any(b"a secret" in each or socket.inet_aton(web.address) in each for each in seen)


def test_both_hosts_count_the_packets_that_were_sent(world: World) -> None:
    """The device between tunnels and network merges none, so connection tracking sees the same ones at both ends."""
    hosts, network, web, app = encrypted(world)
    transfer(world, web, app)
    found = Counter[str]()

    def same() -> bool:
        """The last packets of the connection may still be on their way."""
        found.update({name: counted(hosts, name, network, web) for name in ("a", "b")})
        return found["a"] == found["b"] > 0

    eventually(same, what="equal counts")
    underlay = hosts.drivers["b"]._kernel.underlay
    assert underlay is not None
    with namespaces.inside(underlay.descriptor):
        assert not offloads.merges(DEVICE)


def test_who_has_no_key_of_a_host_cannot_forge_its_packets(world: World) -> None:
    """Frames from the address of a known host come by no tunnel if its key did not encrypt them."""
    hosts, _, web, app = encrypted(world)
    receiver = world.socket_in(app, socket.SOCK_DGRAM)
    receiver.bind((app.address, 5353))
    with namespaces.inside(hosts.underlays["a"]):
        forger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    forger.bind((A.underlay, 0))
    forged = frame(1, "02:00:00:01:00:02", udp_packet(web.address, app.address, 5353))
    forger.sendto(forged, (B.underlay, 4789))
    forger.sendto(forged, (B.underlay, 51820))
    expect_silence(world, receiver)
    sender = world.socket_in(web, socket.SOCK_DGRAM)
    sender.sendto(b"honest", (app.address, 5353))
    receiver.settimeout(DEADLINE)
    assert receiver.recv(100) == b"honest"


def test_a_key_may_send_only_from_the_address_of_its_host(world: World) -> None:
    """A host that was taken over cannot send as a third one: WireGuard drops what comes from another inner address."""
    hosts, _, web, app = encrypted(world)
    receiver = world.socket_in(app, socket.SOCK_DGRAM)
    receiver.bind((app.address, 5353))
    inside = hosts.drivers["a"]._kernel.underlay
    assert inside is not None
    inside.rules.run("delete table inet vpc\n")
    with namespaces.inside(inside.descriptor):
        sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    payload = frame(1, "02:00:00:01:00:02", udp_packet(web.address, app.address, 5353))
    for source, arrives in (("169.254.32.3", False), ("169.254.32.1", True)):
        sender.sendto(_vxlan_packet(source, "169.254.32.2", payload), ("169.254.32.2", 0))
        if arrives:
            receiver.settimeout(DEADLINE)
            assert receiver.recvfrom(100)[1] == (web.address, 40_000)
        else:
            expect_silence(world, receiver)


def _vxlan_packet(source: str, destination: str, payload: bytes) -> bytes:
    datagram = (4789).to_bytes(2, "big") * 2 + (8 + len(payload)).to_bytes(2, "big") + b"\0\0" + payload
    head = bytes((0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0))  # The kernel fills in length and checksum.
    return head + socket.inet_aton(source) + socket.inet_aton(destination) + datagram


def test_a_restarted_agent_keeps_the_encryption_and_its_connections(world: World) -> None:
    hosts, network, web, app = encrypted(world)
    server = world.listen(app, 8443)
    client = connected(world, web, app, 8443)
    accepted = server.accept()[0]
    accepted.settimeout(DEADLINE)
    before = hosts.programs["a"].descriptors()
    hosts.programs["a"].close()
    hosts.restart("a")
    assert before
    assert hosts.programs["a"].running()
    hosts.realize_on("a", hosts.spec("a", {web.interface_id: "a", app.interface_id: "b"}, network))
    client.sendall(b"still here")
    assert accepted.recv(100) == b"still here"


def test_encryption_that_ended_is_started_again(world: World) -> None:
    """Until then nothing passes. Connections then continue."""
    hosts, network, web, app = encrypted(world)
    homes = {web.interface_id: "a", app.interface_id: "b"}
    wish = hosts.spec("a", homes, network)
    hosts.realize_on("a", wish)
    server = world.listen(app, 8443)
    client = connected(world, web, app, 8443)
    accepted = server.accept()[0]
    accepted.settimeout(DEADLINE)
    process = hosts.programs["a"]._process
    assert process is not None
    process.signal(signal.SIGKILL)
    eventually(lambda: not hosts.programs["a"].running())
    expect_blocked(world, web, app, 8443)
    hosts.realize_on("a", wish)
    client.sendall(b"still here")
    assert accepted.recv(100) == b"still here"
    connected(world, web, app, 8443).close()


def test_hosts_that_disagree_about_encryption_send_each_other_nothing(world: World) -> None:
    hosts, network, web, app = encrypted(world)
    wish = hosts.spec("a", {web.interface_id: "a", app.interface_id: "b"}, network)
    assert wish.underlay is not None
    present = {str(web.container_id): world.container(str(web.container_id))}
    for underlay, message in (
        (replace(wish.underlay, others=(B,)), "b has no key, and this host sends nothing without encryption"),
        (replace(wish.underlay, here=A), "the other hosts know no key of this host"),
        (
            replace(wish.underlay, here=replace(wish.underlay.here, key=hosts.places["b"].key)),
            "the key that other hosts know of this host is not its own",
        ),
    ):
        report = hosts.drivers["a"].realize(replace(wish, underlay=underlay), present)
        assert any(message in each.message for each in report.problems), report.problems
    hosts.realize_on("a", replace(wish, underlay=replace(wish.underlay, others=(replace(hosts.places["b"], port=9),))))


def test_without_the_program_no_packet_leaves_and_the_report_says_so(world: World) -> None:
    hosts = TwoHosts(world, encrypted=True)
    network = Network()
    web = network.add(1, "10.0.1.11", WEB)
    hosts.programs["a"]._program = "wireguard-gone"
    wish = hosts.spec("a", {web.interface_id: "a"}, network)
    report = hosts.drivers["a"].realize(wish, {str(web.container_id): world.container(str(web.container_id))})
    messages = [each.message for each in report.problems]
    assert any("install the Debian package wireguard-go" in each for each in messages), messages

"""The proof between two hosts: jobs of a VPC on both wait until real packets have shown what is let through."""

from __future__ import annotations

import time

import pytest

from reading_room.dataplane.linux import namespaces, rtnetlink
from reading_room.dataplane.linux.rtnetlink import RouteSocket
from reading_room.dataplane.rules.pair_proof import VPC_ID
from reading_room.dataplane.spec import NetworkReport
from tests.worlds.hosts import WIRE, TwoHosts
from tests.worlds.network import APP, WEB, Network, World, connected
from tests.worlds.waiting import DEADLINE, eventually

pytestmark = pytest.mark.network


def hurried() -> float:
    """Return a clock in which failed attempts end soon."""
    return time.monotonic() * 8


class Pair:
    """A VPC on two hosts that are to be proven."""

    def __init__(self, world: World, hosts: TwoHosts) -> None:
        self.world, self.hosts = world, hosts
        self.network = Network()
        self.web = self.network.add(1, "10.0.1.11", WEB)
        self.app = self.network.add(2, "10.0.2.12", APP, subnet=2)
        self.homes = {self.web.interface_id: "a", self.app.interface_id: "b"}

    def turn(self, host: str) -> NetworkReport:
        """Take a turn of one host, and renew its lease."""
        mine = self.web if host == "a" else self.app
        present = {str(mine.container_id): self.world.container(str(mine.container_id))}
        report = self.hosts.drivers[host].realize(self.hosts.spec(host, self.homes, self.network), present)
        assert self.hosts.drivers[host].renew_lease(600) == ()
        return report

    def turns(self) -> dict[str, NetworkReport]:
        """Take a turn of each host."""
        return {host: self.turn(host) for host in ("a", "b")}

    def until_proven(self) -> None:
        """Take turns until the VPC stands on both hosts."""
        eventually(lambda: all(each.vpcs == (self.network.vpc_id,) for each in self.turns().values()))

    def until_said(self, why: str) -> None:
        """Take turns until host A says why the VPC may not be used there."""
        eventually(lambda: any(why in each.message for each in self.turn("a").problems), what=why)
        report = self.turn("a")
        assert report.vpcs == ()
        assert report.interfaces == (self.web.interface_id,)


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_vpc_on_two_hosts_stands_only_after_the_proof(world: World, encrypted: bool) -> None:
    pair = Pair(world, TwoHosts(world, encrypted=encrypted, clock=time.monotonic))
    first = pair.turn("a")
    assert first.vpcs == ()
    assert [each.about for each in first.problems] == [pair.network.vpc_id]
    assert "enforcement between this host and b is not proven" in first.problems[0].message
    pair.until_proven()
    again = pair.turn("a")
    assert again is pair.turn("a")
    assert (again.problems, again.interfaces) == ((), (pair.web.interface_id,))
    # The scratch VPC is nobody's business.
    assert not any(label.vpc_id == VPC_ID for label in pair.hosts.drivers["a"].listeners())
    assert not any(each.vpc_id == VPC_ID for each in pair.hosts.drivers["a"].flows())
    with world.listen(pair.app, 8443):
        connected(world, pair.web, pair.app, 8443).close()


def test_a_host_without_rules_is_found_out(world: World) -> None:
    pair = Pair(world, TwoHosts(world, clock=time.monotonic))
    pair.turn("b")
    pair.hosts.drivers["b"]._kernel.routers[VPC_ID].rules.run("delete table inet vpc\n")
    pair.until_said("it let in a connection that no group allows")


def test_a_host_that_is_gone_is_named(world: World) -> None:
    pair = Pair(world, TwoHosts(world, clock=hurried))
    pair.until_said("it does not answer")
    # It comes, and nobody has to do anything.
    pair.until_proven()


def test_wrong_checksums_are_computed_by_the_kernel_instead(world: World) -> None:
    """The network carries frames as they are, and the tunnels' devices leave checksums to it."""
    pair = Pair(world, TwoHosts(world, clock=hurried, wire=lambda frame: True))
    pair.until_proven()
    assert pair.hosts.drivers["a"]._kernel._computes_checksums
    with world.listen(pair.app, 8443), world.socket_in(pair.web) as client:
        client.settimeout(DEADLINE)
        client.connect((pair.app.address, 8443))
    # The next agent finds that in the kernel, and tunnels that it creates are right at once.
    pair.hosts.restart("a")
    pair.until_proven()
    assert pair.hosts.drivers["a"]._kernel._computes_checksums


def test_a_path_that_carries_too_little_is_refused(world: World) -> None:
    pair = Pair(world, TwoHosts(world, clock=hurried))
    with namespaces.inside(pair.hosts.underlays["a"]):
        opened = RouteSocket()
    opened.batch([rtnetlink.set_mtu(WIRE, "under0", 1400)])
    opened.close()
    pair.until_said(
        "the path to it carries packets of 1400 bytes, fewer than the underlay's MTU of 1500: set that to 1400"
    )


def test_long_packets_that_vanish_are_noticed(world: World) -> None:
    """Somebody on the way drops them and says nothing. With WireGuard, the kernel computes all checksums."""
    hosts = TwoHosts(world, encrypted=True, clock=hurried, wire=lambda frame: len(frame) <= 1400)
    pair = Pair(world, hosts)
    pair.turns()
    eventually(lambda: "packets of 1390 bytes do not reach it" in str(pair.turns()["a"].problems))

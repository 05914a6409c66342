"""Accidents: after a driver was killed at any moment, the next one adopts what is right and removes the rest."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from reading_room.dataplane.linux import namespaces, rtnetlink
from reading_room.dataplane.linux.driver import LinuxNetworkDriver
from reading_room.dataplane.linux.libnftables import Rules
from reading_room.dataplane.linux.proof import prove
from tests.worlds.network import (
    APP,
    S3_ADDRESS,
    WEB,
    Network,
    World,
    expect_blocked,
    expect_reaches,
    ident,
    spec,
)
from tests.worlds.waiting import eventually

pytestmark = pytest.mark.network


def links(world: World, network: Network) -> list[str]:
    """Return the names of the links of a network's router."""
    router = world.driver._kernel.routers[network.vpc_id]
    return sorted(each.alias for each in router.routes.links() if each.kind == "veth")


def test_a_restart_adopts_links_rules_and_running_connections(world: World) -> None:
    """Traffic continues without the driver and after a restart, and an open connection is not cut."""
    network = Network()
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP)
    desired = spec(network)
    world.realize(desired)
    with world.listen(app, 8443) as server, world.connect(web, app.address, 8443) as client:
        accepted, _peer = server.accept()
        world.restart()
        client.sendall(b"a")
        assert accepted.recv(1) == b"a"
        report = world.realize(desired)
        assert report.interfaces == (web.interface_id, app.interface_id)
        client.sendall(b"b")
        assert accepted.recv(1) == b"b"
        accepted.close()
        expect_reaches(world, web, app, 8443)
        expect_blocked(world, app, web, 80)
        expect_reaches(world, web, S3_ADDRESS, 443)
    assert links(world, network) == [web.interface_id, app.interface_id]


def test_a_restart_removes_what_is_not_wanted_any_more(world: World) -> None:
    """A VPC and an interface were deleted while no driver was running."""
    network, other = Network(), Network(2)
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP)
    other.add(1, "10.0.1.5", WEB)
    world.realize(spec(network, other))
    with world.listen(app, 8443):
        world.connect(web, app.address, 8443).close()
    world.restart()
    network.interfaces = [app]
    report = world.realize(spec(network))
    assert (report.vpcs, report.interfaces) == ((network.vpc_id,), (app.interface_id,))
    assert world.driver._kernel.board.names() == (network.vpc_id,)
    assert links(world, network) == [app.interface_id]
    router = world.driver._kernel.routers[network.vpc_id]
    assert web.address not in {each.original.source for each in router.conntrack.entries(zero=False)}


def test_what_a_crash_left_half_done_is_recognized(world: World) -> None:
    """There is a pin without its namespace, a namespace without settings, and a link without its alias."""
    network = Network()
    web = network.add(1, "10.0.1.5", WEB)
    pins = world.runtime / "netns"
    pins.mkdir()
    (pins / ident("vpc", 7)).touch()
    board = namespaces.PinBoard(pins)
    bare = board.create(network.vpc_id)
    with namespaces.inside(bare):
        routes = rtnetlink.RouteSocket()
        container = world.container(str(web.container_id))
        routes.batch([rtnetlink.create_veth("e003e90000003e9", 1000, 9001, container, web.mac)])
        routes.close()
    os.close(bare)
    world.realize(spec(network))
    assert world.driver._kernel.board.names() == (network.vpc_id,)
    assert links(world, network) == [web.interface_id]
    expect_reaches(world, web, S3_ADDRESS, 443)


def pins(world: World) -> int:
    """Return how many VPCs have a namespace now."""
    try:
        return len(os.listdir(world.runtime / "netns"))
    except FileNotFoundError:
        return 0


def has_wire(world: World, container: str) -> bool:
    """Return whether a container has its interface."""
    with namespaces.inside(world.container(container)):
        return "eth0" in Path("/proc/thread-self/net/dev").read_text()


MOMENTS: dict[str, Sequence[Callable[[World], bool]]] = {
    "at its start": (),
    "a namespace is there": (lambda world: pins(world) > 0,),
    "an interface is there": (lambda world: has_wire(world, "c1-1"),),
    "the second namespace is there": (lambda world: pins(world) == 2,),
    "the second VPC's interface is there": (lambda world: has_wire(world, "c2-1"),),
    "an interface goes again": (lambda world: has_wire(world, "c1-2"), lambda world: not has_wire(world, "c1-2")),
    "a namespace goes again": (lambda world: pins(world) == 2, lambda world: pins(world) == 1),
}
"""The visible moments, in order, at which a driver is killed."""


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_driver_killed_at_any_moment_leaves_what_the_next_one_completes(world: World, moment: str) -> None:
    """It is killed while it creates two VPCs. The next driver completes them, and finally removes everything."""
    network, other = Network(), Network(2)
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP)
    other.add(1, "10.0.1.5", WEB)
    desired = spec(network, other)
    for vpc in desired.vpcs:
        for interface in vpc.interfaces:
            world.container(str(interface.container_id))
    victim = os.fork()
    if victim == 0:
        driver = LinuxNetworkDriver(world.runtime)
        while True:
            driver.realize(desired, world.containers)
            driver.realize(spec(other), world.containers)
    for seen in MOMENTS[moment]:
        eventually(partial(seen, world))
    os.kill(victim, signal.SIGKILL)
    os.waitpid(victim, 0)
    world.realize(desired)
    with world.listen(app, 8443):
        expect_reaches(world, web, app, 8443)
        expect_blocked(world, app, web, 80)
    report = world.realize(spec())
    assert (report.vpcs, report.interfaces) == ((), ())
    assert os.listdir(world.runtime / "netns") == []


def test_an_orderly_end_leaves_nothing(world: World) -> None:
    """``remove_everything`` removes pins, links and rules."""
    network = Network()
    network.add(1, "10.0.1.5", WEB)
    world.realize(spec(network))
    assert world.driver.remove_everything() == ()
    assert os.listdir(world.runtime / "netns") == []


def test_the_driver_changes_nothing_of_the_namespace_it_lives_in(world: World) -> None:
    """It touches no link, address, rule or setting of its own namespace."""

    def picture() -> list[str]:
        settings = ("ip_forward", "conf/all/rp_filter", "conf/all/send_redirects")
        seen = [Path("/proc/sys/net/ipv4", name).read_text() for name in settings]
        seen += [Path("/proc/sys/net/netfilter/nf_conntrack_acct").read_text()]
        routes = rtnetlink.RouteSocket()
        seen += [str(each) for each in (*routes.links(), *routes.addresses(), *routes.routes())]
        routes.close()
        mine = os.open(namespaces.MINE, os.O_RDONLY)
        seen.append(Rules(mine).run("list ruleset"))
        os.close(mine)
        return seen

    before = picture()
    network = Network()
    network.add(1, "10.0.1.5", WEB)
    world.realize(spec(network))
    assert picture() == before
    world.realize(spec())
    assert picture() == before


def test_the_proof_passes_here_and_leaves_nothing(world: World) -> None:
    """One packet passes, one is dropped, and that one is logged."""
    proof = prove(world.runtime)
    assert proof.passed, proof.lines
    assert [each for each in world.runtime.rglob("*") if each.is_file()] == []
    assert len(proof.lines) >= 3


def test_the_proof_fails_with_a_reason_where_the_kernel_refuses(world: World, tmp_path: Path) -> None:
    """With a runtime directory that cannot hold pins, the proof fails, and its last line gives the reason."""
    blocked = tmp_path / "file"
    blocked.touch()
    proof = prove(blocked)
    assert not proof.passed
    assert proof.lines[-1]


def test_an_agent_with_thousands_of_descriptors_changes_rules_all_the_same(world: World) -> None:
    """libnftables waits with select, which would otherwise abort the process."""
    network = Network()
    web = network.add(1, "10.0.1.5", WEB)
    world.driver
    # The agent does this, too, since an ordinary user's shell usually allows only 1,024.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    many = [os.open("/dev/null", os.O_RDONLY) for _ in range(1500)]
    world.realize(spec(network))
    expect_reaches(world, web, S3_ADDRESS, 443)
    for descriptor in many:
        os.close(descriptor)


def test_kernel_settings_that_cannot_be_written_are_a_named_problem(world: World) -> None:
    """With a read-only /proc/sys, the driver reports a problem, and the message says what to change."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.mount(b"/proc/sys", b"/proc/sys", None, 0x1000 | 0x4000, None) == 0
    assert libc.mount(None, b"/proc/sys", None, 0x20 | 0x1000 | 0x1, None) == 0
    proof = prove(world.runtime)
    assert not proof.passed
    assert "/proc/sys/net is writable" in proof.lines[-1]
    network = Network()
    network.add(1, "10.0.1.5", WEB)
    world.container("c1-1")
    report = world.driver.realize(spec(network), world.containers)
    assert (report.vpcs, report.interfaces) == ((), ())
    assert [problem.about for problem in report.problems] == [network.vpc_id]
    assert os.listdir(world.runtime / "netns") == []

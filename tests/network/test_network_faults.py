"""Accidents and interference: drivers killed before any request, changes by hand, lack of descriptors, aborts."""

from __future__ import annotations

import errno
import faulthandler
import gc
import logging
import os
import resource
import select
import signal
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from reading_room.dataplane.linux import namespaces, rtnetlink
from reading_room.dataplane.linux.driver import LinuxNetworkDriver
from reading_room.dataplane.linux.libnftables import Rules
from reading_room.dataplane.linux.netlink import NetlinkSocket
from reading_room.dataplane.linux.router import Router
from reading_room.dataplane.linux.uplink_namespace import UplinkNamespace
from reading_room.dataplane.spec import GroupPeer, Interface, NetworkReport, NetworkSpec, Route
from tests.worlds.gateway import DEFAULT, EIP, NAT_EIP, public_network
from tests.worlds.network import (
    APP,
    EVERYTHING,
    INTERNET,
    MUTE,
    S3_ADDRESS,
    TCP,
    WEB,
    Network,
    World,
    expect_blocked,
    expect_reaches,
    rule,
    spec,
)
from tests.worlds.waiting import eventually

pytestmark = pytest.mark.network


@dataclass
class Town:
    """A VPC with one of everything, and the connections that must and must not open in it."""

    network: Network
    web: Interface
    app: Interface
    inner: Interface

    @property
    def open(self) -> list[tuple[Interface, str, int]]:
        """Return the connections that must open."""
        return [
            (self.web, self.app.address, 8443),
            (self.web, "10.0.1.60", 8443),
            (self.inner, S3_ADDRESS, 443),
            (self.web, S3_ADDRESS, 443),
            (self.web, "10.0.2.20", 443),
        ]

    @property
    def closed(self) -> list[tuple[Interface, str, int]]:
        """Return the connections that must never open."""
        return [
            (self.app, self.web.address, 22),
            (self.web, self.app.address, 22),
            (self.app, S3_ADDRESS, 443),
            (self.app, "10.0.2.20", 443),
            (self.web, "10.0.2.20", 22),
            (self.app, INTERNET, 80),
            (self.web, "10.0.1.1", 22),
            (self.web, "169.254.170.1", 20_003),
        ]


def town(number: int = 1) -> Town:
    """Return a VPC with gateways, endpoints and a secondary address."""
    network = public_network(number)
    network.ingress[APP] = [rule(1, GroupPeer(WEB), TCP, 8443), rule(2, GroupPeer(WEB), TCP, 443)]
    network.egress[APP] = []
    web = network.add(1, "10.0.1.5", WEB)
    app = network.add(2, "10.0.1.6", APP, secondary=("10.0.1.60",))
    inner = network.add(3, "10.0.2.5", WEB, subnet=2)
    network.elastic[EIP] = web.address
    nat = network.add_nat(4, "10.0.1.9", NAT_EIP)
    network.routes[2] = [Route(DEFAULT, nat)]
    network.add_service(5, "10.0.2.20", APP, subnet=2)
    network.add_far()
    return Town(network, web, app, inner)


class Knocking:
    """Servers that accept whatever arrives, and connection attempts that should not arrive."""

    def __init__(self, world: World, place: Town) -> None:
        """Listen at every address."""
        self._world = world
        self._place = place
        self._servers = []
        for interface, ports in ((place.web, (22,)), (place.app, (22, 8443))):
            for port in ports:
                server = world.socket_in(interface)
                server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                server.bind(("0.0.0.0", port))
                # Nobody accepts connections: all attempts, several for every request of a driver, wait here.
                server.listen(1024)
                self._servers.append(server)

    def opened(self, targets: Sequence[tuple[Interface, str, int]]) -> list[tuple[str, str, int]]:
        """Try all targets at once; return those that opened."""
        clients: list[tuple[socket.socket, str, str, int]] = []
        for sender, address, port in targets:
            client = self._world.socket_in(sender)
            client.setblocking(False)
            if client.connect_ex((address, port)) in (0, errno.EINPROGRESS):
                clients.append((client, sender.address, address, port))
            else:
                client.close()
        self._world.let_arrive()
        _, ready, _ = select.select([], [client for client, *_ in clients], [], 0)
        found = [each[1:] for each in clients if each[0] in ready and not each[0].getsockopt(1, socket.SO_ERROR)]
        for client, *_ in clients:
            client.close()
        return found

    def close(self) -> None:
        """Close the servers."""
        for server in self._servers:
            server.close()


def die_before(number: int) -> None:
    """Make this process kill itself before its ``number``-th request to the kernel."""
    left = number

    def counted(call: Callable[..., object]) -> Callable[..., object]:
        def inner(*args: object, **kwargs: object) -> object:
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            return call(*args, **kwargs)

        return inner

    NetlinkSocket.batch = counted(NetlinkSocket.batch)  # type: ignore[method-assign,assignment]
    Rules.run = counted(Rules.run)  # type: ignore[method-assign,assignment]
    namespaces.PinBoard.pin = counted(namespaces.PinBoard.pin)  # type: ignore[method-assign,assignment]


def killed_at(world: World, specs: Sequence[NetworkSpec], number: int) -> bool:
    """Realize specs in a child that dies before its ``number``-th request; return whether it died so."""
    victim = os.fork()
    if victim == 0:
        try:
            die_before(number)
            driver = LinuxNetworkDriver(world.runtime)
            for desired in specs:
                driver.realize(desired, world.containers)
            os._exit(0)
        finally:
            os._exit(1)
    _pid, status = os.waitpid(victim, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def restart_takes_over(world: World, place: Town, knocking: Knocking, desired: NetworkSpec) -> None:
    """Assert that nothing forbidden is open, and that the next driver realizes the spec in one turn."""
    assert knocking.opened(place.closed) == []
    world.restart()
    world.realize(desired)
    opened = knocking.opened(place.open)
    assert len(opened) == len(place.open), opened
    assert knocking.opened(place.closed) == []


@pytest.mark.costs(5.5, reason="the driver is killed at every third of its requests")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(3))
def test_a_driver_killed_before_any_request_leaves_nothing_open_and_the_next_repairs(world: World, part: int) -> None:
    """The driver creates everything from nothing. Each part tests every third request, so the three parts test all."""
    place = town()
    desired = spec(place.network)
    for interface in (place.web, place.app, place.inner):
        world.container(str(interface.container_id))
    knocking = Knocking(world, place)
    number = part
    while killed_at(world, [desired], number):
        restart_takes_over(world, place, knocking, desired)
        assert world.realize(spec()).vpcs == ()
        world.restart()
        assert os.listdir(world.runtime / "netns") == os.listdir(world.runtime / "uplink") == []
        number += 3
    assert number > 20
    knocking.close()


@pytest.mark.costs(16, reason="the driver is killed at each of its requests")
@pytest.mark.timeout(300)
def test_a_driver_killed_in_the_middle_of_changes_leaves_nothing_open_and_the_next_repairs(world: World) -> None:
    """The driver changes one network to another, with other gateways, addresses, endpoints and groups."""
    before, after = town(), town()
    network = before.network
    network.interfaces[1] = replace(network.interfaces[1], secondary=("10.0.1.61",))
    network.elastic, network.nats, network.gateway = {}, [], False
    network.interfaces = [each for each in network.interfaces if not each.nat_gateway_id and not each.endpoint_id]
    network.routes, network.endpoints = {}, []
    network.ingress[MUTE] = [EVERYTHING]
    old, new = spec(network), spec(after.network)
    for interface in (after.web, after.app, after.inner):
        world.container(str(interface.container_id))
    knocking = Knocking(world, after)
    number = 0
    world.realize(old)
    first = 0
    # The first requests only take over the existing network; they are the same every time.
    while killed_at(world, [new], number):
        restart_takes_over(world, after, knocking, new)
        world.realize(old)
        first += 1
        number += 1
    assert first > 10
    restart_takes_over(world, after, knocking, new)
    knocking.close()


def meddle(world: World, network: Network) -> tuple[Router, UplinkNamespace, dict[str, int]]:
    """Return the router, the uplink namespace, and the router's link indexes by name, for changes by hand."""
    router = world.driver._kernel.routers[network.vpc_id]
    uplink = world.driver._kernel.uplink
    assert uplink is not None
    return router, uplink, {link.name: link.index for link in router.routes.links()}


def at_rest(world: World, desired: NetworkSpec) -> NetworkReport:
    """Return the report of a turn without changes, since the kernel's events of earlier turns may come late."""

    def undisturbed() -> NetworkReport | None:
        report = world.realize(desired)
        return report if world.realize(desired) is report else None

    return eventually(undisturbed)


MEDDLING: dict[str, tuple[Callable[[Router, UplinkNamespace, dict[str, int]], object], str]] = {
    "a policy rule is deleted": (
        lambda r, u, i: r.routes.batch([rtnetlink.delete_rule(40_000, 1001, 1)]),
        "PolicyRule",
    ),
    "a policy rule is added": (lambda r, u, i: r.routes.batch([rtnetlink.add_rule(100, 1001, 2)]), "Policy"),
    "the last blackhole is deleted": (
        lambda r, u, i: r.routes.batch([rtnetlink.delete_rule(50_000, None)]),
        "PolicyRule",
    ),
    "the main table's rule is deleted": (
        lambda r, u, i: r.routes.batch([rtnetlink.delete_rule(32_766, 254)]),
        "Policy",
    ),
    "a route of a table is deleted": (
        lambda r, u, i: r.routes.batch(
            [
                rtnetlink.delete_found(rtnetlink.DELROUTE, each.body, each.destination)
                for each in list(r.routes.routes())
                if each.table == 1001
            ]
        ),
        "TableRoute",
    ),
    "a route to nowhere is added": (
        lambda r, u, i: r.routes.batch([rtnetlink.add_route(254, "unicast", "192.0.2.0/24", i["up0"], protocol=3)]),
        "192.0.2.0/24",
    ),
    "a blackhole of the VPC is deleted": (
        lambda r, u, i: r.routes.batch([rtnetlink.delete_route(254, "blackhole", "10.0.0.0/16")]),
        "Blackholes",
    ),
    "an address of lo is deleted": (
        lambda r, u, i: r.routes.batch([rtnetlink.delete_address(1, "10.0.2.20")]),
        "10.0.2.20",
    ),
    "an address is added to a link": (
        lambda r, u, i: r.routes.batch([rtnetlink.add_address(i["up0"], "192.0.2.7")]),
        "192.0.2.7",
    ),
    "the uplink's wire is deleted": (
        lambda r, u, i: r.routes.batch([rtnetlink.delete_link(i["up0"], "up0")]),
        "Uplink",
    ),
    "a secondary address's route is deleted": (
        lambda r, u, i: r.routes.batch([rtnetlink.delete_route(254, "unicast", "10.0.1.60/32")]),
        "Secondary",
    ),
    "the firewall is deleted": (lambda r, u, i: r.rules.run("delete table inet vpc\n"), "firewall"),
    "a rule is put into the firewall": (
        lambda r, u, i: r.rules.run("insert rule inet vpc post_ingress accept\n"),
        "firewall",
    ),
    "the uplink's firewall is deleted": (lambda r, u, i: u.rules.run("delete table inet vpc\n"), "firewall"),
    "a public route of the uplink is deleted": (
        lambda r, u, i: u.routes.batch([rtnetlink.delete_route(254, "unicast", f"{EIP}/32")]),
        "UplinkRoutes",
    ),
    "a route is added to the uplink": (
        lambda r, u, i: u.routes.batch([rtnetlink.add_route(254, "blackhole", "192.0.2.0/24", protocol=3)]),
        "192.0.2.0/24",
    ),
}


@pytest.mark.parametrize("what", MEDDLING)
def test_manual_changes_are_repaired_in_one_turn_and_logged(
    world: World, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    """With an unchanged spec, the next turn finds the difference, repairs it and names it in the log."""
    place = town()
    desired = spec(place.network)
    world.make_internet()
    world.realize(desired)
    world.route_back()
    settled = at_rest(world, desired)
    knocking = Knocking(world, place)
    meddling, message = MEDDLING[what]
    meddling(*meddle(world, place.network))
    with caplog.at_level(logging.WARNING):
        world.realize(desired)
    assert message in caplog.text, caplog.text
    assert len(knocking.opened(place.open)) == len(place.open)
    assert knocking.opened(place.closed) == []
    with world.internet_server(INTERNET, 80):
        expect_reaches(world, place.web, INTERNET, 80)
    assert at_rest(world, desired) == settled
    knocking.close()


def test_removed_pins_are_pinned_again(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Open namespaces outlive their pins, and must also outlive this driver: the next one finds them."""
    place = town()
    desired = spec(place.network)
    world.realize(desired)
    foreign = namespaces.PinBoard(world.runtime / "netns")
    foreign.remove(place.network.vpc_id)
    os.close(foreign.create("stranger"))
    with caplog.at_level(logging.WARNING):
        world.realize(desired)
    assert "the pin of its namespace was gone" in caplog.text
    assert "that is not ours" in caplog.text
    assert foreign.names() == (place.network.vpc_id,)
    world.restart()
    world.realize(desired)
    expect_reaches(world, place.inner, S3_ADDRESS, 443)


def test_without_descriptors_the_old_rules_stand_and_the_driver_recovers(world: World) -> None:
    """A turn that fails opens nothing, and the next turn with descriptors does the work."""
    place = town()
    network = place.network
    world.realize(spec(network))
    knocking = Knocking(world, place)
    with world.listen(place.web, 80):
        network.ingress[WEB] = [EVERYTHING]
        network.egress[APP] = [EVERYTHING]
        late = network.add(6, "10.0.1.7", WEB)
        world.container(str(late.container_id))
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (400, limits[1]))
        gc.collect()  # What it closed later would be a descriptor for the turn.
        hogs = []
        try:
            while True:
                hogs.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            pass
        report = world.driver.realize(spec(network), world.containers)
        for each in hogs:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert network.vpc_id in {problem.about for problem in report.problems}
        assert all("Too many open files" in problem.message for problem in report.problems)
        assert report.vpcs == ()
        expect_blocked(world, place.app, place.web, 80)
        world.realize(spec(network))
        expect_reaches(world, place.app, place.web, 80)
    knocking.close()


def test_lost_netlink_events_are_made_up_for_by_a_full_look(world: World) -> None:
    """There are more events than the socket holds. The kernel reports this, and the driver looks at everything."""
    place = town()
    desired = spec(place.network)
    world.realize(desired)
    world.realize(desired)
    router, _uplink, indexes = meddle(world, place.network)
    router._events.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    for number in range(200):
        router.routes.batch([rtnetlink.add_route(254, "blackhole", f"192.0.2.{number}/32", protocol=3)])
    router.routes.batch([rtnetlink.delete_link(indexes["up0"], "up0")])
    world.realize(desired)
    expect_reaches(world, place.inner, S3_ADDRESS, 443)
    assert not [each for each in router.routes.routes() if each.destination.startswith("192.0.2.")]


def test_a_driver_that_libnftables_aborts_leaves_the_old_rules_and_the_next_one_goes_on(world: World) -> None:
    """A failed assertion in the library ends the process, but the kernel's rules stay."""
    place = town()
    network = place.network
    old = spec(network)
    world.realize(old)
    knocking = Knocking(world, place)
    network.ingress[WEB] = [EVERYTHING]
    network.egress[APP] = [EVERYTHING]
    new = spec(network)
    victim = os.fork()
    if victim == 0:
        faulthandler.disable()
        driver = LinuxNetworkDriver(world.runtime)
        driver.realize(old, world.containers)
        Rules.run = lambda *_: os.abort()  # type: ignore[method-assign]
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        driver.realize(new, world.containers)
        os._exit(0)
    _pid, status = os.waitpid(victim, 0)
    assert os.WTERMSIG(status) == signal.SIGABRT
    assert len(knocking.opened(place.open[:2])) == 2
    assert knocking.opened(place.closed) == []
    world.restart()
    world.realize(new)
    assert len(knocking.opened([(place.app, place.web.address, 22)])) == 1
    knocking.close()


def test_a_change_that_ends_every_driver_is_left_alone_and_other_vpcs_are_served(world: World) -> None:
    """After three deaths the VPC keeps its old rules, with a problem. With a different spec it changes again."""
    place, other = town(), Network(2)
    other.add(1, "10.0.1.5", WEB)
    network = place.network
    world.realize(spec(network, other))
    network.ingress[WEB] = [EVERYTHING]
    other.ingress[WEB] = [EVERYTHING]
    new = spec(network, other)
    really = Rules.run

    def fatal(rules: Rules, text: str) -> str:
        if "web" in text or len(text) > 8000:
            os.abort()
        return really(rules, text)

    for _ in range(3):
        victim = os.fork()
        if victim == 0:
            faulthandler.disable()
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            Rules.run = fatal  # type: ignore[method-assign,assignment]
            LinuxNetworkDriver(world.runtime).realize(new, world.containers)
            os._exit(0)
        assert os.WTERMSIG(os.waitpid(victim, 0)[1]) == signal.SIGABRT
    world.restart()
    report = world.driver.realize(new, world.containers)
    assert [problem.about for problem in report.problems] == [network.vpc_id]
    assert "ended 3 processes" in report.problems[0].message
    assert report.vpcs == (other.vpc_id,)
    knocking = Knocking(world, place)
    assert knocking.opened(place.closed) == []
    assert len(knocking.opened(place.open[:2])) == 2
    network.ingress[APP].append(rule(7, GroupPeer(WEB), TCP, 80))
    world.realize(spec(network, other))
    knocking.close()

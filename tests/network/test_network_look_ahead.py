"""The output of ``network plan`` for a real host: nothing if it is healthy, and otherwise every difference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reading_room.agent.look_ahead import look_ahead
from reading_room.dataplane.linux import rtnetlink
from reading_room.dataplane.linux.libnftables import Rules
from reading_room.dataplane.rules.nftables import TABLE
from reading_room.dataplane.spec import NetworkSpec
from tests.worlds.network import APP, WEB, Network, World, ident, spec

pytestmark = pytest.mark.network


def steps_of(world: World, desired: NetworkSpec) -> list[str]:
    """Return the steps of the next turn."""
    containers = [each.container_id for vpc in desired.vpcs for each in vpc.interfaces if each.container_id]
    return look_ahead(world.driver._kernel.board.directory.parent, desired, containers, None)


def test_a_healthy_host_has_no_steps(world: World) -> None:
    """The host has every feature with rules or routes. Leftovers of packets and earlier jobs do not count."""
    network = Network(gateway=True)
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP, secondary=("10.0.1.7",))
    network.elastic = {"198.51.100.7": "10.0.1.5"}
    world.realize(spec(network))
    with world.listen(app, 8443), world.connect(web, app.address, 8443):
        assert steps_of(world, spec(network)) == []
    network.interfaces.remove(app)
    world.realize(spec(network))
    assert steps_of(world, spec(network)) == [], "chains that wait for the next interface of the kind are no difference"


def test_what_is_missing_is_reported_with_its_reason(world: World) -> None:
    network = Network()
    network.add(1, "10.0.1.5", WEB)
    world.realize(spec(network))
    network.add(2, "10.0.1.6", APP)
    steps = steps_of(world, spec(network))
    assert any(
        f"{network.vpc_id}: CreateLink {ident('eni', 1002)}: the interface has no wire" in each for each in steps
    )
    assert any("lines of the rules differ" in each for each in steps)
    assert any(each.startswith(f"{network.vpc_id}:   + ") and "10.0.1.6" in each for each in steps)
    other = Network(number=2)
    other.add(1, "10.0.1.5", WEB)
    assert any(each.startswith(f"{other.vpc_id}: CreateNamespace") for each in steps_of(world, spec(network, other)))
    gone = steps_of(world, NetworkSpec((), spec(network).prefix_lists))
    assert any("DeleteNamespace" in each and "not wanted here" in each for each in gone)


def test_changes_by_hand_are_reported(world: World) -> None:
    network = Network()
    network.add(1, "10.0.1.5", WEB)
    desired = spec(network)
    world.realize(desired)
    router = world.driver._kernel.routers[network.vpc_id]
    Rules(router.descriptor).run(f"add rule {TABLE} pre_egress accept\n")
    router.routes.batch([rtnetlink.add_address(rtnetlink.LOOPBACK, "10.0.77.7")])
    steps = steps_of(world, desired)
    assert any("+ " not in each and "- accept (chain pre_egress)" in each for each in steps), steps
    assert any("10.0.77.7" in each for each in steps)


def test_an_interface_of_an_unwanted_container_is_no_step(world: World) -> None:
    network = Network()
    network.add(1, "10.0.1.5", WEB)
    world.realize(spec(network))
    late = replace(network.interfaces[0], interface_id=ident("eni", 7), address="10.0.1.9", container_id="not-wanted")
    vpc = spec(network).vpcs[0]
    desired = NetworkSpec((replace(vpc, interfaces=(*vpc.interfaces, late)),), spec(network).prefix_lists)
    containers = [each.container_id for each in network.interfaces if each.container_id]
    pins = world.driver._kernel.board.directory.parent
    assert not any("CreateLink" in each for each in look_ahead(pins, desired, containers, None))

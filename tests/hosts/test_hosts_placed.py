"""What a host may speak for: the listeners and the clients of its own spec."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reading_room.dataplane.spec import ElasticAddress, Endpoint, ListenerLabel, NatGateway
from reading_room.hosts.placed import Placed
from tests.worlds.agent import document, interface, vpc

ENDPOINT = ListenerLabel("vpc-0a", "endpoint-https", "169.254.170.1", 20_003, "vpce-0a")
FAR = ListenerLabel("vpc-0a", "endpoint-https", "169.254.170.1", 20_005, "far-s3", public=True)
CREDENTIALS = ListenerLabel("vpc-0a", "credentials", "169.254.170.2", 80)
AT_INTERFACE = ListenerLabel("vpc-0a", "endpoint-http", "10.0.0.20", 80, "vpce-0b", "logs")
PLACED = Placed(
    document(
        vpcs=(
            vpc(
                (
                    interface(0, address="10.0.0.10", secondary=("10.0.0.11",)),
                    interface(1, address="10.0.0.12", container_id=None),
                    interface(2, address="10.0.0.13", container_id=None, nat_gateway_id="nat-0a"),
                    interface(3, address="10.0.0.20", container_id=None, endpoint_id="vpce-0b"),
                ),
                endpoints=(
                    Endpoint("vpce-0a", "gateway", "s3", "pl-63a5400a", 1),
                    Endpoint("far-s3", "far", "s3", "pl-63a5400a", 2),
                    Endpoint("vpce-0b", "interface", "logs", "", 3),
                ),
                elastic_addresses=(
                    ElasticAddress("eipalloc-0a", "198.51.100.1", "10.0.0.11"),
                    ElasticAddress("eipalloc-0b", "198.51.100.2", "10.0.0.99"),
                ),
                nat_gateways=(NatGateway("nat-0a", "subnet-0a", "eni-02", ("10.0.0.13",), ("198.51.100.3",)),),
            ),
        ),
        host="b",
    )
)


@pytest.mark.parametrize("label", [ENDPOINT, FAR, CREDENTIALS, AT_INTERFACE])
def test_the_listeners_of_its_spec_are_a_host_s_own(label: ListenerLabel) -> None:
    assert PLACED.has_vpc(label.vpc_id)
    assert PLACED.has_listener(label)


@pytest.mark.parametrize(
    ("label", "changes"),
    [
        (ENDPOINT, {"vpc_id": "vpc-0b"}),
        (ENDPOINT, {"port": 20_004}),
        (ENDPOINT, {"endpoint_id": "vpce-0b"}),
        (ENDPOINT, {"service": "logs"}),
        (ENDPOINT, {"public": True}),
        (FAR, {"public": False}),
        (CREDENTIALS, {"address": "10.0.0.10"}),
        (AT_INTERFACE, {"address": "10.0.0.10"}),
    ],
)
def test_no_other_listener_is(label: ListenerLabel, changes: dict[str, Any]) -> None:
    assert not PLACED.has_listener(replace(label, **changes))


@pytest.mark.parametrize("address", ["10.0.0.10", "10.0.0.11", "10.0.0.13"])
def test_its_containers_and_private_nat_gateways_are_its_clients(address: str) -> None:
    assert PLACED.has_client(ENDPOINT, address)
    assert not PLACED.has_client(replace(ENDPOINT, vpc_id="vpc-0b"), address)


@pytest.mark.parametrize("address", ["10.0.0.12", "10.0.0.99", "198.51.100.1", "198.51.100.3", ""])
def test_no_other_address_is(address: str) -> None:
    assert not PLACED.has_client(ENDPOINT, address)


@pytest.mark.parametrize(("address", "can"), [("198.51.100.1", True), ("198.51.100.3", True), ("198.51.100.2", False)])
def test_beyond_a_gateway_its_clients_have_its_public_addresses(address: str, can: bool) -> None:
    assert PLACED.has_client(FAR, address) is can


def test_without_a_spec_nothing_is_placed() -> None:
    nothing = Placed()
    assert not nothing.has_vpc("vpc-0a")
    assert not nothing.has_listener(CREDENTIALS)
    assert not nothing.has_client(CREDENTIALS, "10.0.0.10")

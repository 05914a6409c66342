"""Public addresses: which are allocated, in which order, and how long they rest; how long a NAT gateway is shown."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from reading_room.database.engine import Database
from reading_room.vpc.addressing.addresses import REST
from reading_room.vpc.addressing.prefix_lists import API_ADDRESS, S3_ADDRESS
from reading_room.vpc.gateways import elastic_addresses, nat_gateways
from reading_room.vpc.gateways.errors import AddressNotFound, InsufficientAddressCapacity
from reading_room.vpc.not_found import NatGatewayNotFound
from reading_room.vpc.quotas import Quotas
from tests.worlds.vpc import ACCOUNT, NOW, network

POOL = "198.51.100.0/28"
OPEN = Quotas.of_profile("open")


@contextmanager
def session() -> Iterator[Session]:
    database = Database.open(None)
    database.create_tables()
    try:
        with database.reading() as opened:
            yield opened
    finally:
        database.close()


@given(steps=st.lists(st.tuples(st.booleans(), st.integers(0, 13), st.integers(0, 40)), max_size=60))
@settings(max_examples=60, deadline=None)
def test_no_address_is_allocated_twice_or_while_resting_if_others_are_free(
    steps: list[tuple[bool, int, int]],
) -> None:
    pool = {str(address) for address in ipaddress.IPv4Network(POOL).hosts()}
    with session() as open_session:
        held: dict[str, str] = {}
        released: dict[str, dt.datetime] = {}
        now = NOW
        for take, place, seconds in steps:
            now += dt.timedelta(seconds=seconds)
            if take:
                if len(held) == len(pool):
                    with pytest.raises(InsufficientAddressCapacity, match=POOL):
                        elastic_addresses.allocate(open_session, ACCOUNT, POOL, now, quotas=OPEN)
                    continue
                rested = {
                    address
                    for address in pool - set(held)
                    if address not in released or now - released[address] >= REST
                }
                row = elastic_addresses.allocate(open_session, ACCOUNT, POOL, now, quotas=OPEN)
                assert row.public_ip in pool - set(held)
                assert row.public_ip in rested or not rested
                held[row.public_ip] = row.allocation_id
                released.pop(row.public_ip, None)
            elif held:
                address = sorted(held)[place % len(held)]
                elastic_addresses.release(open_session, ACCOUNT, held.pop(address), now)
                released[address] = now


def test_only_the_former_owner_can_ask_for_a_released_address() -> None:
    with session() as open_session:
        made = elastic_addresses.allocate(open_session, ACCOUNT, POOL, NOW)
        elastic_addresses.release(open_session, ACCOUNT, made.allocation_id, NOW)
        with pytest.raises(AddressNotFound):
            elastic_addresses.allocate(open_session, "000000000002", POOL, NOW, wanted=made.public_ip)
        with pytest.raises(AddressNotFound):
            elastic_addresses.allocate(open_session, ACCOUNT, "192.0.2.0/24", NOW, wanted=made.public_ip)
        again = elastic_addresses.allocate(open_session, ACCOUNT, POOL, NOW, wanted=made.public_ip)
        assert again.public_ip == made.public_ip


def test_a_pool_that_overlaps_a_service_is_detected() -> None:
    assert elastic_addresses.overlaps_with_services(elastic_addresses.DEFAULT_POOL) is None
    for service in (S3_ADDRESS, API_ADDRESS):
        assert elastic_addresses.overlaps_with_services(f"{service.rpartition('.')[0]}.0/24") is not None


def test_a_failed_or_deleted_nat_gateway_is_shown_for_an_hour() -> None:
    with network() as world:
        wanted = nat_gateways.requested({"SubnetId": world.subnet.subnet_id, "ConnectivityType": "private"})
        made = nat_gateways.create(world.session, ACCOUNT, wanted, NOW).nat_gateway_id
        nat_gateways.delete_gateway(world.session, ACCOUNT, made, NOW)
        almost, after = NOW + dt.timedelta(minutes=59), NOW + dt.timedelta(minutes=60)
        assert [row.state for row in nat_gateways.described(world.session, ACCOUNT, [made], almost)] == ["deleted"]
        assert nat_gateways.described(world.session, ACCOUNT, [], after) == []
        with pytest.raises(NatGatewayNotFound, match=made):
            nat_gateways.described(world.session, ACCOUNT, [made], after)
        # Creating the next gateway deletes it.
        nat_gateways.create(world.session, ACCOUNT, wanted, after)
        with pytest.raises(NatGatewayNotFound):
            nat_gateways.one(world.session, ACCOUNT, made, NOW)

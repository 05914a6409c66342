"""The names that hosts serve: answers that follow the tables at once, and the names of S3 interface endpoints."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from reading_room.database.engine import Database
from reading_room.hosts.names import VpcNames, bucket_names
from reading_room.vpc.addressing import dhcp_options, subnets
from reading_room.vpc.addressing.prefix_lists import API_ADDRESS
from reading_room.vpc.endpoints import interface_endpoints
from reading_room.vpc.endpoints.endpoint_services import find
from reading_room.vpc.endpoints.interface_endpoints import Wanted
from reading_room.vpc.endpoints.resolver import ADDRESS
from reading_room.vpc.tables import Subnet, Vpc
from reading_room.vpc.vpcs import vpcs
from reading_room.vpc.zones import zones_of
from tests.worlds import databases

ACCOUNT, REGION = "000000000001", "us-east-1"
NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    database = databases.made(tmp_path / "db.sqlite")
    yield database
    database.close()


@pytest.fixture
def vpc_id(database: Database) -> str:
    """A VPC with a subnet and both DNS attributes."""
    with database.transaction() as session:
        options = dhcp_options.default_set(session, ACCOUNT, REGION).dhcp_options_id
        vpc = vpcs.create(session, ACCOUNT, "10.0.0.0/16", NOW, dhcp_options_id=options)
        vpc.enable_dns_hostnames = True
        subnets.create(session, vpc, "10.0.0.0/24", zones_of(REGION)[0], NOW)
        return vpc.vpc_id


def make(database: Database, vpc_id: str, service: str, private: bool = True) -> str:
    """Make an interface endpoint in the VPC's subnet."""
    with database.transaction() as session:
        vpc = session.get_one(Vpc, vpc_id)
        found = find(REGION, f"com.amazonaws.{REGION}.{service}")["Interface"]
        subnet = session.scalars(select(Subnet).where(Subnet.vpc_id == vpc_id)).one()
        wanted = Wanted([subnet.subnet_id], private_dns=private)
        return interface_endpoints.create(session, vpc, found, wanted, NOW).vpc_endpoint_id


def test_answers_follow_the_tables_with_the_next_question(database: Database, vpc_id: str) -> None:
    names = VpcNames(database)

    def answered() -> str:
        found = names.look_up(vpc_id, "logs.us-east-1.amazonaws.com", ADDRESS)
        assert found is not None
        assert found.records
        return found.records[0][2]

    assert answered() == API_ADDRESS
    make(database, vpc_id, "logs")
    assert answered() == "10.0.0.4"
    with database.transaction() as session:
        session.get_one(Vpc, vpc_id).enable_dns_support = False
    assert names.look_up(vpc_id, "logs.us-east-1.amazonaws.com", ADDRESS) is None


def test_an_s3_interface_endpoint_has_names_for_buckets_in_every_zone_and_others_have_none(
    database: Database, vpc_id: str
) -> None:
    endpoint = make(database, vpc_id, "s3", private=False)
    names = bucket_names(database, REGION, endpoint)
    assert len(names) == 2 * (1 + len(zones_of(REGION)))
    assert all(endpoint in name for name in names)
    first = names[0].removeprefix("bucket.")
    assert names[:2] == [f"bucket.{first}", f"*.bucket.{first}"]
    assert bucket_names(database, REGION, make(database, vpc_id, "logs")) == []
    assert bucket_names(database, REGION, "vpce-0123456789abcdef0") == []

"""Fixtures that the tests of EC2 share; a test file that needs another account overrides ``world``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.worlds import postgresql
from tests.worlds.ec2 import ACCOUNT, Ec2World

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


BOTH = frozenset(
    f"test_ec2_{name}"
    for name in (
        *("cidr_blocks", "dhcp_options", "elastic_addresses", "endpoints", "flow_logs", "group_rules"),
        *("interface_endpoints", "internet_gateways", "nat_gateways", "network_interfaces"),
        *("prefix_lists", "route_tables", "secondary_addresses", "security_groups", "subnets", "tags", "vpcs"),
    )
)
"""The modules whose tests run on both databases. `make chaos` runs all tests of APIs on PostgreSQL."""
COPIED = pytest.mark.costs(0.5, reason="PostgreSQL's server copies a database for each test")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of some modules on both databases, on PostgreSQL with two processes that answer in turn."""
    if "world" in metafunc.fixturenames and metafunc.module.__name__.rpartition(".")[2] in BOTH:
        metafunc.parametrize("world", ["sqlite", pytest.param("postgresql", marks=COPIED)], indirect=True)


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Ec2World]:
    """An account with only EC2."""
    if getattr(request, "param", "") == "postgresql":
        world = Ec2World(tmp_path, opened=partial(postgresql.made, str(tmp_path), ACCOUNT), processes=2)
    else:
        world = Ec2World(tmp_path)
    yield world
    world.close()


@pytest.fixture
def ec2(world: Ec2World) -> EC2Client:
    """An EC2 client of the account's administrator."""
    return world.client()


@pytest.fixture
def vpc_id(ec2: EC2Client) -> str:
    """A VPC, 10.0.0.0/16."""
    return ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]


@pytest.fixture
def subnet_id(ec2: EC2Client, vpc_id: str) -> str:
    """A subnet of the VPC, 10.0.0.0/24."""
    return ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]

"""Fixtures that the tests of EC2 share; a test file that needs another account overrides ``world``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.worlds.ec2 import Ec2World

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Ec2World]:
    """An account with only EC2."""
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

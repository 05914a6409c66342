"""What the tests of EC2 begin with; a test file that needs another world has a fixture of that name."""

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
    """An account with EC2 and nothing else."""
    world = Ec2World(tmp_path)
    yield world
    world.close()


@pytest.fixture
def ec2(world: Ec2World) -> EC2Client:
    """A client of its administrator."""
    return world.client()


@pytest.fixture
def vpc_id(ec2: EC2Client) -> str:
    """A VPC, 10.0.0.0/16."""
    return ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]


@pytest.fixture
def subnet_id(ec2: EC2Client, vpc_id: str) -> str:
    """A subnet of it, 10.0.0.0/24."""
    return ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]

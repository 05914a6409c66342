"""The name servers of a job's container come from the DHCP options set of its VPC."""

from __future__ import annotations

from typing import Any

from reading_room.containers.spec import RESOLVER
from reading_room.vpc.addressing import dhcp_options
from tests.worlds.preparation import ACCOUNT, PreparationWorld


def test_a_container_gets_the_name_servers_of_the_vpc_or_none(world: PreparationWorld) -> None:
    world.run(world.submit())

    def configured() -> tuple[tuple[str, ...], tuple[str, ...]]:
        (container,) = world.wanted()
        return container.name_servers, container.search_domains

    assert configured() == ((RESOLVER,), ("ec2.internal",))
    own: list[dict[str, Any]] = [
        {"Key": "domain-name-servers", "Values": ["10.0.0.9", "AmazonProvidedDNS"]},
        {"Key": "domain-name", "Values": ["corp.example lab.example"]},
    ]
    with world.database.transaction() as session:
        made = dhcp_options.create(session, ACCOUNT, own).dhcp_options_id
        dhcp_options.associate(session, ACCOUNT, made, world.vpc)
    assert configured() == (("10.0.0.9", RESOLVER), ("corp.example", "lab.example"))
    with world.database.transaction() as session:
        dhcp_options.associate(session, ACCOUNT, dhcp_options.NO_SET, world.vpc)
    assert configured() == ((), ())

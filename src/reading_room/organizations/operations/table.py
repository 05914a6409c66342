"""All operations of AWS Organizations, for the table of operations."""

from __future__ import annotations

from typing import Literal

from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.organizations.members import Prepare
from reading_room.organizations.operations.accounts import AccountOperations
from reading_room.organizations.operations.handshakes import HandshakeOperations
from reading_room.organizations.operations.organization import OrganizationOperations
from reading_room.organizations.operations.policies import PolicyOperations

MOST_ACCOUNTS = {"aws": 10, "open": 10_000}
"""The most accounts of an organization by the profile of quotas: AWS's default, and the most that AWS grants."""


def organization_operations(
    database: Database, clock: Clock, *, first: str, profile: Literal["open", "aws"], prepare: Prepare
) -> tuple[object, ...]:
    """Return the objects that implement the operations.

    ``first`` is the first account of the installation; ``prepare`` creates what every new account has.
    """
    most = MOST_ACCOUNTS[profile]
    return (
        OrganizationOperations(database, clock, first),
        AccountOperations(database, clock, most, prepare),
        HandshakeOperations(database, clock, most),
        PolicyOperations(database),
    )

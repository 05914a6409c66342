"""Every operation of KMS."""

from __future__ import annotations

from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.kms.access import KeyAccess
from reading_room.kms.granting import Granting
from reading_room.kms.operations.aliases import AliasOperations
from reading_room.kms.operations.cryptography import CryptographyOperations
from reading_room.kms.operations.grants import GrantOperations
from reading_room.kms.operations.keys import KeyOperations
from reading_room.kms.operations.policies import PolicyOperations
from reading_room.kms.operations.rotation import MaterialOperations
from reading_room.kms.operations.rows import KeyRows
from reading_room.kms.use import KeyUse


def kms_operations(database: Database, access: KeyAccess, use: KeyUse, clock: Clock) -> tuple[object, ...]:
    """Return the objects that implement the operations."""
    rows = KeyRows(database, access, clock)
    granting = Granting(database, access, clock)
    return (
        KeyOperations(rows),
        AliasOperations(rows),
        PolicyOperations(rows),
        GrantOperations(rows, granting),
        MaterialOperations(rows),
        CryptographyOperations(use, access),
    )

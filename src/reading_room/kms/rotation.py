"""Rotation of the material of keys: periodic and on demand. Earlier material goes on decrypting."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.kms import keys, material
from reading_room.kms.errors import (
    DisabledException,
    LimitExceededException,
    UnsupportedOperationException,
)
from reading_room.kms.specs import SPECS, SYMMETRIC
from reading_room.kms.tables import KeyRow, MaterialRow

PERIOD_DAYS = 365
"""The period if none is given."""
MOST_ON_DEMAND = 25
"""Rotations on demand of one key (AWS KMS quotas)."""


def check_rotates(row: KeyRow) -> None:
    """Raise ``UnsupportedOperationException`` unless a key has material that can be rotated."""
    if row.spec != SYMMETRIC or row.origin != "AWS_KMS":
        raise UnsupportedOperationException(
            f"{keys.arn_of(row)} cannot be rotated: only a symmetric encryption key with the origin AWS_KMS can"
        )


def enable(row: KeyRow, days: int | None, now: dt.datetime) -> None:
    """Rotate a key periodically.

    Raises ``KMSInvalidStateException``, ``DisabledException``, ``UnsupportedOperationException``.
    """
    _check_changes(row)
    period = days or (row.rotation_days or PERIOD_DAYS)
    if row.rotation_days != period:
        row.rotation_days, row.rotates_at = period, now + dt.timedelta(days=period)


def disable(row: KeyRow) -> None:
    """Rotate a key no longer periodically. Raises as ``enable`` does."""
    _check_changes(row)
    row.rotation_days = row.rotates_at = None


def on_demand(session: Session, row: KeyRow, now: dt.datetime) -> None:
    """Rotate a key now. Raises as ``enable`` does, and ``LimitExceededException``."""
    _check_changes(row)
    held = session.scalar(
        select(func.count()).select_from(MaterialRow).filter_by(key_id=row.key_id, rotation="ON_DEMAND")
    )
    if (held or 0) >= MOST_ON_DEMAND:
        raise LimitExceededException("The number of rotations on demand", MOST_ON_DEMAND)
    rotate(session, row, "ON_DEMAND", now)


def rotate(session: Session, row: KeyRow, kind: str, now: dt.datetime) -> None:
    """Give a key new material. A periodic rotation also sets the time of the next one."""
    content = material.new_material(SPECS[row.spec])
    keys.add_material(session, row, material.random_id(), content, now, rotation=kind)
    if kind == "AUTOMATIC" and row.rotation_days is not None:
        row.rotates_at = now + dt.timedelta(days=row.rotation_days)


def every(session: Session, row: KeyRow) -> Sequence[MaterialRow]:
    """Return all material of a key, oldest first."""
    return session.scalars(select(MaterialRow).filter_by(key_id=row.key_id).order_by(MaterialRow.number)).all()


def _check_changes(row: KeyRow) -> None:
    keys.check_exists(keys.arn_of(row), row.state)
    check_rotates(row)
    if row.state == "Disabled":
        raise DisabledException(keys.arn_of(row))

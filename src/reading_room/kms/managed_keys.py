"""AWS managed keys: one for each service of an account, made when it is first needed."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.kms import keys
from reading_room.kms.policies import managed_policy
from reading_room.kms.specs import ENCRYPT, SPECS, SYMMETRIC
from reading_room.kms.tables import AliasRow, KeyRow

DESCRIPTIONS = {"s3": "Default key that protects my S3 objects when no other key is defined"}
"""The services that have such a key, and its description."""
ROTATION_DAYS = 365


def service_of(alias: str | None) -> str | None:
    """Return the service whose managed key an alias names, or ``None``."""
    service = (alias or "").removeprefix("alias/aws/")
    return service if service != alias and service in DESCRIPTIONS else None


def ensure(session: Session, account: str, region: str, service: str, now: dt.datetime) -> KeyRow:
    """Return an account's key for a service, and make it if it does not exist."""
    found = session.scalar(select(KeyRow).filter_by(account=account, region=region, service=service))
    if found is not None:
        return found
    policy = managed_policy(account, region, service)
    made = keys.create(
        session,
        account=account,
        region=region,
        spec=SPECS[SYMMETRIC],
        usage=ENCRYPT,
        origin="AWS_KMS",
        # It names no user or role.
        policy=policy,
        pinned_policy=policy,
        description=DESCRIPTIONS[service],
        service=service,
        now=now,
    )
    made.rotation_days, made.rotates_at = ROTATION_DAYS, now + dt.timedelta(days=ROTATION_DAYS)
    session.add(
        AliasRow(
            account=account,
            region=region,
            name=f"alias/aws/{service}",
            key_id=made.key_id,
            created_at=now,
            updated_at=now,
        )
    )
    session.flush()
    return made

"""Keys: making, finding and changing them, as functions on a database session; and the values that are read often."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.ids import unique_id
from reading_room.kms import material
from reading_room.kms.errors import DisabledException, KMSInvalidStateException, LimitExceededException
from reading_room.kms.specs import SPECS, SYMMETRIC, Spec
from reading_room.kms.tables import AliasRow, GrantRow, KeyRow, MaterialRow

KEYS_PER_ACCOUNT = 100_000
"""AWS KMS quotas."""


@dataclass(frozen=True, slots=True)
class Material:
    """One material of a key."""

    material_id: str
    content: bytes = field(repr=False)
    expires_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """What decisions and cryptography need of a key."""

    key_id: str
    arn: str
    account: str
    region: str
    service: str | None
    spec: Spec
    usage: str
    origin: str
    state: str
    pinned_policy: str = field(repr=False)
    tags: Mapping[str, str] = field(repr=False)
    aliases: tuple[str, ...] = field(repr=False)
    """The names of its aliases, each with ``alias/``."""
    material_id: str | None = None
    """The material that encrypts."""
    materials: Mapping[str, Material] = field(default_factory=dict, repr=False)
    has_grants: bool = False

    @property
    def is_symmetric(self) -> bool:
        """Whether it is a symmetric encryption key."""
        return self.spec.name == SYMMETRIC

    def check_usable(self, now: dt.datetime) -> None:
        """Raise ``DisabledException`` or ``KMSInvalidStateException`` unless the key may be used."""
        check_exists(self.arn, self.state)
        if self.state == "Disabled":
            raise DisabledException(self.arn)
        # Expired material counts as deleted, even before the loop has deleted it.
        if self.state == "PendingImport" or self.current(now) is None:
            raise KMSInvalidStateException(self.arn, "pending import")

    def current(self, now: dt.datetime) -> Material | None:
        """Return the material that encrypts, or ``None`` if it has expired or was deleted."""
        return self.material_of(self.material_id or "", now)

    def material_of(self, material_id: str, now: dt.datetime) -> Material | None:
        """Return a material by its id, or ``None`` if the key has no such material, or if it has expired."""
        found = self.materials.get(material_id)
        if found is None or (found.expires_at is not None and found.expires_at <= now):
            return None
        return found


def key_arn(region: str, account: str, key_id: str) -> str:
    """Return the ARN of a key."""
    return f"arn:aws:kms:{region}:{account}:key/{key_id}"


def alias_arn(region: str, account: str, name: str) -> str:
    """Return the ARN of an alias; ``name`` begins with ``alias/``."""
    return f"arn:aws:kms:{region}:{account}:{name}"


def arn_of(row: KeyRow) -> str:
    """Return the ARN of a key's row."""
    return key_arn(row.region, row.account, row.key_id)


def read(session: Session, key_id: str) -> Key | None:
    """Return a key with its material, or ``None``. Raises ``SealBroken``."""
    row = session.get(KeyRow, key_id)
    if row is None:
        return None
    materials = session.scalars(select(MaterialRow).filter_by(key_id=key_id)).all()
    names = session.scalars(select(AliasRow.name).filter_by(key_id=key_id).order_by(AliasRow.name)).all()
    return Key(
        key_id=row.key_id,
        arn=arn_of(row),
        account=row.account,
        region=row.region,
        service=row.service,
        spec=SPECS[row.spec],
        usage=row.usage,
        origin=row.origin,
        state=row.state,
        pinned_policy=row.pinned_policy,
        tags={tag["TagKey"]: tag["TagValue"] for tag in json.loads(row.tags)},
        aliases=tuple(names),
        material_id=row.material_id,
        materials={
            each.material_id: Material(each.material_id, material.from_text(each.content), each.expires_at)
            for each in materials
        },
        has_grants=session.scalar(select(GrantRow.grant_id).filter_by(key_id=key_id).limit(1)) is not None,
    )


def create(
    session: Session,
    *,
    account: str,
    region: str,
    spec: Spec,
    usage: str,
    origin: str,
    policy: str,
    pinned_policy: str,
    now: dt.datetime,
    description: str = "",
    tags: str = "[]",
    service: str | None = None,
) -> KeyRow:
    """Create a key, with material unless that is to be imported. Raises ``LimitExceededException``."""
    held = session.scalar(select(func.count()).select_from(KeyRow).filter_by(account=account, region=region))
    if (held or 0) >= KEYS_PER_ACCOUNT:
        raise LimitExceededException("The number of keys", KEYS_PER_ACCOUNT)
    row = KeyRow(
        key_id=unique_id("key"),
        account=account,
        region=region,
        service=service,
        spec=spec.name,
        usage=usage,
        origin=origin,
        description=description,
        state="Enabled" if origin == "AWS_KMS" else "PendingImport",
        created_at=now,
        policy=policy,
        pinned_policy=pinned_policy,
        tags=tags,
    )
    row.secret = secrets.token_hex(32)
    session.add(row)
    session.flush()
    if origin == "AWS_KMS":
        add_material(session, row, material.random_id(), material.new_material(spec), now)
    return row


def add_material(
    session: Session,
    row: KeyRow,
    material_id: str,
    content: bytes,
    now: dt.datetime,
    *,
    rotation: str | None = None,
    expires_at: dt.datetime | None = None,
    description: str | None = None,
) -> None:
    """Add material to a key, which encrypts from now on."""
    last = session.scalar(
        select(MaterialRow.number).filter_by(key_id=row.key_id).order_by(MaterialRow.number.desc()).limit(1)
    )
    added = MaterialRow(
        material_id=material_id,
        key_id=row.key_id,
        number=(last or 0) + 1,
        created_at=now,
        rotation=rotation,
        expires_at=expires_at,
        description=description,
    )
    added.content = material.as_text(content)
    session.add(added)
    row.material_id = material_id
    session.flush()


def check_exists(arn: str, state: str) -> None:
    """Raise ``KMSInvalidStateException`` for a key whose deletion is pending, which only that can be changed of."""
    if state == "PendingDeletion":
        raise KMSInvalidStateException(arn, "pending deletion")


def enable(row: KeyRow) -> None:
    """Enable a key. Raises ``KMSInvalidStateException``."""
    _check_changeable(row)
    row.state = "Enabled"


def disable(row: KeyRow) -> None:
    """Disable a key. Raises ``KMSInvalidStateException``."""
    _check_changeable(row)
    row.state = "Disabled"


def schedule_deletion(row: KeyRow, days: int, now: dt.datetime) -> dt.datetime:
    """Set when a key is deleted; from now on it cannot be used. Raises ``KMSInvalidStateException``."""
    check_exists(arn_of(row), row.state)
    row.state, row.deleted_at = "PendingDeletion", now + dt.timedelta(days=days)
    return row.deleted_at


def cancel_deletion(session: Session, row: KeyRow) -> None:
    """Keep a key after all; it is disabled then. Raises ``KMSInvalidStateException``."""
    if row.state != "PendingDeletion":
        raise KMSInvalidStateException(arn_of(row), "not pending deletion")
    held = session.get(MaterialRow, row.material_id) if row.material_id else None
    row.state, row.deleted_at = "Disabled" if held is not None else "PendingImport", None


def _check_changeable(row: KeyRow) -> None:
    check_exists(arn_of(row), row.state)
    if row.state == "PendingImport":
        raise KMSInvalidStateException(arn_of(row), "pending import")

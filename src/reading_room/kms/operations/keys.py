"""Operations on keys themselves: making, describing, enabling and deleting them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.aws.call import Call
from reading_room.aws.operations import ContextValues, operation
from reading_room.kms import keys, managed_keys, policies
from reading_room.kms.access import Asked, KeyCall
from reading_room.kms.errors import InvalidArnException, LockedOut, UnsupportedOperationException, ValidationException
from reading_room.kms.operations.rows import KeyRows, key_operation, refuse
from reading_room.kms.pages import page
from reading_room.kms.references import parse_reference
from reading_room.kms.specs import ENCRYPT, MAC, SIGN, SPECS, SYMMETRIC, spec_of, usage_of
from reading_room.kms.tables import KeyRow, MaterialRow
from reading_room.kms.tags import tag_context, tags_text

_WINDOW, _DEFAULT_WINDOW = range(7, 31), 30
"""Days until a key is deleted (API reference, ``ScheduleKeyDeletion``)."""


def _spec_in(call: Call) -> str:
    given = call.parameters.get("KeySpec") or call.parameters.get("CustomerMasterKeySpec")
    return str(given or SYMMETRIC)


def _creation_context(call: Call) -> ContextValues:
    """Return the condition keys of CreateKey."""
    spec = _spec_in(call)
    usage = call.parameters.get("KeyUsage") or ENCRYPT
    return {
        **tag_context(call),
        "kms:KeySpec": (spec,),
        "kms:KeyUsage": (usage,),
        "kms:KeyOrigin": (call.parameters.get("Origin") or "AWS_KMS",),
        "kms:MultiRegion": ("true" if call.parameters.get("MultiRegion") else "false",),
        "kms:CallerAccount": (call.account,),
        "kms:BypassPolicyLockoutSafetyCheck": (
            "true" if call.parameters.get("BypassPolicyLockoutSafetyCheck") else "false",
        ),
    }


class KeyOperations:
    """Keys."""

    def __init__(self, rows: KeyRows) -> None:
        self._rows = rows

    @operation("kms", "CreateKey", context=_creation_context)
    def create_key(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """CreateKey."""
        if request.get("MultiRegion"):
            raise UnsupportedOperationException("Multi-Region keys are not supported: leave MultiRegion out.")
        refuse(call, "CustomKeyStoreId", "XksKeyId")
        origin = request.get("Origin", "AWS_KMS")
        if origin not in ("AWS_KMS", "EXTERNAL"):
            raise UnsupportedOperationException(f"Keys of the origin {origin} are not supported.")
        if request.get("KeySpec") and request.get("CustomerMasterKeySpec") not in (None, request["KeySpec"]):
            raise ValidationException("Specify KeySpec or CustomerMasterKeySpec, but not both.")
        spec = spec_of(_spec_in(call))
        usage = usage_of(spec, request.get("KeyUsage"))
        if origin == "EXTERNAL" and spec.name != SYMMETRIC and not spec.macs:
            raise UnsupportedOperationException(f"Key material for {spec.name} cannot be imported.")
        tags = tags_text(request.get("Tags", []))
        by, now = KeyCall(call), self._rows.clock()
        if request.get("Tags"):
            self._rows.access.authorize_resource(by, "*", Asked("TagResource", _creation_context(call)))
        text = request.get("Policy") or policies.default_policy(call.account)
        with self._rows.database.reading() as session:
            pinned = policies.checked(session, text)
        if not request.get("BypassPolicyLockoutSafetyCheck"):
            arn = keys.key_arn(call.region, call.account, "*")
            if not self._rows.access.would_allow(by, call.account, arn, pinned, Asked("PutKeyPolicy")):
                raise LockedOut
        with self._rows.database.transaction() as session:
            row = keys.create(
                session,
                account=call.account,
                region=call.region,
                spec=spec,
                usage=usage,
                origin=origin,
                policy=text,
                pinned_policy=pinned,
                description=request.get("Description", ""),
                tags=tags,
                now=now,
            )
            return {"KeyMetadata": metadata(session, row, now)}

    @key_operation("DescribeKey")
    def describe_key(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """DescribeKey. The alias of an AWS managed key that was never needed makes the key, as at AWS."""
        self._make_managed(call, request["KeyId"])
        with self._rows.reading(call, Asked("DescribeKey"), aliases=True) as (session, row):
            return {"KeyMetadata": metadata(session, row, self._rows.clock())}

    def _make_managed(self, call: Call, text: str) -> None:
        try:
            reference = parse_reference(text, call.account, call.region)
        except InvalidArnException:
            return  # Reading the key says so.
        service = managed_keys.service_of(reference.alias)
        if service is None or reference.account != call.account:
            return
        if self._rows.access.find(reference, call.region) is None:
            self._rows.access.authorize_resource(KeyCall(call), reference.arn, Asked("DescribeKey"))
            with self._rows.database.transaction() as session:
                managed_keys.ensure(session, call.account, call.region, service, self._rows.clock())

    @operation("kms", "ListKeys")
    def list_keys(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListKeys: of the caller's account and region."""
        if "OTHER_ACCOUNTS_VIA_RAM" in request.get("ResourceOwners", ()):
            raise UnsupportedOperationException("Keys are not shared by AWS RAM: leave OTHER_ACCOUNTS_VIA_RAM out.")
        with self._rows.database.reading() as session:
            query = select(KeyRow.key_id).filter_by(account=call.account, region=call.region).order_by(KeyRow.key_id)
            found = session.scalars(query).all()
        shown, more = page("keys", found, request, str, 100)
        arns = [keys.key_arn(call.region, call.account, each) for each in shown]
        return {"Keys": [{"KeyId": each, "KeyArn": arn} for each, arn in zip(shown, arns, strict=True)], **more}

    @key_operation("EnableKey")
    def enable_key(self, call: Call, request: Mapping[str, Any]) -> None:
        """EnableKey."""
        with self._rows.changing(call, Asked("EnableKey")) as (_, row):
            keys.enable(row)

    @key_operation("DisableKey")
    def disable_key(self, call: Call, request: Mapping[str, Any]) -> None:
        """DisableKey: from the answer on, the key is of no use to anybody."""
        with self._rows.changing(call, Asked("DisableKey")) as (_, row):
            keys.disable(row)

    @key_operation("UpdateKeyDescription")
    def update_description(self, call: Call, request: Mapping[str, Any]) -> None:
        """UpdateKeyDescription."""
        with self._rows.changing(call, Asked("UpdateKeyDescription")) as (_, row):
            keys.check_exists(keys.arn_of(row), row.state)
            row.description = request["Description"]

    @key_operation("ScheduleKeyDeletion")
    def schedule_deletion(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ScheduleKeyDeletion."""
        days = request.get("PendingWindowInDays", _DEFAULT_WINDOW)
        if days not in _WINDOW:
            raise ValidationException(f"PendingWindowInDays must be from 7 to 30, not {days}.")
        asked = Asked("ScheduleKeyDeletion", {"kms:ScheduleKeyDeletionPendingWindowInDays": (str(days),)})
        with self._rows.changing(call, asked) as (_, row):
            at = keys.schedule_deletion(row, days, self._rows.clock())
            return {
                "KeyId": keys.arn_of(row),
                "DeletionDate": at,
                "KeyState": row.state,
                "PendingWindowInDays": days,
            }

    @key_operation("CancelKeyDeletion")
    def cancel_deletion(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """CancelKeyDeletion."""
        with self._rows.changing(call, Asked("CancelKeyDeletion")) as (session, row):
            keys.cancel_deletion(session, row)
            return {"KeyId": keys.arn_of(row)}


def metadata(session: Session, row: KeyRow, now: dt.datetime) -> dict[str, Any]:
    """Return the structure ``KeyMetadata`` of a key."""
    spec = SPECS[row.spec]
    current = session.get(MaterialRow, row.material_id) if row.material_id else None
    expires_at = None if current is None else current.expires_at
    state = "PendingImport" if expires_at is not None and expires_at <= now and row.state == "Enabled" else row.state
    found: dict[str, Any] = {
        "AWSAccountId": row.account,
        "KeyId": row.key_id,
        "Arn": keys.arn_of(row),
        "CreationDate": row.created_at,
        "Enabled": state == "Enabled",
        "Description": row.description,
        "KeyUsage": row.usage,
        "KeyState": state,
        "Origin": row.origin,
        "KeyManager": "CUSTOMER" if row.service is None else "AWS",
        "CustomerMasterKeySpec": row.spec,
        "KeySpec": row.spec,
        "MultiRegion": False,
    }
    for usage, member, algorithms in (
        (ENCRYPT, "EncryptionAlgorithms", spec.encryption),
        (SIGN, "SigningAlgorithms", spec.signing),
        (MAC, "MacAlgorithms", spec.macs),
    ):
        if row.usage == usage:
            found[member] = list(algorithms)
    if row.deleted_at is not None:
        found["DeletionDate"] = row.deleted_at
    if current is not None and spec.name == SYMMETRIC:
        found["CurrentKeyMaterialId"] = current.material_id
    if current is not None and row.origin == "EXTERNAL":
        found["ExpirationModel"] = "KEY_MATERIAL_EXPIRES" if expires_at is not None else "KEY_MATERIAL_DOES_NOT_EXPIRE"
        if expires_at is not None:
            found["ValidTo"] = expires_at
    return found

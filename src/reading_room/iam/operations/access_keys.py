"""IAM operations on the access keys of users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam import users
from reading_room.iam.errors import ForeignAccessKey, ValidationError
from reading_room.iam.key_uses import KeyUses
from reading_room.iam.operations.addressing import named_key, user_of, user_or_caller
from reading_room.iam.pagination import page
from reading_room.iam.tables import AccessKey

if TYPE_CHECKING:
    from mypy_boto3_iam import type_defs as t


class AccessKeyOperations:
    """CreateAccessKey and the other operations on access keys."""

    def __init__(self, database: Database, clock: Clock, key_uses: KeyUses) -> None:
        self._database = database
        self._clock = clock
        self._key_uses = key_uses

    @operation("iam", "CreateAccessKey", resources=user_or_caller)
    def create(self, call: Call, request: t.CreateAccessKeyRequestTypeDef) -> Mapping[str, Any]:
        """CreateAccessKey: the only response that contains the secret."""
        with self._database.transaction() as session:
            user = user_of(session, call)
            key = users.create_access_key(session, user, self._clock())
            return {"AccessKey": {**_metadata(key), "SecretAccessKey": key.secret_access_key}}

    @operation("iam", "ListAccessKeys", resources=user_or_caller)
    def list(self, call: Call, request: t.ListAccessKeysRequestTypeDef) -> Mapping[str, Any]:
        """ListAccessKeys."""
        with self._database.reading() as session:
            keys = sorted(user_of(session, call).access_keys, key=lambda key: key.access_key_id)
            shown, more = page(keys, call.parameters, lambda key: key.access_key_id)
            return {"AccessKeyMetadata": [_metadata(key) for key in shown], **more}

    @operation("iam", "UpdateAccessKey", resources=user_or_caller)
    def update(self, call: Call, request: t.UpdateAccessKeyRequestTypeDef) -> None:
        """UpdateAccessKey."""
        if request["Status"] == "Expired":
            raise ValidationError("The status of an access key can be set to Active or Inactive")
        with self._database.transaction() as session:
            key = users.access_key(user_of(session, call), request["AccessKeyId"])
            key.active = request["Status"] == "Active"

    @operation("iam", "DeleteAccessKey", resources=user_or_caller)
    def delete(self, call: Call, request: t.DeleteAccessKeyRequestTypeDef) -> None:
        """DeleteAccessKey."""
        with self._database.transaction() as session:
            session.delete(users.access_key(user_of(session, call), request["AccessKeyId"]))

    @operation("iam", "GetAccessKeyLastUsed", resources=named_key)
    def last_used(self, call: Call, request: t.GetAccessKeyLastUsedRequestTypeDef) -> Mapping[str, Any]:
        """GetAccessKeyLastUsed: the denial is the same for another account's key and one that does not exist."""
        access_key_id = request["AccessKeyId"]
        with self._database.reading() as session:
            key = session.get(AccessKey, access_key_id)
            if key is None or key.user.account != call.account:
                raise ForeignAccessKey(call.principal.arn, access_key_id)
            user_name = key.user.name
        use = self._key_uses.last(access_key_id)
        if use is None:
            return {"UserName": user_name, "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}}
        last = {"LastUsedDate": use.used_at, "ServiceName": use.service, "Region": use.region}
        return {"UserName": user_name, "AccessKeyLastUsed": last}


def _metadata(key: AccessKey) -> dict[str, Any]:
    return {
        "UserName": key.user.name,
        "AccessKeyId": key.access_key_id,
        "Status": "Active" if key.active else "Inactive",
        "CreateDate": key.created_at,
    }

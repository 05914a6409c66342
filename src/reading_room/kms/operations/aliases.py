"""Operations on aliases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.kms import aliases, keys
from reading_room.kms.access import Asked, KeyCall
from reading_room.kms.errors import InvalidArnException, NotFoundException
from reading_room.kms.operations.rows import KeyRows, key_operation, row_of
from reading_room.kms.pages import page
from reading_room.kms.tables import AliasRow


class AliasOperations:
    """Aliases. A change needs permission for the alias, by identity policies, and for the key."""

    def __init__(self, rows: KeyRows) -> None:
        self._rows = rows

    @key_operation("CreateAlias")
    def create_alias(self, call: Call, request: Mapping[str, Any]) -> None:
        """CreateAlias."""
        aliases.check_name(request["AliasName"])
        asked = Asked("CreateAlias")
        self._authorize(call, asked)
        with self._rows.changing(call, asked, "TargetKeyId") as (session, row):
            _check_own(call, row.account, row.key_id)
            aliases.create(session, row, request["AliasName"], self._rows.clock())

    @key_operation("UpdateAlias")
    def update_alias(self, call: Call, request: Mapping[str, Any]) -> None:
        """UpdateAlias, which needs permission for the old key, too."""
        aliases.check_name(request["AliasName"])
        asked = Asked("UpdateAlias")
        self._authorize(call, asked)
        target = self._rows.open(call, asked, "TargetKeyId")
        self._authorize_key(call, asked)
        with self._rows.database.transaction() as session:
            alias = aliases.get(session, call.account, call.region, request["AliasName"])
            _check_own(call, target.account, target.key_id)
            aliases.update(session, alias, row_of(session, target), self._rows.clock())

    @key_operation("DeleteAlias")
    def delete_alias(self, call: Call, request: Mapping[str, Any]) -> None:
        """DeleteAlias."""
        aliases.check_name(request["AliasName"])
        asked = Asked("DeleteAlias")
        self._authorize(call, asked)
        self._authorize_key(call, asked)
        with self._rows.database.transaction() as session:
            session.delete(aliases.get(session, call.account, call.region, request["AliasName"]))

    @operation("kms", "ListAliases")
    def list_aliases(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListAliases: of the caller's account and region, optionally only those of a key."""
        key_id = None
        if request.get("KeyId") is not None:
            key_id = self._rows.open(call, Asked("ListAliases")).key_id
        with self._rows.database.reading() as session:
            found = aliases.every(session, call.account, call.region, key_id)
            shown, more = page("aliases", found, request, lambda alias: alias.name, 50)
            return {"Aliases": [_structure(each) for each in shown], **more}

    def _authorize(self, call: Call, asked: Asked) -> None:
        arn = keys.alias_arn(call.region, call.account, call.parameters["AliasName"])
        self._rows.access.authorize_resource(KeyCall(call), arn, asked)

    def _authorize_key(self, call: Call, asked: Asked) -> None:
        """Authorize a change of the key that an alias names now. Raises ``NotFoundException``."""
        name = call.parameters["AliasName"]
        with self._rows.database.reading() as session:
            key_id = aliases.get(session, call.account, call.region, name).key_id
        key = self._rows.access.of_id(key_id)
        if key is None:  # It was deleted in this moment.
            raise NotFoundException.of_alias(keys.alias_arn(call.region, call.account, name))
        self._rows.access.authorize(KeyCall(call), key, asked)


def _check_own(call: Call, account: str, key_id: str) -> None:
    """Raise ``InvalidArnException`` for a key of another account, which no alias of the caller's can name."""
    if account != call.account:
        raise InvalidArnException.of_key(keys.key_arn(call.region, account, key_id))


def _structure(alias: AliasRow) -> dict[str, Any]:
    return {
        "AliasName": alias.name,
        "AliasArn": keys.alias_arn(alias.region, alias.account, alias.name),
        "TargetKeyId": alias.key_id,
        "CreationDate": alias.created_at,
        "LastUpdatedDate": alias.updated_at,
    }

"""Operations on key policies and on the tags of keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reading_room.aws.call import Call
from reading_room.iam.principals import pinned_arns, shown_principals
from reading_room.kms import keys, policies, tags
from reading_room.kms.access import Asked, KeyCall
from reading_room.kms.errors import LockedOut, NotFoundException
from reading_room.kms.operations.rows import KeyRows, key_operation, row_of
from reading_room.kms.pages import page


class PolicyOperations:
    """Key policies and tags."""

    def __init__(self, rows: KeyRows) -> None:
        self._rows = rows

    @key_operation("GetKeyPolicy")
    def get_policy(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """GetKeyPolicy."""
        with self._rows.reading(call, Asked("GetKeyPolicy")) as (session, row):
            _check_name(request)
            arns = pinned_arns(session, [row.pinned_policy])
            text = shown_principals(row.policy, row.pinned_policy, arns)
            return {"Policy": text, "PolicyName": policies.NAME}

    @key_operation("PutKeyPolicy")
    def put_policy(self, call: Call, request: Mapping[str, Any]) -> None:
        """PutKeyPolicy."""
        bypass = bool(request.get("BypassPolicyLockoutSafetyCheck"))
        asked = Asked("PutKeyPolicy", {"kms:BypassPolicyLockoutSafetyCheck": ("true" if bypass else "false",)})
        key = self._rows.open(call, asked)
        _check_name(request)
        with self._rows.database.reading() as session:
            pinned = policies.checked(session, request["Policy"])
        by = KeyCall(call)
        if not bypass and not self._rows.access.would_allow(by, key.account, key.arn, pinned, Asked("PutKeyPolicy")):
            raise LockedOut
        with self._rows.database.transaction() as session:
            row = row_of(session, key)
            keys.check_exists(key.arn, row.state)
            policies.put(row, request["Policy"], pinned)

    @key_operation("ListKeyPolicies")
    def list_policies(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListKeyPolicies: a key has exactly one."""
        self._rows.open(call, Asked("ListKeyPolicies"))
        shown, more = page("policies", [policies.NAME], request, str, 100)
        return {"PolicyNames": list(shown), **more}

    @key_operation("TagResource")
    def tag(self, call: Call, request: Mapping[str, Any]) -> None:
        """TagResource."""
        with self._rows.changing(call, Asked("TagResource", tags.tag_context(call))) as (_, row):
            keys.check_exists(keys.arn_of(row), row.state)
            row.tags = tags.with_tags(row.tags, request["Tags"])

    @key_operation("UntagResource")
    def untag(self, call: Call, request: Mapping[str, Any]) -> None:
        """UntagResource."""
        with self._rows.changing(call, Asked("UntagResource", tags.tag_context(call))) as (_, row):
            keys.check_exists(keys.arn_of(row), row.state)
            row.tags = tags.without_tags(row.tags, request["TagKeys"])

    @key_operation("ListResourceTags")
    def list_tags(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListResourceTags."""
        with self._rows.reading(call, Asked("ListResourceTags")) as (_, row):
            found = sorted(tags.tags_of(row.tags), key=lambda tag: tag["TagKey"])
            shown, more = page("tags", found, request, lambda tag: tag["TagKey"], 50)
            return {"Tags": list(shown), **more}


def _check_name(request: Mapping[str, Any]) -> None:
    if request.get("PolicyName", policies.NAME) != policies.NAME:
        raise NotFoundException.of_policy()

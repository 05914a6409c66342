"""Operations for tests: accounts that a test creates for itself, and deletes with everything in them, and the clock.

They work only in a product that was started for tests, and only for the first account.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import Clock, MovableClock
from reading_room.extension.disposable_accounts import DisposableAccounts, UnknownAccount
from reading_room.extension.errors import (
    AccountExistsException,
    AccountNotFoundException,
    TestingOffException,
)
from reading_room.extension.operator import check_operator
from reading_room.iam.accounts import AccountExists
from reading_room.settings import Settings


class TestingOperations:
    """Creates and deletes the accounts of tests, and moves the clock."""

    __test__ = False

    def __init__(self, settings: Settings, accounts: DisposableAccounts, clock: Clock) -> None:
        self._settings = settings
        self._accounts = accounts
        self._clock = clock

    @operation("reading-room", "CreateTestAccount")
    def create_account(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """CreateTestAccount."""
        self._check(call)
        try:
            made = self._accounts.create(request.get("AccountId"))
        except AccountExists:
            raise AccountExistsException(request["AccountId"]) from None
        return {
            "AccountId": made.account,
            "AccessKeyId": made.access_key_id,
            "SecretAccessKey": made.secret_access_key,
        }

    @operation("reading-room", "DeleteTestAccount")
    def delete_account(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """DeleteTestAccount. Callers repeat it until the account is gone."""
        self._check(call)
        try:
            return {"Deleted": self._accounts.remove(request["AccountId"])}
        except UnknownAccount:
            raise AccountNotFoundException(request["AccountId"]) from None

    @operation("reading-room", "MoveClock")
    def move_clock(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """MoveClock."""
        self._check(call)
        if not isinstance(self._clock, MovableClock):
            raise TestingOffException(call.operation)
        return {"Now": self._clock.move(request["Seconds"])}

    def _check(self, call: Call) -> None:
        if self._settings.testing == "off":
            raise TestingOffException(call.operation)
        check_operator(call, self._settings)

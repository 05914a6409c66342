"""A product that runs for tests: on free ports, in a temporary folder, until the tests end."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from reading_room.analysis.kinds import CONTAINER_BYTES
from reading_room.cli.running import Endpoint, started
from reading_room.settings import Settings, variables
from reading_room.testing.account import Account
from reading_room.testing.user_ids import claimed_ids

DEFAULTS = {"testing": "on", "standby": "0", "log_level": "warning"}
_OURS = frozenset({"data", "state", "host", "port", "console_port", "testing"})
"""The settings that a test cannot choose."""
DELETE_SECONDS = 60.0


class Service(Account):
    """A running product, and its first account, which belongs to nobody's test alone."""

    def __init__(self, endpoint: Endpoint, number: str, log: Path) -> None:
        super().__init__(endpoint, number)
        self.data = endpoint.data
        """Its data folder."""
        self.log = log
        """The file with its warnings and errors."""

    @contextmanager
    def new_account(self, number: str | None = None) -> Iterator[Account]:
        """Create an account for the length of the block; then delete it with everything in it.

        Its jobs that have not ended then are stopped. ``number`` has 12 digits and is random by default.
        """
        room = self.clients("reading-room")
        made = room.create_test_account(**({} if number is None else {"AccountId": number}))
        endpoint = replace(self.endpoint, access_key_id=made["AccessKeyId"], secret_access_key=made["SecretAccessKey"])
        account = Account(endpoint, made["AccountId"])
        try:
            yield account
        finally:
            self._delete(account.number)

    def move_clock(self, seconds: int) -> dt.datetime:
        """Move the product's clock forward for all accounts, and return its time; by 0 seconds, only return it.

        Temporary credentials expire by it, and so does what is kept for a time. A job that is over its time limit then
        fails. Signatures and presigned URLs are still verified by the machine's clock, because clients sign by it, and
        flow records have its times.
        """
        now: dt.datetime = self.clients("reading-room").move_clock(Seconds=seconds)["Now"]
        return now

    def _delete(self, number: str) -> None:
        deadline = time.monotonic() + DELETE_SECONDS
        while not self.clients("reading-room").delete_test_account(AccountId=number)["Deleted"]:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"account {number} still has jobs {DELETE_SECONDS:g} s after they were stopped: read {self.log}"
                )
            time.sleep(0.05)


@contextmanager
def running(folder: Path | None = None, **settings: Any) -> Iterator[Service]:
    """Run a product for the length of the block, in a folder that is empty, by default a temporary one.

    It keeps no containers ready, has no console, logs only warnings, and leaves nothing behind. It also ends if this
    process is killed; only a temporary folder then stays. ``settings`` are settings of the product in lower case, such
    as ``jobs_at_once=2``; variables ``READING_ROOM_…`` of the environment apply too. Raises ``StartError`` with the end
    of the log if it does not start, ``SettingError`` for a wrong value, and ``TypeError`` for an unknown setting.
    """
    more = {f"READING_ROOM_{name.upper()}": str(value) for name, value in (DEFAULTS | _checked(settings)).items()}
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reading-room-tests-")))
        if os.geteuid() == 0 and "READING_ROOM_SERVICE_UID" not in os.environ | more:
            ids = stack.enter_context(claimed_ids())
            more["READING_ROOM_SERVICE_UID"] = str(ids.service)
            more["READING_ROOM_CONTAINER_UID_FIRST"] = str(ids.first)
            more["READING_ROOM_CONTAINER_UID_COUNT"] = str(ids.count)
        log = folder / "log"
        endpoint = stack.enter_context(started(folder / "data", 0, log, folder / "state", more))
        number = Settings.from_environment(os.environ | more, data=folder / "data").account
        yield Service(endpoint, number, log)


def _checked(settings: dict[str, Any]) -> dict[str, Any]:
    known = {name.removeprefix("READING_ROOM_").lower() for name in variables(CONTAINER_BYTES)} - _OURS
    unknown = sorted(settings.keys() - known)
    if unknown:
        raise TypeError(f"{unknown[0]!r} is not a setting that tests can choose: docs/reference/settings.md lists them")
    return settings

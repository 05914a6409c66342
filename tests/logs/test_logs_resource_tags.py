"""Tags of log groups as condition keys, for calls on a group and on its streams."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.client import InProcess
from reading_room.clock import system_clock
from reading_room.iam import inline_policies, users
from reading_room.s3.backends.memory import memory_backend
from reading_room.settings import Settings
from reading_room.wiring.product import Product
from tests.worlds import databases
from tests.worlds.comprehend import NoModels

ACCOUNT, REGION = "111122223333", "us-east-1"


class NoEngines(NoModels):
    """No test in this file analyses text."""

    def analyse(self, *arguments: object) -> Any:
        """Raise."""
        raise AssertionError("nobody asks")


@pytest.fixture
def client_of(tmp_path: Path) -> Iterator[Any]:
    """A function that returns a CloudWatch Logs client of the whole product for a user with given statements."""
    database = databases.made(tmp_path / "db.sqlite")
    backend = memory_backend(database, REGION, system_clock)
    product = Product(
        settings=Settings(data=tmp_path, account=ACCOUNT), database=database, backend=backend, engines=NoEngines()
    )
    process = InProcess(product.app)

    def make(name: str, *statements: dict[str, Any]) -> Any:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        with database.transaction() as session:
            user = users.create(session, ACCOUNT, name, now=system_clock())
            inline_policies.put(session, "user", user.unique_id, name, "only", document)
            key = users.create_access_key(session, user, system_clock())
            keys: dict[str, Any] = {"access_key_id": key.access_key_id, "secret_access_key": key.secret_access_key}
        return process.client("logs", **keys)

    yield make
    process.close()
    product.close()
    backend.close()
    database.close()


def test_a_policy_by_tag_allows_only_the_groups_with_the_tag(client_of: Any) -> None:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    owner = client_of("owner", everything)
    for name, team in (("/red", "red"), ("/blue", "blue"), ("/none", None)):
        owner.create_log_group(logGroupName=name, **({"tags": {"team": team}} if team else {}))
        owner.create_log_stream(logGroupName=name, logStreamName="s")
    red = client_of("red", everything | {"Condition": {"StringEquals": {"aws:ResourceTag/team": "red"}}})
    red.get_log_events(logGroupName="/red", logStreamName="s")
    red.filter_log_events(logGroupName="/red")
    for name in ("/blue", "/none", "/absent"):
        with pytest.raises(ClientError, match="AccessDenied"):
            red.get_log_events(logGroupName=name, logStreamName="s")
        with pytest.raises(ClientError, match="AccessDenied"):
            red.delete_log_group(logGroupName=name)
    red.delete_log_group(logGroupName="/red")

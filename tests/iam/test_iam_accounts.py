"""Several accounts on one installation, the file of their administrators' keys, and writes by another process."""

from __future__ import annotations

import configparser
import os
import threading
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from reading_room.database.engine import Database
from reading_room.database.outside import OutsideWrites, count_outside_write
from reading_room.iam import accounts
from reading_room.iam.credentials_file import read_key, write_key
from reading_room.iam.tables import AccessKey
from tests.worlds import databases
from tests.worlds.iam import ACCOUNT, REGION, IamWorld
from tests.worlds.iam_answers import refusal

OTHER = "000000000002"


def second_account(database: Database, world: IamWorld) -> dict[str, str]:
    """Create another account, and return its administrator's key as options for a client."""
    with database.transaction() as session:
        key = accounts.create(session, OTHER, "research", world.now)
        count_outside_write(session)
    return {"access_key_id": key.access_key_id, "secret_access_key": key.secret_access_key}


@pytest.fixture
def beside(world: IamWorld, tmp_path: Path) -> Database:
    """The same database as in another process, with its own listeners and caches."""
    return databases.made(tmp_path / "db.sqlite")


def test_each_account_has_its_own_administrator(world: IamWorld) -> None:
    key = second_account(world.database, world)
    identity = world.client("sts", **key).get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (OTHER, f"arn:aws:iam::{OTHER}:user/administrator")
    world.client("iam", **key).create_user(UserName="alice")
    assert refusal(world.client("iam").get_user, UserName="alice")[0] == "NoSuchEntity"
    with world.database.reading() as session:
        found = [(each.account, each.name, each.users) for each in accounts.every(session)]
    assert found == [(ACCOUNT, "", 1), (OTHER, "research", 2)]


@pytest.mark.parametrize("account", [ACCOUNT, OTHER])
def test_an_account_is_created_once(world: IamWorld, account: str) -> None:
    second_account(world.database, world)
    with pytest.raises(accounts.AccountExists, match=account), world.database.transaction() as session:
        accounts.create(session, account, "", world.now)


def test_an_administrator_has_at_most_two_keys(world: IamWorld) -> None:
    second_account(world.database, world)
    with world.database.transaction() as session:
        new = accounts.new_key(session, OTHER, world.now).access_key_id
    with pytest.raises(accounts.TwoKeys, match=new), world.database.transaction() as session:
        accounts.new_key(session, OTHER, world.now)
    with world.database.transaction() as session:
        accounts.delete_other_keys(session, OTHER, new)
        accounts.new_key(session, OTHER, world.now)
    with pytest.raises(accounts.NoAdministrator, match="000000000003"), world.database.transaction() as session:
        accounts.new_key(session, "000000000003", world.now)


def test_a_key_that_another_process_creates_is_valid_at_once(world: IamWorld, beside: Database) -> None:
    assert world.client("sts", **second_account(beside, world)).get_caller_identity()["Account"] == OTHER


@pytest.mark.one_process
def test_a_key_that_another_process_deletes_is_valid_until_the_next_check(world: IamWorld, beside: Database) -> None:
    key = second_account(beside, world)
    watch = OutsideWrites(world.database)
    sts = world.client("sts", **key)
    sts.get_caller_identity()
    with beside.transaction() as session:
        session.delete(session.get_one(AccessKey, key["access_key_id"]))
        count_outside_write(session)
    sts.get_caller_identity()
    watch.look()
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        sts.get_caller_identity()


def test_only_writes_of_other_processes_are_announced(world: IamWorld, beside: Database) -> None:
    watch = OutsideWrites(world.database)
    seen: list[frozenset[str]] = []
    world.database.on_commit(lambda tables: seen.append(tables) if "iam_accounts" in tables else None)
    watch.look()
    world.client("iam").create_user(UserName="alice")
    watch.look()
    assert seen == []
    with beside.transaction() as session:
        count_outside_write(session)
    watch.look()
    watch.look()
    assert len(seen) == 1
    assert {"iam_users", "iam_access_keys", "iam_inline_policies"} <= seen[0]


def test_profiles_share_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "credentials"
    write_key(path, "default", "AKIA1", "s%cret/1", REGION)
    write_key(path, OTHER, "AKIA2", "[s]=cret #2", REGION)
    write_key(path, "default", "AKIA3", "secret3", REGION)
    assert read_key(path, "default") == ("AKIA3", "secret3")
    assert read_key(path, OTHER) == ("AKIA2", "[s]=cret #2")
    assert read_key(path, "000000000003") is None
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["credentials"]
    as_sdks_read_it = configparser.RawConfigParser()
    as_sdks_read_it.read(path)
    assert as_sdks_read_it[OTHER]["region"] == REGION


def test_concurrently_written_profiles_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "credentials"
    writers = [
        threading.Thread(target=write_key, args=(path, f"{number:012}", f"AKIA{number}", "secret", REGION))
        for number in range(16)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [read_key(path, f"{number:012}") for number in range(16)] == [(f"AKIA{n}", "secret") for n in range(16)]

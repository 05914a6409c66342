"""``reading-room accounts``: create accounts, list them, and give an administrator a new key.

Works on the database in the data folder, whether or not the product is running. As root it first becomes the user of
``serve``, so that root never owns a file of the database.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.exc import OperationalError

from reading_room import versions
from reading_room.cli.folder import StartError
from reading_room.cli.opened_database import FILE
from reading_room.cli.options import DataOption, command, read_settings
from reading_room.cli.privileges import drop_privileges
from reading_room.cli.root_key import read_root_key, source_of, wrong_key_message
from reading_room.cli.screen import fail, plain
from reading_room.cli.screen import output as console
from reading_room.clock import system_clock
from reading_room.comprehend.models.models import artifacts_by_account
from reading_room.database.address import address_of, check_mark
from reading_room.database.disk import free_bytes
from reading_room.database.engine import Database
from reading_room.database.migrate import SchemaError
from reading_room.database.outside import LOOK_SECONDS, count_outside_write
from reading_room.database.sealed import WrongRootKey
from reading_room.flowlogs.stored import flow_records_by_account
from reading_room.iam import accounts
from reading_room.iam.bootstrap import FIRST_PROFILE
from reading_room.iam.credentials_file import KeyNotWritten, write_key
from reading_room.iam.tables import AccessKey
from reading_room.jobs.admission import jobs_by_account
from reading_room.logs.room import logs_by_account
from reading_room.s3.service_bucket_name import OWNER as SERVICE_OWNER
from reading_room.s3.space import SpaceLimits, stored_by_account
from reading_room.sealing import Sealer
from reading_room.settings import Settings
from reading_room.trail.chain import BOOKS, files_of
from reading_room.vpc.vpcs.bootstrap import default_vpc

app = typer.Typer(help="Create accounts, list them, give their administrators new keys.", no_args_is_help=True)

AccountArgument = Annotated[str, typer.Argument(help="Number of the account, 12 digits.")]
ShowOption = Annotated[bool, typer.Option("--show-key", help="Also print the key, which is a secret.")]


@app.command("create")
def create(
    account: AccountArgument,
    name: Annotated[str, typer.Option(help="What the account is for.")] = "",
    show_key: ShowOption = False,
    data: DataOption = None,
) -> None:
    """Create an account with an administrator and a default VPC; add the key to the credentials file as a profile."""
    settings = read_settings(data)
    _check(account)
    if account == settings.account:
        raise fail(str(accounts.AccountExists(account)))
    with _database(settings) as database:
        with database.transaction() as session:
            key = accounts.create(session, account, name, system_clock())
            default_vpc(session, account, settings.region)
            count_outside_write(session)
        _keep(settings, account, key, show_key)


@app.command("list")
def every(data: DataOption = None) -> None:
    """List the accounts, with the profile of each administrator."""
    settings = read_settings(data)
    with _database(settings) as database, database.reading() as session:
        found = accounts.every(session)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("account", "name", "users", "profile"):
        table.add_column(column)
    for each in found:
        table.add_row(each.account, plain(each.name), str(each.users), _profile(settings, each.account))
    console.print(table)


@app.command("usage")
def usage(data: DataOption = None) -> None:
    """Show what each account uses of its limits, in bytes and jobs, and what the rest of the data folder takes."""
    settings = read_settings(data)
    with _database(settings) as database, database.reading() as session:
        stored, jobs = stored_by_account(session), jobs_by_account(session)
        logged, records = logs_by_account(session), flow_records_by_account(session)
        models = artifacts_by_account(session)
        known = {each.account for each in accounts.every(session)}
        own = database.size(session)
    limits = SpaceLimits.of(settings)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("account", "objects", "models", "log events", "flow records", "waiting jobs", "running jobs"):
        table.add_column(column, justify="left" if column == "account" else "right")
    for account in sorted({*known, *stored, *logged, *jobs, *models} - {SERVICE_OWNER}):
        waiting, running = jobs.get(account, (0, 0))
        used = *(each.get(account, 0) for each in (stored, models, logged, records)), waiting, running
        table.add_row(account, *(f"{each:,}" for each in used))
    maxima = (
        limits.per_account,
        None,
        settings.log_bytes_per_account,
        None,
        settings.jobs_waiting_per_account,
        settings.jobs_per_account,
    )
    table.add_row("at most", *("" if each is None else f"{each:,}" if each else "any" for each in maxima))
    console.print(table)
    together = f"{sum(stored.values()):,} bytes" + (f" of {limits.total:,}" if limits.total else "")
    free = f"{free_bytes(settings.data):,} bytes are free on the disk, and {limits.free:,} of them stay free"
    console.print(f"All objects and models together take {together}; {free}.", soft_wrap=True)
    console.print(f"{_shared(settings.data, own)} Flow records are part of the log events.", soft_wrap=True)


def _shared(data: Path, database: int) -> str:
    """Say what the database and the trail take, which no account has to itself."""
    books = {book: _bytes(path for _, path in files_of(data / "trail", book)) for book in BOOKS}
    trail = ", ".join(f"{book} {size:,}" for book, size in books.items())
    return f"The database takes {database:,} bytes, and the trail {sum(books.values()):,} ({trail})."


def _bytes(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


@app.command("rotate-key")
def rotate_key(
    account: AccountArgument,
    keep_old: Annotated[bool, typer.Option("--keep-old", help="Keep the old key valid; delete it yourself.")] = False,
    show_key: ShowOption = False,
    data: DataOption = None,
) -> None:
    """Give an account's administrator a new key in the credentials file, and delete the old one."""
    settings = read_settings(data)
    _check(account)
    with _database(settings) as database:
        with database.transaction() as session:
            key = accounts.new_key(session, account, system_clock())
            count_outside_write(session)
        # Wherever this is interrupted, the file holds a valid key.
        _keep(settings, account, key, show_key)
        if not keep_old:
            with database.transaction() as session:
                accounts.delete_other_keys(session, account, key.access_key_id)
                count_outside_write(session)
            console.print(f"The old key is deleted: requests with it are refused from {LOOK_SECONDS:g} s from now on.")


def _check(account: str) -> None:
    if not re.fullmatch(r"[0-9]{12}", account, re.ASCII):
        raise fail(f"{account!r} is not an account number: give 12 digits")


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    """Become the user of the product's server, and yield the database of the data folder."""
    path = settings.data if settings.database else settings.data / FILE
    try:
        owner = path.stat().st_uid
    except OSError as error:
        raise fail(
            f"{path} cannot be used ({error.strerror}): start the product once (`{command(settings, 'up')}`), "
            "or name its folder with --data"
        ) from None
    wanted = settings.service_uid if os.geteuid() == 0 else os.geteuid()
    if owner not in (wanted, os.geteuid()):
        raise fail(f"{path} belongs to user id {owner}: run this command as that user")
    source = source_of(settings)
    try:
        key = read_root_key(settings)
        drop_privileges(settings, key)
        versions.check(settings.data, versions.DATA_FORMATS)
        address = address_of(settings.database) if settings.database else None
        check_mark(settings.data, address, FILE)
        if address is None:
            database = Database.open(path, sealer=Sealer(key))
        else:
            database = Database.connect(address, sealer=Sealer(key), up=command(settings, "up"))
    except WrongRootKey as error:
        raise fail(wrong_key_message(settings, source, error)) from None
    except (StartError, SchemaError, OperationalError, versions.VersionsError) as error:
        raise fail(str(error)) from None
    try:
        yield database
    except accounts.NoAdministrator as error:
        raise fail(f"{error}, and `{command(settings, 'accounts', 'list')}` shows the accounts") from None
    except (accounts.AccountExists, accounts.TwoKeys, OperationalError, OSError) as error:
        raise fail(str(error)) from None
    finally:
        database.close()


def _profile(settings: Settings, account: str) -> str:
    return FIRST_PROFILE if account == settings.account else account


def _keep(settings: Settings, account: str, key: AccessKey, show: bool) -> None:
    """Write a key to the credentials file, and print where it is."""
    path: Path = settings.data / "credentials"
    profile = _profile(settings, account)
    try:
        write_key(path, profile, key.access_key_id, key.secret_access_key, settings.region)
    except KeyNotWritten as error:
        again = command(settings, "accounts", "rotate-key", account, "--keep-old")
        raise fail(f"{error}: make room there, then give account {account} another one with `{again}`") from None
    console.print(f"The key {key.access_key_id} is profile {profile} of {path}", soft_wrap=True, markup=False)
    if show:
        console.print(f"secret access key: {key.secret_access_key}", soft_wrap=True, markup=False)
    console.print("For the AWS CLI and SDKs:")
    variables = f"AWS_SHARED_CREDENTIALS_FILE={path} AWS_PROFILE={profile}"
    console.print(f"  export {variables}", soft_wrap=True, markup=False)

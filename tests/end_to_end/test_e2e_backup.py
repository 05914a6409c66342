"""The restore drill: a machine is lost with a job half run, and its backup goes on elsewhere, as another user.

It types the commands of the page "operations/backup.md".
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyrage
import pytest

from reading_room import versions
from reading_room.backup import keys, taking
from reading_room.cli import reading
from reading_room.client import connect
from reading_room.database.opening import FILE
from reading_room.database.upgrade_backup import OTHER_FILES
from reading_room.s3.backends.backup_lock import NAME as LOCK
from reading_room.trail.chain import FOLDER as TRAIL
from tests.worlds.place import Place
from tests.worlds.product import Product, running_product
from tests.worlds.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

STREAM = {"logGroupName": "/drill", "logStreamName": "one"}
BACKED_UP = {FILE, TRAIL, taking.OBJECTS, *OTHER_FILES, versions.FILE, *keys.FILES, *keys.FOLDERS}
"""What a backup has of the data folder. Whoever adds a file or a folder there adds it to the backup, too."""


def run(product: Product, *words: str | Path) -> str:
    """Run a command with the settings of a product, and return what it says."""
    variables = {f"READING_ROOM_{name}": value for name, value in product.settings.items()}
    argv = [sys.executable, "-m", "reading_room", *map(str, words), "--data", str(product.data)]
    done = subprocess.run(argv, env=os.environ | variables, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def output_of(place: Place, job: str) -> bytes:
    """Return the bytes of a job's archive."""
    bucket, key = place.describe(job)["OutputDataConfig"]["S3Uri"].removeprefix("s3://").split("/", 1)
    return place.account.s3.get_object(Bucket=bucket, Key=key)["Body"].read()


@pytest.mark.costs(25, reason="starts two products and runs three jobs")
def test_after_the_loss_of_the_machine_everything_acknowledged_is_there_and_half_run_jobs_begin_again(
    tmp_path: Path,
) -> None:
    identity, backup = pyrage.x25519.Identity.generate(), tmp_path / "backup"
    (tmp_path / "identity").write_text(f"{identity}\n")
    (tmp_path / "identity").chmod(0o600)
    for name in ("lost", "found"):
        (tmp_path / name).mkdir()
    with running_product(tmp_path / "lost") as lost:
        place = Place(lost)
        place.log_flows()
        place.put("in/", 400)
        place.put_text("large", b"large" * 100_000)
        done = place.start("in/", "entities")
        place.wait(done)
        expected = output_of(place, done)
        (interface,) = set(re.findall(r"eni-[0-9a-f]+", place.story(done)))
        flows = eventually(lambda: reading.flow_lines(place.account, place.flows, interface), what="the flow records")
        user, event = make_user(place.account), write_event(place.account)
        with place.held("in/") as (job, _):
            run(lost, "backup", backup, "--recipient", str(identity.to_public()))
            there = set(os.listdir(lost.data)) - {f"{FILE}-wal", f"{FILE}-shm"}
            assert there - taking.LEFT_OUT <= BACKED_UP
            assert {LOCK, "incoming", "objects"} == set(os.listdir(lost.data / taking.OBJECTS))
            # A further backup meets an object that is deleted, and one that is new.
            place.account.s3.delete_object(Bucket=place.bucket, Key="large")
            place.put_text("newer", b"newer" * 100_000)
            assert "were there already" in run(lost, "backup", backup, "--recipient", str(identity.to_public()))
            lost.kill_processes(lost.victims("everything"))
    shutil.rmtree(tmp_path / "lost")

    found = Product(tmp_path / "found")
    try:
        assert "is complete" in run(found, "backup", backup, "--verify")
        run(found, "restore", backup, "--identity-file", tmp_path / "identity")
        found.start()
        move(place, found)
        assert place.wait(job)["JobStatus"] == "COMPLETED", place.story(job)
        assert "restored from a backup" in place.story(job)
        assert output_of(place, job) == output_of(place, done) == expected
        listed = place.account.s3.list_objects_v2(Bucket=place.bucket)["Contents"]
        assert {"newer", "in/a.txt"} <= {each["Key"] for each in listed}
        assert "large" not in {each["Key"] for each in listed}
        sts = connect("sts", found.endpoint().url, **user)
        assert sts.get_caller_identity()["Arn"].endswith(":user/ann")
        (written,) = place.account.client("logs").get_log_events(**STREAM)["events"]
        assert written.items() >= event.items()
        assert set(flows) <= set(reading.flow_lines(place.account, place.flows, interface))
        run(found, "access", "verify-trail")
        assert found.events("management", "CreateBucket")
    finally:
        found.clear()


def make_user(account: reading.Account) -> dict[str, str]:
    """Make a user, and return its key as options of a client."""
    account.iam.create_user(UserName="ann")
    key = account.iam.create_access_key(UserName="ann")["AccessKey"]
    return {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}


def write_event(account: reading.Account) -> dict[str, Any]:
    """Write a log event and return it."""
    logs, event = account.client("logs"), {"timestamp": int(time.time() * 1000), "message": "acknowledged"}
    logs.create_log_group(logGroupName=STREAM["logGroupName"])
    logs.create_log_stream(**STREAM)
    logs.put_log_events(**STREAM, logEvents=[event])
    return event


def move(place: Place, product: Product) -> None:
    """Go on with a place in another product that has its data."""
    place.product, place.account = product, product.account()
    place.ec2 = place.account.ec2

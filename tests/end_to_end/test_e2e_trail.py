"""The trail of a running product: it records what jobs did, survives kill -9, and contains no secret."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import select

from reading_room.cli.root_key import read_root_key
from reading_room.client import connect
from reading_room.iam.tables import RoleSession
from reading_room.trail.chain import FIRST
from reading_room.trail.head import heads_of, read_heads
from tests.worlds.hook import Hook, hook
from tests.worlds.place import Place
from tests.worlds.processes import argv
from tests.worlds.product import Product, running_product
from tests.worlds.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

HANDED_OVER = "credentials"
"""The file that gives the first administrator the access key."""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Hook]:
    """The HTTP server to which the product sends the trail's head."""
    with hook() as found:
        yield found


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, receiver: Hook) -> Iterator[Product]:
    """A separate product for this module, which is killed and restarted. Its log level is debug."""
    sent = {"TRAIL_HEAD": f"http://127.0.0.1:{receiver.server_port}/", "TRAIL_HEAD_SECONDS": "1"}
    with running_product(tmp_path_factory.mktemp("product"), LOG_LEVEL="debug", **sent) as found:
        yield found


@pytest.fixture(scope="module")
def place(product: Product) -> Place:
    """A network and data for jobs."""
    found = Place(product)
    found.put("in/", 3)
    return found


def access(product: Product, *arguments: str, code: int = 0) -> str:
    """Run ``reading-room access`` on the product's data folder and return its output."""
    done = subprocess.run(
        [sys.executable, "-m", "reading_room", "access", *arguments, "--data", str(product.data)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def result_is_recorded(product: Product, job: str) -> bool:
    """Return whether the trail has a record of the write of a job's result."""
    writing = ("PutObject", "CompleteMultipartUpload")
    return any(event["eventName"] in writing for event in product.storage_events_of(job))


def test_the_trail_links_a_job_to_its_role_and_the_objects_that_it_read(product: Product, place: Place) -> None:
    job = place.start("in/")
    assert place.wait(job)["JobStatus"] == "COMPLETED"

    eventually(lambda: result_is_recorded(product, job), what="the record of the job's last write")
    read = next(event for event in product.storage_events_of(job) if event["eventName"] == "GetObject")
    assert read["requestParameters"]["key"] == "in/a.txt"
    assert read["vpcEndpointId"] == place.network.endpoint
    assert read["sourceIPAddress"].startswith("10.0.")
    assert read["tlsDetails"]["clientProvidedHostHeader"].endswith("amazonaws.com")
    assert read["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] == place.role
    management = product.events("management")
    given = [
        event
        for event in management
        if event["eventName"] == "AssumeRole" and event["requestParameters"]["roleArn"] == place.role
    ]
    assert {event["userIdentity"]["invokedBy"] for event in given} == {"comprehend.amazonaws.com"}
    keys = {event["responseElements"]["credentials"]["accessKeyId"] for event in given}
    assert read["userIdentity"]["accessKeyId"] in keys
    made = next(event for event in management if event["eventName"] == "CreateNetworkInterface")
    assert made["userIdentity"]["invokedBy"] == made["sourceIPAddress"] == "comprehend.amazonaws.com"
    interface = made["responseElements"]["networkInterface"]["networkInterfaceId"]
    endpoint = product.endpoint()
    cloudtrail = connect(
        "cloudtrail",
        endpoint.url,
        access_key_id=endpoint.access_key_id,
        secret_access_key=endpoint.secret_access_key,
    )
    output = cloudtrail.lookup_events(LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": interface}])
    assert "CreateNetworkInterface" in [event["EventName"] for event in output["Events"]]
    eventually(lambda: any(event["eventName"] == "DeleteNetworkInterface" for event in product.events("management")))


def test_the_message_of_a_denied_job_names_the_request_to_explain(product: Product, place: Place) -> None:
    statement = {
        "Sid": "NotThese",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:ListBucket",
        "Resource": f"arn:aws:s3:::{place.bucket}",
        "Condition": {"StringLike": {"s3:prefix": "secret/*"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
    product.account().s3.put_bucket_policy(Bucket=place.bucket, Policy=policy)
    properties = place.wait(place.start("secret/"))
    assert properties["JobStatus"] == "FAILED"
    found = re.search(r"request ([0-9a-f-]{36})", properties["Message"])
    assert found is not None, properties["Message"]
    request_id = found[1]
    eventually(lambda: product.events("denials", request_id), what="the denial's record")
    output = access(product, "explain", request_id)
    for part in ("NotThese", "StringLike", "s3:prefix", "secret/*", "secret/"):
        assert part in output, output


def test_records_older_than_a_second_survive_kill_9_and_the_chain_is_intact(product: Product) -> None:
    ec2 = product.account().ec2
    request_id = [ec2.describe_vpcs()["ResponseMetadata"]["RequestId"] for _ in range(20)]
    time.sleep(1.0)  # The product promises to keep records that are at least a second old.
    product.kill("serve")
    product.await_answer()
    later = ec2.describe_subnets()["ResponseMetadata"]["RequestId"]
    eventually(lambda: product.events("management", later), what="the record of a call after the kill")
    written = {event.get("requestID") for event in product.events("management")}
    assert written >= set(request_id)
    assert "management" in access(product, "verify-trail")


def test_explain_works_while_the_product_is_stopped(product: Product) -> None:
    with pytest.raises(ClientError) as raised:
        product.account().s3.get_bucket_policy(Bucket="nobody-has-this-bucket")
    identifier = raised.value.response["ResponseMetadata"]["RequestId"]
    product.stop()
    try:
        assert "GetBucketPolicy of s3" in access(product, "explain", identifier)
    finally:
        product.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a program as another user")
def test_nobody_else_on_the_machine_can_read_the_trail(product: Product) -> None:
    done = subprocess.run(
        ["/bin/cat", *map(str, (product.data / "trail").iterdir())],
        capture_output=True,
        user=65534,
        group=65534,
        extra_groups=[],
        check=False,
    )
    assert done.returncode != 0
    assert done.stdout == b""
    for path in (product.data / "trail").iterdir():
        assert path.stat().st_mode & 0o077 == 0


def test_the_head_is_sent_by_a_process_that_is_not_root(product: Product, receiver: Hook) -> None:
    product.account().iam.create_user(UserName="on-record")
    folder = product.data / "trail"
    receiver.came.clear()  # Forget what was sent before the product was restarted.

    def is_sent() -> bool:
        newest = heads_of(folder)
        came = [read_heads(each.decode())[0].digests for each in receiver.came[-1:]]
        return newest["management"] != FIRST and came == [newest]

    eventually(is_sent, what="the head with the newest line")
    (process,) = [pid for pid in product.processes() if "trail-head" in argv(pid)]
    status = Path(f"/proc/{process}/status").read_text()
    assert "NoNewPrivs:\t1\n" in status
    if os.geteuid() == 0:
        assert Path(f"/proc/{process}/mem").stat().st_uid == 0, "another process of its user can read its memory"
        assert f"Uid:\t{product.settings['SERVICE_UID']}\t" in status


def test_no_secret_is_in_a_file_a_log_a_process_list_or_an_environment(product: Product, place: Place) -> None:
    account = product.account()
    account.s3.delete_bucket_policy(Bucket=place.bucket)
    key = account.iam.create_access_key()["AccessKey"]

    def sessions() -> list[str]:
        with closing(product.opened()) as database, database.reading() as session:
            rows = session.scalars(select(RoleSession)).all()
            return [value for row in rows for value in (row.secret_access_key, row.session_token)]

    with place.held("in/") as (job, worker):
        secrets = [key["SecretAccessKey"], product.endpoint().secret_access_key, *eventually(sessions)]
        secrets += [read_root_key(product.read_settings()).hex(), "PRIVATE KEY"]
        processes = product.processes()
        assert worker in processes
        places = {
            f"process {pid} {name}": (Path("/proc") / str(pid) / name)
            for pid in processes
            for name in ("cmdline", "environ")
        }
        seen = {where: text for where, path in places.items() if (text := _read(path)) is not None}
    assert len(seen) > 6
    assert place.wait(job)["JobStatus"] == "COMPLETED"
    secrets += sessions()
    eventually(lambda: result_is_recorded(product, job), what="the record of the job's last write")
    for path in product.data.rglob("*"):
        if path.is_file() and path.name != HANDED_OVER:
            seen[str(path)] = path.read_bytes()
    seen["the log"] = product.log.read_bytes()
    assert all(any(name in where for where in seen) for name in ("trail", "db.sqlite", "authority.key"))
    found = [(where, secret[:4]) for where, text in seen.items() for secret in set(secrets) if secret.encode() in text]
    assert found == []


def _read(path: Path) -> bytes | None:
    """Return the content of a file in /proc, or ``None`` if its process has ended."""
    try:
        return path.read_bytes()
    except OSError:
        return None

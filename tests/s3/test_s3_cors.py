"""Cross-origin resource sharing: the rules, preflight requests, and the headers of answers."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.s3.cors import CorsRequest, cors_headers, preflight_headers
from reading_room.s3.setting_errors import CorsForbidden
from tests.worlds.s3 import policy, statement
from tests.worlds.s3_served import Served, served_world

BUCKET = "shared"
RULES: list[dict[str, Any]] = [
    {
        "ID": "upload",
        "AllowedOrigins": ["https://*.example.com"],
        "AllowedMethods": ["PUT", "POST"],
        "AllowedHeaders": ["x-amz-*", "Content-Type"],
        "ExposeHeaders": ["ETag", "x-amz-request-id"],
        "MaxAgeSeconds": 300,
    },
    {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]},
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Yield a world behind a socket, with a bucket that has CORS rules."""
    with served_world(tmp_path_factory.mktemp("s3")) as served:
        served.world.s3.create_bucket(Bucket=BUCKET)
        served.world.s3.create_bucket(Bucket="bare")
        served.world.s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": RULES})
        served.world.s3.put_object(Bucket=BUCKET, Key="k", Body=b"x")
        yield served


def send(served: Served, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Send an unsigned request. Underscores in the names of headers stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(served.http + path, method=method, headers=named)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {name.lower(): value for name, value in error.headers.items()}, error.read()


def code(call: Any, **parameters: Any) -> str:
    """Return the error code of a call that is expected to fail."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


def test_the_rules_are_returned_as_they_were_set(served: Served) -> None:
    assert served.world.s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"] == RULES
    assert code(served.world.s3.get_bucket_cors, Bucket="bare") == "NoSuchCORSConfiguration"


def test_a_preflight_request_is_answered_without_a_signature(served: Served) -> None:
    status, headers, body = send(
        served,
        "OPTIONS",
        f"/{BUCKET}/new",
        Origin="https://app.example.com",
        Access_Control_Request_Method="PUT",
        Access_Control_Request_Headers="content-type, X-Amz-Meta-Colour",
    )
    assert (status, body) == (200, b"")
    assert headers["access-control-allow-origin"] == "https://app.example.com"
    assert headers["access-control-allow-methods"] == "PUT, POST"
    assert headers["access-control-allow-headers"] == "content-type, x-amz-meta-colour"
    assert headers["access-control-expose-headers"] == "ETag, x-amz-request-id"
    assert headers["access-control-max-age"] == "300"
    assert headers["access-control-allow-credentials"] == "true"
    assert "Origin" in headers["vary"]


@pytest.mark.parametrize(
    ("path", "origin", "method", "wanted"),
    [
        (f"/{BUCKET}/k", "https://app.example.org", "PUT", ""),
        (f"/{BUCKET}/k", "https://app.example.com", "DELETE", ""),
        (f"/{BUCKET}/k", "https://app.example.com", "PUT", "authorization"),
        ("/bare/k", "https://app.example.com", "GET", ""),
        ("/nowhere/k", "https://app.example.com", "GET", ""),
    ],
)
def test_a_preflight_request_without_a_matching_rule_is_forbidden(
    served: Served, path: str, origin: str, method: str, wanted: str
) -> None:
    arguments = {"Origin": origin, "Access_Control_Request_Method": method}
    if wanted:
        arguments["Access_Control_Request_Headers"] = wanted
    status, headers, body = send(served, "OPTIONS", path, **arguments)
    assert (status, b"<Code>AccessForbidden</Code>" in body) == (403, True)
    assert not any(name.startswith("access-control-") for name in headers)


def test_a_preflight_request_without_an_origin_or_a_method_is_a_bad_request(served: Served) -> None:
    assert send(served, "OPTIONS", f"/{BUCKET}/k", Access_Control_Request_Method="GET")[0] == 400
    assert send(served, "OPTIONS", f"/{BUCKET}/k", Origin="https://app.example.com")[0] == 400


def test_answers_and_errors_have_cors_headers(served: Served) -> None:
    url = served.client().generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "k"})
    path = url.removeprefix(served.http)
    status, headers, body = send(served, "GET", path, Origin="https://anywhere.example")
    assert (status, body, headers["access-control-allow-origin"]) == (200, b"x", "*")
    assert "access-control-allow-credentials" not in headers
    status, headers, _ = send(served, "GET", f"/{BUCKET}/k", Origin="https://anywhere.example")
    assert (status, headers["access-control-allow-origin"]) == (403, "*")
    status, headers, _ = send(served, "GET", path)
    assert (status, "access-control-allow-origin" in headers) == (200, False)


def test_cors_rules_grant_no_permissions(served: Served) -> None:
    world = served.world
    stranger = world.client(world.user("stranger", policy(statement("Allow", "s3:ListBucket", "*"))))
    assert code(stranger.put_bucket_cors, Bucket=BUCKET, CORSConfiguration={"CORSRules": RULES}) == "AccessDenied"
    assert send(served, "PUT", f"/{BUCKET}/new", Origin="https://app.example.com")[0] == 403


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"AllowedOrigins": ["*"], "AllowedMethods": ["PATCH"]}, "InvalidRequest"),
        ({"AllowedOrigins": ["http://*.*"], "AllowedMethods": ["GET"]}, "InvalidRequest"),
        ({"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "AllowedHeaders": ["*-*"]}, "InvalidRequest"),
        ({"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "ExposeHeaders": ["*"]}, "InvalidRequest"),
        ({"AllowedOrigins": [], "AllowedMethods": ["GET"]}, "MalformedXML"),
        ({"AllowedOrigins": ["*"], "AllowedMethods": []}, "MalformedXML"),
        ({"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "ID": "x" * 256}, "MalformedXML"),
        ({"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "ExposeHeaders": ["a\nset-cookie: b"]}, "MalformedXML"),
    ],
)
def test_an_invalid_rule_leaves_the_old_ones_in_place(served: Served, rule: dict[str, Any], expected: str) -> None:
    assert code(served.world.s3.put_bucket_cors, Bucket=BUCKET, CORSConfiguration={"CORSRules": [rule]}) == expected
    assert served.world.s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"] == RULES


def test_deleted_rules_no_longer_apply(served: Served) -> None:
    s3 = served.world.s3
    s3.create_bucket(Bucket="for-a-while")
    s3.put_bucket_cors(Bucket="for-a-while", CORSConfiguration={"CORSRules": RULES})
    arguments = {"Origin": "https://app.example.com", "Access_Control_Request_Method": "PUT"}
    assert send(served, "OPTIONS", "/for-a-while/k", **arguments)[0] == 200
    s3.delete_bucket_cors(Bucket="for-a-while")
    assert send(served, "OPTIONS", "/for-a-while/k", **arguments)[0] == 403
    assert code(s3.get_bucket_cors, Bucket="for-a-while") == "NoSuchCORSConfiguration"


def test_the_first_matching_rule_decides() -> None:
    rules = [{"AllowedOrigins": ["http://a"], "AllowedMethods": ["GET"]}, *RULES]
    assert dict(cors_headers(rules, "http://a", "GET"))["access-control-allow-origin"] == "http://a"
    assert dict(cors_headers(rules, "http://b", "GET"))["access-control-allow-origin"] == "*"
    assert cors_headers(rules, "http://b", "DELETE") == ()
    with pytest.raises(CorsForbidden):
        preflight_headers(rules, CorsRequest("http://axexample", "PUT"), "OBJECT")

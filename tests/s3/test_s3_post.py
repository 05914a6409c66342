"""Browser uploads: forms with both versions of signatures, their policies, and malformed or forbidden forms."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from reading_room.aws.errors import AwsError
from reading_room.client import connect
from reading_room.s3.post_form import read_form
from reading_room.s3.post_policy import PostPolicy
from tests.worlds.s3 import policy, statement
from tests.worlds.s3_served import Served, served_world

BUCKET = "inbox"
BOUNDARY = "----reading-room-boundary"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Yield a world behind a socket, with a bucket."""
    with served_world(tmp_path_factory.mktemp("s3")) as served:
        served.world.s3.create_bucket(Bucket=BUCKET)
        yield served


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        """Follow no redirect."""


def form(fields: dict[str, str], data: bytes, name: str = "notes.txt") -> bytes:
    """Return a form as browsers encode it."""
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()]
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: a/b\r\n\r\n'
    )
    after = f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="submit"\r\n\r\nSend\r\n--{BOUNDARY}--\r\n'
    return "".join(parts).encode() + head.encode() + data + after.encode()


def post(served: Served, body: bytes, bucket: str = BUCKET, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Send a form and return the status, headers and body of the answer."""
    request = urllib.request.Request(f"{served.http}/{bucket}", data=body, method="POST", headers=headers)
    request.add_header("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=30) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {name.lower(): value for name, value in error.headers.items()}, error.read()


def signed(served: Served, key: str, version: str = "s3v4", **more: Any) -> dict[str, str]:
    """Return the fields that the SDK generates for a form."""
    client = served.client(config=Config(signature_version=version))
    return dict(client.generate_presigned_post(BUCKET, key, **more)["fields"])


def code(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, str]:
    """Return the status and error code of an answer."""
    text = answer[2].decode()
    return answer[0], text.partition("<Code>")[2].partition("</Code>")[0]


def stored(served: Served, key: str) -> bytes | None:
    """Return the bytes of an object, or ``None`` if it does not exist."""
    try:
        return bytes(served.world.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    except ClientError:
        return None


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_form_from_the_sdk_stores_its_file(served: Served, version: str) -> None:
    data = bytes(range(256)) * 12_000 + f"\r\n--{BOUNDARY[:-1]}".encode()
    status, headers, body = post(served, form(signed(served, f"by-{version}", version), data))
    assert (status, body) == (204, b"")
    assert headers["etag"] == served.world.s3.head_object(Bucket=BUCKET, Key=f"by-{version}")["ETag"]
    assert headers["location"] == f"{served.http}/{BUCKET}/by-{version}"
    assert stored(served, f"by-{version}") == data


def test_the_file_name_becomes_part_of_the_key(served: Served) -> None:
    fields = signed(served, "uploads/${filename}")
    assert post(served, form(fields, b"x", "C:\\letters\\a b+c.txt"))[0] == 204
    assert stored(served, "uploads/a b+c.txt") == b"x"


def test_form_fields_act_like_the_headers_of_a_put(served: Served) -> None:
    more = {
        "Content-Type": "text/plain",
        "Cache-Control": "no-store",
        "x-amz-meta-colour": "blue",
        "x-amz-meta-city": "Zürich",
        "x-amz-storage-class": "STANDARD_IA",
        "tagging": "<Tagging><TagSet><Tag><Key>a b</Key><Value>1</Value></Tag></TagSet></Tagging>",
        "acl": "private",
        "x-ignore-me": "at all",
    }
    conditions = [{name: value} for name, value in more.items() if not name.startswith("x-ignore-")]
    fields = signed(served, "described", Fields=more, Conditions=conditions)
    assert post(served, form(fields, b"x"))[0] == 204
    found = served.world.s3.head_object(Bucket=BUCKET, Key="described")
    assert (found["ContentType"], found["CacheControl"], found["StorageClass"]) == (
        "text/plain",
        "no-store",
        "STANDARD_IA",
    )
    assert found["Metadata"] == {"colour": "blue", "city": "=?UTF-8?Q?Z=C3=BCrich?="}
    assert served.world.s3.get_object_tagging(Bucket=BUCKET, Key="described")["TagSet"] == [
        {"Key": "a b", "Value": "1"}
    ]


@pytest.mark.parametrize(("status", "expected"), [("200", 200), ("201", 201), ("204", 204), ("500", 204)])
def test_the_form_chooses_the_status_of_the_answer(served: Served, status: str, expected: int) -> None:
    more = {"success_action_status": status}
    answer = post(served, form(signed(served, "status", Fields=more, Conditions=[more]), b"x"))
    assert answer[0] == expected
    assert (b"<PostResponse>" in answer[2] and b"<Key>status</Key>" in answer[2]) == (expected == 201)


def test_the_form_can_redirect_the_browser(served: Served) -> None:
    more = {"success_action_redirect": "https://app.example.com/done?from=form"}
    status, headers, _ = post(served, form(signed(served, "on", Fields=more, Conditions=[more]), b"x"))
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(headers["location"]).query)
    assert status == 303
    assert (query["from"], query["bucket"], query["key"]) == (["form"], [BUCKET], ["on"])


@pytest.mark.parametrize(
    ("conditions", "fields", "expected"),
    [
        ([["starts-with", "$x-amz-meta-a", "b"]], {"x-amz-meta-a": "c"}, "AccessDenied"),
        ([["eq", "$x-amz-meta-a", "b"]], {"x-amz-meta-a": "bb"}, "AccessDenied"),
        ([], {"x-amz-meta-a": "b"}, "AccessDenied"),
        ([["starts-with", "$content-type", "image/"]], {"content-type": "image/png,text/html"}, "AccessDenied"),
        ([{"acl": "public-read"}], {"acl": "public-read"}, "AccessControlListNotSupported"),
        ([["content-length-range", 1, 4]], {}, "EntityTooLarge"),
        ([["content-length-range", 6, 10]], {}, "EntityTooSmall"),
        ([{"x-amz-storage-class": "GLACIER"}], {"x-amz-storage-class": "GLACIER"}, "InvalidStorageClass"),
        ([{"x-amz-unknown": "1"}], {"x-amz-unknown": "1"}, "NotImplemented"),
        ([{"bucket": "another"}], {}, "AccessDenied"),
    ],
)
def test_a_form_that_violates_its_policy_stores_nothing(
    served: Served, conditions: list[Any], fields: dict[str, str], expected: str
) -> None:
    signed_fields = signed(served, "refused", Conditions=conditions) | fields
    assert code(post(served, form(signed_fields, b"12345")))[1] == expected
    assert stored(served, "refused") is None


def test_a_form_can_set_an_access_control_list_where_lists_count(served: Served) -> None:
    s3, bucket = served.world.s3, "open-inbox"
    s3.create_bucket(Bucket=bucket, ObjectOwnership="ObjectWriter")
    s3.delete_public_access_block(Bucket=bucket)
    acl = {"acl": "public-read"}
    fields = served.client().generate_presigned_post(bucket, "k", Fields=acl, Conditions=[acl])["fields"]
    assert post(served, form(fields, b"x"), bucket)[0] == 204
    with urllib.request.urlopen(f"{served.http}/{bucket}/k", timeout=30) as answer:
        assert answer.read() == b"x"


def test_a_form_for_one_key_cannot_store_another(served: Served) -> None:
    fields = signed(served, "mine") | {"key": "yours"}
    assert code(post(served, form(fields, b"x"))) == (403, "AccessDenied")
    prefix = signed(served, "mine/${filename}")
    assert code(post(served, form(prefix | {"key": "yours/${filename}"}, b"x"))) == (403, "AccessDenied")
    assert stored(served, "yours") is None


def test_a_form_expires_with_its_policy(served: Served) -> None:
    fields = signed(served, "late", ExpiresIn=-1)
    status, _, body = post(served, form(fields, b"x"))
    assert (status, b"Policy expired" in body) == (403, True)


@pytest.mark.parametrize("version", ["s3v4", "s3"])
@pytest.mark.parametrize("broken", ["policy", "signature", "key id", "token"])
def test_a_form_with_a_broken_signature_stores_nothing(served: Served, version: str, broken: str) -> None:
    fields = signed(served, "forged", version)
    if broken == "policy":
        wide = {"expiration": "2100-01-01T00:00:00Z", "conditions": [["starts-with", "$key", ""]]}
        fields["policy"] = base64.b64encode(json.dumps(wide).encode()).decode()
    elif broken == "signature":
        name = "x-amz-signature" if version == "s3v4" else "signature"
        fields[name] = "0" * len(fields[name])
    elif broken == "token":
        fields["x-amz-security-token"] = "stolen"
    else:
        name = "x-amz-credential" if version == "s3v4" else "AWSAccessKeyId"
        fields[name] = "AKIAAAAAAAAAAAAAAAAA" + fields[name][20:]
    expected = {"key id": "InvalidAccessKeyId", "token": "InvalidToken"}.get(broken, "SignatureDoesNotMatch")
    assert code(post(served, form(fields, b"x")))[1] == expected
    assert stored(served, "forged") is None


@pytest.mark.parametrize("part", ["date", "region", "service"])
def test_a_form_signed_for_another_scope_is_refused(served: Served, part: str) -> None:
    fields = signed(served, "elsewhere")
    scope = fields["x-amz-credential"].split("/")
    scope[{"date": 1, "region": 2, "service": 3}[part]] = {"date": "20200101", "region": "eu-west-1"}.get(part, "ec2")
    fields["x-amz-credential"] = "/".join(scope)
    assert code(post(served, form(fields, b"x")))[0] in (400, 403)
    assert stored(served, "elsewhere") is None


def test_a_form_has_only_the_permissions_of_its_signer(served: Served) -> None:
    world = served.world
    document = policy(statement("Allow", "s3:PutObject", f"arn:aws:s3:::{BUCKET}/own/*"))
    key = world.user("clerk", document)
    clerk = connect("s3", served.http, **key, config=Config(signature_version="s3v4"))
    allowed = clerk.generate_presigned_post(BUCKET, "own/a")["fields"]
    assert post(served, form(allowed, b"x"))[0] == 204
    other = clerk.generate_presigned_post(BUCKET, "others/a")["fields"]
    assert code(post(served, form(other, b"x"))) == (403, "AccessDenied")
    tagged = {"tagging": "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>"}
    with_tags = clerk.generate_presigned_post(BUCKET, "own/b", Fields=tagged, Conditions=[tagged])["fields"]
    assert code(post(served, form(with_tags, b"x"))) == (403, "AccessDenied")


def test_policy_conditions_can_recognize_forms(served: Served) -> None:
    world = served.world
    world.s3.create_bucket(Bucket="no-forms")
    by_form = {"StringEquals": {"s3:authType": "POST"}}
    deny = statement("Deny", "s3:PutObject", "arn:aws:s3:::no-forms/*", Principal="*", Condition=by_form)
    world.s3.put_bucket_policy(Bucket="no-forms", Policy=policy(deny))
    fields = served.client(config=Config(signature_version="s3v4")).generate_presigned_post("no-forms", "k")["fields"]
    assert code(post(served, form(fields, b"x"), "no-forms")) == (403, "AccessDenied")
    world.s3.put_object(Bucket="no-forms", Key="k", Body=b"x")


def test_an_unsigned_form_is_an_anonymous_request(served: Served) -> None:
    assert code(post(served, form({"key": "anonymous"}, b"x"))) == (403, "AccessDenied")
    assert stored(served, "anonymous") is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "InvalidArgument"),
        ({"key": "k", "policy": "eyJ9"}, "InvalidArgument"),
        ({"key": "k", "signature": "x"}, "InvalidArgument"),
        ({"key": "k" * 1025}, "KeyTooLongError"),
        ({"key": "k", "x-ignore-long": "x" * 21_000}, "MaxPostPreDataLengthExceeded"),
    ],
)
def test_an_incomplete_or_oversized_form_is_refused(served: Served, fields: dict[str, str], expected: str) -> None:
    assert code(post(served, form(fields, b"x")))[1] == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form at all",
        f"--{BOUNDARY}--\r\n".encode(),
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="key"\r\n\r\nk'.encode(),
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"\r\n\r\nno end'.encode(),
        f"--{BOUNDARY}\r\nno header\r\n\r\nk\r\n--{BOUNDARY}--".encode(),
    ],
)
def test_a_malformed_form_is_refused(served: Served, body: bytes) -> None:
    assert post(served, body)[0] in (400, 403)


def test_a_form_with_an_authorization_header_is_refused(served: Served) -> None:
    answer = post(served, form(signed(served, "both"), b"x"), Authorization="AWS4-HMAC-SHA256 Credential=x")
    assert code(answer) == (400, "InvalidRequest")


def test_a_form_sent_to_an_object_or_with_a_query_is_refused(served: Served) -> None:
    body = form(signed(served, "misplaced"), b"x")
    assert code(post(served, body, f"{BUCKET}/misplaced"))[0] == 405
    assert code(post(served, body, f"{BUCKET}?tagging"))[0] == 405
    assert stored(served, "misplaced") is None


@given(st.binary(max_size=2000), st.integers(1, 50))
def test_any_bytes_are_parsed_as_a_form_or_refused(data: bytes, piece: int) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(data), piece):
            yield data[start : start + piece]

    async def read() -> None:
        try:
            found = await read_form("multipart/form-data; boundary=b", chunks())
            async for _ in found.file:
                pass
        except AwsError:
            pass

    asyncio.run(read())


FIELDS = st.dictionaries(st.sampled_from("abcd"), st.text("xy\r\n-b", max_size=9))


@given(data=st.binary(max_size=300), piece=st.integers(1, 60), fields=FIELDS)
def test_a_form_is_parsed_the_same_however_it_is_cut(data: bytes, piece: int, fields: dict[str, str]) -> None:
    body = form(fields, data)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), piece):
            yield body[start : start + piece]

    async def read() -> None:
        found = await read_form(f"multipart/form-data; boundary={BOUNDARY}", chunks())
        assert (found.fields, found.file_name) == (fields, "notes.txt")
        assert b"".join([chunk async for chunk in found.file]) == data

    asyncio.run(read())


SCALARS = st.none() | st.booleans() | st.integers() | st.text()
NAMES = st.sampled_from(["expiration", "conditions", "x"])
DOCUMENTS = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner))


@given(DOCUMENTS)
def test_any_document_is_parsed_as_a_policy_or_refused(document: Any) -> None:
    for written in (json.dumps(document), json.dumps({"expiration": "2100-01-01T00:00:00Z", "conditions": document})):
        try:
            found = PostPolicy.parse(base64.b64encode(written.encode()).decode())
            found.check({"key": "k"}, "b", dt.datetime.now(dt.UTC))
        except AwsError:
            pass

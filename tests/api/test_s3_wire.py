"""The S3 endpoint over real sockets: TLS, streaming uploads, presigned URLs, broken and hostile clients."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import http.client
import ipaddress
import os
import socket
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
import uvicorn
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from reading_room.client import connect
from tests.worlds.s3 import S3World, policy, s3_world, statement
from tests.worlds.waiting import DEADLINE, eventually, settled

MIB = 1024 * 1024


@dataclass(frozen=True)
class Served:
    """An account served on two sockets."""

    world: S3World
    http: str
    https: str
    authority: str

    def client(self, **options: Any) -> Any:
        """Return a client over plain HTTP."""
        return connect("s3", self.http, **self.world.key, **options)

    def secure_client(self, **options: Any) -> Any:
        """Return a client over TLS."""
        return connect("s3", self.https, verify=self.authority, **self.world.key, **options)


def certificate(folder: Path) -> tuple[str, str]:
    """Write a self-signed certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, secret = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(cert), str(secret)


def serve(app: Any, **options: Any) -> tuple[uvicorn.Server, threading.Thread, int]:
    """Serve an application on a free port of the loopback interface."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", **options))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    eventually(lambda: server.started)
    return server, thread, listener.getsockname()[1]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An account served on a plain and a TLS socket."""
    folder = tmp_path_factory.mktemp("wire")
    cert, key = certificate(folder)
    with s3_world(folder) as world:
        plain = serve(world.app)
        secure = serve(world.app, ssl_certfile=cert, ssl_keyfile=key)
        world.s3.create_bucket(Bucket="wire")
        yield Served(world, f"http://127.0.0.1:{plain[2]}", f"https://127.0.0.1:{secure[2]}", cert)
        for server, thread, _ in (plain, secure):
            server.should_exit = True
            thread.join(DEADLINE)


@pytest.mark.parametrize("size", [0, 5, MIB + 3, 7 * MIB])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_sdk_puts_and_gets_with_its_defaults(served: Served, scheme: str, size: int) -> None:
    s3 = served.client() if scheme == "http" else served.secure_client()
    data = os.urandom(size)
    s3.put_object(Bucket="wire", Key="default", Body=data)
    assert s3.get_object(Bucket="wire", Key="default")["Body"].read() == data


@pytest.mark.costs(0.35, reason="it writes and reads 20 MB over TLS")
def test_an_object_is_uploaded_and_downloaded_in_parallel_parts_over_tls(served: Served, tmp_path: Path) -> None:
    data = os.urandom(20 * MIB)
    (tmp_path / "up").write_bytes(data)
    s3 = served.secure_client()
    s3.upload_file(str(tmp_path / "up"), "wire", "large")
    s3.download_file("wire", "large", str(tmp_path / "down"))
    assert (tmp_path / "down").read_bytes() == data


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://localhost:4566",
        "http://s3.localhost:4566",
        "https://s3.amazonaws.com",
        "http://s3.us-east-1.amazonaws.com",
        "https://s3-us-east-1.amazonaws.com",
        "https://s3.dualstack.us-east-1.amazonaws.com",
    ],
)
@pytest.mark.parametrize("style", ["path", "virtual"])
def test_a_bucket_can_be_in_the_path_or_host_of_every_standard_name(
    served: Served, endpoint: str, style: Literal["path", "virtual"]
) -> None:
    s3 = served.world.client(endpoint_url=endpoint, config=Config(s3={"addressing_style": style}))
    s3.put_object(Bucket="wire", Key="named/é", Body=endpoint.encode())
    assert served.client().get_object(Bucket="wire", Key="named/é")["Body"].read() == endpoint.encode()
    assert s3.list_objects_v2(Bucket="wire", Prefix="named/")["KeyCount"] == 1


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls_of_both_versions_work_only_for_what_was_signed(served: Served, version: str) -> None:
    s3 = served.client(config=Config(signature_version=version))
    served.client().put_object(Bucket="wire", Key="signed", Body=b"by url")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "wire", "Key": "signed"}, ExpiresIn=60)
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"by url"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url.replace("signed?", "other?"))
    assert caught.value.code == 403
    put = s3.generate_presigned_url("put_object", Params={"Bucket": "wire", "Key": "put"}, ExpiresIn=60)
    request = urllib.request.Request(put, data=b"put by url", method="PUT")
    request.add_unredirected_header("Content-Type", "") if version == "s3" else None
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
    assert served.client().get_object(Bucket="wire", Key="put")["Body"].read() == b"put by url"


def raw(served: Served, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Any:
    """Send an unsigned request; return the status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(served.http).port or 0, timeout=DEADLINE)
    connection.request(method, path, body=body or None, headers=headers or {})
    answer = connection.getresponse()
    result = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return result


def signed(served: Served, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Any:
    """Send a request signed by hand; return the status, headers and body."""
    keys = served.world.key
    request = AWSRequest(method, served.http + path, headers=headers or {}, data=body)
    S3SigV4Auth(Credentials(keys["access_key_id"], keys["secret_access_key"]), "s3", "us-east-1").add_auth(request)
    return raw(served, method, path, dict(request.headers.items()), body)


def test_the_denial_of_an_unsigned_request_reveals_nothing(served: Served) -> None:
    for method, path in (("GET", "/"), ("GET", "/wire"), ("PUT", "/wire/x"), ("DELETE", "/wire"), ("GET", "/none")):
        status, headers, body = raw(served, method, path)
        assert (status, b"<Code>AccessDenied</Code><Message>Access Denied</Message>" in body) == (403, True)
        assert headers["x-amz-request-id"].encode() in body


def test_a_public_object_is_read_without_a_signature(served: Served) -> None:
    s3 = served.client()
    s3.create_bucket(Bucket="open")
    s3.put_object(Bucket="open", Key="k", Body=b"for all")
    s3.delete_public_access_block(Bucket="open")
    s3.put_bucket_policy(
        Bucket="open", Policy=policy(statement("Allow", "s3:GetObject", "arn:aws:s3:::open/*", Principal="*"))
    )
    assert raw(served, "GET", "/open/k")[2] == b"for all"
    assert raw(served, "GET", "/open/absent")[0] == 403
    assert b"InvalidRequest" in raw(served, "GET", "/open/k?response-content-type=a/b")[2]


def test_errors_have_their_elements_and_answers_to_head_have_no_body(served: Served) -> None:
    status, headers, body = signed(served, "GET", "/wire/absent")
    assert status == 404
    assert b"<Code>NoSuchKey</Code>" in body
    assert b"<Key>absent</Key>" in body
    assert headers["content-type"] == "application/xml"
    assert headers["x-amz-id-2"].encode() in body
    status, _, body = signed(served, "HEAD", "/wire/absent")
    assert (status, body) == (404, b"")
    status, _, body = signed(served, "GET", "/none")
    assert b"<BucketName>none</BucketName>" in body


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/wire?accelerate"),
        ("PUT", "/wire?website"),
        ("GET", "/wire?inventory"),
        ("POST", "/wire/k?restore"),
        ("POST", "/wire/k?select&select-type=2"),
        ("GET", "/wire/k?torrent"),
    ],
)
def test_an_unsupported_operation_is_refused_and_changes_nothing(served: Served, method: str, path: str) -> None:
    served.client().put_object(Bucket="wire", Key="k", Body=b"kept")
    status, _, body = signed(served, method, path)
    assert (status, b"<Code>NotImplemented</Code>" in body) == (501, True)
    assert served.client().get_object(Bucket="wire", Key="k")["Body"].read() == b"kept"


def test_a_parameter_without_effect_is_refused(served: Served) -> None:
    s3 = served.client()
    refused: tuple[tuple[dict[str, Any], str], ...] = (
        ({"Tagging": "aws:a=b"}, "InvalidTag"),
        ({"ServerSideEncryption": "aws:kms"}, "NotImplemented"),
        ({"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "key"}, "KMS.NotFoundException"),
        ({"StorageClass": "GLACIER"}, "InvalidStorageClass"),
        ({"ACL": "public-read"}, "AccessControlListNotSupported"),
        ({"WebsiteRedirectLocation": "/x"}, "NotImplemented"),
        ({"ObjectLockLegalHoldStatus": "ON"}, "InvalidRequest"),
        ({"Metadata": {"a": "b" * 2048}}, "MetadataTooLarge"),
    )
    for parameters, code in refused:
        with pytest.raises(ClientError) as caught:
            s3.put_object(Bucket="wire", Key="refused", Body=b"x", **parameters)
        assert caught.value.response["Error"]["Code"] == code
    assert served.world.store.head("wire", "refused") is None
    s3.put_object(Bucket="wire", Key="granted", Body=b"x", ACL="bucket-owner-full-control")


def test_every_setting_that_terraform_reads_has_an_answer(served: Served) -> None:
    s3 = served.client()
    s3.get_bucket_acl(Bucket="wire")
    assert s3.get_bucket_versioning(Bucket="wire").get("Status") is None
    rules = s3.get_bucket_encryption(Bucket="wire")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert s3.get_bucket_ownership_controls(Bucket="wire")["OwnershipControls"]["Rules"]
    assert all(s3.get_public_access_block(Bucket="wire")["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_request_payment(Bucket="wire")["Payer"] == "BucketOwner"
    s3.get_bucket_logging(Bucket="wire")
    s3.get_bucket_accelerate_configuration(Bucket="wire")
    assert s3.get_bucket_location(Bucket="wire")["LocationConstraint"] is None
    for call, code in (
        (s3.get_bucket_tagging, "NoSuchTagSet"),
        (s3.get_bucket_cors, "NoSuchCORSConfiguration"),
        (s3.get_bucket_website, "NoSuchWebsiteConfiguration"),
        (s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration"),
        (s3.get_bucket_replication, "ReplicationConfigurationNotFoundError"),
        (s3.get_object_lock_configuration, "ObjectLockConfigurationNotFoundError"),
        (s3.get_bucket_policy, "NoSuchBucketPolicy"),
    ):
        with pytest.raises(ClientError, match=code):
            call(Bucket="wire")


@pytest.mark.parametrize("name", ["ab", "Upper", "a..b", "192.168.0.1", "-a-", "a_b", "xn--abc", "a" * 64])
def test_an_invalid_bucket_name_is_refused(served: Served, name: str) -> None:
    status, _, body = signed(served, "PUT", f"/{name}")
    assert (status, b"InvalidBucketName" in body) == (400, True)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("a", "InvalidBucketName"),
        ("a" * 256, "InvalidBucketName"),
        # As buckets in us-east-1 could once be named.
        ("Upper_Case", "NoSuchBucket"),
        ("-a-", "NoSuchBucket"),
    ],
)
def test_a_name_that_no_bucket_can_have_is_invalid_in_every_request(served: Served, name: str, code: str) -> None:
    for method, path in (("GET", f"/{name}"), ("PUT", f"/{name}/key"), ("DELETE", f"/{name}")):
        status, _, body = signed(served, method, path)
        assert (status, code.encode() in body) == (400 if code == "InvalidBucketName" else 404, True)


def test_a_bucket_is_created_and_deleted(served: Served) -> None:
    s3 = served.client()
    s3.create_bucket(Bucket="life")
    s3.create_bucket(Bucket="life")  # us-east-1 answers 200 to the bucket's owner
    s3.put_object(Bucket="life", Key="k", Body=b"")
    with pytest.raises(ClientError, match="BucketNotEmpty"):
        s3.delete_bucket(Bucket="life")
    s3.delete_object(Bucket="life", Key="k")
    s3.delete_bucket(Bucket="life")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3.list_objects_v2(Bucket="life")
    with pytest.raises(ClientError, match="IllegalLocationConstraintException"):
        s3.create_bucket(Bucket="life", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})


@pytest.mark.parametrize(
    "body",
    [
        b"<not xml",
        b'<!DOCTYPE x [<!ENTITY a "b">]><Delete><Object><Key>&a;</Key></Object></Delete>',
        b"<Delete></Delete>",
        b"\xff\xfe",
        b"<a>" * 200,
    ],
)
def test_invalid_xml_is_refused_with_its_own_error(served: Served, body: bytes) -> None:
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    status, _, answer = signed(served, "POST", "/wire?delete", {"Content-MD5": md5}, body)
    assert (status, b"MalformedXML" in answer) == (400, True)


def test_delete_objects_needs_a_digest_of_its_body(served: Served) -> None:
    status, _, answer = signed(served, "POST", "/wire?delete", {}, b"<Delete><Object><Key>k</Key></Object></Delete>")
    assert (status, b"Content-MD5" in answer) == (400, True)


def test_a_huge_document_is_refused_without_being_read(served: Served) -> None:
    status, _, answer = signed(served, "PUT", "/wire?policy", {}, b"x" * (9 * MIB))
    assert (status, b"MaxMessageLengthExceeded" in answer) == (400, True)


def test_the_error_for_a_wrong_region_has_the_right_one(served: Served) -> None:
    status, headers, body = raw(served, "GET", "/k", {"Host": "wire.s3.eu-west-1.amazonaws.com"})
    assert (status, headers["x-amz-bucket-region"]) == (301, "us-east-1")
    assert b"<Code>PermanentRedirect</Code>" in body
    other = connect("s3", served.http, region="eu-central-1", **served.world.key)
    with pytest.raises(ClientError) as caught:
        other.list_buckets()
    assert caught.value.response["Error"]["Code"] == "AuthorizationHeaderMalformed"
    error: dict[str, Any] = dict(caught.value.response["Error"])
    assert error["Region"] == "us-east-1"


def test_a_vpc_listener_serves_s3_only(served: Served) -> None:
    world = served.world
    status, _, body = raw(served, "POST", "/", {"X-Amz-Target": "Comprehend_20171127.DetectEntities"}, b"{}")
    assert (status, b"InvalidRequest" in body) == (400, True)
    server, thread, port = serve(world.vpc_app)
    try:
        # A listener that does not say where its connections come from serves no request.
        with pytest.raises(ClientError, match="AccessDenied"):
            connect("s3", f"http://127.0.0.1:{port}", **world.key).list_buckets()
    finally:
        server.should_exit = True
        thread.join(DEADLINE)


def test_a_wrong_signature_is_explained(served: Served) -> None:
    bad = connect("s3", served.http, **{**served.world.key, "secret_access_key": "x" * 40})
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        bad.list_buckets()
    unknown = connect("s3", served.http, access_key_id="AKIAUNKNOWN000000000", secret_access_key="x")
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        unknown.put_object(Bucket="wire", Key="x", Body=b"x" * MIB)


def test_a_client_that_disconnects_during_an_upload_leaves_nothing_behind(served: Served) -> None:
    keys = served.world.key
    url = f"{served.http}/wire/half"
    request = AWSRequest("PUT", url, headers={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}, data=b"x" * 4 * MIB)
    S3SigV4Auth(Credentials(keys["access_key_id"], keys["secret_access_key"]), "s3", "us-east-1").add_auth(request)
    head = "PUT /wire/half HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in request.headers.items())
    head += f"Host: {urlsplit(url).netloc}\r\nContent-Length: {4 * MIB}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0)) as connection:
        connection.sendall(head.encode() + b"x" * 3 * MIB)
        incoming = served.world.folder / "s3" / "incoming"
        eventually(lambda: list(incoming.iterdir()))
    settled(lambda: {"files": list(incoming.iterdir())})
    assert served.world.store.head("wire", "half") is None


def test_authorization_and_execution_use_the_same_value_of_a_repeated_header(served: Served) -> None:
    """If the first value were used but the last one authorized, a copy could read an object without permission."""
    s3 = served.client()
    for key in ("twice/open", "twice/secret"):
        s3.put_object(Bucket="wire", Key=key, Body=key.encode())
    allowed = policy(
        statement("Allow", "s3:GetObject", "arn:aws:s3:::wire/twice/open"),
        statement("Allow", "s3:PutObject", "arn:aws:s3:::wire/twice/*"),
    )
    keys = served.world.user("copier", allowed)
    url = f"{served.http}/wire/twice/copy"
    joined = "/wire/twice/secret,/wire/twice/open"
    request = AWSRequest("PUT", url, headers={"x-amz-copy-source": joined})
    S3SigV4Auth(Credentials(keys["access_key_id"], keys["secret_access_key"]), "s3", "us-east-1").add_auth(request)
    head = "PUT /wire/twice/copy HTTP/1.1\r\n"
    for name, value in request.headers.items():
        values = value.split(",") if name.lower() == "x-amz-copy-source" else [value]
        head += "".join(f"{name}: {part}\r\n" for part in values)
    head += f"Host: {urlsplit(url).netloc}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=DEADLINE) as connection:
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b" 403 " in answer.partition(b"\r\n")[0]
    assert served.world.store.head("wire", "twice/copy") is None


def test_a_presigned_url_accepts_a_streamed_body(served: Served) -> None:
    s3 = served.client(config=Config(signature_version="s3v4"))
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "wire", "Key": "streamed"}, ExpiresIn=60)
    body = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
    headers = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "Content-Encoding": "aws-chunked",
    }
    path = url.removeprefix(served.http)
    # Whatever changes a request's meaning must be signed, so trailers need headers that this URL does not cover.
    status, _, answer = raw(served, "PUT", path, {**headers, "x-amz-trailer": "x-amz-checksum-crc32"}, body)
    assert (status, b"not signed" in answer) == (403, True)


def test_a_denied_upload_is_refused_before_its_body_is_sent(served: Served) -> None:
    reader = served.world.user("reader", policy(statement("Allow", "s3:GetObject", "*")))
    s3 = connect("s3", served.http, **reader)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket="wire", Key="big", Body=b"x" * (30 * MIB))
    # The connection is closed with notice, so the next call of the same client works.
    assert s3.get_object(Bucket="wire", Key="k")["Body"].read() == b"kept"

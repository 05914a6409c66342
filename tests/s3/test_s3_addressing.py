"""Hosts and paths: which bucket and key a request names."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.s3.addressing import Address, locate, parse_copy_source
from reading_room.s3.errors import InvalidArgument, InvalidURI, KeyTooLong

BASES = ("127.0.0.1", "localhost", "s3.localhost")


@pytest.mark.parametrize(
    "host",
    [
        "s3.amazonaws.com",
        "s3.us-east-1.amazonaws.com",
        "s3-us-east-1.amazonaws.com",
        "s3.dualstack.us-east-1.amazonaws.com",
        "bucket.vpce-0123456789abcdef0-abcdefgh.s3.us-east-1.vpce.amazonaws.com",
        "bucket.vpce-0123456789abcdef0-abcdefgh-us-east-1a.s3.us-east-1.vpce.amazonaws.com",
        "127.0.0.1:4566",
        "localhost:4566",
        "s3.localhost",
        "[::1]:4566",
        "10.0.0.2",
        "S3.AMAZONAWS.COM",
        "",
    ],
)
def test_a_service_host_name_means_path_style(host: str) -> None:
    found = locate(host, "/my-bucket/a/key", BASES)
    assert (found.bucket, found.key, found.virtual) == ("my-bucket", "a/key", False)


@pytest.mark.parametrize(
    "host",
    [
        "my.bucket.s3.amazonaws.com",
        "my.bucket.s3.us-east-1.amazonaws.com",
        "my.bucket.s3-us-east-1.amazonaws.com",
        "my.bucket.s3.dualstack.us-east-1.amazonaws.com",
        "my.bucket.bucket.vpce-0123456789abcdef0-abcdefgh.s3.us-east-1.vpce.amazonaws.com",
        "my.bucket.localhost:4566",
        "my.bucket.s3.localhost:4566",
        "my.bucket",
    ],
)
def test_a_name_before_the_service_host_is_the_bucket(host: str) -> None:
    found = locate(host, "/a/key", BASES)
    assert (found.bucket, found.key, found.virtual) == ("my.bucket", "a/key", True)


@pytest.mark.parametrize("name", ["amazonlinux", "packages", "repo"])
def test_the_host_name_of_a_package_repository_is_its_bucket(name: str) -> None:
    host = f"{name}.us-east-1.amazonaws.com"
    assert locate(host, "/2/core/a.rpm", BASES) == Address(host, "2/core/a.rpm", None, virtual=True)


def test_the_region_is_read_from_the_host_name() -> None:
    assert locate("b.s3.eu-central-1.amazonaws.com", "/", BASES).region == "eu-central-1"
    assert locate("s3-eu-west-1.amazonaws.com", "/b", BASES).region == "eu-west-1"
    assert locate("s3.amazonaws.com", "/b", BASES).region is None


def test_a_path_without_a_key_names_the_bucket_and_an_empty_path_the_service() -> None:
    assert locate("localhost", "/b", BASES) == Address("b", None)
    assert locate("localhost", "/b/", BASES) == Address("b", None)
    assert locate("localhost", "/", BASES).resource_type == "SERVICE"
    with pytest.raises(InvalidURI):
        locate("localhost", "//key", BASES)


@given(st.text(min_size=1).filter(lambda key: 0 < len(key.encode("utf-8", "ignore")) <= 1024 and key.isprintable()))
def test_a_key_is_never_normalised(key: str) -> None:
    assert locate("localhost", f"/b/{quote(key, safe='')}", BASES).key == key


@pytest.mark.parametrize("key", ["../../etc/passwd", "/leading", "a//b", "./.", "..", "a\x00b", "a+b", "%2e"])
def test_awkward_keys_are_kept_unchanged(key: str) -> None:
    assert locate("localhost", f"/b/{quote(key, safe='/+')}", BASES).key == key


def test_a_key_of_more_than_1024_bytes_is_too_long() -> None:
    assert locate("localhost", f"/b/{'%C3%A9' * 512}", BASES).key == "é" * 512
    with pytest.raises(KeyTooLong):
        locate("localhost", f"/b/{'%C3%A9' * 512}x", BASES)


def test_a_path_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(InvalidURI):
        locate("localhost", "/b/%ff%fe", BASES)


def test_a_copy_source_is_split_into_bucket_key_and_version() -> None:
    assert parse_copy_source("/b/a%20b?versionId=null") == ("b", "a b", "null")
    assert parse_copy_source("b/k/x") == ("b", "k/x", None)
    for bad in ("b", "/b", "b/", "b/k?acl", ""):
        with pytest.raises(InvalidArgument, match="Invalid copy source"):
            parse_copy_source(bad)

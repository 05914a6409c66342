"""Versions of objects: what is kept, what clients see of it, and that a page of a listing continues correctly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from reading_room.s3.tables import S3Stored
from reading_room.s3.versions import new_version_id
from tests.worlds.s3 import OTHER_ACCOUNT, S3World, policy, s3_world, statement
from tests.worlds.s3_versions import NULL, body_of, code, listed, new_bucket, put, refusal, set_status


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3World]:
    """Yield a world."""
    with s3_world(tmp_path_factory.mktemp("s3"), "memory") as world:
        yield world


@pytest.fixture
def s3(world: S3World) -> Any:
    """Return the administrator's client."""
    return world.s3


@pytest.fixture
def bucket(s3: Any) -> str:
    """Return a new bucket with versioning."""
    return new_bucket(s3)


# The settings of a bucket


def test_versioning_is_enabled_and_suspended_and_never_removed(s3: Any) -> None:
    bucket = new_bucket(s3, "")
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    for status in ("Suspended", "Enabled", "Suspended"):
        set_status(s3, bucket, status)
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == status
    for configuration, expected in (
        ({"Status": "enabled"}, "MalformedXML"),
        ({"Status": "Disabled"}, "MalformedXML"),
        ({}, "IllegalVersioningConfigurationException"),
    ):
        assert code(s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration=configuration) == expected
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Suspended"
    given = {"Bucket": "no-such-bucket", "VersioningConfiguration": {"Status": "Enabled"}}
    assert code(s3.put_bucket_versioning, **given) == "NoSuchBucket"


def test_mfa_delete_is_refused(s3: Any, bucket: str) -> None:
    setting = {"Status": "Enabled", "MFADelete": "Enabled"}
    status, error, _ = refusal(s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration=setting)
    assert (status, error["Code"]) == (403, "AccessDenied")
    assert "Mfa Authentication" in error["Message"]
    assert "MFADelete" not in s3.get_bucket_versioning(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled", "MFADelete": "Disabled"})


def test_a_bucket_with_any_version_cannot_be_deleted(s3: Any, bucket: str) -> None:
    version = put(s3, bucket, "k", b"x")
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    for name in (version, marker):
        status, error, _ = refusal(s3.delete_bucket, Bucket=bucket)
        assert (status, error["Code"]) == (409, "BucketNotEmpty")
        assert error["Message"].endswith("You must delete all versions in the bucket.")
        s3.delete_object(Bucket=bucket, Key="k", VersionId=name)
    s3.delete_bucket(Bucket=bucket)


# What is kept, and how it is read


def test_each_write_is_a_version_of_its_own(s3: Any, bucket: str) -> None:
    first, second = put(s3, bucket, "k", b"first"), put(s3, bucket, "k", b"second")
    assert first is not None
    assert len(first) == 32
    assert body_of(s3, bucket, "k") == b"second"
    for version, body in ((first, b"first"), (second, b"second")):
        got = s3.get_object(Bucket=bucket, Key="k", VersionId=version)
        assert (got["Body"].read(), got["VersionId"]) == (body, version)
        assert s3.head_object(Bucket=bucket, Key="k", VersionId=version)["ContentLength"] == len(body)
    assert listed(s3, bucket) == [("k", second, True, False), ("k", first, False, False)]
    assert [each["Size"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [6]
    attributes = s3.get_object_attributes(Bucket=bucket, Key="k", VersionId=first, ObjectAttributes=["ObjectSize"])
    assert (attributes["ObjectSize"], attributes["VersionId"]) == (5, first)


def test_an_object_from_before_versioning_is_the_null_version(s3: Any) -> None:
    bucket = new_bucket(s3, "")
    assert put(s3, bucket, "k", b"old") is None
    assert "VersionId" not in s3.get_object(Bucket=bucket, Key="k")
    assert listed(s3, bucket) == [("k", NULL, True, False)]
    set_status(s3, bucket, "Enabled")
    assert s3.head_object(Bucket=bucket, Key="k")["VersionId"] == NULL
    new = put(s3, bucket, "k", b"new")
    assert listed(s3, bucket) == [("k", new, True, False), ("k", NULL, False, False)]
    assert body_of(s3, bucket, "k", VersionId=NULL) == b"old"
    assert s3.delete_object(Bucket=bucket, Key="k", VersionId=NULL)["VersionId"] == NULL
    assert listed(s3, bucket) == [("k", new, True, False)]


def test_with_versioning_suspended_only_the_null_version_is_replaced(s3: Any, bucket: str) -> None:
    kept = put(s3, bucket, "k", b"kept")
    set_status(s3, bucket, "Suspended")
    assert put(s3, bucket, "k", b"null 1") is None
    assert put(s3, bucket, "k", b"null 2") is None
    assert listed(s3, bucket) == [("k", NULL, True, False), ("k", kept, False, False)]
    deleted = s3.delete_object(Bucket=bucket, Key="k")
    assert (deleted["DeleteMarker"], deleted["VersionId"]) == (True, NULL)
    assert listed(s3, bucket) == [("k", kept, False, False), ("k", NULL, True, True)]
    put(s3, bucket, "k", b"null 3")
    assert listed(s3, bucket) == [("k", NULL, True, False), ("k", kept, False, False)]
    assert body_of(s3, bucket, "k", VersionId=str(kept)) == b"kept"


def test_a_deletion_without_a_version_adds_a_delete_marker_that_can_be_deleted(s3: Any, bucket: str) -> None:
    version = put(s3, bucket, "k", b"x")
    deleted = s3.delete_object(Bucket=bucket, Key="k")
    assert (deleted["DeleteMarker"], deleted["ResponseMetadata"]["HTTPStatusCode"]) == (True, 204)
    marker = deleted["VersionId"]
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    status, error, headers = refusal(s3.get_object, Bucket=bucket, Key="k")
    assert (status, error["Code"]) == (404, "NoSuchKey")
    assert (headers["x-amz-delete-marker"], headers["x-amz-version-id"]) == ("true", marker)
    status, error, headers = refusal(s3.get_object, Bucket=bucket, Key="k", VersionId=marker)
    assert (status, error["Code"], error["ResourceType"]) == (405, "MethodNotAllowed", "DeleteMarker")
    assert (headers["x-amz-delete-marker"], headers["allow"]) == ("true", "DELETE")
    assert refusal(s3.head_object, Bucket=bucket, Key="k", VersionId=marker)[0] == 405
    for call in (s3.get_object_tagging, s3.delete_object_tagging):
        assert code(call, Bucket=bucket, Key="k") == "MethodNotAllowed"
    undeleted = s3.delete_object(Bucket=bucket, Key="k", VersionId=marker)
    assert (undeleted["DeleteMarker"], undeleted["VersionId"]) == (True, marker)
    assert (body_of(s3, bucket, "k"), listed(s3, bucket)) == (b"x", [("k", version, True, False)])


def test_a_deletion_of_a_missing_key_adds_a_delete_marker(s3: Any, bucket: str) -> None:
    marker = s3.delete_object(Bucket=bucket, Key="never")["VersionId"]
    again = s3.delete_object(Bucket=bucket, Key="never")["VersionId"]
    assert listed(s3, bucket) == [("never", again, True, True), ("never", marker, False, True)]


def test_deleting_the_newest_version_makes_the_one_before_current(s3: Any, bucket: str) -> None:
    first, second, third = (put(s3, bucket, "k", body) for body in (b"1", b"2", b"3"))
    for deleted, remaining in ((third, b"2"), (first, b"2")):
        answer = s3.delete_object(Bucket=bucket, Key="k", VersionId=deleted)
        assert (answer["VersionId"], "DeleteMarker" in answer) == (deleted, False)
        assert body_of(s3, bucket, "k") == remaining
    assert code(s3.get_object, Bucket=bucket, Key="k", VersionId=third) == "NoSuchVersion"
    s3.delete_object(Bucket=bucket, Key="k", VersionId=third)
    assert listed(s3, bucket) == [("k", second, True, False)]


def test_an_id_that_no_version_can_have_is_an_invalid_argument(s3: Any, bucket: str) -> None:
    version = put(s3, bucket, "k", b"x")
    names = {"Bucket": bucket, "Key": "k"}
    for strange in ("v1", "", "é", f"{version}A", "../../etc/passwd"):
        for call in (s3.get_object, s3.delete_object, s3.get_object_tagging):
            status, error, _ = refusal(call, **names, VersionId=strange)
            assert (status, error["Code"]) == (400, "InvalidArgument")
    absent = new_version_id(0)
    assert code(s3.get_object, **names, VersionId=absent) == "NoSuchVersion"
    assert code(s3.get_object, Bucket=bucket, Key="other", VersionId=version) == "NoSuchVersion"
    assert s3.delete_object(**names, VersionId=absent)["VersionId"] == absent
    assert body_of(s3, bucket, "k") == b"x"


def test_several_versions_are_deleted_in_one_call(s3: Any, bucket: str) -> None:
    first, second = put(s3, bucket, "k", b"1"), put(s3, bucket, "k", b"2")
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}, {"Key": "none"}]})
    markers = {each["Key"]: each["DeleteMarkerVersionId"] for each in answer["Deleted"]}
    assert [(each["DeleteMarker"], "VersionId" in each) for each in answer["Deleted"]] == [(True, False)] * 2
    entries = [{"Key": "k", "VersionId": each} for each in (markers["k"], first, "bad", second)]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": entries})
    assert answer["Deleted"] == [
        {"Key": "k", "VersionId": markers["k"], "DeleteMarker": True, "DeleteMarkerVersionId": markers["k"]},
        {"Key": "k", "VersionId": first},
        {"Key": "k", "VersionId": second},
    ]
    assert [(each["Code"], each["VersionId"]) for each in answer["Errors"]] == [("NoSuchVersion", "bad")]
    assert listed(s3, bucket) == [("none", markers["none"], True, True)]


def test_tags_belong_to_a_version(s3: Any, bucket: str) -> None:
    def tags(**version: str) -> list[dict[str, str]]:
        return list(s3.get_object_tagging(Bucket=bucket, Key="k", **version)["TagSet"])

    first = str(put(s3, bucket, "k", b"1"))
    names = {"Bucket": bucket, "Key": "k"}
    set_tags = s3.put_object_tagging(**names, Tagging={"TagSet": [{"Key": "n", "Value": "1"}]})
    assert set_tags["VersionId"] == first
    second = put(s3, bucket, "k", b"2")
    assert (tags(), tags(VersionId=first)) == ([], [{"Key": "n", "Value": "1"}])
    assert s3.get_object_tagging(**names)["VersionId"] == second
    assert s3.delete_object_tagging(**names, VersionId=first)["VersionId"] == first
    assert tags(VersionId=first) == []


def test_versions_are_copied_and_restored_by_copying(s3: Any, bucket: str) -> None:
    first, second = put(s3, bucket, "k", b"first"), put(s3, bucket, "k", b"second")
    source = {"Bucket": bucket, "Key": "k", "VersionId": first}
    copy = s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    assert (copy["CopySourceVersionId"], body_of(s3, bucket, "copy")) == (first, b"first")
    restored = s3.copy_object(Bucket=bucket, Key="k", CopySource=source)
    assert body_of(s3, bucket, "k") == b"first"
    assert [each[1] for each in listed(s3, bucket, Prefix="k")] == [restored["VersionId"], second, first]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    names = {"Bucket": bucket, "Key": "parts", "UploadId": upload}
    part = s3.upload_part_copy(**names, PartNumber=1, CopySource={**source, "VersionId": second})
    assert part["CopySourceVersionId"] == second
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]}
    done = s3.complete_multipart_upload(**names, MultipartUpload=parts)
    assert (body_of(s3, bucket, "parts", VersionId=done["VersionId"]), len(done["VersionId"])) == (b"second", 32)
    again = s3.complete_multipart_upload(**names, MultipartUpload=parts)
    assert again["VersionId"] == done["VersionId"]


def test_a_delete_marker_cannot_be_copied(s3: Any, bucket: str) -> None:
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    for source, expected in ((f"{bucket}/k", "NoSuchKey"), (f"{bucket}/k?versionId={marker}", "InvalidRequest")):
        assert code(s3.copy_object, Bucket=bucket, Key="copy", CopySource=source) == expected


def test_conditions_of_writes_and_deletions_are_about_the_current_object(s3: Any, bucket: str) -> None:
    names = {"Bucket": bucket, "Key": "k"}
    etag = s3.put_object(**names, Body=b"1", IfNoneMatch="*")["ETag"]
    assert code(s3.put_object, **names, Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
    assert code(s3.put_object, **names, Body=b"2", IfMatch='"other"') == "PreconditionFailed"
    assert code(s3.delete_object, **names, IfMatch='"other"') == "PreconditionFailed"
    s3.delete_object(**names, IfMatch=etag)
    assert code(s3.put_object, **names, Body=b"2", IfMatch=etag) == "NoSuchKey"
    s3.put_object(**names, Body=b"2", IfNoneMatch="*")
    assert len(listed(s3, bucket)) == 3


def test_an_older_version_is_read_while_it_is_deleted(s3: Any, bucket: str) -> None:
    data = bytes(12_000_000)
    version = put(s3, bucket, "k", data)
    put(s3, bucket, "k", b"new")
    reading = s3.get_object(Bucket=bucket, Key="k", VersionId=version)["Body"]
    begin = reading.read(10)
    s3.delete_object(Bucket=bucket, Key="k", VersionId=version)
    assert begin + reading.read() == data


# Listings


def test_a_listing_of_versions_is_paged_by_key_and_version(s3: Any, bucket: str) -> None:
    for key in ("a", "b/1", "b/2", "c"):
        for body in (b"1", b"2", b"3"):
            put(s3, bucket, key, body)
        if key in ("a", "b/2"):
            s3.delete_object(Bucket=bucket, Key=key)
    whole = listed(s3, bucket)
    assert [(each[0], each[2]) for each in whole].count(("a", True)) == 1
    for size in (1, 2, 3, 5):
        paged: list[tuple[str, str]] = []
        for page in s3.get_paginator("list_object_versions").paginate(
            Bucket=bucket, PaginationConfig={"PageSize": size}
        ):
            entries = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            assert len(entries) <= size
            paged += [(each["Key"], each["VersionId"]) for each in entries]
        assert sorted(paged) == sorted((key, version) for key, version, _, _ in whole)
        assert len(set(paged)) == len(paged)
    page = s3.list_object_versions(Bucket=bucket, Delimiter="/", MaxKeys=5)
    assert ([each["Prefix"] for each in page["CommonPrefixes"]], page["NextKeyMarker"]) == (["b/"], "b/")
    assert "NextVersionIdMarker" not in page
    rest = s3.list_object_versions(Bucket=bucket, Delimiter="/", KeyMarker="b/")
    assert {each["Key"] for each in rest["Versions"]} == {"c"}
    assert code(s3.list_object_versions, Bucket=bucket, VersionIdMarker=whole[0][1]) == "InvalidArgument"
    assert code(s3.list_object_versions, Bucket=bucket, KeyMarker="a", VersionIdMarker="bad") == "InvalidArgument"


def test_a_listing_continues_after_a_version_that_was_deleted_meanwhile(s3: Any, bucket: str) -> None:
    versions = [put(s3, bucket, "k", body) for body in (b"1", b"2", b"3", b"4")]
    page = s3.list_object_versions(Bucket=bucket, MaxKeys=2)
    markers = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
    assert markers["VersionIdMarker"] == versions[2]
    for each in page["Versions"]:
        s3.delete_object(Bucket=bucket, Key="k", VersionId=each["VersionId"])
    expected = [("k", versions[1], True, False), ("k", versions[0], False, False)]
    assert listed(s3, bucket, **markers) == expected


def test_clients_empty_a_bucket_page_by_page(s3: Any, bucket: str) -> None:
    for number in range(30):
        put(s3, bucket, f"key-{number % 7}", b"x")
    s3.delete_object(Bucket=bucket, Key="key-3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 4}):
        entries = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        named = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in entries]
        s3.delete_objects(Bucket=bucket, Delete={"Objects": named, "Quiet": True})
    s3.delete_bucket(Bucket=bucket)


# Who may


def test_policies_decide_about_versions_by_actions_and_by_the_version_id(world: S3World, s3: Any, bucket: str) -> None:
    first, second = str(put(s3, bucket, "k", b"1")), str(put(s3, bucket, "k", b"2"))
    objects = f"arn:aws:s3:::{bucket}/*"
    only_first = {"StringEquals": {"s3:VersionId": first}}
    reader = world.client(
        world.user(
            f"reader-{bucket}",
            policy(
                statement("Allow", "s3:GetObject", objects),
                statement("Allow", ["s3:GetObjectVersion", "s3:DeleteObjectVersion"], objects, Condition=only_first),
            ),
        )
    )
    assert body_of(reader, bucket, "k") == b"2"
    assert body_of(reader, bucket, "k", VersionId=first) == b"1"
    names = {"Bucket": bucket, "Key": "k"}
    for call, version in (
        (reader.get_object, second),
        (reader.head_object, second),
        (reader.delete_object, second),
        (reader.get_object_tagging, first),
    ):
        assert refusal(call, **names, VersionId=version)[0] == 403
    for call, more in ((reader.delete_object, names), (reader.list_object_versions, {"Bucket": bucket})):
        assert code(call, **more) == "AccessDenied"
    setting = {"Bucket": bucket, "VersioningConfiguration": {"Status": "Suspended"}}
    assert code(reader.put_bucket_versioning, **setting) == "AccessDenied"
    entries = [{"Key": "k", "VersionId": each} for each in (first, second)]
    answer = reader.delete_objects(Bucket=bucket, Delete={"Objects": entries})
    assert [each["VersionId"] for each in answer["Deleted"]] == [first]
    assert [(each["VersionId"], each["Code"]) for each in answer["Errors"]] == [(second, "AccessDenied")]


def test_a_missing_version_is_only_shown_to_those_who_may_list_versions(world: S3World, s3: Any, bucket: str) -> None:
    put(s3, bucket, "k", b"x")
    objects = statement("Allow", "s3:GetObjectVersion", f"arn:aws:s3:::{bucket}/*")
    listing = statement("Allow", "s3:ListBucketVersions", f"arn:aws:s3:::{bucket}")
    for statements, expected in (([objects], "AccessDenied"), ([objects, listing], "NoSuchVersion")):
        client = world.client(world.user(f"{expected}-{bucket}", policy(*statements)))
        assert code(client.get_object, Bucket=bucket, Key="k", VersionId=new_version_id(0)) == expected


def test_another_account_reads_versions_only_if_the_bucket_allows_it(world: S3World, s3: Any, bucket: str) -> None:
    version = str(put(s3, bucket, "k", b"1"))
    put(s3, bucket, "k", b"2")
    key = world.user(f"stranger-{bucket}", policy(statement("Allow", "s3:*", "*")), OTHER_ACCOUNT)
    stranger = world.client(key)
    allowed = statement("Allow", "s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal={"AWS": OTHER_ACCOUNT})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(allowed))
    assert body_of(stranger, bucket, "k") == b"2"
    assert code(stranger.get_object, Bucket=bucket, Key="k", VersionId=version) == "AccessDenied"
    s3.put_bucket_policy(Bucket=bucket, Policy=policy({**allowed, "Action": ["s3:GetObject", "s3:GetObjectVersion"]}))
    assert body_of(stranger, bucket, "k", VersionId=version) == b"1"


def test_conditions_on_tags_are_about_the_version(world: S3World, s3: Any, bucket: str) -> None:
    open_one = s3.put_object(Bucket=bucket, Key="k", Body=b"open", Tagging="access=open")["VersionId"]
    closed = s3.put_object(Bucket=bucket, Key="k", Body=b"closed", Tagging="access=closed")["VersionId"]
    condition = {"StringEquals": {"s3:ExistingObjectTag/access": "open"}}
    actions = ["s3:GetObject", "s3:GetObjectVersion"]
    allowed = policy(statement("Allow", actions, f"arn:aws:s3:::{bucket}/*", Condition=condition))
    client = world.client(world.user(f"tags-{bucket}", allowed))
    assert body_of(client, bucket, "k", VersionId=open_one) == b"open"
    for version in ({}, {"VersionId": closed}):
        assert code(client.get_object, Bucket=bucket, Key="k", **version) == "AccessDenied"


# The service itself


def test_the_space_of_all_versions_counts(world: S3World, s3: Any, bucket: str) -> None:
    def stored() -> int:
        with world.database.reading() as session:
            return int(session.scalar(select(S3Stored.bytes).where(S3Stored.bucket == bucket)) or 0)

    first = put(s3, bucket, "k", bytes(1000))
    put(s3, bucket, "k", bytes(20_000))
    assert stored() == 21_000
    s3.delete_object(Bucket=bucket, Key="k")
    assert stored() == 21_000
    s3.delete_object(Bucket=bucket, Key="k", VersionId=first)
    assert stored() == 20_000
    assert world.backend.empty(bucket) == 2
    assert (stored(), listed(s3, bucket), world.swept()) == (0, [], 0)


def test_what_the_service_deletes_can_be_restored(world: S3World, s3: Any, bucket: str) -> None:
    for key in ("jobs/1", "jobs/2", "other"):
        put(s3, bucket, key, b"x")
    assert world.backend.delete_prefix(bucket, "jobs/") == 2
    world.backend.delete(bucket, "other")
    world.backend.delete(bucket, "never")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 3
    assert {each["Key"] for each in s3.list_object_versions(Bucket=bucket)["DeleteMarkers"]} == {
        "jobs/1",
        "jobs/2",
        "other",
    }

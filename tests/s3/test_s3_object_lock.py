"""Object Lock: who may delete a locked version and loosen its lock (some, later, or nobody), and by which ways."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.aws.errors import AwsError
from reading_room.s3.errors import AccessDenied
from reading_room.s3.object_lock import changed_hold, changed_retention, is_held, lock_context, lock_of_new
from tests.worlds.s3 import OTHER_ACCOUNT, S3World, policy, s3_world, statement
from tests.worlds.s3_versions import body_of, code, listed, new_bucket, put, refusal, set_status

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
DAY = dt.timedelta(days=1)
PROTECTED = "Access Denied because object protected by object lock."
_NUMBERS = itertools.count()


class SetClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture(scope="module")
def clock() -> SetClock:
    """Return the clock of the world."""
    return SetClock()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, clock: SetClock) -> Iterator[S3World]:
    """Yield a world whose clock can be set."""
    with s3_world(tmp_path_factory.mktemp("s3"), "memory", clock=clock) as world:
        yield world


@pytest.fixture
def s3(world: S3World, clock: SetClock) -> Any:
    """Return the administrator's client, at the time when the tests began."""
    clock.now = NOW
    return world.s3


@pytest.fixture
def bucket(s3: Any) -> str:
    """Return a new bucket with Object Lock."""
    name = f"locks-{next(_NUMBERS)}"
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


def retention(mode: str, days: float = 10) -> dict[str, Any]:
    """Return a retention that ends some days after the tests began."""
    return {"Mode": mode, "RetainUntilDate": NOW + dt.timedelta(days=days)}


def locked(s3: Any, bucket: str, mode: str, days: float = 10, key: str = "k") -> dict[str, str]:
    """Store an object with retention, and return its bucket, key and version."""
    until = retention(mode, days)
    put = s3.put_object(
        Bucket=bucket, Key=key, Body=b"kept", ObjectLockMode=mode, ObjectLockRetainUntilDate=until["RetainUntilDate"]
    )
    return {"Bucket": bucket, "Key": key, "VersionId": put["VersionId"]}


def message(call: Any, **parameters: Any) -> str:
    """Return the message of a refusal with status 403."""
    status, error, _ = refusal(call, **parameters)
    assert status == 403
    return str(error["Message"])


# The setting of a bucket


def test_a_bucket_made_with_object_lock_keeps_versions_for_ever(s3: Any, bucket: str) -> None:
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    setting = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    assert setting == {"ObjectLockEnabled": "Enabled"}
    suspended = {"Bucket": bucket, "VersioningConfiguration": {"Status": "Suspended"}}
    status, error, _ = refusal(s3.put_bucket_versioning, **suspended)
    assert (status, error["Code"]) == (409, "InvalidBucketState")
    set_status(s3, bucket, "Enabled")


def test_object_lock_is_turned_on_later_if_the_bucket_has_versioning(s3: Any) -> None:
    bucket, setting = new_bucket(s3, ""), {"ObjectLockEnabled": "Enabled"}
    for status in ("", "Suspended"):
        if status:
            set_status(s3, bucket, status)
        refused = code(s3.put_object_lock_configuration, Bucket=bucket, ObjectLockConfiguration=setting)
        assert refused == "InvalidBucketState"
        refused = code(s3.get_object_lock_configuration, Bucket=bucket)
        assert refused == "ObjectLockConfigurationNotFoundError"
    set_status(s3, bucket, "Enabled")
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=setting)
    assert s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"] == setting


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, "MalformedXML"),
        ({"DefaultRetention": {}}, "MalformedXML"),
        ({"DefaultRetention": {"Mode": "GOVERNANCE"}}, "MalformedXML"),
        ({"DefaultRetention": {"Mode": "governance", "Days": 1}}, "MalformedXML"),
        ({"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1, "Years": 1}}, "MalformedXML"),
        ({"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 0}}, "InvalidRetentionPeriod"),
        ({"DefaultRetention": {"Mode": "COMPLIANCE", "Years": -1}}, "InvalidRetentionPeriod"),
        ({"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 101}}, "InvalidRetentionPeriod"),
    ],
)
def test_an_invalid_default_retention_is_refused(s3: Any, bucket: str, rule: Any, expected: str) -> None:
    setting = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    assert code(s3.put_object_lock_configuration, Bucket=bucket, ObjectLockConfiguration=setting) == expected
    assert "Rule" not in s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]


@pytest.mark.parametrize(("unit", "end"), [("Days", NOW + 2 * DAY), ("Years", NOW.replace(year=NOW.year + 2))])
def test_new_versions_get_the_default_retention(s3: Any, bucket: str, unit: str, end: dt.datetime) -> None:
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", unit: 2}}
    s3.put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    put(s3, bucket, "put", b"x")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/put")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    names = {"Bucket": bucket, "Key": "parts", "UploadId": upload}
    part = s3.upload_part(**names, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(**names, MultipartUpload=parts)
    for key in ("put", "copy", "parts"):
        head = s3.head_object(Bucket=bucket, Key=key)
        assert (head["ObjectLockMode"], head["ObjectLockRetainUntilDate"]) == ("COMPLIANCE", end)
    own = locked(s3, bucket, "GOVERNANCE", 1, "own")
    assert s3.get_object_retention(**own)["Retention"] == retention("GOVERNANCE", 1)


# Writes with a lock


def test_the_headers_of_a_write_lock_its_version(s3: Any, bucket: str) -> None:
    until = NOW + 5 * DAY
    lock = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until, "ObjectLockLegalHoldStatus": "ON"}
    s3.put_object(Bucket=bucket, Key="put", Body=b"x", **lock)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/put", **lock)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts", **lock)["UploadId"]
    names = {"Bucket": bucket, "Key": "parts", "UploadId": upload}
    part = s3.upload_part(**names, PartNumber=1, Body=b"x")
    s3.complete_multipart_upload(**names, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    for key in ("put", "copy", "parts"):
        got = s3.get_object(Bucket=bucket, Key=key)
        assert {name: got[name] for name in lock} == lock
    s3.copy_object(Bucket=bucket, Key="plain", CopySource=f"{bucket}/put")
    assert "ObjectLockMode" not in s3.head_object(Bucket=bucket, Key="plain")


@pytest.mark.parametrize(
    ("parameters", "argument"),
    [
        ({"ObjectLockMode": "GOVERNANCE"}, "x-amz-object-lock-retain-until-date"),
        ({"ObjectLockRetainUntilDate": NOW + DAY}, "x-amz-object-lock-mode"),
        ({"ObjectLockMode": "WORM", "ObjectLockRetainUntilDate": NOW + DAY}, "x-amz-object-lock-mode"),
        (
            {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": NOW - DAY},
            "x-amz-object-lock-retain-until-date",
        ),
        ({"ObjectLockLegalHoldStatus": "on"}, "x-amz-object-lock-legal-hold"),
    ],
)
def test_an_invalid_lock_in_a_write_stores_nothing(
    s3: Any, bucket: str, parameters: dict[str, Any], argument: str
) -> None:
    names = {"Bucket": bucket, "Key": "k", **parameters}
    for call in (s3.put_object, s3.create_multipart_upload):
        status, error, _ = refusal(call, **names)
        assert (status, error["Code"], error["ArgumentName"]) == (400, "InvalidArgument", argument)
    assert listed(s3, bucket) == []


def test_a_bucket_without_object_lock_takes_no_locks(s3: Any) -> None:
    bucket = new_bucket(s3)
    version = put(s3, bucket, "k", b"x")
    names = {"Bucket": bucket, "Key": "k"}
    lock = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": NOW + DAY}
    missing = (400, {"Code": "InvalidRequest", "Message": "Bucket is missing Object Lock Configuration"})
    for call, parameters in (
        (s3.put_object, {**names, "Body": b"y", **lock}),
        (s3.put_object, {**names, "Body": b"y", "ObjectLockLegalHoldStatus": "OFF"}),
        (s3.create_multipart_upload, {**names, **lock}),
        (s3.copy_object, {"Bucket": bucket, "Key": "copy", "CopySource": f"{bucket}/k", **lock}),
        (s3.put_object_retention, {**names, "Retention": retention("GOVERNANCE")}),
        (s3.get_object_retention, names),
        (s3.put_object_legal_hold, {**names, "LegalHold": {"Status": "ON"}}),
        (s3.get_object_legal_hold, names),
    ):
        assert refusal(call, **parameters)[:2] == missing
    deletions: list[tuple[Any, dict[str, Any]]] = [
        (s3.delete_object, {**names, "VersionId": version}),
        (s3.delete_objects, {"Bucket": bucket, "Delete": {"Objects": [{"Key": "k"}]}}),
    ]
    for call, parameters in deletions:
        _, error, _ = refusal(call, **parameters, BypassGovernanceRetention=True)
        assert (error["Code"], error["ArgumentName"]) == ("InvalidArgument", "x-amz-bypass-governance-retention")
    assert (body_of(s3, bucket, "k"), len(listed(s3, bucket))) == (b"x", 1)


# What a lock forbids, to whom, and until when


def test_nobody_deletes_or_loosens_a_version_in_compliance_mode_before_its_end(
    s3: Any, bucket: str, clock: SetClock
) -> None:
    version = locked(s3, bucket, "COMPLIANCE")
    for bypass in ({}, {"BypassGovernanceRetention": True}):
        assert message(s3.delete_object, **version, **bypass) == PROTECTED
        named = {"Objects": [{"Key": "k", "VersionId": version["VersionId"]}]}
        errors = s3.delete_objects(Bucket=bucket, Delete=named, **bypass)["Errors"]
        assert [(each["Code"], each["Message"]) for each in errors] == [("AccessDenied", PROTECTED)]
        for looser in (retention("COMPLIANCE", 9), retention("GOVERNANCE", 20), {}):
            assert message(s3.put_object_retention, **version, Retention=looser, **bypass) == PROTECTED
    assert s3.get_object_retention(**version)["Retention"] == retention("COMPLIANCE")
    s3.put_object_retention(**version, Retention=retention("COMPLIANCE", 12))
    clock.now = NOW + 11 * DAY
    assert message(s3.delete_object, **version) == PROTECTED
    clock.now = NOW + 12 * DAY
    assert s3.delete_object(**version)["VersionId"] == version["VersionId"]
    assert listed(s3, bucket) == []


def test_governance_mode_is_bypassed_only_on_request(s3: Any, bucket: str) -> None:
    version = locked(s3, bucket, "GOVERNANCE")
    assert message(s3.delete_object, **version) == PROTECTED
    assert message(s3.delete_object, **version, BypassGovernanceRetention=False) == PROTECTED
    for looser in (retention("GOVERNANCE", 5), retention("COMPLIANCE", 5), {}):
        assert message(s3.put_object_retention, **version, Retention=looser) == PROTECTED
    s3.put_object_retention(**version, Retention=retention("GOVERNANCE", 11))
    s3.put_object_retention(**version, Retention={}, BypassGovernanceRetention=True)
    assert code(s3.get_object_retention, **version) == "NoSuchObjectLockConfiguration"
    s3.put_object_retention(**version, Retention=retention("GOVERNANCE", 5))
    s3.delete_object(**version, BypassGovernanceRetention=True)
    assert listed(s3, bucket) == []


def test_a_legal_hold_holds_until_it_is_lifted(s3: Any, bucket: str, clock: SetClock) -> None:
    version = locked(s3, bucket, "GOVERNANCE")
    assert code(s3.get_object_legal_hold, **version) == "NoSuchObjectLockConfiguration"
    for status in (None, "on", ""):
        hold = {} if status is None else {"Status": status}
        assert code(s3.put_object_legal_hold, **version, LegalHold=hold) == "MalformedXML"
    s3.put_object_legal_hold(**version, LegalHold={"Status": "ON"})
    assert s3.get_object_legal_hold(**version)["LegalHold"] == {"Status": "ON"}
    clock.now = NOW + 4000 * DAY
    for bypass in ({}, {"BypassGovernanceRetention": True}):
        assert message(s3.delete_object, **version, **bypass) == PROTECTED
    s3.put_object_legal_hold(**version, LegalHold={"Status": "OFF"})
    assert s3.head_object(**version)["ObjectLockLegalHoldStatus"] == "OFF"
    s3.delete_object(**version)


def test_a_clock_that_is_set_back_frees_nothing(s3: Any, bucket: str, clock: SetClock) -> None:
    versions = [locked(s3, bucket, mode, key=mode) for mode in ("GOVERNANCE", "COMPLIANCE")]
    shorter = retention("COMPLIANCE", 10 - 1e-5)
    for now in (NOW - 4000 * DAY, NOW - DAY, NOW + 9 * DAY):
        clock.now = now
        for version in versions:
            assert message(s3.delete_object, **version) == PROTECTED
            assert message(s3.put_object_retention, **version, Retention=shorter) == PROTECTED


def test_a_locked_version_stays_below_what_is_written_and_deleted_above_it(s3: Any, bucket: str) -> None:
    version = locked(s3, bucket, "COMPLIANCE")
    put(s3, bucket, "k", b"new")
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    assert code(s3.get_object, Bucket=bucket, Key="k") == "NoSuchKey"
    for call in (s3.put_object_retention, s3.get_object_retention, s3.get_object_legal_hold):
        more = {"Retention": retention("GOVERNANCE")} if call == s3.put_object_retention else {}
        assert code(call, Bucket=bucket, Key="k", VersionId=marker, **more) == "MethodNotAllowed"
    assert s3.get_object(**version)["Body"].read() == b"kept"
    s3.delete_object(Bucket=bucket, Key="k", VersionId=marker)
    assert s3.get_object(**version)["ObjectLockMode"] == "COMPLIANCE"


def test_no_other_way_deletes_a_locked_version(world: S3World, s3: Any, bucket: str, clock: SetClock) -> None:
    versions = [locked(s3, bucket, mode, key=f"jobs/{mode}") for mode in ("GOVERNANCE", "COMPLIANCE")]
    hold = {"Bucket": bucket, "Key": "jobs/hold", "VersionId": str(put(s3, bucket, "jobs/hold", b"kept"))}
    s3.put_object_legal_hold(**hold, LegalHold={"Status": "ON"})
    put(s3, bucket, "jobs/free", bytes(20_000))
    assert code(s3.delete_bucket, Bucket=bucket) == "BucketNotEmpty"
    world.backend.delete(bucket, "jobs/hold")
    world.backend.delete_prefix(bucket, "jobs/")
    world.backend.put(bucket, "jobs/GOVERNANCE", b"service", "text/plain")
    world.backend.empty(bucket)
    for version in (*versions, hold):
        assert s3.get_object(**version)["Body"].read() == b"kept"
    assert {each[0] for each in listed(s3, bucket)} == {each["Key"] for each in (*versions, hold)}
    assert code(s3.delete_bucket, Bucket=bucket) == "BucketNotEmpty"
    assert world.swept() == 0
    clock.now = NOW + 11 * DAY
    s3.put_object_legal_hold(**hold, LegalHold={"Status": "OFF"})
    assert world.backend.empty(bucket) == 3
    s3.delete_bucket(Bucket=bucket)


def test_a_locked_object_from_before_versioning_stays(s3: Any, clock: SetClock) -> None:
    bucket = new_bucket(s3, "")
    put(s3, bucket, "k", b"old")
    set_status(s3, bucket, "Enabled")
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
    version = {"Bucket": bucket, "Key": "k", "VersionId": "null"}
    s3.put_object_retention(**version, Retention=retention("COMPLIANCE"))
    put(s3, bucket, "k", b"new")
    assert message(s3.delete_object, **version) == PROTECTED
    assert s3.get_object(**version)["Body"].read() == b"old"


# Permissions


def test_locks_need_permissions_of_their_own(world: S3World, s3: Any, bucket: str) -> None:
    version = locked(s3, bucket, "GOVERNANCE")
    objects = f"arn:aws:s3:::{bucket}/*"
    rights = ["s3:PutObject", "s3:GetObject", "s3:GetObjectVersion", "s3:DeleteObjectVersion"]
    writer = world.client(world.user(f"writer-{bucket}", policy(statement("Allow", rights, objects))))
    lock = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": NOW + DAY}
    head = writer.head_object(**version)
    assert not [name for name in head if name.startswith("ObjectLock")]
    for call, parameters in (
        (writer.put_object, {"Bucket": bucket, "Key": "w", "Body": b"x", **lock}),
        (writer.put_object, {"Bucket": bucket, "Key": "w", "Body": b"x", "ObjectLockLegalHoldStatus": "ON"}),
        (writer.get_object_retention, version),
        (writer.get_object_legal_hold, version),
        (writer.put_object_retention, {**version, "Retention": retention("GOVERNANCE", 20)}),
        (writer.put_object_legal_hold, {**version, "LegalHold": {"Status": "ON"}}),
        (writer.delete_object, {**version, "BypassGovernanceRetention": True}),
    ):
        assert message(call, **parameters) != PROTECTED
    assert message(writer.delete_object, **version) == PROTECTED
    rights = [*rights, "s3:PutObjectRetention", "s3:GetObjectRetention"]
    keeper = world.client(world.user(f"keeper-{bucket}", policy(statement("Allow", rights, objects))))
    assert keeper.head_object(**version)["ObjectLockMode"] == "GOVERNANCE"
    keeper.put_object_retention(**version, Retention=retention("GOVERNANCE", 20))
    bypassing = {**version, "Retention": retention("GOVERNANCE", 1), "BypassGovernanceRetention": True}
    assert "s3:BypassGovernanceRetention" in message(keeper.put_object_retention, **bypassing)
    making = world.client(world.user(f"maker-{bucket}", policy(statement("Allow", "s3:CreateBucket", "*"))))
    refused = message(making.create_bucket, Bucket=f"{bucket}-x", ObjectLockEnabledForBucket=True)
    assert "s3:PutBucketObjectLockConfiguration" in refused


def test_another_account_with_every_right_of_its_own_cannot_touch_a_lock(world: S3World, s3: Any, bucket: str) -> None:
    version = locked(s3, bucket, "GOVERNANCE")
    stranger = world.client(world.user(f"stranger-{bucket}", policy(statement("Allow", "s3:*", "*")), OTHER_ACCOUNT))
    for call, more in (
        (stranger.delete_object, {"BypassGovernanceRetention": True}),
        (stranger.put_object_retention, {"Retention": {}, "BypassGovernanceRetention": True}),
        (stranger.put_object_legal_hold, {"LegalHold": {"Status": "OFF"}}),
    ):
        assert message(call, **version, **more) == "Access Denied"


@pytest.mark.parametrize(
    ("condition", "days", "mode", "allowed"),
    [
        ({"NumericLessThan": {"s3:object-lock-remaining-retention-days": "10"}}, 10, "GOVERNANCE", True),
        ({"NumericLessThan": {"s3:object-lock-remaining-retention-days": "10"}}, 9, "GOVERNANCE", False),
        ({"NumericGreaterThan": {"s3:object-lock-remaining-retention-days": "10"}}, 10, "GOVERNANCE", True),
        ({"NumericGreaterThan": {"s3:object-lock-remaining-retention-days": "10"}}, 11, "GOVERNANCE", False),
        ({"StringEquals": {"s3:object-lock-mode": "COMPLIANCE"}}, 10, "COMPLIANCE", False),
        ({"StringEquals": {"s3:object-lock-mode": "COMPLIANCE"}}, 10, "GOVERNANCE", True),
        ({"DateLessThan": {"s3:object-lock-retain-until-date": (NOW + 10 * DAY).isoformat()}}, 9, "GOVERNANCE", False),
    ],
)
def test_policies_deny_locks_by_their_mode_and_length(
    world: S3World, s3: Any, bucket: str, condition: Any, days: int, mode: str, allowed: bool
) -> None:
    objects = f"arn:aws:s3:::{bucket}/*"
    document = policy(
        statement("Allow", "s3:*", "*"), statement("Deny", "s3:PutObjectRetention", objects, Condition=condition)
    )
    client = world.client(world.user(f"conditions-{bucket}", document))
    version = put(s3, bucket, "k", b"x")
    calls: list[Callable[[], object]] = [
        lambda: locked(client, bucket, mode, days, "put"),
        lambda: client.put_object_retention(Bucket=bucket, Key="k", VersionId=version, Retention=retention(mode, days)),
    ]
    for call in calls:
        if allowed:
            call()
        else:
            assert "explicit deny" in message(call)


def test_policies_deny_legal_holds_by_their_status(world: S3World, s3: Any, bucket: str) -> None:
    lifting = {"StringEquals": {"s3:object-lock-legal-hold": "OFF"}}
    document = policy(
        statement("Allow", "s3:*", "*"), statement("Deny", "s3:PutObjectLegalHold", "*", Condition=lifting)
    )
    client = world.client(world.user(f"holder-{bucket}", document))
    names = {"Bucket": bucket, "Key": "k", "VersionId": put(s3, bucket, "k", b"x")}
    client.put_object_legal_hold(**names, LegalHold={"Status": "ON"})
    assert "explicit deny" in message(client.put_object_legal_hold, **names, LegalHold={"Status": "OFF"})


# The rules by themselves

TIMES = st.integers(-3, 6).map(lambda days: NOW + days * DAY)
RETENTIONS = st.one_of(
    st.just({}),
    st.builds(
        lambda mode, until: {"Mode": mode, "RetainUntilDate": until},
        st.sampled_from(["GOVERNANCE", "COMPLIANCE"]),
        TIMES,
    ),
)
LOCKS = st.builds(
    lambda mode, until: {"mode": mode, "until": until.isoformat()},
    st.sampled_from(["GOVERNANCE", "COMPLIANCE"]),
    TIMES,
)


@given(LOCKS, st.lists(st.tuples(RETENTIONS, TIMES, st.booleans(), st.booleans()), max_size=6))
def test_no_sequence_of_changes_frees_a_version_in_compliance_mode_before_its_end(
    lock: dict[str, str], changes: list[tuple[dict[str, Any], dt.datetime, bool, bool]]
) -> None:
    """Each change has a time by the clock, which may go back; whether it bypasses; and whether it lifts a hold."""
    first, found = lock, lock
    for changed, now, bypass, lifts in changes:
        # What may be done at a time by the clock was allowed only if the retention had ended by then.
        if first["mode"] == "COMPLIANCE" and now.isoformat() < first["until"]:
            try:
                after = changed_retention(found, changed, now, bypass=bypass)
            except AwsError:
                after = found
            assert is_held(after, now, bypass=True)
            assert after is not None
            assert after["until"] >= first["until"]
            found = dict(after)
        if lifts:
            found = changed_hold(found, {"Status": "OFF"})
            assert found["until"] >= first["until"] or first["mode"] != "COMPLIANCE"


@given(LOCKS, RETENTIONS, TIMES)
def test_governance_mode_is_loosened_only_with_the_bypass(
    lock: dict[str, str], changed: dict[str, Any], now: dt.datetime
) -> None:
    try:
        after = changed_retention(lock, changed, now, bypass=False)
    except AccessDenied:
        assert is_held(lock, now)
        return
    except AwsError:
        return
    if is_held(lock, now):
        assert is_held(after, now)
        assert (after or {})["until"] >= lock["until"]


def test_a_default_retention_of_years_from_a_leap_day_ends_on_the_first_of_march() -> None:
    leap_day = dt.datetime(2028, 2, 29, 12, tzinfo=dt.UTC)
    lock = lock_of_new({"Mode": "COMPLIANCE", "Years": 1}, None, leap_day)
    assert lock == {"mode": "COMPLIANCE", "until": "2029-03-01T12:00:00+00:00"}


def test_a_request_without_a_lock_has_no_condition_keys_of_one() -> None:
    assert lock_context({}, NOW) == {}

"""Anonymous requests to S3: what the bucket policy allows, limited by Block Public Access."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from reading_room.aws.call import ANONYMOUS, NetworkPath
from reading_room.aws.call_record import CallRecord
from reading_room.aws.counts import Counts
from reading_room.aws.receive import PATH_KEY
from reading_room.aws.refusals import Refusals
from reading_room.aws.throttling import Buckets, Rate
from reading_room.client import InProcess
from reading_room.s3.public_access import may_allow_anonymous
from reading_room.s3.server import S3Application
from tests.worlds.s3 import PUBLIC_PATH, REGION, S3World, policy, s3_world, statement

OPEN, CLOSED = "open", "closed"
NOBODY = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
READS = statement("Allow", "s3:GetObject", f"arn:aws:s3:::{OPEN}/*", Principal="*")
LISTS = statement("Allow", "s3:ListBucket", f"arn:aws:s3:::{OPEN}", Principal={"AWS": "*"})
SWITCHES = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3World]:
    """An account with one bucket to be made public and one that stays private, each with an object."""
    with s3_world(tmp_path_factory.mktemp("s3"), "memory") as world:
        for bucket in (OPEN, CLOSED):
            world.s3.create_bucket(Bucket=bucket)
            world.s3.put_object(Bucket=bucket, Key="k", Body=b"for all", StorageClass="STANDARD_IA")
        yield world


@pytest.fixture(autouse=True)
def private_again(world: S3World) -> Iterator[None]:
    """Delete the bucket policy, and turn all switches of Block Public Access on."""
    yield
    world.s3.delete_bucket_policy(Bucket=OPEN)
    switch(world, *SWITCHES)


def switch(world: S3World, *names: str) -> None:
    """Turn the given switches of Block Public Access on, and the others off."""
    world.s3.put_public_access_block(
        Bucket=OPEN, PublicAccessBlockConfiguration={name: name in names for name in SWITCHES}
    )


def publish(world: S3World, *statements: dict[str, Any]) -> None:
    """Set a bucket policy, which may be public."""
    switch(world)
    world.s3.put_bucket_policy(Bucket=OPEN, Policy=policy(*statements))


def unsigned_client(running: InProcess, path: NetworkPath = PUBLIC_PATH) -> Any:
    """Return a client that does not sign."""
    return running.client("s3", endpoint_url="https://127.0.0.1:4566", scope={PATH_KEY: path}, config=NOBODY)


@pytest.fixture(scope="module")
def s3(world: S3World) -> Any:
    """An unsigned client that all tests share."""
    return unsigned_client(world.running)


def code(call: Any, **parameters: Any) -> str:
    """Return the error code of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


@pytest.mark.costs(0.1, reason="it makes fourteen calls with two policies")
def test_anybody_can_read_and_list_exactly_what_the_policy_allows(world: S3World, s3: Any) -> None:
    publish(world, READS)
    assert s3.get_object(Bucket=OPEN, Key="k")["Body"].read() == b"for all"
    assert s3.head_object(Bucket=OPEN, Key="k")["StorageClass"] == "STANDARD_IA"
    assert code(s3.list_objects_v2, Bucket=OPEN) == "AccessDenied"
    # A caller without permission to list the bucket cannot find out whether a key exists.
    assert code(s3.get_object, Bucket=OPEN, Key="absent") == "AccessDenied"
    publish(world, READS, LISTS)
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=OPEN)["Contents"]] == ["k"]
    assert [each["Key"] for each in s3.list_objects(Bucket=OPEN)["Contents"]] == ["k"]
    assert s3.head_bucket(Bucket=OPEN)["BucketRegion"] == REGION
    assert code(s3.get_object, Bucket=OPEN, Key="absent") == "NoSuchKey"
    for call, parameters in (
        (s3.put_object, {"Key": "k", "Body": b"x"}),
        (s3.delete_object, {"Key": "k"}),
        (s3.get_object_tagging, {"Key": "k"}),
        (s3.get_bucket_policy, {}),
        (s3.list_object_versions, {}),
    ):
        assert code(call, Bucket=OPEN, **parameters) == "AccessDenied"
    assert code(s3.get_object, Bucket=CLOSED, Key="k") == "AccessDenied"
    assert code(s3.list_buckets) == "AccessDenied"


@pytest.mark.costs(0.2, reason="it creates a client with another address")
def test_conditions_of_the_policy_apply_to_anonymous_requests(world: S3World, s3: Any) -> None:
    near = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    publish(world, READS | {"Condition": near})
    assert s3.get_object(Bucket=OPEN, Key="k")["Body"].read() == b"for all"
    far = unsigned_client(world.running, NetworkPath(source_ip="198.51.100.7", secure=True))
    assert code(far.get_object, Bucket=OPEN, Key="k") == "AccessDenied"


@pytest.mark.parametrize("name", SWITCHES)
def test_only_restrict_public_buckets_prevents_anonymous_reads(world: S3World, s3: Any, name: str) -> None:
    publish(world, READS)
    switch(world, name)
    if name == "RestrictPublicBuckets":
        assert code(s3.get_object, Bucket=OPEN, Key="k") == "AccessDenied"
    else:
        assert s3.get_object(Bucket=OPEN, Key="k")["Body"].read() == b"for all"


def test_a_public_policy_is_refused_with_the_reason_while_it_is_blocked(world: S3World) -> None:
    with pytest.raises(ClientError) as caught:
        world.s3.put_bucket_policy(Bucket=OPEN, Policy=policy(READS))
    error = caught.value.response["Error"]
    assert error["Code"] == "AccessDenied"
    assert error["Message"].endswith(
        f'is not authorized to perform: s3:PutBucketPolicy on resource: "arn:aws:s3:::{OPEN}" because public policies '
        "are blocked by the BlockPublicPolicy block public access setting."
    )
    assert code(world.s3.get_bucket_policy, Bucket=OPEN) == "NoSuchBucketPolicy"


def test_anonymous_copies_and_multipart_uploads_are_denied_whatever_the_policy_says(world: S3World, s3: Any) -> None:
    publish(world, statement("Allow", "s3:*", f"arn:aws:s3:::{OPEN}/*", Principal="*"))
    for call, parameters in ((s3.copy_object, {"CopySource": f"{OPEN}/k"}), (s3.create_multipart_upload, {})):
        with pytest.raises(ClientError, match=r"\(AccessDenied\).* Anonymous users cannot .* Please authenticate\."):
            call(Bucket=OPEN, Key="x", **parameters)
    assert world.store.head(OPEN, "x") is None


class RecordedS3:
    """An S3 application with its own trail and a stopped clock, which records three refusals."""

    def __init__(self, world: S3World) -> None:
        self.at = 0.0
        self.trail: list[CallRecord] = []
        counts = Counts(None, lambda: dt.datetime.now(dt.UTC), 3600.0)
        refusals = Refusals(counts, Buckets(lambda: self.at), of_one=Rate(3, 1), of_all=Rate(100, 1))
        self.app = S3Application(
            world.backend,
            world.credentials,
            world.authorization,
            region=REGION,
            refusals=refusals,
            trail=lambda record: self.trail.append(record),
        )
        self.running = InProcess(self.app)
        self.s3 = unsigned_client(self.running)

    def close(self) -> None:
        """Close the application."""
        self.running.close()
        self.app.close()


@pytest.fixture(scope="module")
def shared_s3(world: S3World) -> Iterator[RecordedS3]:
    """An application for this file."""
    recorded_s3 = RecordedS3(world)
    yield recorded_s3
    recorded_s3.close()


@pytest.fixture
def recorded_s3(shared_s3: RecordedS3) -> RecordedS3:
    """The application with an empty trail, long after its last refusal."""
    shared_s3.at += 3600
    shared_s3.trail = []
    return shared_s3


@pytest.mark.costs(0.2, reason="it creates an application and a client")
def test_the_trail_records_anonymous_reads(world: S3World, recorded_s3: RecordedS3) -> None:
    publish(world, READS)
    recorded_s3.s3.get_object(Bucket=OPEN, Key="k")["Body"].read()
    assert code(recorded_s3.s3.get_object, Bucket=CLOSED, Key="k") == "AccessDenied"
    read, refused = recorded_s3.trail
    assert (read.principal, read.error, read.path) == (ANONYMOUS, None, PUBLIC_PATH)
    assert (refused.principal, refused.error.code if refused.error else None) == (ANONYMOUS, "AccessDenied")


@pytest.mark.costs(0.1, reason="it makes thirteen calls with two policies")
def test_a_throttled_anonymous_sender_can_still_read_public_buckets_only(
    world: S3World, recorded_s3: RecordedS3
) -> None:
    publish(world, READS)
    s3 = recorded_s3.s3
    refused = [code(s3.get_object, Bucket=CLOSED, Key="k") for _ in range(6)]
    assert refused == ["AccessDenied"] * 3 + ["SlowDown"] * 3
    assert s3.get_object(Bucket=OPEN, Key="k")["Body"].read() == b"for all"
    assert s3.head_object(Bucket=OPEN, Key="k")["ContentLength"] == 7
    # Authorized, but one at a time and not recorded.
    assert code(s3.list_objects_v2, Bucket=OPEN) == "AccessDenied"
    assert code(s3.get_object, Bucket="no-such-bucket", Key="k") == "SlowDown"
    assert code(s3.put_object, Bucket=OPEN, Key="k", Body=b"x") == "SlowDown"
    assert [record.operation for record in recorded_s3.trail] == ["GetObject"] * 4 + ["HeadObject"]
    world.s3.delete_bucket_policy(Bucket=OPEN)
    assert code(s3.get_object, Bucket=OPEN, Key="k") == "SlowDown"


@given(
    effect=st.sampled_from(["Allow", "Deny"]),
    who=st.sampled_from(
        [
            {"Principal": "*"},
            {"Principal": {"AWS": ["111122223333", "*"]}},
            {"NotPrincipal": {"AWS": "111122223333"}},
            {"Principal": {"AWS": "111122223333"}},
            {"Principal": {"Service": "logs.amazonaws.com"}},
        ]
    ),
    fixed=st.booleans(),
    restricted=st.booleans(),
)
def test_a_bucket_is_public_only_if_an_effective_allow_for_everybody_remains(
    effect: str, who: dict[str, Any], fixed: bool, restricted: bool
) -> None:
    condition = {"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}} if fixed else {}
    text = json.dumps({"Statement": {"Effect": effect, "Action": "s3:*", "Resource": "*", **who, **condition}})
    everybody = effect == "Allow" and ("NotPrincipal" in who or "*" in str(who["Principal"]))
    assert may_allow_anonymous(text, {"RestrictPublicBuckets": restricted}) == (everybody and (fixed or not restricted))
    assert may_allow_anonymous(text, None) == everybody

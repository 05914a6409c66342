"""Two ``serve`` processes of one database, each with a data folder of its own, answer the requests in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from reading_room.jobs.usage import by_kind, month_of
from reading_room.trail.chain import BOOKS, event_in, files_of, verify
from reading_room.trail.kept_heads import expected_lines
from tests.worlds.extension import ACCOUNT, ExtensionWorld, allow, deny, keys_of, policy, trust
from tests.worlds.extension_sign_in import token_of, unsigned

pytestmark = pytest.mark.costs(0.6, reason="the whole product is made twice, with a network, a bucket and a role")
PART = 5 << 20


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ExtensionWorld]:
    """An account, and two processes."""
    world = ExtensionWorld(tmp_path, processes=2)
    yield world
    world.close()


def test_a_sign_in_link_works_once_in_whichever_process(world: ExtensionWorld) -> None:
    client = unsigned(world)
    for _ in range(2):  # Each process makes a token, and the other one redeems it.
        token = token_of(world)
        client.redeem_sign_in_token(Token=token)
        for _ in range(2):
            with pytest.raises(ClientError, match="InvalidSignInToken"):
                client.redeem_sign_in_token(Token=token)


def test_sessions_of_a_role_are_valid_in_every_process_until_they_are_revoked(world: ExtensionWorld) -> None:
    iam, sts = world.client("iam"), world.client("sts")
    role = iam.create_role(RoleName="Reads", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))["Role"]
    key = keys_of(sts.assume_role(RoleArn=role["Arn"], RoleSessionName="me")["Credentials"])
    s3 = world.client("s3", key)
    for change, allowed in ((allow("s3:*"), True), (deny("s3:*"), False), (allow("s3:*"), True)):
        iam.put_role_policy(RoleName="Reads", PolicyName="only", PolicyDocument=policy(change))
        for _ in range(2):
            assert _works(s3.list_buckets) == allowed
    iam.delete_role_policy(RoleName="Reads", PolicyName="only")
    iam.delete_role(RoleName="Reads")
    assert [_works(s3.list_buckets) for _ in range(2)] == [False, False]


def test_an_upload_begun_in_one_process_is_completed_in_another(world: ExtensionWorld) -> None:
    s3, place = world.client("s3"), {"Bucket": "papers", "Key": "large"}
    upload = s3.create_multipart_upload(**place)["UploadId"]
    parts = [
        {
            "PartNumber": n,
            "ETag": s3.upload_part(**place, UploadId=upload, PartNumber=n, Body=bytes([n]) * PART)["ETag"],
        }
        for n in (1, 2)
    ]
    assert [each["PartNumber"] for each in s3.list_parts(**place, UploadId=upload)["Parts"]] == [1, 2]
    s3.complete_multipart_upload(**place, UploadId=upload, MultipartUpload={"Parts": parts})
    for _ in range(2):
        assert s3.get_object(**place)["Body"].read() == b"\1" * PART + b"\2" * PART


def test_a_long_list_continues_in_whichever_process(world: ExtensionWorld) -> None:
    iam, s3, logs, ec2 = (world.client(each) for each in ("iam", "s3", "logs", "ec2"))
    comprehend = world.client("comprehend")
    names = [f"name-{number}" for number in range(5)]
    for name in names:
        iam.create_group(GroupName=name)
        s3.put_object(Bucket="papers", Key=f"list/{name}", Body=b"x")
        logs.create_log_group(logGroupName=name)
        ec2.create_security_group(VpcId=world.vpc, GroupName=name, Description=name)
        comprehend.start_entities_detection_job(**world.request(JobName=name))
    pages = {
        "Groups": iam.get_paginator("list_groups").paginate(PaginationConfig={"PageSize": 2}),
        "Contents": s3.get_paginator("list_objects_v2").paginate(
            Bucket="papers", Prefix="list/", PaginationConfig={"PageSize": 2}
        ),
        "logGroups": logs.get_paginator("describe_log_groups").paginate(
            logGroupNamePrefix="name-", PaginationConfig={"PageSize": 2}
        ),
        "SecurityGroups": ec2.get_paginator("describe_security_groups").paginate(
            Filters=[{"Name": "group-name", "Values": ["name-*"]}], PaginationConfig={"PageSize": 5}
        ),
        "EntitiesDetectionJobPropertiesList": comprehend.get_paginator("list_entities_detection_jobs").paginate(
            PaginationConfig={"PageSize": 2}
        ),
    }
    for member, found in pages.items():
        assert len([each for page in found for each in page[member]]) == len(names), member


def test_the_same_client_token_gives_the_same_job(world: ExtensionWorld) -> None:
    comprehend = world.client("comprehend")
    started = {
        comprehend.start_entities_detection_job(**world.request(ClientRequestToken="once"))["JobId"] for _ in range(4)
    }
    assert len(started) == 1


def test_either_process_decodes_why_the_other_one_denied_a_call(world: ExtensionWorld) -> None:
    ec2 = world.client("ec2", world.user("nobody"))
    for _ in range(2):
        with pytest.raises(ClientError) as error:
            ec2.create_vpc(CidrBlock="10.9.0.0/16")
        encoded = error.value.response["Error"]["Message"].rpartition(" ")[2]
        for _ in range(2):
            message = world.client("sts").decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"]
            assert '"action":"ec2:CreateVpc"' in message


def test_synchronous_calls_are_counted_once(world: ExtensionWorld) -> None:
    comprehend = world.client("comprehend")
    for _ in range(4):
        comprehend.detect_entities(Text="Ann", LanguageCode="en")
    for product in world.products:
        product.meter.fold()
        product.meter.fold()
    with world.database.reading() as session:
        (usage,) = (each for each in by_kind(session, month_of(world.now)) if each.account == ACCOUNT)
    assert (usage.times, usage.documents) == (4, 4)


def test_each_process_has_a_trail_of_its_own_and_every_call_is_in_one_of_them(world: ExtensionWorld) -> None:
    ec2 = world.client("ec2")
    made = [ec2.create_vpc(CidrBlock=f"10.{n}.0.0/16")["ResponseMetadata"]["RequestId"] for n in range(20, 24)]
    recorded = []
    for number, product in enumerate(world.products):
        assert product.access.trail.flush()
        product.access.trail.close()
        folder = product.settings.data / "trail"
        with world.database.reading() as session:
            kept = expected_lines(session, f"process-{number}")
        for book in BOOKS:
            wanted = {each.digest for each in kept if each.book == book and each.kind == "head"}
            verified = verify(folder, book, wanted)
            assert wanted == {verified.last_digest}
        lines = [line for _, path in files_of(folder, "management") for line in path.read_bytes().splitlines()]
        recorded += [event["requestID"] for line in lines if (event := event_in(line)) is not None]
    assert [recorded.count(each) for each in made] == [1, 1, 1, 1]


def _works(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError:
        return False
    return True

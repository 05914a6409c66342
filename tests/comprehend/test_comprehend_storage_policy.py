"""Policy checks before a job starts: the first request that S3 would refuse fails it at once, with the same message."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reading_room.analysis.job_file import NO_READ_ACCESS, NO_WRITE_ACCESS, no_model_access
from reading_room.jobs.ports import OneContainerOnly
from reading_room.jobs.tables import JobRow
from reading_room.s3 import buckets, service_bucket, service_bucket_name
from tests.worlds.container_needs import admitted
from tests.worlds.preparation import ACCOUNT, NINE, REGION, ROLE, actions, document
from tests.worlds.storage_policy import PARTS, STORAGE, PolicyWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PolicyWorld]:
    """The world of these tests."""
    world = PolicyWorld(tmp_path)
    yield world
    world.backend.close()
    world.database.close()


def test_a_job_whose_policies_allow_it_starts(world: PolicyWorld) -> None:
    assert world.failure() == ""


@pytest.mark.parametrize(
    ("action", "begins", "place"),
    [
        ("s3:ListBucket", "NO_READ_ACCESS_TO_INPUT: The provided data access role does not have proper access", "in/"),
        ("s3:GetObject", "NO_READ_ACCESS_TO_INPUT: The provided data access role does not have proper access", "in/a"),
        ("s3:PutObject", "NO_WRITE_ACCESS_TO_OUTPUT: The provided data access role does not have write access", "out/"),
    ],
)
def test_an_endpoint_policy_without_an_action_is_named_before_a_container_starts(
    world: PolicyWorld, action: str, begins: str, place: str
) -> None:
    world.put("in/", "in/a", "in/b")
    world.endpoint_policy(Action=[name for name in STORAGE["Action"] if name != action])
    message = world.failure()
    assert message.startswith(begins)
    assert f"{action} on s3://papers/{place}" in message
    assert world.endpoint in message


def _only_from(vpc_id: str) -> str:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::papers/*"],
            "Condition": {"StringNotEquals": {"aws:SourceVpc": vpc_id}}}  # fmt: skip
    return json.dumps({"Version": "2012-10-17", "Statement": [deny]})


def test_a_bucket_policy_is_evaluated_with_the_job_s_network_path(world: PolicyWorld) -> None:
    world.bucket_policy(_only_from("vpc-00000000000000000"))
    assert world.failure().startswith("NO_WRITE_ACCESS_TO_OUTPUT: ")
    world.bucket_policy(_only_from(world.vpc))
    assert world.failure() == ""


@pytest.mark.parametrize(
    "statement",
    [
        {"Condition": {"StringEquals": {"aws:ResourceAccount": ACCOUNT}}},
        {"Condition": {"ArnEquals": {"aws:PrincipalArn": ROLE}}},
        {"Condition": {"NumericGreaterThanEquals": {"s3:TlsVersion": "1.2"}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
    ],
)
def test_usual_conditions_of_an_endpoint_policy_are_met_as_by_the_worker(
    world: PolicyWorld, statement: dict[str, Any]
) -> None:
    world.endpoint_policy(**statement)
    assert world.failure() == ""


@pytest.mark.parametrize(("prefix", "failure"), [("in/*", ""), ("other/*", "s3:ListBucket on s3://papers/in/")])
def test_a_policy_can_limit_listing_to_the_prefix_of_the_input(world: PolicyWorld, prefix: str, failure: str) -> None:
    listing = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}
    bound = listing | {"Condition": {"StringLike": {"s3:prefix": prefix}}}
    world.allow(actions(NINE), {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}, bound)
    message = world.failure()
    assert (failure in message) if failure else (message == "")


def test_a_bucket_that_does_not_exist_is_left_to_the_worker(world: PolicyWorld) -> None:
    with world.database.transaction() as session:
        buckets.delete(session, "papers")
    world.allow(actions(NINE))
    assert world.failure() == ""


def test_a_group_without_rules_is_reported_before_any_policy(world: PolicyWorld) -> None:
    world.silence_group()
    world.allow(actions(NINE))
    assert world.failure().startswith("NO_ROUTE_TO_STORAGE: ")


def test_an_endpoint_open_to_others_is_a_warning_in_the_story_and_the_job_runs(world: PolicyWorld) -> None:
    world.endpoint_policy()
    job = world.submit()
    world.run(job)
    (line,) = [line for line in world.story(job).splitlines() if "lets in requests" in line]
    assert f"the policy of {world.endpoint} (statement 1) lets in requests from every account" in line
    assert world.status(job) == "IN_PROGRESS"
    assert len(world.wanted()) == 1


@pytest.mark.parametrize(
    "statement",
    [
        {"Condition": {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}},
        {"Resource": ["arn:aws:s3:::papers", "arn:aws:s3:::papers/*"]},
    ],
)
def test_an_endpoint_for_its_account_or_its_buckets_gives_no_warning(
    world: PolicyWorld, statement: dict[str, Any]
) -> None:
    world.endpoint_policy(**statement)
    job = world.submit()
    world.run(job)
    assert "lets in" not in world.story(job)
    assert len(world.wanted()) == 1


@pytest.mark.parametrize(
    ("missing", "code"),
    [("s3:ListBucket", "NO_READ_ACCESS_TO_INPUT"), ("s3:PutObject", "NO_WRITE_ACCESS_TO_OUTPUT")],
)
def test_a_right_to_storage_that_the_role_lacks_is_named(world: PolicyWorld, missing: str, code: str) -> None:
    rest = [action for action in STORAGE["Action"] if action != missing]
    world.allow(actions(NINE), STORAGE | {"Action": rest})
    failure = world.failure()
    assert failure.startswith(code)
    assert missing in failure
    assert "no identity-based policy allows" in failure


CSV = {"S3Uri": "s3://papers/rows.csv"}
LISTED = {
    "EntityTypes": [{"Type": "CITY"}],
    "Documents": {"S3Uri": "s3://papers/in/"},
    "EntityList": {"S3Uri": "s3://papers/list.csv"},
}
MARKED = {
    "EntityTypes": [{"Type": "CITY"}],
    "Documents": {"S3Uri": "s3://papers/in/", "TestS3Uri": "s3://papers/test/"},
    "Annotations": {"S3Uri": "s3://papers/marks.csv", "TestS3Uri": "s3://papers/marks-of-test.csv"},
}
MANIFESTS = {
    "DataFormat": "AUGMENTED_MANIFEST",
    "AugmentedManifests": [
        {"S3Uri": f"s3://papers/{name}.jsonl", "AttributeNames": ["label"]} for name in ("first", "second")
    ],
}
MODELS = service_bucket_name.bucket_name(REGION)
TRAININGS: tuple[tuple[str, dict[str, Any], tuple[str, ...]], ...] = (
    ("classifier", CSV, ("rows.csv",)),
    ("classifier", CSV | {"TestS3Uri": "s3://papers/test.csv"}, ("rows.csv", "test.csv")),
    ("classifier", MANIFESTS, ("first.jsonl", "second.jsonl")),
    ("recognizer", LISTED, ("in/", "list.csv")),
    ("recognizer", MARKED, ("in/", "test/", "marks.csv", "marks-of-test.csv")),
    ("recognizer", MANIFESTS | {"EntityTypes": [{"Type": "CITY"}]}, ("first.jsonl", "second.jsonl")),
)
every_training = pytest.mark.parametrize(("kind", "data", "places"), TRAININGS)


@every_training
def test_a_training_whose_policies_allow_it_starts(
    world: PolicyWorld, kind: str, data: dict[str, Any], places: tuple[str, ...]
) -> None:
    world.put(*(f"{place}a" if place.endswith("/") else place for place in places))
    world.endpoint_policy()
    assert world.failure(world.train(kind, data)) == ""


@pytest.mark.costs(0.25, reason="a training is prepared for each place of its data")
@every_training
def test_a_training_needs_permission_to_list_each_place_of_its_data(
    world: PolicyWorld, kind: str, data: dict[str, Any], places: tuple[str, ...]
) -> None:
    for place in places:
        world.endpoint_policy(Condition={"StringNotEqualsIfExists": {"s3:prefix": place}})
        message = world.failure(world.train(kind, data))
        assert message.startswith(f"NO_READ_ACCESS_TO_INPUT: {NO_READ_ACCESS} s3:ListBucket on s3://papers/{place}: ")
        assert world.endpoint in message


@pytest.mark.costs(0.3, reason="a training is prepared for each place of its data")
@every_training
def test_a_training_needs_permission_to_read_each_place_of_its_data(
    world: PolicyWorld, kind: str, data: dict[str, Any], places: tuple[str, ...]
) -> None:
    keys = [f"{place}a" if place.endswith("/") else place for place in places]
    world.put(*keys)
    for key in keys:
        shut = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::papers/{key}"}
        world.bucket_policy(document(shut))
        message = world.failure(world.train(kind, data))
        assert message.startswith(f"NO_READ_ACCESS_TO_INPUT: {NO_READ_ACCESS} s3:GetObject on s3://papers/{key}: ")


def test_an_endpoint_that_shuts_the_bucket_of_models_out_fails_a_training_with_the_statement_it_lacks(
    world: PolicyWorld,
) -> None:
    world.endpoint_policy(Resource=["arn:aws:s3:::papers", "arn:aws:s3:::papers/*"])
    training = world.train("classifier", CSV)
    message = world.failure(training)
    key = f"{ACCOUNT}/{training}/model"
    assert message.startswith(
        f"NO_ACCESS_TO_MODEL_BUCKET: {no_model_access(MODELS)} s3:PutObject on s3://{MODELS}/{key}: "
    )
    assert f"assumed-role/ReadingRoomModels/Comprehend-{training} is not authorized to perform: s3:PutObject" in message
    assert "no VPC endpoint policy allows the s3:PutObject action" in message
    assert world.endpoint in message


def test_a_training_with_its_own_output_location_tests_that_first(world: PolicyWorld) -> None:
    world.endpoint_policy(Action="s3:AbortMultipartUpload")
    training = world.train("classifier", CSV, OutputDataConfig={"S3Uri": "s3://papers/matrices"})
    message = world.failure(training)
    assert message.startswith(f"NO_WRITE_ACCESS_TO_OUTPUT: {NO_WRITE_ACCESS}. s3:PutObject on s3://papers/matrices/")


def test_a_training_reads_before_it_writes_its_model(world: PolicyWorld) -> None:
    world.endpoint_policy(Action="s3:AbortMultipartUpload")
    assert world.failure(world.train("classifier", CSV)).startswith("NO_READ_ACCESS_TO_INPUT: ")


@pytest.mark.parametrize(
    "opening",
    [
        {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{MODELS}/*"},
        {"Condition": {"StringEquals": {"aws:ResourceAccount": [ACCOUNT, service_bucket_name.OWNER]}}},
        {"Condition": {"ArnLike": {"aws:PrincipalArn": [ROLE, service_bucket.ROLE_ARN]}}},
    ],
)
def test_an_opening_for_the_bucket_of_models_is_enough(world: PolicyWorld, opening: dict[str, Any]) -> None:
    own = {"Resource": ["arn:aws:s3:::papers", "arn:aws:s3:::papers/*"]}
    world.endpoint_policies(own, opening)
    assert world.failure(world.train("classifier", CSV)) == ""


def test_a_job_with_a_model_reads_that_first(world: PolicyWorld) -> None:
    world.endpoint_policy(Action=["s3:ListBucket", "s3:PutObject"])
    world.put("in/a")
    message = world.failure(world.use())
    key = f"{ACCOUNT}/of/model"
    assert message.startswith(
        f"NO_ACCESS_TO_MODEL_BUCKET: {no_model_access(MODELS)} s3:GetObject on s3://{MODELS}/{key}: "
    )
    assert world.endpoint in message
    world.endpoint_policy()
    assert world.failure(world.use()) == ""


# Several containers share results through S3


def begin(world: PolicyWorld, job: str | None = None, containers: int = 2) -> str:
    """Create the interfaces of a job of several containers. Return why it may have only one, or an empty text."""
    needs = admitted(world, job or world.submit(), containers)
    try:
        for need in needs:
            world.controller._network.prepare(need)
    except OneContainerOnly as error:
        return error.reason
    return ""


def test_a_job_whose_containers_may_share_results_gets_them(world: PolicyWorld) -> None:
    world.put("in/a")
    assert begin(world) == ""
    assert len(world.interfaces()) == 2


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject"])
def test_a_role_without_permission_to_share_results_is_reported_before_a_second_interface_exists(
    world: PolicyWorld, action: str
) -> None:
    world.put("in/a")
    parts = {"Effect": "Deny", "Action": action, "Resource": PARTS}
    world.allow(actions(NINE), STORAGE, parts)
    job = world.submit()
    reason = begin(world, job)
    assert f"the data access role needs {action} on s3://papers/out/{ACCOUNT}-NER-{job}/output/parts/1/" in reason
    assert ROLE in reason
    assert len(world.interfaces()) == 1
    statement = json.loads(reason[reason.index("{") : reason.rindex("}") + 1])
    assert statement == {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": "arn:aws:s3:::papers/out/*/output/parts/*",
    }


def test_the_statement_in_the_message_is_enough(world: PolicyWorld) -> None:
    world.put("in/a")
    places = ["arn:aws:s3:::papers", "arn:aws:s3:::papers/in/*"]
    reading = {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject"], "Resource": places}
    writing = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::papers/out/*/output.tar.gz"}
    world.allow(actions(NINE), reading, writing)
    reason = begin(world)
    assert "s3:GetObject" in reason
    world.allow(actions(NINE), reading, writing, json.loads(reason[reason.index("{") : reason.rindex("}") + 1]))
    assert begin(world) == ""


def test_an_endpoint_that_keeps_results_from_being_read_leaves_the_job_one_container(world: PolicyWorld) -> None:
    world.put("in/a")
    everything = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    world.endpoint_policies(
        everything, {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::papers/out/*"}
    )
    assert world.endpoint in begin(world)


def test_one_container_shares_nothing(world: PolicyWorld) -> None:
    world.put("in/a")
    world.allow(actions(NINE), STORAGE, {"Effect": "Deny", "Action": "s3:*", "Resource": PARTS})
    assert begin(world, containers=1) == ""


@pytest.mark.parametrize("analysis", ["topics", "classifier-training"])
def test_kinds_that_share_no_results_through_s3_have_no_further_steps(world: PolicyWorld, analysis: str) -> None:
    world.put("in/a")
    world.allow(actions(NINE), STORAGE, {"Effect": "Deny", "Action": "s3:*", "Resource": PARTS})
    job = world.submit()
    with world.database.transaction() as session:
        session.get_one(JobRow, job).analysis = analysis
    assert begin(world, job) == ""


def test_a_replacement_container_has_no_further_steps(world: PolicyWorld) -> None:
    world.put("in/a")
    needs = admitted(world, world.submit(), 2)
    world.allow(actions(NINE), STORAGE, {"Effect": "Deny", "Action": "s3:*", "Resource": PARTS})
    with pytest.raises(OneContainerOnly):
        world.controller._network.prepare(needs[1])
    assert world.controller._network.prepare(replace(needs[1], member=2)).place.startswith(world.subnet)


def test_in_the_service_s_own_network_containers_also_need_permission_to_share_results(world: PolicyWorld) -> None:
    world.put("in/a")
    assert begin(world, world.submit(None, None)) == ""
    world.allow(actions(NINE), STORAGE, {"Effect": "Deny", "Action": "s3:GetObject", "Resource": PARTS})
    assert "needs s3:GetObject" in begin(world, world.submit(None, None))

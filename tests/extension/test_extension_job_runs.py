"""DescribeJobRuns: how jobs run, only for callers who may describe them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ParamValidationError

from reading_room.agent.spec import HostReport
from reading_room.analysis.job_file import Progress
from reading_room.containers.spec import ContainerState
from reading_room.extension.job_runs import EVENTS
from reading_room.jobs.desired import containers
from reading_room.jobs.record import LOCAL_HOST, note
from reading_room.jobs.tables import JobRow
from tests.worlds.extension import (
    ACCOUNT,
    FOR_NETWORK,
    OTHER_ACCOUNT,
    REGION,
    ExtensionWorld,
    allow,
    deny,
    refusal,
    trust,
)

pytestmark = pytest.mark.costs(0.3, reason="the whole product is made, with a network, a bucket and a role")

READ_ONLY = "arn:aws:iam::aws:policy/ComprehendReadOnly"


def start(world: ExtensionWorld, **changes: Any) -> str:
    """Start an entities job and return its id."""
    return str(world.client("comprehend").start_entities_detection_job(**world.request(**changes))["JobId"])


def run_of(world: ExtensionWorld, job: str, **more: Any) -> dict[str, Any]:
    """Return the description of one job's run."""
    answer = world.room().describe_job_runs(JobIds=[job], **more)
    assert answer["Errors"] == []
    (run,) = answer["JobRuns"]
    return dict(run)


def turn(world: ExtensionWorld, times: int = 3) -> None:
    """Run turns of the controller."""
    for _ in range(times):
        world.product.jobs.controller.turn()


def test_a_job_is_described_from_the_queue_to_its_end(world: ExtensionWorld) -> None:
    job = start(world)
    run = run_of(world, job)
    assert (run["Phase"], run["QueuePosition"], run["Attempt"], run["Containers"]) == ("QUEUED", 0, 0, [])
    assert run["JobArn"] == f"arn:aws:comprehend:{REGION}:{ACCOUNT}:entities-detection-job/{job}"
    assert (run["LogGroupName"], run["LogStreamName"]) == ("/reading-room/jobs", job)
    assert "Events" not in run
    turn(world)
    run = run_of(world, job)
    assert (run["Phase"], run["Attempt"], run["Documents"]) == ("RUNNING", 1, 0)
    assert "QueuePosition" not in run
    (container,) = run["Containers"]
    assert (container["Member"], container["Attempt"], container["State"]) == (0, 1, "RUNNING")
    assert container["SubnetId"] == world.subnet
    (interface,) = world.client("ec2").describe_network_interfaces(
        NetworkInterfaceIds=[container["NetworkInterfaceId"]]
    )["NetworkInterfaces"]
    assert interface["PrivateIpAddress"] == container["PrivateIpAddress"]
    world.later(10)
    with world.database.reading() as session:
        (spec,) = containers(session, LOCAL_HOST)

    def tell(documents: int) -> None:
        state = ContainerState(spec.container_id, "running", None, (Progress(documents, 1000),))
        world.product.jobs.controller.report(
            HostReport(LOCAL_HOST, 1, interfaces=(spec.interface_id,), containers=(state,))
        )
        turn(world)

    tell(20)
    run = run_of(world, job)
    assert (run["Documents"], run["TotalDocuments"]) == (20, 1000)
    assert run["DocumentsPerSecond"] == pytest.approx(2.0)
    assert "SecondsLeft" not in run, "most of the first seconds were its container's start"
    world.later(10)
    tell(120)
    run = run_of(world, job)
    assert run["DocumentsPerSecond"] == pytest.approx(10.0)
    assert (run["SecondsLeftAtLeast"], run["SecondsLeft"]) == (73, 110)
    world.client("comprehend").stop_entities_detection_job(JobId=job)
    turn(world, 1)
    run = run_of(world, job)
    assert (run["Phase"], run["Containers"][0]["State"]) == ("STOPPING", "STOPPING")
    world.later(61)
    turn(world)
    world.product.jobs.controller.report(HostReport(LOCAL_HOST, 2))
    turn(world)
    run = run_of(world, job)
    assert (run["Phase"], run["Containers"]) == ("STOPPED", [])
    assert "SecondsLeft" not in run
    assert "DocumentsPerSecond" not in run


def test_requested_events_have_times_in_milliseconds(world: ExtensionWorld) -> None:
    job = start(world)
    turn(world)
    run = run_of(world, job, IncludeEvents=True)
    assert run["EventsLeftOut"] == 0
    assert [event["Event"] for event in run["Events"]] == ["Submitted", "Admitted", "Prepared"]
    assert run["Events"][0]["At"] == round(world.now.timestamp() * 1000)
    assert "submitted" in run["Events"][0]["Text"]


def test_many_events_are_limited_to_the_newest_with_a_count_of_the_others(world: ExtensionWorld) -> None:
    long, short = start(world), start(world)
    with world.database.transaction() as session:
        row = session.get_one(JobRow, long)
        for number in range(EVENTS + 6):
            note(session, row, "Progress", f"line {number}", world.now)
    answer = world.room().describe_job_runs(JobIds=[long, short], IncludeEvents=True)["JobRuns"]
    assert [len(run["Events"]) for run in answer] == [EVENTS, 1]
    assert [run["EventsLeftOut"] for run in answer] == [7, 0]
    assert [event["Text"] for event in answer[0]["Events"]][-1] == f"line {EVENTS + 5}"
    assert answer[0]["Events"][0]["Text"] == "line 6"


def test_the_text_of_events_is_unchanged(world: ExtensionWorld) -> None:
    job = start(world)
    hostile = "<script>alert(1)</script> \u202e =cmd|' /C calc'!A0 \x7f"
    with world.database.transaction() as session:
        note(session, session.get_one(JobRow, job), "Note", hostile, world.now)
    assert run_of(world, job, IncludeEvents=True)["Events"][-1]["Text"] == hostile


def test_the_queue_position_counts_jobs_of_the_account_and_kind(world: ExtensionWorld) -> None:
    stranger = world.user("stranger", allow("*"), account=OTHER_ACCOUNT)
    world.client("iam", stranger).create_role(
        RoleName="Reader", AssumeRolePolicyDocument=trust({"Service": "comprehend.amazonaws.com"})
    )
    theirs = world.request(VpcConfig=None, DataAccessRoleArn=f"arn:aws:iam::{OTHER_ACCOUNT}:role/Reader")
    world.client("comprehend", stranger).start_entities_detection_job(**theirs)
    world.later(1)
    world.client("comprehend").start_key_phrases_detection_job(**world.request())
    jobs = []
    for _ in range(3):
        world.later(1)
        jobs.append(start(world))
    answer = world.room().describe_job_runs(JobIds=jobs[::-1])["JobRuns"]
    assert [run["JobId"] for run in answer] == jobs[::-1]
    assert [run["QueuePosition"] for run in answer] == [2, 1, 0]


def test_a_caller_who_may_describe_a_job_sees_how_it_runs(world: ExtensionWorld) -> None:
    job = start(world)
    reader = world.user("reader")
    world.client("iam").attach_user_policy(UserName="reader", PolicyArn=READ_ONLY)
    assert world.room(reader).describe_job_runs(JobIds=[job])["JobRuns"][0]["Phase"] == "QUEUED"


def test_a_caller_who_may_describe_one_job_or_kind_sees_no_other(world: ExtensionWorld) -> None:
    entities = start(world)
    other = start(world)
    phrases = world.client("comprehend").start_key_phrases_detection_job(**world.request())["JobId"]
    arn = f"arn:aws:comprehend:{REGION}:{ACCOUNT}:entities-detection-job/{entities}"
    key = world.user("one", allow("comprehend:DescribeEntitiesDetectionJob", resource=arn), allow("reading-room:*"))
    answer = world.room(key).describe_job_runs(JobIds=[phrases, other, entities])
    assert [run["JobId"] for run in answer["JobRuns"]] == [entities]
    assert [error["JobIdentifier"] for error in answer["Errors"]] == [phrases, other]
    assert {error["ErrorCode"] for error in answer["Errors"]} == {"AccessDeniedException"}
    assert "comprehend:DescribeKeyPhrasesDetectionJob" in answer["Errors"][0]["ErrorMessage"]


def test_missing_jobs_and_those_of_other_accounts_have_errors(world: ExtensionWorld) -> None:
    job = start(world)
    stranger = world.user("stranger", allow("*"), account=OTHER_ACCOUNT)
    arn = run_of(world, job)["JobArn"]
    for identifier in (job, arn):
        answer = world.room(stranger).describe_job_runs(JobIds=[identifier])
        assert answer["JobRuns"] == []
        assert answer["Errors"][0]["ErrorCode"] == "JobNotFoundException"
    missing = "0" * 32
    model = f"arn:aws:comprehend:{REGION}:{ACCOUNT}:document-classifier/none"
    answer = world.room().describe_job_runs(JobIds=[missing, job, model, "arn:aws:s3:::bucket", "nonsense"])
    assert [run["JobId"] for run in answer["JobRuns"]] == [job]
    assert [error["ErrorCode"] for error in answer["Errors"]] == [
        "JobNotFoundException",
        "ResourceNotFoundException",
        "JobNotFoundException",
        "JobNotFoundException",
    ]


def test_a_training_is_found_by_the_arn_of_its_model(world: ExtensionWorld) -> None:
    arn = world.client("comprehend").create_document_classifier(
        DocumentClassifierName="tickets",
        DataAccessRoleArn=f"arn:aws:iam::{ACCOUNT}:role/Reader",
        InputDataConfig={"S3Uri": "s3://papers/rows.csv"},
        LanguageCode="en",
    )["DocumentClassifierArn"]
    run = run_of(world, arn)
    assert (run["JobIdentifier"], run["JobArn"], run["Phase"]) == (arn, arn, "QUEUED")
    assert run_of(world, run["JobId"])["JobArn"] == arn
    jobs_only = world.user("jobs", allow("comprehend:Describe*Job"))
    answer = world.room(jobs_only).describe_job_runs(JobIds=[arn])
    assert "comprehend:DescribeDocumentClassifier" in answer["Errors"][0]["ErrorMessage"]


def test_each_container_of_a_job_is_described(world: ExtensionWorld) -> None:
    world.client("ec2").authorize_security_group_ingress(
        GroupId=world.group, IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": world.group}]}]
    )
    job = start(world, Tags=[{"Key": "reading-room:containers", "Value": "3"}])
    turn(world)
    answer = run_of(world, job)["Containers"]
    assert [each["Member"] for each in answer] == [0, 1, 2]
    assert len({each["PrivateIpAddress"] for each in answer}) == 3
    checks = world.checks(Tags=[{"Key": "reading-room:containers", "Value": "3"}])
    assert checks["Containers"]["Status"] == "PASSED"


def test_a_failed_job_keeps_its_events(world: ExtensionWorld) -> None:
    world.allow_role(FOR_NETWORK)
    job = start(world)
    turn(world)
    run = run_of(world, job, IncludeEvents=True)
    assert run["Phase"] == "FAILED"
    assert any("NO_READ_ACCESS_TO_INPUT" in event["Text"] for event in run["Events"])


def test_a_deny_of_the_operation_itself_applies(world: ExtensionWorld) -> None:
    job = start(world)
    key = world.user("denied", allow("*"), deny("reading-room:DescribeJobRuns"))
    assert refusal(world.room(key).describe_job_runs, JobIds=[job])[0] == "AccessDeniedException"


def test_a_request_has_one_to_a_hundred_jobs(world: ExtensionWorld) -> None:
    with pytest.raises(ParamValidationError):
        world.room().describe_job_runs(JobIds=[])
    many = [f"{number:032x}" for number in range(101)]
    assert refusal(world.room().describe_job_runs, JobIds=many)[0] == "ValidationException"
    answer = world.room().describe_job_runs(JobIds=[*many[:50], *many[:50]])
    assert len(answer["Errors"]) == 50, "a duplicate identifier is answered once"

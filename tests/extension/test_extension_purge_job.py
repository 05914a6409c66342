"""PurgeJob: what a job leaves is erased, and the answer says what was kept and why."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import select

from reading_room.cli.jobs_purge import ended_before, purge_one
from reading_room.jobs.job_log import JobLog
from reading_room.jobs.stories import Stories
from reading_room.jobs.tables import JobEventRow, JobRow, JobTagRow
from reading_room.logs.tables import LogEvent, LogStream
from reading_room.trail.requests import with_request_id
from tests.worlds.extension import ACCOUNT, OTHER_ACCOUNT, REGION, ExtensionWorld, allow, deny, policy, refusal

pytestmark = pytest.mark.costs(0.4, reason="the whole product is made, with a network, a bucket and a role")


def ended_job(world: ExtensionWorld, **changes: Any) -> str:
    """Return the id of a job that has ended, with an output object of 9 bytes."""
    comprehend = world.client("comprehend")
    job = str(comprehend.start_entities_detection_job(**world.request(**changes))["JobId"])
    comprehend.stop_entities_detection_job(JobId=job)
    Stories(world.database, log_of(world)).turn()
    world.client("s3").put_object(Bucket="papers", Key=output_key(world, job), Body=b"a result.")
    return job


def log_of(world: ExtensionWorld) -> JobLog:
    """Return what writes stories to log streams."""
    return JobLog(region=REGION, clock=world.clock)


def output_key(world: ExtensionWorld, job: str) -> str:
    """Return the key of a job's output object."""
    described = world.client("comprehend").describe_entities_detection_job(JobId=job)["EntitiesDetectionJobProperties"]
    assert described["JobStatus"] == "STOPPED"
    return str(described["OutputDataConfig"]["S3Uri"]).removeprefix("s3://papers/")


def keys(world: ExtensionWorld) -> list[str]:
    """Return the keys of the output objects."""
    listed = world.client("s3").list_objects_v2(Bucket="papers", Prefix="out/")
    return [each["Key"] for each in listed.get("Contents", [])]


def rows(world: ExtensionWorld) -> list[int]:
    """Return how many rows there are of each kind that a job has."""
    with world.database.reading() as session:
        tables = (JobRow, JobEventRow, JobTagRow, LogStream, LogEvent)
        return [len(session.scalars(select(table)).all()) for table in tables]


def results(answer: dict[str, Any]) -> dict[str, str]:
    """Return the result of each trace."""
    return {trace["Trace"]: trace["Result"] for trace in answer["Traces"]}


def test_a_purge_erases_every_trace_but_those_it_reports_as_kept(world: ExtensionWorld) -> None:
    job = ended_job(world, Tags=[{"Key": "team", "Value": "night"}])
    before = rows(world)
    assert all(before)
    answer = world.room().purge_job(JobId=job)
    assert results(answer) == {
        "Output": "ERASED",
        "LogStream": "ERASED",
        "Story": "ERASED",
        "Record": "ERASED",
        "Containers": "ABSENT",
        "Trail": "KEPT",
        "FlowRecords": "KEPT",
        "Usage": "KEPT",
    }
    erased = {trace["Trace"]: (trace["Count"], trace.get("Bytes")) for trace in answer["Traces"] if "Count" in trace}
    assert erased["Output"] == (1, 9)
    assert (erased["LogStream"][0], erased["Story"][0]) == (before[4], before[1])
    assert all(trace["Reason"] for trace in answer["Traces"] if trace["Result"] == "KEPT")
    assert (rows(world), keys(world)) == ([0] * 5, [])
    described = world.client("comprehend").describe_entities_detection_job
    assert refusal(described, JobId=job)[0] == "JobNotFoundException"
    assert refusal(world.room().purge_job, JobId=job)[0] == "JobNotFoundException"
    # Lines that the loop of the stories read before the purge must not bring the stream back.
    with world.database.transaction() as session:
        log_of(world)(session, job, [(world.now, "late")])
    assert rows(world) == [0] * 5


def test_the_objects_of_a_folder_are_erased_one_by_one_as_the_caller(world: ExtensionWorld) -> None:
    comprehend, s3 = world.client("comprehend"), world.client("s3")
    request = world.request(VpcConfig=None, Mode="ONLY_OFFSETS")
    job = str(comprehend.start_pii_entities_detection_job(**request)["JobId"])
    comprehend.stop_pii_entities_detection_job(JobId=job)
    described = comprehend.describe_pii_entities_detection_job(JobId=job)["PiiEntitiesDetectionJobProperties"]
    folder = str(described["OutputDataConfig"]["S3Uri"]).removeprefix("s3://papers/")
    s3.put_object(Bucket="papers", Key="out/other", Body=b"other")
    assert results(world.room().purge_job(JobId=job, DryRun=True))["Output"] == "ABSENT"
    for name in ("a.txt.out", "b/c.txt.out"):
        s3.put_object(Bucket="papers", Key=f"{folder}{name}", Body=b"1234")
    kept = world.room().purge_job(JobId=job, DryRun=True, KeepOutput=True)["Traces"][0]
    assert (kept["Result"], kept["Count"], kept["Bytes"]) == ("KEPT", 2, 8)
    erased = world.room().purge_job(JobId=job)["Traces"][0]
    assert (erased["Result"], erased["Count"], erased["Bytes"]) == ("ERASED", 2, 8)
    assert keys(world) == ["out/other"]


def test_a_dry_run_answers_the_same_and_erases_nothing(world: ExtensionWorld) -> None:
    job = ended_job(world)
    before = rows(world)
    dry = world.room().purge_job(JobId=job, DryRun=True)
    assert (dry["DryRun"], rows(world), len(keys(world))) == (True, before, 1)
    real = world.room().purge_job(JobId=dry["JobArn"])
    assert (real["DryRun"], real["Traces"]) == (False, dry["Traces"])


def test_a_job_that_has_not_ended_is_refused(world: ExtensionWorld) -> None:
    job = world.client("comprehend").start_entities_detection_job(**world.request())["JobId"]
    code, message = refusal(world.room().purge_job, JobId=job)
    assert (code, "SUBMITTED" in message) == ("ResourceInUseException", True)
    world.product.jobs.controller.turn()
    assert refusal(world.room().purge_job, JobId=job)[0] == "ResourceInUseException"
    assert rows(world)[0] == 1


def test_the_training_of_a_model_is_erased_with_the_model(world: ExtensionWorld) -> None:
    arn = world.client("comprehend").create_document_classifier(**world.training())["DocumentClassifierArn"]
    code, message = refusal(world.room().purge_job, JobId=arn)
    assert (code, "delete the model" in message) == ("ResourceInUseException", True)


def test_a_caller_who_may_not_delete_the_output_erases_nothing(world: ExtensionWorld) -> None:
    job = ended_job(world)
    before = rows(world)
    world.client("s3").put_bucket_policy(
        Bucket="papers",
        Policy=policy(deny("s3:DeleteObject", resource="arn:aws:s3:::papers/*", Principal="*")),
    )
    for dry in (True, False):
        code, message = refusal(world.room().purge_job, JobId=job, DryRun=dry)
        assert (code, "KeepOutput" in message) == ("AccessDeniedException", True)
    assert (rows(world), len(keys(world))) == (before, 1)
    assert results(world.room().purge_job(JobId=job, KeepOutput=True))["Output"] == "KEPT"
    assert (rows(world)[0], len(keys(world))) == (0, 1)


def test_all_versions_of_the_output_are_erased_unless_one_is_locked(world: ExtensionWorld) -> None:
    s3 = world.client("s3")
    s3.put_bucket_versioning(Bucket="papers", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object_lock_configuration(Bucket="papers", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
    job = ended_job(world)
    key = output_key(world, job)
    again = s3.put_object(Bucket="papers", Key=key, Body=b"again.")["VersionId"]
    s3.delete_object(Bucket="papers", Key=key)
    held = {"Bucket": "papers", "Key": key, "VersionId": again}
    s3.put_object_legal_hold(**held, LegalHold={"Status": "ON"})
    code, message = refusal(world.room().purge_job, JobId=job)
    assert code == "AccessDeniedException"
    assert "Nothing was erased" in message
    versions = s3.list_object_versions(Bucket="papers", Prefix=key)
    assert (len(versions["Versions"]), len(versions["DeleteMarkers"])) == (2, 1)
    s3.put_object_legal_hold(**held, LegalHold={"Status": "OFF"})
    nobody = world.user("nobody", allow("reading-room:PurgeJob"), allow("s3:DeleteObject"))
    assert "s3:DeleteObjectVersion" in refusal(world.room(nobody).purge_job, JobId=job)[1]
    output = next(each for each in world.room().purge_job(JobId=job)["Traces"] if each["Trace"] == "Output")
    assert (output["Result"], output["Count"], output["Bytes"]) == ("ERASED", 1, len(b"a result." + b"again."))
    left = s3.list_object_versions(Bucket="papers", Prefix=key)
    assert not left.get("Versions")
    assert not left.get("DeleteMarkers")


def test_policies_allow_the_purge_of_one_job(world: ExtensionWorld) -> None:
    mine, other = ended_job(world), ended_job(world)
    arn = f"arn:aws:comprehend:{REGION}:{ACCOUNT}:entities-detection-job/{mine}"
    key = world.user("cleaner", allow("reading-room:PurgeJob", resource=arn), allow("s3:DeleteObject"))
    assert refusal(world.room(key).purge_job, JobId=other)[0] == "AccessDeniedException"
    assert results(world.room(key).purge_job(JobId=mine))["Record"] == "ERASED"


def test_jobs_of_other_accounts_are_not_found(world: ExtensionWorld) -> None:
    job = ended_job(world)
    stranger = world.user("stranger", allow("*"), account=OTHER_ACCOUNT)
    arn = f"arn:aws:comprehend:{REGION}:{ACCOUNT}:entities-detection-job/{job}"
    for named in (job, arn):
        with pytest.raises(ClientError):
            world.room(stranger).purge_job(JobId=named)
    assert rows(world)[0] == 1


def test_the_command_prints_each_trace_and_goes_on_after_a_refusal(
    world: ExtensionWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    job = ended_job(world)
    assert purge_one(world.room(), job, dry_run=True, keep_output=False)
    assert "would erase 1, 9 bytes" in capsys.readouterr().out
    assert purge_one(world.room(), job, dry_run=False, keep_output=True)
    printed = capsys.readouterr().out
    assert {("Output", "kept"), ("LogStream", "erased")} <= {tuple(line.split()[:2]) for line in printed.splitlines()}
    assert job in printed.replace("\n", "").replace(" ", "")
    assert not purge_one(world.room(), job, dry_run=False, keep_output=False)
    assert "JOB_NOT_FOUND" in capsys.readouterr().err


def test_the_command_finds_jobs_of_every_kind_that_ended_before_a_moment(world: ExtensionWorld) -> None:
    comprehend = world.client("comprehend")
    first = comprehend.start_key_phrases_detection_job(**world.request())["JobId"]
    comprehend.stop_key_phrases_detection_job(JobId=first)
    world.later(60)
    second = ended_job(world)
    world.later(60)
    ended_job(world)
    comprehend.start_entities_detection_job(**world.request())
    assert ended_before(comprehend, world.now) == [first, second]
    assert ended_before(comprehend, world.now - dt.timedelta(seconds=60)) == [first]


def test_the_trail_has_the_purge_and_the_deletion(world: ExtensionWorld) -> None:
    job = ended_job(world)
    answer = world.room().purge_job(JobId=job)
    request_id = answer["ResponseMetadata"]["RequestId"]
    trail = world.product.access.trail
    trail.flush()
    (call,) = with_request_id(trail.folder, "management", request_id, 1 << 20)
    assert (call["eventName"], call["requestParameters"]["jobId"]) == ("PurgeJob", job)
    assert call["responseElements"]["traces"][0]["result"] == "ERASED"
    (deletion,) = with_request_id(trail.folder, "data", request_id, 1 << 20)
    assert deletion["eventName"] == "DeleteObject"
    assert deletion["userIdentity"]["arn"] == f"arn:aws:iam::{ACCOUNT}:user/boss"

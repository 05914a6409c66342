"""Jobs and calls for personal data, with boto3: what only they have; ``test_comprehend_kinds.py`` has the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.config import Config
from sqlalchemy import select

from reading_room.analysis.kinds import JOB_KINDS
from reading_room.analysis.recall_profile import read
from reading_room.aws.models import operation_model
from reading_room.comprehend import pii_profiles
from reading_room.jobs.tables import JobEventRow, JobRow
from reading_room.settings import Settings
from tests.worlds.comprehend import ACCOUNT, ALLOW_ALL, REGION, ComprehendWorld, start_request
from tests.worlds.models import refused
from tests.worlds.recall_profiles import profile_members, profile_text

TAG = "reading-room:vpc"
OFFSETS = {"Mode": "ONLY_OFFSETS"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ComprehendWorld]:
    world = ComprehendWorld(tmp_path)
    yield world
    world.close()


def start(world: ComprehendWorld, **changes: Any) -> str:
    return str(world.client.start_pii_entities_detection_job(**start_request(**OFFSETS | changes))["JobId"])


def described(world: ComprehendWorld, job_id: str) -> dict[str, Any]:
    answer = world.client.describe_pii_entities_detection_job(JobId=job_id)
    return dict(answer["PiiEntitiesDetectionJobProperties"])


def tagged(value: str) -> list[dict[str, str]]:
    return [{"Key": TAG, "Value": value}]


# Redaction


def redaction(**config: Any) -> dict[str, Any]:
    return {"Mode": "ONLY_REDACTION", "RedactionConfig": config}


@pytest.mark.parametrize(
    "config",
    [
        {"PiiEntityTypes": ["ALL"]},
        {"PiiEntityTypes": ["NAME", "EMAIL"], "MaskMode": "MASK", "MaskCharacter": "#"},
        {"PiiEntityTypes": ["SSN"], "MaskMode": "REPLACE_WITH_PII_ENTITY_TYPE"},
    ],
)
def test_a_job_shows_its_mode_and_redaction_as_they_were_requested(
    world: ComprehendWorld, config: dict[str, Any]
) -> None:
    shown = described(world, start(world, **redaction(**config)))
    assert (shown["Mode"], shown["RedactionConfig"]) == ("ONLY_REDACTION", config)


def test_a_job_of_offsets_shows_no_redaction_and_no_network(world: ComprehendWorld) -> None:
    shown = described(world, job_id := start(world))
    assert shown.pop("SubmitTime") == world.now
    assert shown == {
        "JobId": job_id,
        "JobArn": f"arn:aws:comprehend:{REGION}:{ACCOUNT}:pii-entities-detection-job/{job_id}",
        "JobStatus": "SUBMITTED",
        "InputDataConfig": {"S3Uri": "s3://papers/in/", "InputFormat": "ONE_DOC_PER_LINE"},
        "OutputDataConfig": {"S3Uri": f"s3://papers/out/{ACCOUNT}-PII-{job_id}/output/"},
        "LanguageCode": "en",
        "DataAccessRoleArn": f"arn:aws:iam::{ACCOUNT}:role/Reader",
        "Mode": "ONLY_OFFSETS",
    }


def test_every_type_of_the_api_can_be_redacted(world: ComprehendWorld) -> None:
    model: Any = operation_model("comprehend", "StartPiiEntitiesDetectionJob")
    types = model.input_shape.members["RedactionConfig"].members["PiiEntityTypes"].member.enum
    assert "ALL" in types
    shown = described(world, start(world, **redaction(PiiEntityTypes=types)))
    assert shown["RedactionConfig"]["PiiEntityTypes"] == types


@pytest.mark.parametrize(
    ("members", "code", "says"),
    [
        ({"Mode": "ONLY_REDACTION"}, "InvalidRequestException", "PiiEntityTypes"),
        (redaction(MaskMode="MASK"), "InvalidRequestException", "PiiEntityTypes"),
        (redaction(PiiEntityTypes=[]), "InvalidRequestException", "PiiEntityTypes"),
        (
            {"Mode": "ONLY_OFFSETS", "RedactionConfig": {"PiiEntityTypes": ["ALL"]}},
            "InvalidRequestException",
            "ONLY_REDACTION",
        ),
        (
            redaction(PiiEntityTypes=["ALL"], MaskMode="REPLACE_WITH_PII_ENTITY_TYPE", MaskCharacter="*"),
            "InvalidRequestException",
            "MaskCharacter",
        ),
        (redaction(PiiEntityTypes=["ALL"], MaskCharacter="**"), "ValidationException", "maskCharacter"),
        (redaction(PiiEntityTypes=["ALL"], MaskCharacter="e\u0301"), "ValidationException", "maskCharacter"),
        (redaction(PiiEntityTypes=["ALL"], MaskCharacter="x"), "ValidationException", "maskCharacter"),
        (redaction(PiiEntityTypes=["ALL"], MaskCharacter=""), "ValidationException", "maskCharacter"),
        (redaction(PiiEntityTypes=["NAMES"]), "ValidationException", "piiEntityTypes"),
        (redaction(PiiEntityTypes=["ALL"], MaskMode="HIDE"), "ValidationException", "maskMode"),
        ({"Mode": "BOTH"}, "ValidationException", "mode"),
        ({"Mode": None}, "ValidationException", "mode"),
        ({**OFFSETS, "LanguageCode": "ar"}, "InvalidRequestException", "supported: en, es, fr, de, it, pt"),
        ({**OFFSETS, "LanguageCode": "xx"}, "ValidationException", "languageCode"),
        (
            {**OFFSETS, "OutputDataConfig": {"S3Uri": "s3://papers/", "KmsKeyId": "k"}},
            "KmsKeyValidationException",
            "OutputDataConfig.KmsKeyId",
        ),
        ({**OFFSETS, "InputDataConfig": {"S3Uri": "s3://"}}, "ValidationException", "s3Uri"),
    ],
)
def test_an_invalid_request_is_refused_and_starts_nothing(
    world: ComprehendWorld, members: dict[str, Any], code: str, says: str
) -> None:
    client = world.client_of("careless", ALLOW_ALL, config=Config(parameter_validation=False))
    found, message = refused(client.start_pii_entities_detection_job, **start_request(**members))
    assert (found, says in message) == (code, True), message
    assert world.client.list_pii_entities_detection_jobs()["PiiEntitiesDetectionJobPropertiesList"] == []


# The tag for a VPC


def test_the_tag_names_the_network_of_a_job_and_is_fixed(world: ComprehendWorld) -> None:
    job_id = start(world, Tags=tagged("subnet-0a subnet-0b sg-0c"))
    with world.database.reading() as session:
        row = session.get_one(JobRow, job_id)
        assert (row.subnets, row.security_groups, row.arn) == (["subnet-0a", "subnet-0b"], ["sg-0c"], row.arn)
        arn = row.arn
    assert "VpcConfig" not in described(world, job_id)
    for call, parameters in (
        (world.client.tag_resource, {"Tags": tagged("subnet-0d sg-0c")}),
        (world.client.untag_resource, {"TagKeys": [TAG]}),
    ):
        code, message = refused(call, ResourceArn=arn, **parameters)
        assert (code, "fixed" in message) == ("InvalidRequestException", True)
    assert world.client.list_tags_for_resource(ResourceArn=arn)["Tags"] == tagged("subnet-0a subnet-0b sg-0c")
    # The same value again changes nothing.
    world.client.tag_resource(ResourceArn=arn, Tags=tagged("subnet-0a subnet-0b sg-0c"))


def test_the_tag_cannot_be_added_to_a_job_without_it(world: ComprehendWorld) -> None:
    arn = described(world, start(world))["JobArn"]
    code, _ = refused(world.client.tag_resource, ResourceArn=arn, Tags=tagged("subnet-0a sg-0b"))
    assert code == "InvalidRequestException"
    world.client.untag_resource(ResourceArn=arn, TagKeys=[TAG])


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("", "0 ids that begin with subnet-"),
        ("subnet-0a", "0 ids that begin with sg-"),
        ("sg-0a", "0 ids that begin with subnet-"),
        ("subnet-0a sg-0a vpc-0a", "'vpc-0a' is neither"),
        ("subnet-0a/sg-0a", "'subnet-0a/sg-0a' is neither"),
        ("subnet-0a sg-0a sg-0a", "sg-0a is there twice"),
        (" ".join(f"subnet-{n}" for n in range(17)) + " sg-0a", "17 ids"),
        ("subnet-0a " + " ".join(f"sg-{n}" for n in range(6)), "6 ids"),
        ("subnet-é sg-0a", "is neither"),
    ],
)
def test_a_value_that_names_no_network_is_refused(world: ComprehendWorld, value: str, says: str) -> None:
    request = start_request(**OFFSETS, Tags=tagged(value))
    code, message = refused(world.client.start_pii_entities_detection_job, **request)
    assert (code, says in message) == ("InvalidRequestException", True), message


@pytest.mark.parametrize(
    "kind", [kind for kind in JOB_KINDS if kind.engines and not kind.vpc_tag], ids=lambda kind: kind.arn_type
)
def test_a_job_that_has_a_vpc_config_does_not_take_the_tag(world: ComprehendWorld, kind: Any) -> None:
    request = start_request(LanguageCode="en" if kind.languages else None, Tags=tagged("subnet-0a sg-0a"))
    code, message = refused(getattr(world.client, xform_name(kind.start)), **request)
    assert (code, "VpcConfig" in message) == ("InvalidRequestException", True)


def test_a_policy_that_requires_a_network_is_satisfied_by_the_tag_alone(world: ComprehendWorld) -> None:
    only = {
        "Effect": "Allow",
        "Action": "comprehend:StartPiiEntitiesDetectionJob",
        "Resource": f"arn:aws:comprehend:{REGION}:{ACCOUNT}:pii-entities-detection-job/*",
        "Condition": {
            "ForAllValues:StringEquals": {
                "comprehend:VpcSubnets": ["subnet-0a"],
                "comprehend:VpcSecurityGroupIds": ["sg-0b"],
            },
            "Null": {"comprehend:VpcSubnets": "false"},
        },
    }
    passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}
    client = world.client_of("held", json.dumps({"Version": "2012-10-17", "Statement": [only, passing]}))
    call = client.start_pii_entities_detection_job
    call(**start_request(**OFFSETS, Tags=tagged("subnet-0a sg-0b")))
    for tags in ([], tagged("subnet-0a subnet-0c sg-0b"), tagged("subnet-0a sg-0c"), tagged("subnet-0a sg-0b x")):
        assert refused(call, **start_request(**OFFSETS, Tags=tags))[0] == "AccessDeniedException"


# The tag for a recall profile

PROFILE = "reading-room:pii-profile"
OTHER_ACCOUNT = "444455556666"


def store(world: ComprehendWorld, name: str, account: str = ACCOUNT, **changes: Any) -> None:
    """Store a recall profile that wants names with a score of 0.6."""
    with world.database.transaction() as session:
        pii_profiles.put(session, account, name, read(profile_text(**changes)), world.now)


def with_profile(name: str) -> list[dict[str, str]]:
    return [{"Key": PROFILE, "Value": name}]


def request_of(world: ComprehendWorld, job_id: str) -> dict[str, Any]:
    """Return what the worker is told of a job, beside its input and output."""
    with world.database.reading() as session:
        return dict(session.get_one(JobRow, job_id).request)


def test_a_job_keeps_its_profile_as_it_was_at_submission(world: ComprehendWorld) -> None:
    store(world, "claims")
    token = {"ClientRequestToken": "again"}
    job_id = start(world, Tags=with_profile("claims"), **token)
    kept = request_of(world, job_id)["PiiProfile"]
    assert kept == {"Name": "claims", **profile_members()}
    store(world, "claims", Recall=0.5)
    assert request_of(world, job_id)["PiiProfile"] == kept
    with world.database.transaction() as session:
        pii_profiles.remove(session, ACCOUNT, "claims")
        (event,) = session.scalars(select(JobEventRow).where(JobEventRow.job_id == job_id))
        assert event.text == f"submitted, with the recall profile claims: {read(profile_text()).bound()}"
    assert request_of(world, job_id)["PiiProfile"] == kept
    assert start(world, Tags=with_profile("claims"), **token) == job_id
    assert "PiiProfile" not in request_of(world, start(world))


@pytest.mark.parametrize(
    ("name", "language", "says"),
    [
        ("unknown", "en", f"the account {ACCOUNT} has no recall profile of this name"),
        ("others", "en", f"the account {ACCOUNT} has no recall profile of this name"),
        ("", "en", "no recall profile of this name"),
        ("claims", "es", "for LanguageCode 'en', and the job's is 'es'"),
        ("old", "en", "holds for the engine pii-en 0123456789abcdef"),
    ],
)
def test_a_profile_that_a_job_cannot_keep_to_is_refused(
    world: ComprehendWorld, name: str, language: str, says: str
) -> None:
    store(world, "claims")
    store(world, "others", OTHER_ACCOUNT)
    store(world, "old", Engine="pii-en 0123456789abcdef")
    request = start_request(**OFFSETS, LanguageCode=language, Tags=with_profile(name))
    code, message = refused(world.client.start_pii_entities_detection_job, **request)
    assert (code, says in message) == ("InvalidRequestException", True), message
    assert f"Tag {PROFILE!r} has the value {name!r}" in message
    assert world.client.list_pii_entities_detection_jobs()["PiiEntitiesDetectionJobPropertiesList"] == []


def test_only_jobs_for_personal_data_take_a_profile_and_it_is_fixed(world: ComprehendWorld) -> None:
    store(world, "claims")
    code, message = refused(world.client.start_entities_detection_job, **start_request(Tags=with_profile("claims")))
    assert (code, "StartPiiEntitiesDetectionJob" in message) == ("InvalidRequestException", True)
    for tags in ([], with_profile("claims")):
        arn = described(world, start(world, Tags=tags))["JobArn"]
        code, message = refused(world.client.tag_resource, ResourceArn=arn, Tags=with_profile("other"))
        assert (code, "fixed" in message) == ("InvalidRequestException", True)
    assert refused(world.client.untag_resource, ResourceArn=arn, TagKeys=[PROFILE])[0] == "InvalidRequestException"


# Synchronous calls


@pytest.mark.parametrize("stale", [False, True])
def test_calls_keep_to_the_default_profile_of_their_account_and_language(world: ComprehendWorld, stale: bool) -> None:
    place = {"BeginOffset": 0, "EndOffset": 1}
    findings = [{"Type": kind, "Score": score, **place} for kind, score in (("NAME", 0.5), ("NAME", 0.6), ("SSN", 0.1))]
    world.engines.given = findings
    store(world, "claims")
    store(world, "others", OTHER_ACCOUNT)

    def found(language: str = "en") -> list[float]:
        answer = world.client.detect_pii_entities(Text="Ada", LanguageCode=language)
        labels = world.client.contains_pii_entities(Text="Ada", LanguageCode=language)["Labels"]
        assert {each["Name"] for each in labels} == {"NAME", "SSN"}
        return [each["Score"] for each in answer["Entities"]]

    assert found() == [0.5, 0.6, 0.1]
    with world.database.transaction() as session:
        pii_profiles.set_default(session, OTHER_ACCOUNT, "others")
    assert found() == [0.5, 0.6, 0.1]
    with world.database.transaction() as session:
        pii_profiles.set_default(session, ACCOUNT, "claims")
    if stale:
        # As after an upgrade: nothing is promised any more, and nothing is left out.
        store(world, "claims", Engine="pii-en 0123456789abcdef")
    assert found() == ([0.5, 0.6, 0.1] if stale else [0.6, 0.1])
    assert found("es") == [0.5, 0.6, 0.1]
    with world.database.transaction() as session:
        pii_profiles.clear_default(session, ACCOUNT, "en")
    assert found() == [0.5, 0.6, 0.1]


def test_a_text_s_places_and_its_labels(world: ComprehendWorld) -> None:
    found = world.client.detect_pii_entities(Text="Ada Lovelace", LanguageCode="es")
    assert found["Entities"] == [{"Score": 0.5, "Type": "NAME", "BeginOffset": 0, "EndOffset": 12}]
    labels = world.client.contains_pii_entities(Text="Ada Lovelace", LanguageCode="en")
    assert labels["Labels"] == [{"Name": "NAME", "Score": 0.5}]
    assert [call[1] for call in world.engines.calls] == ["pii-es", "pii-en"]
    assert [call[1] for call in world.counted] == ["DetectPiiEntities", "ContainsPiiEntities"]


def test_a_label_has_the_best_score_of_its_type(world: ComprehendWorld) -> None:
    place = {"BeginOffset": 0, "EndOffset": 1}
    scores = (("NAME", 0.25), ("EMAIL", 0.5), ("NAME", 0.75))
    world.engines.given = [{"Type": kind, "Score": score, **place} for kind, score in scores]
    labels = world.client.contains_pii_entities(Text="Ada", LanguageCode="en")["Labels"]
    assert labels == [{"Name": "NAME", "Score": 0.75}, {"Name": "EMAIL", "Score": 0.5}]


@pytest.mark.parametrize("operation", ["detect_pii_entities", "contains_pii_entities"])
def test_a_call_has_the_limits_and_languages_of_the_service(world: ComprehendWorld, operation: str) -> None:
    call = getattr(world.client, operation)
    code, message = refused(call, Text="é" * 50_001, LanguageCode="en")
    assert (code, "100000 bytes while in this request the text size is 100002" in message) == (
        "TextSizeLimitExceededException",
        True,
    )
    call(Text="é" * 50_000, LanguageCode="en")
    code, message = refused(call, Text="Ada", LanguageCode="ar")
    assert (code, "supported: en, es, fr, de, it, pt" in message) == ("UnsupportedLanguageException", True)


def test_the_profile_of_amazon_s_quotas_has_no_language_that_amazon_does_not_document(tmp_path: Path) -> None:
    world = ComprehendWorld(tmp_path, Settings(profile="aws"))
    request = start_request(**OFFSETS, LanguageCode="fr")
    for call, parameters, expected in (
        (world.client.start_pii_entities_detection_job, request, "InvalidRequestException"),
        (world.client.detect_pii_entities, {"Text": "Ada", "LanguageCode": "fr"}, "UnsupportedLanguageException"),
        (world.client.contains_pii_entities, {"Text": "Ada", "LanguageCode": "fr"}, "UnsupportedLanguageException"),
    ):
        code, message = refused(call, **parameters)
        assert (code, message.endswith("supported: en, es.")) == (expected, True), message
    world.client.detect_pii_entities(Text="Ada", LanguageCode="es")
    world.close()

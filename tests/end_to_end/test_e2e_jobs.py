"""A job from boto3 to output.tar.gz, in a container, in a VPC, on a real kernel."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.cli import reading
from reading_room.cli.running import Endpoint
from reading_room.containers.processes import worker_of
from reading_room.containers.record import Folder
from tests.worlds.waiting import eventually

pytestmark = pytest.mark.e2e


def test_an_entities_job_in_a_vpc_reads_writes_and_leaves_no_interface(library: Any) -> None:
    library.put(
        "in/lives.txt", "Marie Curie was born in Warsaw in 1867.\r\n\r\nShe moved to Paris in 1891. 😀 Tromsø\n"
    )
    properties = library.run("in/")
    assert properties["JobStatus"] == "COMPLETED", properties
    assert properties["VpcConfig"] == library.network.config()
    lines = library.lines(properties)
    assert [(line["File"], line["Line"]) for line in lines] == [("lives.txt", n) for n in range(3)]
    assert ("Marie Curie", "PERSON") in {(e["Text"], e["Type"]) for e in lines[0]["Entities"]}
    assert lines[1]["Entities"] == []
    assert library.interfaces() == []


def test_the_flow_log_has_the_job_s_packets_when_the_job_ends(library: Any, account: reading.Account) -> None:
    library.put("flow/a.txt", "Paris is in France.\n")
    properties = library.run("flow/")
    assert properties["JobStatus"] == "COMPLETED"
    interface = _interface(reading.story(account, properties["JobId"]))
    deadline = time.monotonic() + 3
    lines: list[str] = []
    while not lines and time.monotonic() < deadline:
        lines = reading.flow_lines(account, f"/flows/{library.bucket}", interface)
    fields = [line.split() for line in lines]
    assert {f[12] for f in fields} == {"ACCEPT"}
    assert {f[6] for f in fields if f[3].startswith("10.0.")} == {"443"}
    assert all(int(f[8]) > 0 and int(f[9]) > 0 for f in fields)


def test_documents_as_files_and_files_that_are_no_text(library: Any) -> None:
    library.put("files/a.txt", "Angela Merkel\nvisited Paris.")
    library.put("files/b.bin", b"\x00\xff\xfe binary")
    library.put("files/c.txt", "")
    library.put("files/d.txt", b"x" * (1 << 20) + b"y")
    properties = library.run(
        "files/", InputDataConfig={"S3Uri": f"s3://{library.bucket}/files/", "InputFormat": "ONE_DOC_PER_FILE"}
    )
    assert properties["JobStatus"] == "COMPLETED", properties
    lines = library.lines(properties)
    assert [line["File"] for line in lines] == ["a.txt", "b.bin", "c.txt", "d.txt"]
    assert [line.get("ErrorCode") for line in lines] == [
        None,
        "UNSUPPORTED_ENCODING",
        None,
        "DOCUMENT_SIZE_EXCEEDED",
    ]


def test_ten_thousand_empty_lines_are_ten_thousand_results(library: Any) -> None:
    library.put("empty/e.txt", b"\xef\xbb\xbf" + b"\n" * 10_000)
    properties = library.run("empty/")
    assert properties["JobStatus"] == "COMPLETED", properties
    assert len(library.lines(properties)) == 10_000


def test_the_dominant_language_of_each_line(library: Any, account: reading.Account) -> None:
    library.put("tongues/a.txt", "Das Wetter ist heute schön.\nIl fait beau aujourd'hui.\n")
    calls = reading.JobCalls(account, "dominant-language")
    job = calls.start(
        InputDataConfig={"S3Uri": f"s3://{library.bucket}/tongues/"},
        OutputDataConfig={"S3Uri": f"s3://{library.bucket}/results"},
        DataAccessRoleArn=library.role,
        VpcConfig=library.network.config(),
    )
    properties = calls.wait(job, seconds=60)
    assert properties["JobStatus"] == "COMPLETED", properties
    assert "-LANGUAGE-" in properties["OutputDataConfig"]["S3Uri"]
    assert [line["Languages"][0]["LanguageCode"] for line in library.lines(properties)] == ["de", "fr"]


@pytest.mark.skipif(os.geteuid() != 0, reason="what another user's process maps is hidden from an ordinary user")
def test_containers_for_languages_share_one_unpacked_model(
    library: Any, account: reading.Account, endpoint: Endpoint
) -> None:
    def mapped() -> bool:
        for folder in Folder.all(endpoint.data / "agent" / "containers"):
            record = folder.read()
            if record is not None and record.engine == "dominant-language":
                worker = worker_of(record.pid)
                if worker is not None and "/py3langid/ptc.npy" in Path(f"/proc/{worker}/maps").read_text():
                    return True
        return False

    # One that was started while the agent still unpacked has read its package's own: a job takes that.
    library.put("shared/a.txt", "Das Wetter ist heute schön.\n")
    calls = reading.JobCalls(account, "dominant-language")
    where = {"S3Uri": f"s3://{library.bucket}/shared/"}
    request = {"OutputDataConfig": {"S3Uri": f"s3://{library.bucket}/results"}, "DataAccessRoleArn": library.role}
    assert calls.wait(calls.start(InputDataConfig=where, **request), seconds=60)["JobStatus"] == "COMPLETED"
    eventually(mapped, what="a container that maps the model")


def test_a_job_without_a_vpc_config_shows_none_and_needs_no_network_right(
    library: Any, account: reading.Account
) -> None:
    library.put("plain/a.txt", "Paris is in France.\n")
    role = reading.make_role(
        account,
        f"{library.bucket}-plain",
        "comprehend.amazonaws.com",
        [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
    )
    properties = library.run("plain/", vpc=False, DataAccessRoleArn=role)
    assert properties["JobStatus"] == "COMPLETED", properties
    assert "VpcConfig" not in properties


def test_a_bucket_that_demands_the_endpoint_refuses_a_job_without_it(
    make_library: Callable[..., Any], account: reading.Account
) -> None:
    library = make_library("10.9.0.0/16")
    library.put("in/a.txt", "Paris is in France.\n")
    bucket = f"arn:aws:s3:::{library.bucket}"
    statement = {
        "Sid": "OnlyThroughTheEndpoint",
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": [bucket, f"{bucket}/*"],
        "Condition": {"StringNotEquals": {"aws:SourceVpce": library.network.endpoint}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    account.s3.put_bucket_policy(Bucket=library.bucket, Policy=policy)
    outside = library.run("in/", vpc=False)
    assert outside["JobStatus"] == "FAILED"
    assert outside["Message"].startswith("NO_READ_ACCESS_TO_INPUT")
    assert "OnlyThroughTheEndpoint" in outside["Message"]
    assert library.run("in/")["JobStatus"] == "COMPLETED"


def test_a_missing_route_is_named_and_nothing_stays(make_library: Callable[..., Any]) -> None:
    library = make_library("10.8.0.0/16", with_endpoint=False)
    library.put("in/a.txt", "Paris.\n")
    properties = library.run("in/")
    assert properties["JobStatus"] == "FAILED"
    assert properties["Message"].startswith("NO_ROUTE_TO_STORAGE")
    assert library.network.route_table in properties["Message"]
    assert library.interfaces() == []


def test_an_endpoint_policy_without_put_fails_at_writing_and_leaves_nothing(
    make_library: Callable[..., Any], account: reading.Account
) -> None:
    library = make_library("10.7.0.0/16")
    library.put("in/a.txt", "Paris.\n")
    actions = tuple(action for action in reading.ENDPOINT_ACTIONS if action != "s3:PutObject")
    account.ec2.modify_vpc_endpoint(
        VpcEndpointId=library.network.endpoint, PolicyDocument=reading.endpoint_policy(actions)
    )
    properties = library.run("in/")
    assert properties["JobStatus"] == "FAILED"
    assert properties["Message"].startswith("NO_WRITE_ACCESS_TO_OUTPUT")
    assert "VPC endpoint policy" in properties["Message"]
    assert "Contents" not in account.s3.list_objects_v2(Bucket=library.bucket, Prefix="results/")
    assert "Uploads" not in account.s3.list_multipart_uploads(Bucket=library.bucket)


@pytest.mark.parametrize("action", reading.NETWORK_ACTIONS)
def test_each_missing_network_action_fails_early_by_name(library: Any, account: reading.Account, action: str) -> None:
    library.put("in/lives.txt", "Paris.\n")
    name = f"{library.bucket}-without-{action.partition(':')[2]}"
    others = [other for other in reading.NETWORK_ACTIONS if other != action]
    role = reading.make_role(
        account,
        name[:64],
        "comprehend.amazonaws.com",
        [{"Effect": "Allow", "Action": [*others, "s3:*"], "Resource": "*"}],
    )
    properties = library.run("in/", DataAccessRoleArn=role)
    assert properties["JobStatus"] == "FAILED"
    assert properties["Message"].startswith("NO_PERMISSION_FOR_NETWORK_INTERFACE")
    assert action in properties["Message"]
    assert library.interfaces() == []


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        ("s3://no-such-bucket-anywhere/in/", ("INPUT_NOT_FOUND", "NO_READ_ACCESS_TO_INPUT")),
        ("s3://{bucket}/no-such-prefix/", ("INPUT_NOT_FOUND",)),
    ],
)
def test_an_input_that_is_not_there_is_named(library: Any, uri: str, code: tuple[str, ...]) -> None:
    uri = uri.format(bucket=library.bucket)
    properties = library.run("", InputDataConfig={"S3Uri": uri})
    assert properties["JobStatus"] == "FAILED"
    assert properties["Message"].startswith(code)
    assert uri.removesuffix("/") in properties["Message"]


def test_a_role_without_read_right_fails_with_the_attested_text(library: Any, account: reading.Account) -> None:
    library.put("in/lives.txt", "Paris.\n")
    role = reading.make_role(
        account,
        f"{library.bucket}-blind",
        "comprehend.amazonaws.com",
        [{"Effect": "Allow", "Action": list(reading.NETWORK_ACTIONS), "Resource": "*"}],
    )
    properties = library.run("in/", DataAccessRoleArn=role)
    assert properties["JobStatus"] == "FAILED"
    assert properties["Message"].startswith(
        "NO_READ_ACCESS_TO_INPUT: The provided data access role does not have proper access to the input data."
    )
    assert "s3:ListBucket" in properties["Message"]


def test_a_stopped_job_writes_what_it_had(library: Any, account: reading.Account) -> None:
    """On a busy machine the engine may still be loading when the stop comes: then a later stop is tried."""
    text = "Barack Obama was born in Hawaii and lived in Chicago, Illinois. " * 30
    library.put("long/a.txt", "\n".join([text] * 6000))
    for wait in (1, 4, 12):
        job = library.start("long/")
        while library.entities.describe(job)["JobStatus"] == "SUBMITTED":
            time.sleep(0.01)
        time.sleep(wait)
        answer = account.comprehend.stop_entities_detection_job(JobId=job)
        assert answer["JobStatus"] == "STOP_REQUESTED"
        properties = library.entities.wait(job, seconds=30)
        assert properties["JobStatus"] == "STOPPED"
        assert library.interfaces() == []
        if lines := library.lines(properties):
            break
    assert 0 < len(lines) < 6000


def test_the_synchronous_calls_answer_from_warm_containers(account: reading.Account) -> None:
    entities = account.comprehend.detect_entities(Text="Angela Merkel visited Paris.", LanguageCode="en")["Entities"]
    assert {e["Text"] for e in entities} >= {"Angela Merkel", "Paris"}
    languages = account.comprehend.detect_dominant_language(Text="Il fait beau aujourd'hui.")["Languages"]
    assert languages[0]["LanguageCode"] == "fr"
    began = time.monotonic()
    for _ in range(5):
        account.comprehend.detect_entities(Text="Paris is in France.", LanguageCode="en")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("config", "codes"),
    [
        ({"SecurityGroupIds": ["g"] * 6}, ("ValidationException", "InvalidRequestException")),
        ({"Subnets": [f"subnet-{n}" for n in range(17)]}, ("ValidationException", "InvalidRequestException")),
        ({"Subnets": ["subnet-" + "0" * 26]}, ("ValidationException", "InvalidRequestException")),
        ({"SecurityGroupIds": [" sg-0123456789abcdef0"]}, ("ValidationException", "InvalidRequestException")),
    ],
)
def test_a_vpc_config_outside_the_model_is_refused_in_the_call(
    library: Any, config: dict[str, list[str]], codes: tuple[str, ...]
) -> None:
    with pytest.raises(ClientError) as refused:
        library.start("in/", VpcConfig=library.network.config() | config)
    assert refused.value.response["Error"]["Code"] in codes


def test_unknown_and_foreign_ids_fail_with_the_id_and_leave_nothing(
    library: Any, make_library: Callable[..., Any]
) -> None:
    other = make_library("10.6.0.0/16")
    library.put("in/lives.txt", "Paris.\n")
    own, foreign = library.network.config(), other.network.config()
    cases = {
        "SUBNET_NOT_FOUND": (own | {"Subnets": ["subnet-0123456789abcdef0"]}, "subnet-0123456789abcdef0"),
        "SECURITY_GROUP_NOT_FOUND": (own | {"SecurityGroupIds": ["sg-0123456789abcdef0"]}, "sg-0123456789abcdef0"),
        "SUBNETS_IN_DIFFERENT_VPCS": (
            own | {"Subnets": [own["Subnets"][0], foreign["Subnets"][0]]},
            foreign["Subnets"][0],
        ),
        "SECURITY_GROUP_NOT_IN_VPC": (
            own | {"SecurityGroupIds": foreign["SecurityGroupIds"]},
            foreign["SecurityGroupIds"][0],
        ),
    }
    for code, (config, named) in cases.items():
        properties = library.run("in/", VpcConfig=config)
        assert properties["JobStatus"] == "FAILED"
        assert properties["Message"].startswith(code), properties["Message"]
        assert named in properties["Message"]
    assert library.interfaces() == other.interfaces() == []


def _interface(lines: list[tuple[int, str]]) -> str:
    words = [word.strip(".,:;()") for _, text in lines for word in text.split()]
    return next(word for word in words if word.startswith("eni-"))

"""A job from boto3 to output.tar.gz, in a container, in a VPC, on a real kernel."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from reading_room.cli import reading
from tests.worlds.place import Place
from tests.worlds.waiting import eventually

pytestmark = pytest.mark.e2e


def test_an_entities_job_in_a_vpc_completes_and_leaves_no_interface(library: Place) -> None:
    library.put_text(
        "in/lives.txt", "Marie Curie was born in Warsaw in 1867.\r\n\r\nShe moved to Paris in 1891. 😀 Tromsø\n"
    )
    properties = library.run("in/", "entities")
    assert properties["JobStatus"] == "COMPLETED", properties
    assert properties["VpcConfig"] == library.network.config()
    lines = library.results(properties)
    assert [(line["File"], line["Line"]) for line in lines] == [("lives.txt", n) for n in range(3)]
    assert ("Marie Curie", "PERSON") in {(e["Text"], e["Type"]) for e in lines[0]["Entities"]}
    assert lines[1]["Entities"] == []
    assert library.interfaces() == []


def test_the_flow_log_has_the_packets_of_a_job(library: Place, account: reading.Account) -> None:
    library.put_text("flow/a.txt", "Paris is in France.\n")
    properties = library.run("flow/")
    assert properties["JobStatus"] == "COMPLETED"
    interface = _interface(reading.story(account, properties["JobId"]))
    lines = eventually(lambda: reading.flow_lines(account, library.flows, interface), what="the job's flow log")
    fields = [line.split() for line in lines]
    assert {f[12] for f in fields} == {"ACCEPT"}
    assert {f[6] for f in fields if f[3].startswith("10.0.")} == {"443"}
    assert all(int(f[8]) > 0 and int(f[9]) > 0 for f in fields)


def test_documents_as_files_and_files_that_are_not_text(library: Place) -> None:
    library.put_text("files/a.txt", "Angela Merkel\nvisited Paris.")
    library.put_text("files/b.bin", b"\x00\xff\xfe binary")
    library.put_text("files/c.txt", "")
    library.put_text("files/d.txt", b"x" * (1 << 20) + b"y")
    source = {"S3Uri": f"s3://{library.bucket}/files/", "InputFormat": "ONE_DOC_PER_FILE"}
    properties = library.run("files/", "entities", InputDataConfig=source)
    assert properties["JobStatus"] == "COMPLETED", properties
    lines = library.results(properties)
    assert [line["File"] for line in lines] == ["a.txt", "b.bin", "c.txt", "d.txt"]
    assert [line.get("ErrorCode") for line in lines] == [
        None,
        "UNSUPPORTED_ENCODING",
        None,
        "DOCUMENT_SIZE_EXCEEDED",
    ]


def test_ten_thousand_empty_lines_are_ten_thousand_results(library: Place) -> None:
    library.put_text("empty/e.txt", b"\xef\xbb\xbf" + b"\n" * 10_000)
    properties = library.run("empty/", "entities")
    assert properties["JobStatus"] == "COMPLETED", properties
    assert len(library.results(properties)) == 10_000


def test_the_dominant_language_of_each_line(library: Place) -> None:
    library.put_text("tongues/a.txt", "Das Wetter ist heute schön.\nIl fait beau aujourd'hui.\n")
    properties = library.run("tongues/", "dominant-language")
    assert properties["JobStatus"] == "COMPLETED", properties
    assert "-LANGUAGE-" in properties["OutputDataConfig"]["S3Uri"]
    assert [line["Languages"][0]["LanguageCode"] for line in library.results(properties)] == ["de", "fr"]


def test_a_jobs_units_are_counted_and_its_traces_erased(library: Place, account: reading.Account) -> None:
    texts = ["é" * 301, "Paris is in France."]
    library.put_text("billed/a.txt", "\n".join(texts).encode() + b"\n\xff\xfe\n")
    properties = library.run("billed/", "dominant-language")
    job, output = properties["JobId"], properties["OutputDataConfig"]["S3Uri"].partition(f"{library.bucket}/")[2]
    room = account.client("reading-room")
    erased = {trace["Trace"] for trace in room.purge_job(JobId=job)["Traces"] if trace["Result"] == "ERASED"}
    assert erased == {"Output", "LogStream", "Story", "Record"}
    with pytest.raises(ClientError, match="404"):
        account.s3.head_object(Bucket=library.bucket, Key=output)
    assert reading.find_job(account, job) is None
    jobs = room.get_usage(IncludeJobs=True)["Jobs"]
    (used,) = (each for each in jobs if each["JobId"] == job)
    counts = [used[name] for name in ("Kind", "Documents", "Characters", "Units")]
    assert counts == ["dominant-language", 3, sum(map(len, texts)), 4 + 3]


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user cannot see the memory maps of another user's process")
def test_containers_for_languages_share_one_unpacked_model(
    library: Place,
) -> None:
    def mapped() -> bool:
        """Return whether a new job's container maps the model. It does not while the agent still unpacks it."""
        with library.running() as (_, worker):
            return "/py3langid/ptc.npy" in Path(f"/proc/{worker}/maps").read_text()

    eventually(mapped, what="a container that maps the model")


def test_a_job_without_a_vpc_config_shows_none_and_requires_no_network_permissions(
    library: Place, account: reading.Account
) -> None:
    library.put_text("plain/a.txt", "Paris is in France.\n")
    role = reading.make_role(
        account,
        f"{library.bucket}-plain",
        "comprehend.amazonaws.com",
        [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
    )
    properties = library.run("plain/", VpcConfig=None, DataAccessRoleArn=role)
    assert properties["JobStatus"] == "COMPLETED", properties
    assert "VpcConfig" not in properties


def test_a_bucket_that_requires_the_endpoint_denies_a_job_without_it(
    make_library: Callable[..., Place], account: reading.Account
) -> None:
    library = make_library("10.9.0.0/16")
    library.put_text("in/a.txt", "Paris is in France.\n")
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
    outside = library.run("in/", VpcConfig=None)
    assert outside["JobStatus"] == "FAILED"
    assert outside["Message"].startswith("NO_READ_ACCESS_TO_INPUT")
    assert "OnlyThroughTheEndpoint" in outside["Message"]
    assert library.run("in/")["JobStatus"] == "COMPLETED"


def test_the_message_names_a_missing_route_and_nothing_is_left(make_library: Callable[..., Place]) -> None:
    library = make_library("10.8.0.0/16", with_endpoint=False)
    library.put_text("in/a.txt", "Paris.\n")
    properties = library.run("in/")
    assert properties["JobStatus"] == "FAILED"
    assert properties["Message"].startswith("NO_ROUTE_TO_STORAGE")
    assert library.network.route_table in properties["Message"]
    assert library.interfaces() == []


def test_an_endpoint_policy_without_put_object_fails_the_job_and_leaves_nothing(
    make_library: Callable[..., Place], account: reading.Account
) -> None:
    library = make_library("10.7.0.0/16")
    library.put_text("in/a.txt", "Paris.\n")
    actions = tuple(action for action in reading.ENDPOINT_ACTIONS if action != "s3:PutObject")
    library.allow(*actions)
    properties = library.run("in/")
    assert properties["JobStatus"] == "FAILED"
    assert properties["Message"].startswith("NO_WRITE_ACCESS_TO_OUTPUT")
    assert "VPC endpoint policy" in properties["Message"]
    assert "Contents" not in account.s3.list_objects_v2(Bucket=library.bucket, Prefix="results/")
    assert "Uploads" not in account.s3.list_multipart_uploads(Bucket=library.bucket)


@pytest.mark.parametrize("action", reading.NETWORK_ACTIONS)
def test_the_message_names_each_missing_network_action(library: Place, account: reading.Account, action: str) -> None:
    library.put_text("in/lives.txt", "Paris.\n")
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
def test_the_message_names_a_missing_input(library: Place, uri: str, code: tuple[str, ...]) -> None:
    uri = uri.format(bucket=library.bucket)
    properties = library.run("", InputDataConfig={"S3Uri": uri})
    assert properties["JobStatus"] == "FAILED"
    assert properties["Message"].startswith(code)
    assert uri.removesuffix("/") in properties["Message"]


def test_a_role_without_read_permission_fails_with_the_documented_message(
    library: Place, account: reading.Account
) -> None:
    library.put_text("in/lives.txt", "Paris.\n")
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


def test_synchronous_calls_are_answered_by_containers_started_ahead(account: reading.Account) -> None:
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
def test_an_invalid_vpc_config_is_refused_by_the_call(
    library: Place, config: dict[str, list[str]], codes: tuple[str, ...]
) -> None:
    with pytest.raises(ClientError) as refused:
        library.start("in/", VpcConfig=library.network.config() | config)
    assert refused.value.response["Error"]["Code"] in codes


def test_the_message_names_unknown_and_foreign_ids_and_nothing_is_left(
    library: Place, make_library: Callable[..., Place]
) -> None:
    other = make_library("10.6.0.0/16")
    library.put_text("in/lives.txt", "Paris.\n")
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

"""Jobs for personal data in a VPC, from boto3 to the objects of their folder. Nothing else repeats what they found."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from reading_room.cli import commands, reading
from reading_room.comprehend.tags import CONTAINERS_TAG
from tests.worlds.place import Place
from tests.worlds.product import Product
from tests.worlds.recall_profiles import profile_text
from tests.worlds.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SECRETS = ("maria.lopez@example.com", "4111 1111 1111 1111", "123-45-6789")
LETTER = f"""Dear Sir or Madam,
please write to {SECRETS[0]} or {SECRETS[0].upper()}.
The card is {SECRETS[1]}, which is {SECRETS[1].replace(" ", "")}.
My social security number is {SECRETS[2]}.
"""
REDACT = {"Mode": "ONLY_REDACTION", "RedactionConfig": {"PiiEntityTypes": ["ALL"], "MaskCharacter": "#"}}


@pytest.fixture(scope="module")
def library(make_library: Callable[..., Place]) -> Place:
    """Return a place whose jobs may run in several containers."""
    found = make_library()
    reading.open_to_itself(found.account, found.network.group)
    return found


def objects(library: Place, properties: dict[str, Any]) -> dict[str, str]:
    """Return the objects of a job's folder by their names."""
    bucket, _, key = properties["OutputDataConfig"]["S3Uri"].removeprefix("s3://").partition("/")
    assert key.endswith("/output/")
    s3 = library.account.s3
    keys = list(reading.objects_below(library.account, bucket, key.removesuffix("output/")))
    assert all(each.startswith(key) for each in keys), "something else was left in the job's folder"
    return {each[len(key) :]: s3.get_object(Bucket=bucket, Key=each)["Body"].read().decode() for each in keys}


def leaks(text: str) -> list[str]:
    """Return the secrets that a text has, in any spelling that the letter has."""
    spellings = [*SECRETS, SECRETS[0].upper(), SECRETS[1].replace(" ", "")]
    return [each for each in spellings if each in text]


def test_offsets_select_what_was_found(library: Place) -> None:
    library.put_text("pii/letter.txt", LETTER)
    library.put_text("pii/more/letter.txt", "Nothing.")
    whole = {"S3Uri": f"s3://{library.bucket}/pii/", "InputFormat": "ONE_DOC_PER_FILE"}
    properties = library.run("pii/", "pii", InputDataConfig=whole)
    assert properties["JobStatus"] == "COMPLETED", properties
    found = objects(library, properties)
    assert set(found) == {"letter.txt.out", "more/letter.txt.out"}
    line = json.loads(found["letter.txt.out"])
    kinds = {each["Type"]: LETTER[each["BeginOffset"] : each["EndOffset"]] for each in line["Entities"]}
    assert (kinds["CREDIT_DEBIT_NUMBER"].replace(" ", ""), kinds["SSN"]) == ("4111111111111111", SECRETS[2])
    assert leaks(found["letter.txt.out"]) == []
    # The tag that takes the place of VpcConfig led the job into the VPC.
    assert any(subnet in library.story(properties["JobId"]) for subnet in library.network.subnets)
    assert library.interfaces() == []


@pytest.mark.parametrize("containers", ["1", "2"])
def test_a_redacted_copy_has_nothing_that_was_found_and_nothing_else_repeats_it(
    library: Place, containers: str
) -> None:
    for number in range(3):
        library.put_text(f"redact-{containers}/{number}.txt", LETTER * 20)
    library.put_text(f"redact-{containers}/of maria.lopez@example.com.txt", LETTER)
    whole = {"S3Uri": f"s3://{library.bucket}/redact-{containers}/", "InputFormat": "ONE_DOC_PER_FILE"}
    tags = [{"Key": CONTAINERS_TAG, "Value": containers}]
    properties = library.run(f"redact-{containers}/", "pii", InputDataConfig=whole, Tags=tags, **REDACT)
    assert properties["JobStatus"] == "COMPLETED", properties
    found = objects(library, properties)
    assert set(found) == {"0.txt.out", "1.txt.out", "2.txt.out", "file-4.out"}
    for text in found.values():
        assert leaks(text) == []
        assert "#### #### #### ####" in text
        assert "The card is" in text
    story = " ".join(text for _, text in reading.story(library.account, properties["JobId"]))
    assert "file-4.out" in story
    assert leaks(story) == []
    assert leaks(json.dumps(properties, default=str)) == []


def test_neither_the_trail_nor_a_log_repeats_a_finding(library: Place, product: Any) -> None:
    text = "Write to carla.unseen@example.net at once."
    library.put_text("silent/letter.txt", text)
    properties = library.run("silent/", "pii", **REDACT)
    assert properties["JobStatus"] == "COMPLETED", properties
    client = library.account.comprehend
    found = client.detect_pii_entities(Text=text, LanguageCode="en")["Entities"]
    assert [text[each["BeginOffset"] : each["EndOffset"]] for each in found] == ["carla.unseen@example.net"]
    assert [each["Name"] for each in client.contains_pii_entities(Text=text, LanguageCode="en")["Labels"]] == ["EMAIL"]
    # The data folder has the trail, and beside it is the log of every process.
    kept = [path for path in Path(product.data).parent.rglob("*") if path.is_file() and "objects" not in path.parts]
    written = [path for path in kept if "trail" in path.parts or "log" in path.name]
    # The trail is written in order, a moment after a call is answered.
    client.list_pii_entities_detection_jobs(Filter={"JobName": "after-the-texts"})
    eventually(lambda: any(b"after-the-texts" in path.read_bytes() for path in written), what="the last call's record")
    for path in written:
        assert b"carla.unseen" not in path.read_bytes(), path


def test_jobs_and_calls_keep_to_recall_profiles(library: Place) -> None:
    text = f"The card is {SECRETS[1]}. Write to {SECRETS[0]}."
    library.put_text("bound/letter.txt", text)
    room, client = library.account.client("reading-room"), library.account.comprehend
    # No finding is quite sure, so the threshold drops every e-mail address.
    room.put_pii_profile(Name="cards", Content=profile_text({"EMAIL": 1.0}))
    tags = [{"Key": "reading-room:pii-profile", "Value": "cards"}]
    properties = library.run("bound/", "pii", Tags=tags, **REDACT)
    assert properties["JobStatus"] == "COMPLETED", properties
    (written,) = objects(library, properties).values()
    assert leaks(written) == [SECRETS[0]]
    assert "with the recall profile cards: a recall of at least 0.98" in library.story(properties["JobId"])
    for default, types in ((False, {"CREDIT_DEBIT_NUMBER", "EMAIL"}), (True, {"CREDIT_DEBIT_NUMBER"})):
        if default:
            room.set_default_pii_profile(Name="cards")
        found = client.detect_pii_entities(Text=text, LanguageCode="en")["Entities"]
        assert {each["Type"] for each in found} == types
        labels = client.contains_pii_entities(Text=text, LanguageCode="en")["Labels"]
        assert {each["Name"] for each in labels} == types
    room.clear_default_pii_profile(LanguageCode="en")


def test_the_commands_store_a_profile_and_set_the_default(product: Product, tmp_path: Path) -> None:
    def run(*words: str, code: int = 0) -> str:
        place = ("--data", str(product.data), "--port", product.endpoint().url.rpartition(":")[2])
        result = CliRunner().invoke(commands.app, ["pii", "profile", *words, *place])
        assert result.exit_code == code, result.output
        return " ".join(result.output.split())

    file = tmp_path / "p.json"
    file.write_text(profile_text({"EMAIL": 0.75}))
    assert "There are no recall profiles" in run("list")
    assert "a recall of at least 0.98 for 1 types in en" in run("put", "letters", str(file))
    assert "letters is the default for calls in en" in run("default", "letters")
    assert "EMAIL 0.750 200" in run("show", "letters")
    assert "letters en 0.98 1 300 documents 2026-11-30 yes" in run("list")
    assert "ClearDefaultPiiProfile" in run("delete", "letters", code=1)
    assert "no default for en" in run("default", "--clear", "en")
    assert "deleted letters" in run("delete", "letters")
    assert "has no recall profile letters" in run("show", "letters", code=1)
    file.write_text("{}")
    assert "has no Confidence" in run("put", "letters", str(file), code=1)


@pytest.mark.costs(20, reason="a job is killed in the middle, and begins again")
def test_a_job_whose_container_is_killed_writes_every_object_once(library: Place) -> None:
    # A job tells how far it is each second: there must be more seconds of work than a fast machine does in one.
    lines = LETTER.splitlines() * 40
    for number in range(12):
        library.put_text(f"killed/{number:02}.txt", "\n".join(lines))
    one = [{"Key": CONTAINERS_TAG, "Value": "1"}]
    with library.held("killed/", "pii", at_work=True, Tags=one, **REDACT) as (job, worker):
        os.kill(worker, signal.SIGKILL)
    properties = library.wait(job)
    assert properties["JobStatus"] == "COMPLETED", properties
    assert "attempt 2" in library.story(job)
    found = objects(library, properties)
    assert set(found) == {f"{number:02}.txt.out" for number in range(12)}
    assert len(set(found.values())) == 1
    text = found["00.txt.out"]
    assert len(text.splitlines()) == len(lines)
    assert leaks(text) == []

"""Custom models on a real kernel: from a CSV to a trained model to a job, in containers behind their own interfaces."""

from __future__ import annotations

import io
import json
import sqlite3
import tarfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from place_world import Place
from product_world import Product, eventually, settled

from reading_room.cli import reading
from reading_room.cli.running import Endpoint
from reading_room.containers.processes import start_time, worker_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

ENDED = ("TRAINED", "TRAINED_WITH_WARNING", "IN_ERROR", "STOPPED")
SENTENCES = {
    "billing": ("The invoice of {} is wrong, I was charged twice.", "Please refund my payment for order {}."),
    "delivery": ("My parcel {} has not arrived yet.", "When will the courier bring package {} to my door?"),
    "account": ("I forgot my password for user {}.", "Please change the e-mail address of login {}."),
}


def rows(each: int) -> str:
    """A training file: so many documents of each of three labels."""
    lines = [f'{label},"{text.format(n)}"' for n in range(each) for label, texts in SENTENCES.items() for text in texts]
    return "\n".join(lines) + "\n"


def create(account: reading.Account, name: str, **request: Any) -> str:
    """Ask for a classifier and return its ARN."""
    answer = account.comprehend.create_document_classifier(DocumentClassifierName=name, LanguageCode="en", **request)
    return answer["DocumentClassifierArn"]


def describe(account: reading.Account, arn: str) -> dict[str, Any]:
    if ":document-classifier/" in arn:
        shown: Any = account.comprehend.describe_document_classifier(DocumentClassifierArn=arn)
        return dict(shown["DocumentClassifierProperties"])
    shown = account.comprehend.describe_entity_recognizer(EntityRecognizerArn=arn)
    return dict(shown["EntityRecognizerProperties"])


def wait(account: reading.Account, arn: str, seconds: float = 300) -> dict[str, Any]:
    """Wait for the end of a training and return the model's properties."""
    deadline = time.monotonic() + seconds
    while (shown := describe(account, arn))["Status"] not in ENDED:
        assert time.monotonic() < deadline, shown
        time.sleep(0.2)
    return shown


def archive(account: reading.Account, uri: str) -> dict[str, bytes]:
    """Return the members of an archive in S3."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    body = account.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return {
            member.name: file.read() for member in tar.getmembers() if (file := tar.extractfile(member)) is not None
        }


def test_from_a_csv_to_a_model_to_a_job(library: Any, account: reading.Account) -> None:
    library.put("training/rows.csv", rows(15))
    arn = create(
        account,
        "tickets",
        DataAccessRoleArn=library.role,
        InputDataConfig={"S3Uri": f"s3://{library.bucket}/training/rows.csv"},
        OutputDataConfig={"S3Uri": f"s3://{library.bucket}/models"},
        VpcConfig=library.network.config(),
    )
    model = wait(account, arn)
    assert model["Status"].startswith("TRAINED"), model
    assert model["VpcConfig"] == library.network.config()
    metadata = model["ClassifierMetadata"]
    assert metadata["NumberOfLabels"] == 3
    assert metadata["NumberOfTrainedDocuments"] + metadata["NumberOfTestDocuments"] == 90
    matrix = json.loads(archive(account, model["OutputDataConfig"]["S3Uri"])["confusion_matrix.json"])
    assert matrix["type"] == "multi_class"
    assert sorted(matrix["labels"]) == sorted(SENTENCES)
    assert library.interfaces() == []
    documents = [
        ("Where is my parcel? The courier did not come.", "delivery"),
        ("Wrong invoice, refund me!", "billing"),
    ]
    library.put("new/mail.txt", "\n".join(text for text, _ in documents) + "\n")
    job = account.comprehend.start_document_classification_job(
        DocumentClassifierArn=arn,
        InputDataConfig={"S3Uri": f"s3://{library.bucket}/new/"},
        OutputDataConfig={"S3Uri": f"s3://{library.bucket}/results"},
        DataAccessRoleArn=library.role,
        VpcConfig=library.network.config(),
    )["JobId"]

    def over() -> Any:
        shown = account.comprehend.describe_document_classification_job(JobId=job)[
            "DocumentClassificationJobProperties"
        ]
        return shown if shown["JobStatus"] in reading.OVER else None

    properties = eventually(over, 120, "the end of the job")
    assert properties["JobStatus"] == "COMPLETED", properties
    assert properties["DocumentClassifierArn"] == arn
    members = archive(account, properties["OutputDataConfig"]["S3Uri"])
    lines = [json.loads(line) for line in members["predictions.jsonl"].splitlines()]
    assert [(line["File"], line["Line"]) for line in lines] == [("mail.txt", "0"), ("mail.txt", "1")]
    assert [line["Classes"][0]["Name"] for line in lines] == [label for _, label in documents]
    assert library.interfaces() == []


NAMES = ("Ada", "Grace", "Alan", "Edith", "Niklaus", "Barbara", "Donald", "Radia")
FAMILIES = ("Lovelace", "Hopper", "Turing", "Clarke", "Wirth", "Liskov", "Knuth", "Perlman")
PHRASES = ("The bridge was designed by {} last year.", "{} signed the report.", "We asked {} to inspect the dam.")


def test_from_annotations_to_a_recognizer_to_a_job(library: Any, account: reading.Account) -> None:
    texts, annotations = [], ["File,Line,Begin Offset,End Offset,Type"]
    for number, (first, last) in enumerate((first, last) for first in NAMES for last in FAMILIES):
        phrase, name = PHRASES[number % len(PHRASES)], f"{first} {last}"
        begin = phrase.index("{}")
        texts.append(phrase.format(name))
        annotations.append(f"reports.txt,{number},{begin},{begin + len(name)},ENGINEER")
    library.put("recognizer/documents/reports.txt", "\n".join(texts) + "\n")
    library.put("recognizer/annotations.csv", "\n".join(annotations) + "\n")
    arn = account.comprehend.create_entity_recognizer(
        RecognizerName="engineers",
        LanguageCode="en",
        DataAccessRoleArn=library.role,
        InputDataConfig={
            "EntityTypes": [{"Type": "ENGINEER"}],
            "Documents": {"S3Uri": f"s3://{library.bucket}/recognizer/documents/"},
            "Annotations": {"S3Uri": f"s3://{library.bucket}/recognizer/annotations.csv"},
        },
        VpcConfig=library.network.config(),
    )["EntityRecognizerArn"]
    model = wait(account, arn)
    assert model["Status"].startswith("TRAINED"), model
    assert [each["Type"] for each in model["RecognizerMetadata"]["EntityTypes"]] == ["ENGINEER"]
    library.put("unread/a.txt", "The bridge was designed by Emily Roebling last year.\n😀 Tromsø is a town.\n")
    properties = library.run("unread/", EntityRecognizerArn=arn)
    assert properties["JobStatus"] == "COMPLETED", properties
    assert properties["EntityRecognizerArn"] == arn
    texts = ["The bridge was designed by Emily Roebling last year.", "😀 Tromsø is a town."]
    lines = library.lines(properties)
    assert [(each["Text"], each["Type"]) for each in lines[0]["Entities"]] == [("Emily Roebling", "ENGINEER")]
    for text, line in zip(texts, lines, strict=True):
        assert all(text[each["BeginOffset"] : each["EndOffset"]] == each["Text"] for each in line["Entities"])
    assert library.interfaces() == []


def test_a_bad_row_is_named_by_file_and_line(library: Any, account: reading.Account) -> None:
    library.put("bad/rows.csv", rows(15) + 'billing,"no end of this quote\n')
    arn = create(
        account,
        "bad",
        DataAccessRoleArn=library.role,
        InputDataConfig={"S3Uri": f"s3://{library.bucket}/bad/rows.csv"},
        VpcConfig=library.network.config(),
    )
    model = wait(account, arn)
    assert model["Status"] in ("IN_ERROR", "TRAINED_WITH_WARNING"), model
    assert "rows.csv" in model["Message"]
    assert "91" in model["Message"]


def test_without_an_endpoint_the_training_names_the_missing_route(
    make_library: Callable[..., Any], account: reading.Account
) -> None:
    library = make_library("10.61.0.0/16", with_endpoint=False)
    library.put("training/rows.csv", rows(15))
    arn = create(
        account,
        "walled",
        DataAccessRoleArn=library.role,
        InputDataConfig={"S3Uri": f"s3://{library.bucket}/training/rows.csv"},
        VpcConfig=library.network.config(),
    )
    model = wait(account, arn)
    assert model["Status"] == "IN_ERROR"
    assert model["Message"].startswith("NO_ROUTE_TO_STORAGE: ")
    assert library.network.route_table in model["Message"]
    assert library.interfaces() == []


def test_an_endpoint_policy_that_shuts_the_models_out_is_named_with_the_statement_it_lacks(
    make_library: Callable[..., Any], account: reading.Account, endpoint: Endpoint
) -> None:
    library = make_library("10.62.0.0/16")
    library.put("training/rows.csv", rows(15))
    own = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": list(reading.ENDPOINT_ACTIONS),
        "Resource": [f"arn:aws:s3:::{library.bucket}", f"arn:aws:s3:::{library.bucket}/*"],
    }
    account.ec2.modify_vpc_endpoint(
        VpcEndpointId=library.network.endpoint,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [own]}),
    )
    arn = create(
        account,
        "shut-out",
        DataAccessRoleArn=library.role,
        InputDataConfig={"S3Uri": f"s3://{library.bucket}/training/rows.csv"},
        VpcConfig=library.network.config(),
    )
    model = wait(account, arn)
    assert model["Status"] == "IN_ERROR"
    assert model["Message"].startswith("NO_ACCESS_TO_MODEL_BUCKET: ")
    assert f'"Resource": "arn:aws:s3:::reading-room-models-{endpoint.region}/*"' in model["Message"]
    assert library.network.endpoint in model["Message"]


def test_a_training_that_is_stopped_half_way_leaves_nothing(library: Any, account: reading.Account) -> None:
    library.put("much/rows.csv", rows(4_000))
    arn = create(
        account,
        "stopped",
        DataAccessRoleArn=library.role,
        InputDataConfig={"S3Uri": f"s3://{library.bucket}/much/rows.csv"},
        VpcConfig=library.network.config(),
    )
    eventually(lambda: describe(account, arn)["Status"] == "TRAINING" and library.interfaces(), 30, "the training")
    time.sleep(1)
    account.comprehend.stop_training_document_classifier(DocumentClassifierArn=arn)
    assert describe(account, arn)["Status"] in ("STOP_REQUESTED", "STOPPED")
    model = wait(account, arn)
    assert model["Status"] == "STOPPED", model
    assert "ClassifierMetadata" not in model
    assert library.interfaces() == []
    with pytest.raises(ClientError, match="ResourceUnavailableException"):
        account.comprehend.start_document_classification_job(
            DocumentClassifierArn=arn,
            InputDataConfig={"S3Uri": f"s3://{library.bucket}/much/"},
            OutputDataConfig={"S3Uri": f"s3://{library.bucket}/results"},
            DataAccessRoleArn=library.role,
        )


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    product = Product(tmp_path)
    try:
        product.start()
        yield Place(product)
    finally:
        product.clear()


def artifacts(database: sqlite3.Connection) -> list[str]:
    """Return the keys of models' artifacts, finished and unfinished."""
    query = "SELECT key FROM s3_objects WHERE bucket LIKE 'reading-room-models-%'"
    uploads = "SELECT key FROM s3_uploads WHERE bucket LIKE 'reading-room-models-%'"
    return [bytes(key).decode() for (key,) in database.execute(f"{query} UNION ALL {uploads}")]


def test_a_training_whose_worker_is_killed_is_tried_again_and_leaves_half_of_nothing(place: Place) -> None:
    account = place.product.account()
    account.s3.put_object(Bucket=place.bucket, Key="training/rows.csv", Body=rows(700).encode())
    arn = create(
        account,
        "killed",
        DataAccessRoleArn=place.role,
        InputDataConfig={"S3Uri": f"s3://{place.bucket}/training/rows.csv"},
        VpcConfig=place.network.config(),
    )
    killed = 0
    while killed < 3:
        victim = eventually(partial(_worker, place, arn, killed + 1), 60, "a worker of the training")
        assert victim is not None
        # At once, in the middle of its work, and near its end.
        time.sleep((0.0, 0.4, 1.0)[killed])
        place.product.kill_processes([victim])
        killed += 1
        if describe(account, arn)["Status"] in ENDED:
            break
    model = wait(account, arn)
    assert model["Status"] in ("TRAINED", "IN_ERROR"), model
    with place.product.database() as database:
        left = artifacts(database)
    if model["Status"] == "IN_ERROR":
        assert model["Message"].startswith("INTERNAL_ERROR: The container was lost 3 times")
        assert left == []
    else:
        assert len(left) == 1
    account.comprehend.delete_document_classifier(DocumentClassifierArn=arn)

    def gone() -> bool:
        try:
            describe(account, arn)
        except ClientError as error:
            return error.response["Error"]["Code"] == "ResourceNotFoundException"
        return False

    eventually(gone, 20, "the end of the deletion")
    with place.product.database() as database:
        assert artifacts(database) == []
    settled(place.product.leftovers)


def _worker(place: Place, arn: str, attempt: int) -> int | None:
    """Return the process that trains a model in this attempt, once there is one."""
    with place.product.database() as database:
        row = database.execute(
            "SELECT c.container_id FROM job_containers c JOIN jobs j USING (job_id) "
            "WHERE j.arn = ? AND c.attempt = ? AND c.interface_id IS NOT NULL",
            (arn, attempt),
        ).fetchone()
    for record in place.product.records().values():
        if row and record is not None and record.container_id == row[0] and start_time(record.pid) is not None:
            return worker_of(record.pid)
    return None

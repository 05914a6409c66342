"""Custom models on a real kernel: trainings and jobs with models, in containers with interfaces in a VPC."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.cli import once_made, reading
from reading_room.cli.job_plan import kinds_of
from reading_room.cli.jobs_run import Run, RunOptions
from reading_room.cli.texts import texts_of
from reading_room.settings import Settings
from tests.worlds.own_account import OwnAccount
from tests.worlds.place import Place
from tests.worlds.product import Product
from tests.worlds.waiting import eventually, settled

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

ENDED = ("TRAINED", "TRAINED_WITH_WARNING", "IN_ERROR", "STOPPED")
SENTENCES = {
    "billing": ("The invoice of {} is wrong, I was charged twice.", "Please refund my payment for order {}."),
    "delivery": ("My parcel {} has not arrived yet.", "When will the courier bring package {} to my door?"),
    "account": ("I forgot my password for user {}.", "Please change the e-mail address of login {}."),
}


def rows(each: int) -> str:
    """Return a training file with so many documents for each of three labels."""
    lines = [f'{label},"{text.format(n)}"' for n in range(each) for label, texts in SENTENCES.items() for text in texts]
    return "\n".join(lines) + "\n"


def create(account: reading.Account, name: str, **request: Any) -> str:
    """Create a classifier and return its ARN."""
    answer = account.comprehend.create_document_classifier(DocumentClassifierName=name, LanguageCode="en", **request)
    return answer["DocumentClassifierArn"]


def describe(account: reading.Account, arn: str) -> dict[str, Any]:
    if ":document-classifier/" in arn:
        shown: Any = account.comprehend.describe_document_classifier(DocumentClassifierArn=arn)
        return dict(shown["DocumentClassifierProperties"])
    shown = account.comprehend.describe_entity_recognizer(EntityRecognizerArn=arn)
    return dict(shown["EntityRecognizerProperties"])


def wait(account: reading.Account, arn: str, seconds: float = 300) -> dict[str, Any]:
    """Wait until a training has ended and return the model's properties."""
    shown = eventually(lambda: found if (found := describe(account, arn))["Status"] in ENDED else None, seconds, arn)
    assert shown is not None
    return shown


def archive(account: reading.Account, uri: str) -> dict[str, bytes]:
    """Return the members of an archive in S3."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    body = account.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return {
            member.name: file.read() for member in tar.getmembers() if (file := tar.extractfile(member)) is not None
        }


NAMES = ("Ada", "Grace", "Alan", "Edith", "Niklaus", "Barbara", "Donald", "Radia")
FAMILIES = ("Lovelace", "Hopper", "Turing", "Clarke", "Wirth", "Liskov", "Knuth", "Perlman")
PHRASES = ("The bridge was designed by {} last year.", "{} signed the report.", "We asked {} to inspect the dam.")


def put_training_data(library: Place, kind: str, times: int = 1) -> dict[str, Any]:
    """Store training data for a kind of model, repeated ``times`` times, and return its ``InputDataConfig``."""
    uri = f"s3://{library.bucket}/{kind}-{times}"
    if kind == "classifier":
        library.put_text(f"{kind}-{times}/rows.csv", rows(15 * times))
        return {"S3Uri": f"{uri}/rows.csv"}
    texts, annotations = [], ["File,Line,Begin Offset,End Offset,Type"]
    for number, (first, last) in enumerate([(first, last) for first in NAMES for last in FAMILIES] * times):
        phrase, name = PHRASES[number % len(PHRASES)], f"{first} {last}"
        begin = phrase.index("{}")
        texts.append(phrase.format(name))
        annotations.append(f"reports.txt,{number},{begin},{begin + len(name)},ENGINEER")
    library.put_text(f"{kind}-{times}/documents/reports.txt", "\n".join(texts) + "\n")
    library.put_text(f"{kind}-{times}/annotations.csv", "\n".join(annotations) + "\n")
    return {
        "EntityTypes": [{"Type": "ENGINEER"}],
        "Documents": {"S3Uri": f"{uri}/documents/"},
        "Annotations": {"S3Uri": f"{uri}/annotations.csv"},
    }


def train(library: Place, kind: str, name: str, times: int = 1, **more: Any) -> str:
    """Create a model of a kind in the library's network, and return its ARN."""
    request = {
        "DataAccessRoleArn": library.role,
        "InputDataConfig": put_training_data(library, kind, times),
        "VpcConfig": library.network.config(),
        **more,
    }
    if kind == "classifier":
        return create(library.account, name, **request)
    made = library.account.comprehend.create_entity_recognizer(RecognizerName=name, LanguageCode="en", **request)
    return str(made["EntityRecognizerArn"])


def classify(library: Place, arn: str, prefix: str) -> str:
    """Start a job with a classifier on a prefix, in the library's network, and return its id."""
    return library.account.comprehend.start_document_classification_job(
        DocumentClassifierArn=arn,
        InputDataConfig={"S3Uri": f"s3://{library.bucket}/{prefix}"},
        OutputDataConfig={"S3Uri": f"s3://{library.bucket}/results"},
        DataAccessRoleArn=library.role,
        VpcConfig=library.network.config(),  # type: ignore[arg-type]
    )["JobId"]


def run_job(library: Place, arn: str, prefix: str) -> dict[str, Any]:
    """Run a job with a model on a prefix, in the library's network, and return its properties."""
    if ":entity-recognizer/" in arn:
        return library.run(prefix, "entities", EntityRecognizerArn=arn)
    return library.wait(classify(library, arn, prefix))


@pytest.fixture(scope="module")
def models(library: Place) -> dict[str, dict[str, Any]]:
    """Train a model of each kind and return their properties."""
    output = {"S3Uri": f"s3://{library.bucket}/models"}
    arns = {
        "classifier": train(library, "classifier", "tickets", OutputDataConfig=output),
        "recognizer": train(library, "recognizer", "engineers"),
    }
    found = {kind: wait(library.account, arn) for kind, arn in arns.items()}
    assert all(model["Status"].startswith("TRAINED") for model in found.values()), found
    return found


def arn_of(model: dict[str, Any]) -> str:
    return str(model.get("DocumentClassifierArn") or model["EntityRecognizerArn"])


every_model = pytest.mark.parametrize("kind", ["classifier", "recognizer"])


def test_from_a_csv_to_a_model_to_a_job(
    library: Place, account: reading.Account, models: dict[str, dict[str, Any]]
) -> None:
    model = models["classifier"]
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
    library.put_text("new/mail.txt", "\n".join(text for text, _ in documents) + "\n")
    properties = run_job(library, arn_of(model), "new/")
    assert properties["JobStatus"] == "COMPLETED", properties
    assert properties["DocumentClassifierArn"] == arn_of(model)
    members = archive(account, properties["OutputDataConfig"]["S3Uri"])
    lines = [json.loads(line) for line in members["predictions.jsonl"].splitlines()]
    assert [(line["File"], line["Line"]) for line in lines] == [("mail.txt", "0"), ("mail.txt", "1")]
    assert [line["Classes"][0]["Name"] for line in lines] == [label for _, label in documents]
    assert library.interfaces() == []


def test_from_annotations_to_a_recognizer_to_a_job(library: Place, models: dict[str, dict[str, Any]]) -> None:
    model = models["recognizer"]
    assert [each["Type"] for each in model["RecognizerMetadata"]["EntityTypes"]] == ["ENGINEER"]
    texts = ["The bridge was designed by Emily Roebling last year.", "😀 Tromsø is a town."]
    library.put_text("unread/a.txt", "\n".join(texts) + "\n")
    properties = run_job(library, arn_of(model), "unread/")
    assert properties["JobStatus"] == "COMPLETED", properties
    assert properties["EntityRecognizerArn"] == arn_of(model)
    lines = library.results(properties)
    assert [(each["Text"], each["Type"]) for each in lines[0]["Entities"]] == [("Emily Roebling", "ENGINEER")]
    for text, line in zip(texts, lines, strict=True):
        assert all(text[each["BeginOffset"] : each["EndOffset"]] == each["Text"] for each in line["Entities"])
    assert library.interfaces() == []


QUESTIONS = {
    "classifier": ("Where is my parcel? The courier did not come.", "delivery"),
    "recognizer": ("The bridge was designed by Emily Roebling last year.", "Emily Roebling"),
}


def ask(account: reading.Account, endpoint: str) -> str:
    """Return the best class, or the one entity, that an endpoint finds in a text."""
    if ":document-classifier-endpoint/" in endpoint:
        text = QUESTIONS["classifier"][0]
        return account.comprehend.classify_document(EndpointArn=endpoint, Text=text)["Classes"][0]["Name"]
    (found,) = account.comprehend.detect_entities(EndpointArn=endpoint, Text=QUESTIONS["recognizer"][0])["Entities"]
    return found["Text"]


def endpoint_of(account: reading.Account, arn: str, name: str) -> str:
    """Create an endpoint for a model, wait until it is in service, and return its ARN."""
    made = account.comprehend.create_endpoint(EndpointName=name, ModelArn=arn, DesiredInferenceUnits=1000)
    settled_endpoint(account, made["EndpointArn"], "IN_SERVICE")
    return made["EndpointArn"]


def settled_endpoint(account: reading.Account, arn: str, status: str) -> dict[str, Any]:
    """Wait until an endpoint has a status, and return its properties."""

    def found() -> dict[str, Any] | None:
        shown = dict(account.comprehend.describe_endpoint(EndpointArn=arn)["EndpointProperties"])
        assert shown["Status"] in ("CREATING", "UPDATING", status), shown
        return shown if shown["Status"] == status else None

    shown = eventually(found, 60, arn)
    assert shown is not None
    return shown


@pytest.mark.costs(12, reason="two models are loaded, and each of their containers is killed once")
@every_model
def test_an_endpoint_answers_with_its_model_even_if_its_container_was_killed(
    account: reading.Account, models: dict[str, dict[str, Any]], product: Product, kind: str
) -> None:
    endpoint = endpoint_of(account, arn_of(models[kind]), kind)
    assert ask(account, endpoint) == QUESTIONS[kind][1]
    engine = {"classifier": "classification", "recognizer": "custom-entities"}[kind]
    product.kill_processes(realtime_workers(product, engine))
    assert ask(account, endpoint) == QUESTIONS[kind][1]
    account.comprehend.update_endpoint(EndpointArn=endpoint, DesiredInferenceUnits=2000)
    assert ask(account, endpoint) == QUESTIONS[kind][1], "it goes on answering"
    assert settled_endpoint(account, endpoint, "IN_SERVICE")["CurrentInferenceUnits"] == 2000
    with pytest.raises(ClientError, match=f"ResourceInUseException.*{endpoint}"):
        delete(account, arn_of(models[kind]))
    account.comprehend.delete_endpoint(EndpointArn=endpoint)
    with pytest.raises(ClientError, match=r"ResourceUnavailableException|DELETING"):
        ask(account, endpoint)


def delete(account: reading.Account, arn: str) -> None:
    """Delete a model."""
    if ":document-classifier/" in arn:
        account.comprehend.delete_document_classifier(DocumentClassifierArn=arn)
    else:
        account.comprehend.delete_entity_recognizer(EntityRecognizerArn=arn)


def realtime_workers(product: Product, engine: str) -> list[int]:
    """Return the product's processes that answer synchronous calls with an engine."""
    command = f"reading_room.analysis.realtime\0--engine\0{engine}\0".encode()
    found = []
    for pid in product.processes():
        with suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            if words.endswith(command) and b"bwrap" not in words:
                found.append(pid)
    assert found
    return found


def test_a_folder_is_classified_with_the_named_model(
    library: Place, models: dict[str, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Uses the code of `jobs run`, whose network must let the job read the model."""
    for folder, label in (("a", "billing"), ("b", "delivery")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "note.txt").write_text(SENTENCES[label][0].format(4711))
    options = RunOptions(
        kinds_of(["classification"], arn := arn_of(models["classifier"])), "auto", 10, False, arn, None
    )
    assert Run(library.account, Settings(), texts_of(tmp_path), options, running=True).to_the_end() == 0
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["a/note.txt", "billing"] in printed
    assert ["b/note.txt", "delivery"] in printed
    once_made.clean(library.account)


@every_model
def test_bad_documents_fail_alone_in_a_job_with_a_model(
    library: Place, models: dict[str, dict[str, Any]], kind: str
) -> None:
    limit = {"classifier": 10 << 20, "recognizer": 1 << 20}[kind]
    lines = {
        b"My parcel has not arrived.\r\n": None,
        b"\n": "EMPTY_DOCUMENT" if kind == "classifier" else None,
        b"x" * (limit + 1) + b"\r": "DOCUMENT_SIZE_EXCEEDED",
        b"Troms\xf8\n": "UNSUPPORTED_ENCODING",
        b"Grace Hopper signed the report.\n": None,
    }
    library.put_text(f"bad-{kind}/a.txt", b"".join(lines))
    properties = run_job(library, arn_of(models[kind]), f"bad-{kind}/")
    assert properties["JobStatus"] == "COMPLETED", properties
    assert [line.get("ErrorCode") for line in library.results(properties)] == list(lines.values())


def test_the_message_about_a_bad_row_names_file_and_line(library: Place, account: reading.Account) -> None:
    library.put_text("bad/rows.csv", rows(15) + 'billing,"no end of this quote\n')
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


def test_the_message_names_a_manifest_that_the_role_may_not_read(library: Place, account: reading.Account) -> None:
    foreign = f"foreign-{library.bucket}"
    account.s3.create_bucket(Bucket=foreign)
    account.s3.put_object(Bucket=foreign, Key="rows.manifest", Body=b'{"source": "a", "kind": 0}\n')
    manifest = {"S3Uri": f"s3://{foreign}/rows.manifest", "AttributeNames": ["kind"]}
    config = {"DataFormat": "AUGMENTED_MANIFEST", "AugmentedManifests": [manifest]}
    model = wait(account, train(library, "classifier", "foreign", InputDataConfig=config))
    assert model["Status"] == "IN_ERROR"
    assert model["Message"].startswith("NO_READ_ACCESS_TO_INPUT: "), model
    assert manifest["S3Uri"] in model["Message"]
    assert library.interfaces() == []


@pytest.fixture(scope="module")
def without_endpoint(make_library: Callable[..., Place]) -> Place:
    """Return a place whose network has no endpoint."""
    library = make_library("10.61.0.0/16", with_endpoint=False)
    library.put_text("new/a.txt", "Grace Hopper signed the report.\n")
    return library


@every_model
def test_without_an_endpoint_the_training_names_the_missing_route(without_endpoint: Place, kind: str) -> None:
    model = wait(without_endpoint.account, train(without_endpoint, kind, "walled"))
    assert model["Status"] == "IN_ERROR"
    assert model["Message"].startswith("NO_ROUTE_TO_STORAGE: ")
    assert without_endpoint.network.route_table in model["Message"]
    assert without_endpoint.interfaces() == []


@every_model
def test_without_an_endpoint_a_job_with_a_model_names_the_missing_route(
    without_endpoint: Place, models: dict[str, dict[str, Any]], kind: str
) -> None:
    properties = run_job(without_endpoint, arn_of(models[kind]), "new/")
    assert properties["JobStatus"] == "FAILED"
    assert properties["Message"].startswith("NO_ROUTE_TO_STORAGE: "), properties
    assert without_endpoint.network.route_table in properties["Message"]
    assert without_endpoint.interfaces() == []


def test_the_message_about_an_endpoint_policy_contains_the_missing_statement_for_models(
    make_library: Callable[..., Place], account: reading.Account
) -> None:
    library = make_library("10.62.0.0/16")
    library.put_text("training/rows.csv", rows(15))
    own = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": list(reading.ENDPOINT_ACTIONS),
        "Resource": [f"arn:aws:s3:::{library.bucket}", f"arn:aws:s3:::{library.bucket}/*"],
    }
    account.ec2.modify_vpc_endpoint(
        VpcEndpointId=library.endpoint,
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
    assert f'"Resource": "arn:aws:s3:::reading-room-models-{account.endpoint.region}/*"' in model["Message"]
    assert library.network.endpoint in model["Message"]


@every_model
def test_a_training_stopped_halfway_leaves_nothing(library: Place, account: reading.Account, kind: str) -> None:
    arn = train(library, kind, "stopped", times={"classifier": 30, "recognizer": 10}[kind])
    job = library.training(arn)
    with library.holding(job, worked=0.5):
        assert describe(account, arn)["Status"] == "TRAINING"
        assert library.interfaces()
        library.stop(job)
        assert describe(account, arn)["Status"] == "STOP_REQUESTED"
    model = wait(account, arn)
    assert model["Status"] == "STOPPED", model
    assert not {"ClassifierMetadata", "RecognizerMetadata"} & set(model)
    assert library.interfaces() == []
    with pytest.raises(ClientError, match="ResourceUnavailableException"):
        run_job(library, arn, "new/")


@every_model
def test_a_flipped_byte_of_an_artifact_fails_the_job_because_its_model_was_changed(
    library: Place, models: dict[str, dict[str, Any]], kind: str
) -> None:
    library.put_text("flipped/a.txt", "Grace Hopper signed the report.\n")
    with library.product.database() as database:
        [(uri,)] = database.execute("SELECT artifact_uri FROM models WHERE arn = ?", (arn_of(models[kind]),))
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        query = "SELECT segments FROM s3_objects WHERE bucket = ? AND key = ?"
        [(segments,)] = database.execute(query, (bucket, key.encode()))
    [(blob, size)] = json.loads(segments)
    [file] = (library.product.data / "objects").rglob(blob)
    flip(file, size - 100)
    try:
        properties = run_job(library, arn_of(models[kind]), "flipped/")
    finally:
        flip(file, size - 100)
    assert properties["JobStatus"] == "FAILED", properties
    assert properties["Message"].startswith(f"MODEL_TAMPERED: {uri} cannot be read."), properties
    assert library.interfaces() == []


def flip(path: Path, position: int) -> None:
    """Flip a bit of a file; a second call restores it."""
    with path.open("r+b") as file:
        file.seek(position)
        value = file.read(1)[0]
        file.seek(position)
        file.write(bytes([value ^ 1]))


def artifacts(library: Place) -> set[str]:
    """Return the keys of all artifacts of the account's models, finished or not."""
    with library.product.database() as database:
        query = "SELECT key FROM {} WHERE bucket LIKE 'reading-room-models-%'"
        rows = [row for table in ("s3_objects", "s3_uploads") for row in database.execute(query.format(table))]
    number = library.account.number if isinstance(library.account, OwnAccount) else ""
    return {text for (key,) in rows if (text := bytes(key).decode()).startswith(f"{number}/")}


@pytest.mark.costs(14, reason="kills a training three times")
def test_a_training_whose_worker_is_killed_is_retried_and_leaves_no_artifacts(library: Place) -> None:
    account, before = library.account, artifacts(library)
    # The data is large enough that the training is still running when it is killed.
    arn = train(library, "classifier", "killed", times=300)
    job = library.training(arn)
    for attempt, worked in enumerate((0.0, 0.3, 0.6), 1):
        # The first kill comes at the start, the others later in the work.
        with library.holding(job, attempt, worked) as victim:
            library.product.kill_processes([victim])
    model = wait(account, arn)
    assert model["Status"] == "IN_ERROR", model
    assert model["Message"].startswith("INTERNAL_ERROR: The container was lost 3 times")
    assert artifacts(library) == before
    account.comprehend.delete_document_classifier(DocumentClassifierArn=arn)

    def gone() -> bool:
        try:
            describe(account, arn)
        except ClientError as error:
            return error.response["Error"]["Code"] == "ResourceNotFoundException"
        return False

    eventually(gone, 20, "the end of the deletion")
    assert artifacts(library) == before
    settled(library.leftovers)


@pytest.mark.costs(13, reason="kills a job halfway, which then starts again")
@pytest.mark.parametrize("kind", ["topics", "classification"])
def test_a_job_that_cannot_be_stopped_completes_after_its_container_is_lost(
    library: Place, models: dict[str, dict[str, Any]], kind: str
) -> None:
    lines = [text.format(n) for n in range(200) for texts in SENTENCES.values() for text in texts]
    library.put_text(f"{kind}/mail.txt", "\n".join(lines))
    if kind == "topics":
        job = library.start("topics/", "topics", NumberOfTopics=3)
    else:
        job = classify(library, arn_of(models["classifier"]), "classification/")
    with library.holding(job, worked=0.3) as worker:
        assert library.describe(job)["JobStatus"] == "IN_PROGRESS"
        library.product.kill_processes([worker])
    properties = library.wait(job)
    assert properties["JobStatus"] == "COMPLETED", f"{properties}\n{library.story(job)}"
    assert "attempt 2 follows" in library.story(job)
    if kind == "topics":
        _, table = reading.topics(library.account, properties)
        assert {row["docname"] for row in table} == {f"mail.txt:{number}" for number in range(len(lines))}
    else:
        assert [line["Line"] for line in library.results(properties)] == [str(number) for number in range(len(lines))]
    settled(library.leftovers)

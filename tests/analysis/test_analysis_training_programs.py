"""Trainings and the jobs that use their models, as a worker runs them, with storage in memory."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reading_room.analysis.custom.classification import Classification
from reading_room.analysis.custom.entities import CustomEntities
from reading_room.analysis.job_file import Done, JobFile, Location, ModelPlace
from reading_room.analysis.kind import Kind
from reading_room.analysis.memory import MemoryStorage
from reading_room.analysis.program import Program, Work
from reading_room.analysis.storage import JobFailure
from reading_room.analysis.training.classifier import ClassifierTraining
from reading_room.analysis.training.recognizer import RecognizerTraining

MODEL = Location("models", "1/model")
OUTPUT = Location("out", "x/output/output.tar.gz")


class World:
    """The objects of a user and of the service, and a folder."""

    def __init__(self, folder: Path) -> None:
        self.user = MemoryStorage({}, chunk=100_000)
        self.service = MemoryStorage({}, chunk=100_000)
        self.folder = folder

    def run(
        self,
        program: Program,
        kind: Kind,
        request: dict[str, Any],
        sha256: str = "",
        stopping: Callable[[], bool] = lambda: False,
    ) -> Done:
        """Run one job over ``s3://in/doc``."""
        job = JobFile(
            job_id="0" * 32,
            attempt=1,
            kind=kind,
            region="us-east-1",
            language="en",
            input=Location("in", "doc"),
            input_format="ONE_DOC_PER_LINE",
            output=OUTPUT,
            document_limit=100_000,
            request=json.dumps(request),
            model=ModelPlace(MODEL, "/x", sha256),
        )
        return program.run(Work(job, self.user, self.folder, stopping, lambda _: None, self.service))

    def member(self, name: str) -> str:
        """Return a member of the archive that was written."""
        with tarfile.open(fileobj=io.BytesIO(self.user.objects[OUTPUT.bucket, OUTPUT.key])) as archive:
            found = archive.extractfile(name)
            assert found is not None
            return found.read().decode()


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A world without objects."""
    return World(tmp_path)


@pytest.fixture(scope="module")
def classifier_training() -> ClassifierTraining:
    """The program, loaded once."""
    return ClassifierTraining()


@pytest.fixture(scope="module")
def recognizer_training() -> RecognizerTraining:
    """The program, loaded once."""
    return RecognizerTraining()


_PETS, _CARS = ("cat", "dog", "rabbit", "hamster"), ("engine", "wheel", "brake", "gearbox")


def labelled_csv(rows: int) -> bytes:
    """Return rows about pets and about cars."""
    lines = []
    for number in range(rows):
        word = (_PETS if number % 2 else _CARS)[number // 2 % 4]
        lines.append(f'{"my pets" if number % 2 else "cars"},"My {word} needs care, number {number}."')
    return "\n".join(lines).encode()


REQUEST = {
    "InputDataConfig": {"S3Uri": "s3://in/train.csv"},
    "LanguageCode": "en",
    "OutputDataConfig": {"S3Uri": "s3://out/x"},
}


def test_a_classifier_is_trained_and_then_classifies(world: World, classifier_training: ClassifierTraining) -> None:
    world.user.objects["in", "train.csv"] = labelled_csv(60) + b"\nbroken\n"
    done = world.run(classifier_training, "classifier-training", REQUEST)
    metadata = json.loads(done.metadata)
    assert metadata["NumberOfLabels"] == 2
    assert metadata["NumberOfTrainedDocuments"] + metadata["NumberOfTestDocuments"] == 60
    assert metadata["NumberOfTestDocuments"] == 6
    assert metadata["EvaluationMetrics"]["Accuracy"] == 1.0
    assert "train.csv, line 61, column 1" in done.warning
    matrix = json.loads(world.member("confusion_matrix.json"))
    assert matrix["labels"] == ["cars", "my pets"]
    assert sum(map(sum, matrix["confusion_matrix"])) == 6
    assert done.size == len(world.service.objects[MODEL.bucket, MODEL.key])

    world.user.objects["in", "docs.txt"] = "A brake and a wheel for it.\n\nThe rabbit and the cat 😀\n".encode()
    used = world.run(Classification(), "classification", {}, done.sha256)
    assert (used.documents, used.errors) == (3, 1)
    lines = [json.loads(line) for line in world.member("predictions.jsonl").splitlines()]
    assert list(lines[0]) == ["File", "Line", "Classes"]
    assert [line["Line"] for line in lines] == ["0", "1", "2"]
    assert lines[0]["Classes"][0]["Name"] == "cars"
    assert lines[1]["ErrorCode"] == "EMPTY_DOCUMENT"
    assert lines[2]["Classes"][0]["Name"] == "my pets"
    assert sum(one["Score"] for one in lines[0]["Classes"]) == pytest.approx(1, abs=1e-3)


@pytest.mark.costs(0.12, reason="a model is trained twice")
def test_the_same_data_give_the_same_model(world: World, classifier_training: ClassifierTraining) -> None:
    world.user.objects["in", "train.csv"] = labelled_csv(40)
    first = world.run(classifier_training, "classifier-training", REQUEST)
    assert world.run(classifier_training, "classifier-training", REQUEST) == first


@pytest.mark.costs(0.2, reason="a model is trained and used")
def test_several_labels_per_document_are_scored_independently(
    world: World, classifier_training: ClassifierTraining
) -> None:
    rows = []
    for number in range(120):
        pet, car = _PETS[number % 4], _CARS[number % 4]
        label, text = (("cars", car), ("pets", pet), ("cars|pets", f"{car} and {pet}"))[number % 3]
        rows.append(f"{label},the {text} of number {number}")
    world.user.objects["in", "train.csv"] = "\n".join(rows).encode()
    request = {"InputDataConfig": {"S3Uri": "s3://in/train.csv"}, "LanguageCode": "en", "Mode": "MULTI_LABEL"}
    done = world.run(classifier_training, "classifier-training", request)
    assert json.loads(done.metadata)["EvaluationMetrics"]["MicroF1Score"] > 0.9
    assert not any(bucket == "out" for bucket, _ in world.user.objects)
    world.user.objects["in", "docs.txt"] = b"a brake, a wheel, a cat and a dog"
    world.run(Classification(), "classification", {}, done.sha256)
    (line,) = [json.loads(line) for line in world.member("predictions.jsonl").splitlines()]
    assert {one["Name"] for one in line["Labels"] if one["Score"] >= 0.5} == {"cars", "pets"}


@pytest.mark.costs(0.25, reason="a training is started six times")
def test_a_training_that_is_stopped_leaves_neither_model_nor_output(
    world: World, classifier_training: ClassifierTraining
) -> None:
    world.user.objects["in", "train.csv"] = labelled_csv(60)
    for looks in range(6):
        left = iter(range(looks))
        done = world.run(
            classifier_training,
            "classifier-training",
            REQUEST,
            stopping=lambda left=left: next(left, None) is None,  # type: ignore[misc]
        )
        assert done.stopped
        assert not world.service.objects
        assert len(world.user.objects) == 1


def test_an_output_without_write_access_fails_the_training_before_it_reads(
    tmp_path: Path, classifier_training: ClassifierTraining
) -> None:
    world = World(tmp_path)
    world.user = MemoryStorage({}, read_only=True)
    with pytest.raises(JobFailure) as failure:
        world.run(classifier_training, "classifier-training", REQUEST)
    assert failure.value.code == "NO_WRITE_ACCESS_TO_OUTPUT"
    assert not world.service.objects


@pytest.mark.costs(0.4, reason="a program is loaded with its engine")
@pytest.mark.parametrize("program", [Classification, CustomEntities])
def test_a_tampered_model_is_refused(world: World, program: Callable[[], Program]) -> None:
    world.service.objects[MODEL.bucket, MODEL.key] = b"PK\x03\x04 something else"
    world.user.objects["in", "docs.txt"] = b"text"
    with pytest.raises(JobFailure) as failure:
        world.run(program(), "classification", {}, "0" * 64)
    assert failure.value.code == "MODEL_TAMPERED"
    assert "s3://models/1/model" in failure.value.message
    assert len(world.user.objects) == 1


_SHIPS = ("Norden Freight", "Baltic Lines", "Cargo Nord", "Harbour Star")
_PORTS = ("Hamburg", "Tromsø", "Cork", "Gdynia")
_SENTENCES = (
    "The carrier {ship} sails to {port} on Monday.",
    "Goods reached {port} with {ship} in time.",
    "Ask {ship} about the delay.",
)


def annotated_documents(number: int) -> tuple[str, list[str]]:
    """Return documents that name carriers and ports, one per line, and their annotations."""
    texts, rows = [], ["File,Line,Begin Offset,End Offset,Type"]
    for line in range(number):
        ship, port = _SHIPS[line % 4], _PORTS[line // 4 % 4]
        text = _SENTENCES[line % 3].format(ship=ship, port=port)
        texts.append(text)
        for name, kind in ((ship, "CARRIER"), (port, "PORT")):
            begin = text.find(name)
            if begin >= 0:
                rows.append(f"docs.txt,{line},{begin},{begin + len(name)},{kind}")
    return "\n".join(texts), rows


RECOGNIZER = {
    "LanguageCode": "en",
    "InputDataConfig": {
        "EntityTypes": [{"Type": "CARRIER"}, {"Type": "PORT"}],
        "Documents": {"S3Uri": "s3://in/train/docs.txt"},
        "Annotations": {"S3Uri": "s3://in/train/ann.csv"},
    },
}


def check_entities(world: World, sha256: str) -> None:
    """Check that a job with the trained model finds the names in its documents, at the right places."""
    world.user.objects["in", "docs.txt"] = "😀 Ask Cargo Nord about Cork.\n\nNo name here at all.\n".encode()
    done = world.run(CustomEntities(), "custom-entities", {}, sha256)
    assert (done.documents, done.errors) == (3, 0)
    lines = [json.loads(line) for line in world.member("output").splitlines()]
    texts = ("😀 Ask Cargo Nord about Cork.", "", "No name here at all.")
    assert ("Cargo Nord", "CARRIER") in [(e["Text"], e["Type"]) for e in lines[0]["Entities"]]
    assert lines[1]["Entities"] == []
    for text, line in zip(texts, lines, strict=True):
        for entity in line["Entities"]:
            assert text[entity["BeginOffset"] : entity["EndOffset"]] == entity["Text"]
            assert 0 <= entity["Score"] <= 1


@pytest.mark.costs(1.4, reason="a recognizer is trained and used")
def test_a_recognizer_learns_from_annotations_and_is_used(
    world: World, recognizer_training: RecognizerTraining
) -> None:
    text, rows = annotated_documents(120)
    world.user.objects["in", "train/docs.txt"] = text.encode()
    world.user.objects["in", "train/ann.csv"] = "\n".join([*rows, "docs.txt,0,0,999,PORT"]).encode()
    done = world.run(recognizer_training, "recognizer-training", RECOGNIZER)
    metadata = json.loads(done.metadata)
    assert metadata["NumberOfTrainedDocuments"] + metadata["NumberOfTestDocuments"] == 120
    assert metadata["EvaluationMetrics"]["F1Score"] > 90
    assert [one["Type"] for one in metadata["EntityTypes"]] == ["CARRIER", "PORT"]
    assert all(one["NumberOfTrainMentions"] > 50 for one in metadata["EntityTypes"])
    assert f"ann.csv, line {len(rows) + 1}, column 12" in done.warning
    check_entities(world, done.sha256)


@pytest.mark.costs(1, reason="a recognizer is trained and used")
def test_a_recognizer_learns_from_an_entity_list_and_is_used(
    world: World, recognizer_training: RecognizerTraining
) -> None:
    world.user.objects["in", "train/docs.txt"] = annotated_documents(120)[0].encode()
    listed = [f"{name},CARRIER" for name in _SHIPS] + [f"{name},PORT" for name in (*_PORTS, "Never Met")]
    world.user.objects["in", "train/list.csv"] = "\n".join(["Text,Type", *listed]).encode()
    config = {
        **RECOGNIZER["InputDataConfig"],  # type: ignore[dict-item]
        "EntityList": {"S3Uri": "s3://in/train/list.csv"},
    }
    del config["Annotations"]
    done = world.run(recognizer_training, "recognizer-training", {**RECOGNIZER, "InputDataConfig": config})
    assert json.loads(done.metadata)["NumberOfTestDocuments"] == 24
    assert done.warning == ""
    check_entities(world, done.sha256)


def test_a_type_with_too_few_mentions_is_named_with_both_numbers(
    world: World, recognizer_training: RecognizerTraining
) -> None:
    text, rows = annotated_documents(30)
    world.user.objects["in", "train/docs.txt"] = text.encode()
    world.user.objects["in", "train/ann.csv"] = "\n".join(rows).encode()
    with pytest.raises(JobFailure) as failure:
        world.run(recognizer_training, "recognizer-training", RECOGNIZER)
    assert failure.value.code == "INSUFFICIENT_TRAINING_DATA"
    assert "at least 25" in failure.value.message
    assert "PORT 20" in failure.value.message
    assert not world.service.objects


def test_a_type_missing_from_the_users_test_documents_is_named(
    world: World, recognizer_training: RecognizerTraining
) -> None:
    text, rows = annotated_documents(120)
    world.user.objects["in", "train/docs.txt"] = text.encode()
    world.user.objects["in", "train/ann.csv"] = "\n".join(rows).encode()
    world.user.objects["in", "test/docs.txt"] = b"Ask Cargo Nord.\n"
    world.user.objects["in", "test/ann.csv"] = f"{rows[0]}\ndocs.txt,0,4,14,CARRIER\n".encode()
    config = {
        "EntityTypes": [{"Type": "CARRIER"}, {"Type": "PORT"}],
        "Documents": {"S3Uri": "s3://in/train/docs.txt", "TestS3Uri": "s3://in/test/docs.txt"},
        "Annotations": {"S3Uri": "s3://in/train/ann.csv", "TestS3Uri": "s3://in/test/ann.csv"},
    }
    with pytest.raises(JobFailure, match="at least 1 mentions in the test documents; too few have: PORT 0") as failure:
        world.run(recognizer_training, "recognizer-training", {"LanguageCode": "en", "InputDataConfig": config})
    assert failure.value.code == "INSUFFICIENT_TRAINING_DATA"
    assert not world.service.objects


@pytest.mark.costs(1.3, reason="a recognizer is trained twice")
def test_the_users_test_documents_give_figures_and_do_not_affect_scores(
    world: World, recognizer_training: RecognizerTraining
) -> None:
    text, rows = annotated_documents(90)
    world.user.objects["in", "train/docs.txt"] = text.encode()
    world.user.objects["in", "train/ann.csv"] = "\n".join(rows).encode()
    config = {
        "EntityTypes": [{"Type": "CARRIER"}, {"Type": "PORT"}],
        "Documents": {"S3Uri": "s3://in/train/docs.txt", "TestS3Uri": "s3://in/test/docs.txt"},
        "Annotations": {"S3Uri": "s3://in/train/ann.csv", "TestS3Uri": "s3://in/test/ann.csv"},
    }
    world.user.objects["in", "test/docs.txt"] = "\n".join(["Ask Cargo Nord about Cork."] * 60).encode()
    models, figures = set(), []
    for carrier, port in (("4,14", "21,25"), ("15,20", "0,3")):
        # The first annotations are correct, the second are not.
        marks = (f"docs.txt,{line},{carrier},CARRIER\ndocs.txt,{line},{port},PORT" for line in range(60))
        world.user.objects["in", "test/ann.csv"] = "\n".join([rows[0], *marks]).encode()
        done = world.run(recognizer_training, "recognizer-training", {"LanguageCode": "en", "InputDataConfig": config})
        models.add(done.sha256)
        figures.append(json.loads(done.metadata)["EvaluationMetrics"]["F1Score"])
    assert len(models) == 1
    assert figures[0] > 90
    assert figures[1] == 0


@pytest.mark.costs(0.9, reason="a recognizer is trained and used")
def test_a_recognizer_of_another_language_is_trained_without_english_tags(
    world: World, recognizer_training: RecognizerTraining
) -> None:
    text, rows = annotated_documents(90)
    world.user.objects["in", "train/docs.txt"] = text.encode()
    world.user.objects["in", "train/ann.csv"] = "\n".join(rows).encode()
    done = world.run(recognizer_training, "recognizer-training", {**RECOGNIZER, "LanguageCode": "de"})
    assert json.loads(done.metadata)["EvaluationMetrics"]["F1Score"] > 90
    check_entities(world, done.sha256)

"""The work of flywheels as a worker runs it, with storage in memory: lakes, datasets, trainings and evaluations."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.analysis.flywheel.dataset import DatasetIngestion
from reading_room.analysis.flywheel.evaluation import ClassifierEvaluation, RecognizerEvaluation
from reading_room.analysis.flywheel.lake import LakePreparation
from reading_room.analysis.flywheel.scores import RecognizerScores, of_classifier
from reading_room.analysis.folder_digest import FolderDigest
from reading_room.analysis.job_file import Done, JobFile, Location, ModelPlace
from reading_room.analysis.kind import Kind
from reading_room.analysis.memory import MemoryStorage
from reading_room.analysis.program import Program, Work
from reading_room.analysis.storage import JobFailure
from reading_room.analysis.training.classifier import ClassifierTraining
from reading_room.analysis.training.data_lake import PinnedStorage
from reading_room.analysis.training.holding import held_by_digest
from reading_room.analysis.training.recognizer import RecognizerTraining

PLACE = Location("lakes", "mail/")
LAKE = "mail/schemaVersion=1/20261201T000000Z/"
MARKER = Location("lakes", LAKE + "flywheelschemaversion")
ARN = "arn:aws:comprehend:us-east-1:111122223333:flywheel/mail"


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
        output: Location,
        model: ModelPlace | None = None,
        place: Location = PLACE,
    ) -> Done:
        """Run one job."""
        job = JobFile(
            job_id="0" * 32,
            attempt=1,
            kind=kind,
            region="us-east-1",
            language="en",
            input=place,
            input_format="ONE_DOC_PER_LINE",
            output=output,
            document_limit=100_000,
            request=json.dumps(request),
            model=model,
        )
        return program.run(Work(job, self.user, self.folder, lambda: False, lambda _: None, self.service))

    def lake(self) -> dict[str, str]:
        """Make a lake and return its marker."""
        done = self.run(LakePreparation(), "flywheel-lake", {"FlywheelArn": ARN, "Marker": None}, MARKER)
        return {"S3Uri": f"s3://lakes/{MARKER.key}", "Sha256": done.sha256}

    def dataset(self, name: str, config: dict[str, Any], **task: Any) -> dict[str, str]:
        """Take data into the lake, and return the place and the digest of its manifest."""
        output = Location("lakes", f"{LAKE}datasets/{name}/documents.jsonl")
        request = {"InputDataConfig": config, "Marker": self.marker, "LanguageCode": "en", **task}
        self.done = self.run(DatasetIngestion(), "flywheel-dataset", request, output)
        return {"S3Uri": f"s3://lakes/{output.key}", "Sha256": self.done.sha256, "DatasetArn": name}

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Return the lines of a manifest."""
        content = self.user.objects["lakes", f"{LAKE}datasets/{name}/documents.jsonl"].decode()
        return [json.loads(line) for line in content.splitlines()]

    @property
    def marker(self) -> dict[str, str]:
        """The marker of the lake."""
        content = self.user.objects[MARKER.bucket, MARKER.key]
        return {"S3Uri": f"s3://lakes/{MARKER.key}", "Sha256": hashlib.sha256(content).hexdigest()}


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.lake()
    return world


def failure(call: Callable[..., object], *arguments: Any, **more: Any) -> tuple[str, str]:
    """Return code and message of the failure that a call raises."""
    with pytest.raises(JobFailure) as raised:
        call(*arguments, **more)
    return raised.value.code, raised.value.message


def csv(rows: int, labels: tuple[str, str] = ("cars", "pets"), first: int = 0) -> bytes:
    """Return rows about cars and pets."""
    words = (("engine", "wheel", "brake"), ("cat", "dog", "rabbit"))
    lines = [
        f'{labels[number % 2]},"My {words[number % 2][number // 2 % 3]} needs care, number {number}."'
        for number in range(first, first + rows)
    ]
    return "\n".join(lines).encode()


# Lakes


def test_a_lake_has_a_marker_and_the_folders_of_the_guide(world: World) -> None:
    assert json.loads(world.user.objects[MARKER.bucket, MARKER.key]) == {"SchemaVersion": 1, "FlywheelArn": ARN}
    folders = {key[len(LAKE) :] for _, key in world.user.objects if key.endswith("/")}
    assert folders == {"Document Pool/", "Annotations Pool/", "Staging/", "Model Datasets/"}
    # An update checks it, and changes nothing.
    before = dict(world.user.objects)
    done = world.run(LakePreparation(), "flywheel-lake", {"FlywheelArn": ARN, "Marker": world.marker}, MARKER)
    assert (done.sha256, dict(world.user.objects)) == (world.marker["Sha256"], before)


def test_an_earlier_lake_of_the_name_is_left_alone_but_a_foreign_schema_is_refused(world: World) -> None:
    world.lake()
    world.user.objects["lakes", "mail/schemaVersion=2/x"] = b"?"
    code, message = failure(world.lake)
    assert code == "FOREIGN_DATA_LAKE"
    assert "s3://lakes/mail/schemaVersion=2/x is not of a data lake with schemaVersion=1" in message


def test_a_lake_that_was_changed_takes_no_dataset(world: World) -> None:
    world.user.objects["in", "rows.csv"] = csv(20)
    marker, config = world.marker, {"S3Uri": "s3://in/rows.csv"}
    request = {"InputDataConfig": config, "Marker": marker, "LanguageCode": "en", "Mode": "MULTI_CLASS"}
    output = Location("lakes", f"{LAKE}datasets/a/documents.jsonl")
    world.user.objects[MARKER.bucket, MARKER.key] = b"something else"
    assert failure(world.run, DatasetIngestion(), "flywheel-dataset", request, output)[0] == "DATA_LAKE_CHANGED"
    del world.user.objects[MARKER.bucket, MARKER.key]
    assert failure(world.run, DatasetIngestion(), "flywheel-dataset", request, output)[0] == "DATA_LAKE_CHANGED"
    assert (output.bucket, output.key) not in world.user.objects


# Datasets


def test_labels_become_lines_of_a_manifest(world: World) -> None:
    world.user.objects["in", "rows.csv"] = b'a,"one, two"\nb,three\nbroken\n'
    world.dataset("one", {"S3Uri": "s3://in/rows.csv"}, Mode="MULTI_CLASS")
    assert json.loads(world.done.metadata) == {"NumberOfDocuments": 2}
    assert "rows.csv, line 3" in world.done.warning
    assert world.lines("one") == [
        {"source": "one, two", "annotation": 0, "annotation-metadata": {"class-name": "a"}},
        {"source": "three", "annotation": 0, "annotation-metadata": {"class-name": "b"}},
    ]
    world.user.objects["in", "rows.csv"] = "a;ü,one\n".encode()
    config = {"S3Uri": "s3://in/rows.csv", "LabelDelimiter": ";"}
    world.dataset("many", config, Mode="MULTI_LABEL")
    assert world.lines("many") == [
        {"source": "one", "annotation": [0, 1], "annotation-metadata": {"class-map": {"0": "a", "1": "ü"}}}
    ]


def test_labels_that_the_task_does_not_have_are_left_out_and_named(world: World) -> None:
    world.user.objects["in", "rows.csv"] = b"a,one\nc,two\n"
    task = {"Mode": "MULTI_CLASS", "Labels": ["a", "b"]}
    world.dataset("some", {"S3Uri": "s3://in/rows.csv"}, **task)
    assert [line["source"] for line in world.lines("some")] == ["one"]
    assert "a label that the flywheel's TaskConfig does not have: rows.csv, line 2" in world.done.warning
    world.user.objects["in", "rows.csv"] = b"c,two\n"
    code, message = failure(world.dataset, "none", {"S3Uri": "s3://in/rows.csv"}, **task)
    assert (code, "no document that its flywheel can use" in message) == ("INSUFFICIENT_TRAINING_DATA", True)


ENTITIES = {"DataFormat": "COMPREHEND_CSV", "EntityTypes": [{"Type": "PET"}]}
PETS = "".join(f"My {('cat', 'dog')[number % 2]} sleeps all day, says number {number}.\n" for number in range(60))


def marked(rows: int = 60, kind: str = "PET") -> bytes:
    """Return annotations of the pets in ``PETS``."""
    lines = ["File,Line,Begin Offset,End Offset,Type", *(f"pets.txt,{line},3,6,{kind}" for line in range(rows))]
    return "\n".join(lines).encode()


def entities(world: World, **more: Any) -> dict[str, Any]:
    """Store documents with annotations, and return the configuration of a dataset."""
    world.user.objects["in", "pets.txt"] = PETS.encode()
    world.user.objects["in", "annotations.csv"] = marked()
    named = more or {"Annotations": {"S3Uri": "s3://in/annotations.csv"}}
    return {**ENTITIES, "Documents": {"S3Uri": "s3://in/pets.txt"}, **named}


def test_annotations_become_lines_of_a_manifest(world: World) -> None:
    world.dataset("pets", entities(world))
    assert world.lines("pets")[1] == {
        "source": "My dog sleeps all day, says number 1.",
        "annotation": {"annotations": {"entities": [{"startOffset": 3, "endOffset": 6, "label": "PET"}]}},
    }
    world.user.objects["in", "annotations.csv"] = marked(kind="CAR")
    code, message = failure(world.dataset, "cars", {**entities(world), "EntityTypes": [{"Type": "CAR"}]})
    assert (code, "no document of the dataset has an entity of the flywheel's types: CAR." in message) == (
        "INSUFFICIENT_TRAINING_DATA",
        True,
    )


@pytest.mark.costs(2, reason="the English pipeline is loaded")
def test_an_entity_list_becomes_the_places_where_its_texts_are(world: World) -> None:
    world.user.objects["in", "list.csv"] = b"Text,Type\ncat,PET\n"
    world.dataset("list", entities(world, EntityList={"S3Uri": "s3://in/list.csv"}))
    found = [line["annotation"]["annotations"]["entities"] for line in world.lines("list")]
    assert found[0] == [{"startOffset": 3, "endOffset": 6, "label": "PET"}]
    assert found[1] == []
    world.user.objects["in", "list.csv"] = b"Text,Type\nhorse,PET\n"
    config = entities(world, EntityList={"S3Uri": "s3://in/list.csv"})
    assert failure(world.dataset, "none", config)[0] == "INSUFFICIENT_TRAINING_DATA"


def test_a_dataset_is_read_only_as_it_was_written() -> None:
    objects = {("b", "d/documents.jsonl"): b"one\n", ("b", "d/documents.jsonl.old"): b"two\n"}
    digest = hashlib.sha256(b"one\n").hexdigest()
    pinned = PinnedStorage(MemoryStorage(objects), {"s3://b/d/documents.jsonl": digest})
    place = Location("b", "d/documents.jsonl")
    assert [entry.key for entry in pinned.list_input(place)] == [place.key]
    assert b"".join(pinned.read(place.bucket, place.key)) == b"one\n"
    objects["b", "d/documents.jsonl"] = b"two\n"
    code, message = failure(lambda: list(pinned.read(place.bucket, place.key)))
    assert (code, message.startswith("s3://b/d/documents.jsonl has other bytes")) == ("DATA_LAKE_CHANGED", True)
    del objects["b", "d/documents.jsonl"]
    for read in (lambda: list(pinned.read(place.bucket, place.key)), lambda: list(pinned.list_input(place))):
        assert failure(read)[1].startswith("s3://b/d/documents.jsonl is gone")


# Held back


@given(st.lists(st.tuples(st.text(max_size=3), st.sampled_from(["a", "b", "c"])), min_size=1, max_size=60), st.data())
def test_a_text_is_held_back_or_not_whatever_else_there_is(rows: list[tuple[str, str]], data: st.DataObject) -> None:
    texts, labels = [text for text, _ in rows], [(label,) for _, label in rows]
    held = held_by_digest(texts, labels)
    by_text: dict[str, set[bool]] = {}
    for text, each in zip(texts, held.tolist(), strict=True):
        by_text.setdefault(text, set()).add(each)
    assert all(len(each) == 1 for each in by_text.values())
    order = data.draw(st.permutations(range(len(rows))))
    again = held_by_digest([texts[index] for index in order], [labels[index] for index in order])
    assert again.tolist() == held[order].tolist()


def test_about_a_tenth_is_held_back_and_more_data_moves_nothing_into_a_training() -> None:
    texts = [f"text {number}" for number in range(4000)]
    labels = [(("a", "b")[number % 2],) for number in range(4000)]
    few, all_ = held_by_digest(texts[:1000], labels[:1000]), held_by_digest(texts, labels)
    assert 300 < all_.sum() < 500
    assert all_[:1000].tolist() == few.tolist()
    small = held_by_digest(texts[:4], labels[:4])
    assert sorted(np.array(["a", "b"] * 2)[small].tolist()) == ["a", "b"]


# Evaluations


def test_the_figures_of_a_classifier_count_labels_that_it_does_not_know() -> None:
    actual = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]], dtype=np.bool_)
    predicted = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]], dtype=np.bool_)
    figures = of_classifier(actual, predicted, "MULTI_CLASS")
    assert figures["AverageAccuracy"] == 0.75
    assert figures["AverageRecall"] == round((1 + 1 + 0.5) / 3, 4)
    assert figures["AveragePrecision"] == round((0.5 + 1 + 1) / 3, 4)


def test_the_figures_of_a_recognizer_are_means_over_its_types() -> None:
    scores = RecognizerScores()
    scores.add([(0, 3, "A"), (5, 8, "B")], [(0, 3, "A"), (5, 9, "B")])
    scores.add([], [(0, 1, "A")])
    assert scores.figures() == {
        "AverageF1Score": round((2 / 3 + 0) / 2, 4),
        "AveragePrecision": 0.25,
        "AverageRecall": 0.5,
        "AverageAccuracy": 0.25,
    }
    assert RecognizerScores().figures()["AverageF1Score"] == 0.0


def manifests(*datasets: dict[str, str], split: str = "TRAIN") -> list[dict[str, Any]]:
    """Return the manifests of a training's configuration."""
    return [{"S3Uri": each["S3Uri"], "AttributeNames": ["annotation"], "Split": split} for each in datasets]


def train(
    world: World, program: Program, kind: Kind, name: str, given: list[dict[str, Any]], datasets: list[Any], **task: Any
) -> tuple[dict[str, Any], Done]:
    """Train a model from a lake; return the request's part about it for an evaluation, and what the worker said."""
    place = Location("models", name)
    config = {"DataFormat": "AUGMENTED_MANIFEST", "AugmentedManifests": given, **task.pop("Config", {})}
    lake = {"Marker": world.marker, "Digests": {each["S3Uri"]: each["Sha256"] for each in datasets}}
    request = {"InputDataConfig": config, "LanguageCode": "en", "DataLake": lake, **task}
    done = world.run(program, kind, request, place, ModelPlace(place, "/x"))
    return {"Arn": name, "ArtifactUri": f"s3://models/{name}", "Sha256": done.sha256}, done


def evaluate(
    world: World, program: Program, kind: Kind, trained: dict[str, Any], datasets: list[Any], **more: Any
) -> tuple[dict[str, Any], Done]:
    """Evaluate models; return what was found, and what the worker said."""
    config = {"DataFormat": "AUGMENTED_MANIFEST", "AugmentedManifests": manifests(*datasets), **more.pop("Config", {})}
    request = {
        "InputDataConfig": config,
        "LanguageCode": "en",
        "HeldBack": False,
        "Marker": world.marker,
        "Digests": {each["S3Uri"]: each["Sha256"] for each in datasets},
        "Datasets": {"TRAIN": datasets, "TEST": []},
        "Version": f"s3://lakes/{LAKE}Model Datasets/VersionID-1/",
        "Trained": {"Arn": trained["Arn"]},
        **more,
    }
    output = Location("lakes", f"{LAKE}evaluation/20261201T000000Z/")
    place = ModelPlace(Location("models", trained["Arn"]), "/x", trained["Sha256"])
    done = world.run(program, kind, request, output, place)
    return json.loads(done.metadata), done


@pytest.mark.costs(4, reason="two models are trained and evaluated")
def test_classifiers_learn_from_a_lake_and_are_evaluated_on_the_same_texts(world: World) -> None:
    world.user.objects["in", "a.csv"] = csv(100)
    world.user.objects["in", "b.csv"] = csv(60, ("cars", "animals"), first=200)
    task = {"Mode": "MULTI_CLASS"}
    first = world.dataset("a", {"S3Uri": "s3://in/a.csv"}, **task)
    second = world.dataset("b", {"S3Uri": "s3://in/b.csv"}, **task)
    program = ClassifierTraining()
    active, done = train(world, program, "classifier-training", "one", manifests(first), [first], **task)
    metadata = json.loads(done.metadata)
    assert metadata["NumberOfTrainedDocuments"] + metadata["NumberOfTestDocuments"] == 100
    new, _ = train(world, program, "classifier-training", "two", manifests(first, second), [first, second], **task)
    more = {"HeldBack": True, "Evaluated": active, **task}
    evaluation = ClassifierEvaluation()
    found, said = evaluate(world, evaluation, "classifier-evaluation", new, [first, second], **more)
    assert found["Trained"]["AverageAccuracy"] > found["Evaluated"]["AverageAccuracy"] > 0.4
    assert 5 <= found["NumberOfTestDocuments"] <= 40
    folder = f"{LAKE}evaluation/20261201T000000Z/"
    digest = FolderDigest()
    for (bucket, key), content in world.user.objects.items():
        if (bucket, key.startswith(folder)) == ("lakes", True):
            digest.add(key[len(folder) :], len(content), hashlib.sha256(content).hexdigest())
    assert (digest.objects, digest.size, digest.hexdigest()) == (3, said.size, said.sha256)
    matrix = json.loads(world.user.objects["lakes", f"{folder}confusion_matrix_evaluated.json"])
    assert matrix["labels"] == ["animals", "cars", "pets"]
    stats = json.loads(world.user.objects["lakes", f"{LAKE}Model Datasets/VersionID-1/ModelStats/metrics.json"])
    assert stats["TrainedModel"] == {"Arn": "two", "Metrics": found["Trained"]}
    # A test dataset takes the place of the texts that were held back.
    alone, _ = evaluate(world, evaluation, "classifier-evaluation", new, [second], **task)
    assert (alone["NumberOfTestDocuments"], "Evaluated" in alone) == (60, False)
    world.user.objects["lakes", f"{LAKE}datasets/b/documents.jsonl"] += b"\n"
    assert (
        failure(evaluate, world, evaluation, "classifier-evaluation", new, [second], **task)[0] == "DATA_LAKE_CHANGED"
    )
    tampered = {**active, "Sha256": "0" * 64}
    wrong = {**more, "Evaluated": tampered}
    assert failure(evaluate, world, evaluation, "classifier-evaluation", new, [first], **wrong)[0] == "MODEL_TAMPERED"


@pytest.mark.costs(2, reason="a model is trained")
def test_test_documents_with_labels_that_no_training_document_has_are_left_out(world: World) -> None:
    world.user.objects["in", "a.csv"] = csv(60)
    world.user.objects["in", "t.csv"] = csv(10, ("cars", "animals"))
    task = {"Mode": "MULTI_CLASS"}
    first = world.dataset("a", {"S3Uri": "s3://in/a.csv"}, **task)
    test = world.dataset("t", {"S3Uri": "s3://in/t.csv"}, **task)
    given = manifests(first) + manifests(test, split="TEST")
    _, done = train(world, ClassifierTraining(), "classifier-training", "one", given, [first, test], **task)
    assert json.loads(done.metadata)["NumberOfTestDocuments"] == 5
    assert "5 test documents were not used" in done.warning


@pytest.mark.costs(8, reason="a recognizer is trained and evaluated")
def test_recognizers_learn_from_a_lake_and_are_evaluated(world: World) -> None:
    dataset = world.dataset("pets", entities(world))
    config = {"Config": {"EntityTypes": ENTITIES["EntityTypes"]}}
    program = RecognizerTraining()
    new, done = train(world, program, "recognizer-training", "one", manifests(dataset), [dataset], **config)
    assert (
        json.loads(done.metadata)["NumberOfTestDocuments"] == held_by_digest(PETS.splitlines(), [("PET",)] * 60).sum()
    )
    more = {"HeldBack": True, "Evaluated": new, **config}
    found, _ = evaluate(world, RecognizerEvaluation(), "recognizer-evaluation", new, [dataset], **more)
    assert found["Trained"] == found["Evaluated"]
    assert found["Trained"]["AverageF1Score"] > 0.9

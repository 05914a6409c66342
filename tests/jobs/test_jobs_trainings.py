"""Trainings: their output is the model's artifact, which a failed training does not leave behind."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from reading_room.analysis.job_file import Done, Failed, Location, ModelPlace
from reading_room.ids import job_id
from reading_room.jobs.controller import JobController
from reading_room.jobs.memory import MemoryObject
from reading_room.jobs.submission import ModelUse, NewJob, submit
from reading_room.s3 import service_bucket_name
from tests.worlds.jobs import ACCOUNT, REGION, ROLE, World

KIND = "document-classifier"
CONTENT = b"a model"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
METADATA = '{"figures": 1}'


def _check(analysis: str, metadata: str) -> None:
    assert analysis == "classifier-training"
    if metadata != METADATA:
        raise ValueError("other figures")


class TrainingWorld(World):
    """A controller with a check for one kind of model."""

    def restart(self) -> JobController:
        self.controller = JobController(
            database=self.database,
            settings=self.settings,
            clock=lambda: self.now,
            network=self.network,
            store=self.store,
            denials=self._denials,
            storyteller=self.stories,
            check_model=_check,
        )
        return self.controller

    def train(self, model: ModelUse | None = None) -> str:
        """Submit a training, or a job that uses a model; return its id."""
        identifier = job_id()
        arn = f"arn:aws:comprehend:{REGION}:{ACCOUNT}:{KIND}/tickets"
        own = ModelUse(arn, service_bucket_name.artifact_uri(REGION, ACCOUNT, identifier))
        new = NewJob(
            job_id=identifier,
            account=ACCOUNT,
            region=REGION,
            kind=KIND if model is None else "document-classification-job",
            arn=arn if model is None else f"{arn}-job",
            role_arn=ROLE,
            engine="classifier-training" if model is None else "classification",
            analysis="classifier-training" if model is None else "classification",
            input_uri="s3://papers/rows.csv",
            input_format="ONE_DOC_PER_LINE",
            output_uri="s3://papers/out/output/output.tar.gz",
            document_limit=1_000,
            parameters={},
            language="en",
            request={"Mode": "MULTI_CLASS"},
            model=model or own,
        )
        with self.database.transaction() as session:
            return submit(session, new, self.now).job_id

    def place(self, identifier: str) -> tuple[str, str]:
        """Return bucket and key of a job's artifact."""
        bucket, _, key = str(self.row(identifier).artifact_uri).removeprefix("s3://").partition("/")
        return bucket, key


@pytest.fixture
def world(tmp_path: Path) -> Iterator[TrainingWorld]:
    world = TrainingWorld(tmp_path)
    yield world
    world.database.close()


def done(**changes: object) -> Done:
    members: dict[str, object] = {"documents": 3, "errors": 0, "size": len(CONTENT), "sha256": DIGEST}
    return Done(**{**members, "metadata": METADATA, **changes})  # type: ignore[arg-type]


def test_a_training_gets_the_location_of_its_artifact_and_no_digest(world: TrainingWorld) -> None:
    identifier = world.train()
    world.turn(2)
    (spec,) = world.wanted()
    bucket, key = world.place(identifier)
    assert key == f"{ACCOUNT}/{identifier}/model"
    assert spec.job.model is not None
    assert spec.job.model == ModelPlace(Location(bucket, key), spec.job.model.credentials_path, "")
    assert spec.job.model.credentials_path != spec.credentials_path
    assert spec.job.request == '{"Mode":"MULTI_CLASS"}'
    assert "to make arn:aws:comprehend:" in world.story(identifier)


def test_a_job_that_uses_a_model_gets_its_digest(world: TrainingWorld) -> None:
    world.train(ModelUse("arn:of-a-model", "s3://models/some/model", DIGEST))
    world.turn(2)
    (spec,) = world.wanted()
    assert spec.job.model is not None
    assert spec.job.model.sha256 == DIGEST


def test_the_artifact_is_what_completes_a_training_and_its_facts_are_kept(world: TrainingWorld) -> None:
    identifier = world.train()
    world.turn(2)
    world.store.objects[world.place(identifier)] = MemoryObject(len(CONTENT), DIGEST)
    world.host_says(world.state(done(warning="2 rows left out"), phase="exited", exit_code=0))
    world.turn()
    world.host_says(interfaces=())
    world.turn(2)
    row = world.row(identifier)
    assert world.status(identifier) == "COMPLETED"
    assert (row.artifact_size, row.artifact_sha256, row.result) == (len(CONTENT), DIGEST, METADATA)
    assert row.warning == "2 rows left out"
    assert world.place(identifier) in world.store.objects
    assert "model written: trained on 3 documents" in world.story(identifier)


def test_invalid_metadata_fails_the_training_and_its_artifact_is_deleted(world: TrainingWorld) -> None:
    identifier = world.train()
    world.turn(2)
    world.store.objects[world.place(identifier)] = MemoryObject(len(CONTENT), DIGEST)
    world.store.uploads.add(world.place(identifier))
    world.host_says(world.state(done(metadata="{}"), phase="exited", exit_code=0))
    world.turn()
    world.host_says(interfaces=())
    world.turn(2)
    assert world.status(identifier) == "FAILED"
    assert "other figures" in str(world.message(identifier))
    assert world.row(identifier).artifact_sha256 is None
    assert world.store.objects == {}
    assert world.store.uploads == set()


def test_a_training_that_ended_early_without_a_stop_is_retried(world: TrainingWorld) -> None:
    identifier = world.train()
    world.turn(2)
    world.host_says(world.state(done(size=0, sha256="", metadata="", stopped=True), phase="exited", exit_code=0))
    world.turn(2)
    assert world.row(identifier).attempt == 2


def test_a_refusal_of_the_models_bucket_is_explained_by_the_service_s_own_denials(world: TrainingWorld) -> None:
    identifier = world.train()
    world.turn(2)
    world.denial = "User is not authorized [no VPC endpoint policy allows it (endpoint vpce-1)]"
    world.host_says(world.state(Failed("NO_ACCESS_TO_MODEL_BUCKET", "the bucket refuses. User is not authorized")))
    world.turn()
    assert world.requested == [f"arn:aws:sts::amazon-comprehend:assumed-role/ReadingRoomModels/Comprehend-{identifier}"]
    assert str(world.message(identifier)).endswith("(no VPC endpoint policy allows it (endpoint vpce-1))")


def test_a_controller_without_a_model_check_rejects_models(tmp_path: Path) -> None:
    world = TrainingWorld(tmp_path)
    World.restart(world)
    identifier = world.train()
    world.turn(2)
    world.store.objects[world.place(identifier)] = MemoryObject(len(CONTENT), DIGEST)
    world.host_says(world.state(done(), phase="exited", exit_code=0))
    world.turn()
    assert "no classifier-training runs here" in str(world.message(identifier))
    world.database.close()

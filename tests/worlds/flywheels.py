"""Flywheels in one process, without hosts: the tests play the containers of their jobs."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

from reading_room.analysis.folder_digest import FolderDigest
from reading_room.analysis.job_file import Done, Failed, Location
from reading_room.containers.spec import ContainerSpec
from reading_room.jobs.places import is_folder
from reading_room.s3 import buckets
from tests.worlds.models import ACCOUNT, REGION, ROLE, ModelWorld

FLYWHEEL = f"arn:aws:comprehend:{REGION}:{ACCOUNT}:flywheel/mail"
LAKE_BUCKET = "lakes"
CONTENT = b"what a worker writes"
TASK: dict[str, Any] = {"LanguageCode": "en", "DocumentClassificationConfig": {"Mode": "MULTI_CLASS"}}
INPUT: dict[str, Any] = {"DocumentClassifierInputDataConfig": {"S3Uri": "s3://training/rows.csv"}}
FIGURES = {"AverageF1Score": 0.8, "AveragePrecision": 0.75, "AverageRecall": 0.9, "AverageAccuracy": 0.85}
BETTER = {"AverageF1Score": 0.9, "AveragePrecision": 0.95, "AverageRecall": 0.9, "AverageAccuracy": 0.9}


class FlywheelWorld(ModelWorld):
    """A ``ModelWorld`` with flywheels."""

    def create(self, **changes: Any) -> str:
        """Create a flywheel and return its ARN; a change to ``None`` removes a member."""
        request: dict[str, Any] = {
            "FlywheelName": "mail",
            "TaskConfig": TASK,
            "ModelType": "DOCUMENT_CLASSIFIER",
            "DataAccessRoleArn": ROLE,
            "DataLakeS3Uri": f"s3://{LAKE_BUCKET}/flywheels",
            **changes,
        }
        given = {name: value for name, value in request.items() if value is not None}
        return str(self.client.create_flywheel(**given)["FlywheelArn"])

    def active(self, **changes: Any) -> str:
        """Create a flywheel, make its lake, and return its ARN."""
        arn = self.create(**changes)
        self.succeed(self.started(), {})
        return arn

    def describe(self, arn: str = FLYWHEEL) -> dict[str, Any]:
        """Return a flywheel."""
        return dict(self.client.describe_flywheel(FlywheelArn=arn)["FlywheelProperties"])

    def create_dataset(self, name: str = "first", **changes: Any) -> str:
        """Create a dataset and return its ARN."""
        request = {"FlywheelArn": FLYWHEEL, "DatasetName": name, "InputDataConfig": INPUT, **changes}
        return str(self.client.create_dataset(**request)["DatasetArn"])

    def dataset(self, name: str = "first", documents: int = 100, **changes: Any) -> dict[str, Any]:
        """Create a dataset, take it into the lake, and return it."""
        arn = self.create_dataset(name, **changes)
        self.succeed(self.started(), {"NumberOfDocuments": documents})
        return dict(self.client.describe_dataset(DatasetArn=arn)["DatasetProperties"])

    def start_iteration(self, **changes: Any) -> str:
        """Start an iteration and return its id."""
        return str(self.client.start_flywheel_iteration(FlywheelArn=FLYWHEEL, **changes)["FlywheelIterationId"])

    def iteration(self, identifier: str) -> dict[str, Any]:
        """Return an iteration."""
        answer = self.client.describe_flywheel_iteration(FlywheelArn=FLYWHEEL, FlywheelIterationId=identifier)
        return dict(answer["FlywheelIterationProperties"])

    def iterate(self, **found: Any) -> dict[str, Any]:
        """Run an iteration to its end and return it; its evaluation finds ``found``."""
        identifier = self.start_iteration()
        self.finish(self.started())
        self.succeed(self.started(), evaluation(**found))
        self.later()
        return self.iteration(identifier)

    def later(self, seconds: int = 1) -> None:
        """Let time pass."""
        self.now += dt.timedelta(seconds=seconds)

    def succeed(self, spec: ContainerSpec, found: dict[str, Any], **members: Any) -> None:
        """Let a job of a flywheel write its output, and report its end and what it ``found``."""
        size, sha256 = self._write(spec.job.output)
        said = {"documents": 0, "errors": 0, "size": size, "sha256": sha256, "metadata": json.dumps(found)}
        self.says(spec, Done(**{**said, **members}), phase="exited")

    def fail(self, spec: ContainerSpec, code: str, message: str) -> None:
        """Let a job fail."""
        self.says(spec, Failed(code, message), phase="exited")

    def _write(self, output: Location) -> tuple[int, str]:
        if self.backend.bucket(output.bucket) is None:
            with self.database.transaction() as session:
                buckets.create(session, output.bucket, ACCOUNT, REGION, self.now)
        if not is_folder(output):
            self.backend.put(output.bucket, output.key, CONTENT, "application/octet-stream")
            return len(CONTENT), hashlib.sha256(CONTENT).hexdigest()
        digest = FolderDigest()
        self.backend.put(output.bucket, f"{output.key}metrics.json", CONTENT, "application/json")
        digest.add("metrics.json", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
        return digest.size, digest.hexdigest()


def evaluation(trained: dict[str, float] = BETTER, evaluated: dict[str, float] | None = None) -> dict[str, Any]:
    """Return what an evaluation reports."""
    found: dict[str, Any] = {"NumberOfTestDocuments": 10, "Trained": trained}
    return found if evaluated is None else {**found, "Evaluated": evaluated}


def version_of(arn: str) -> str:
    """Return the version in the ARN of a model."""
    return arn.rpartition("/")[2]

"""Custom models: finding them, and their state, which for a trained model comes from the job that trains it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.analysis.kind import EngineName, Kind
from reading_room.arns import Arn
from reading_room.comprehend.models.errors import ResourceNotFoundException
from reading_room.comprehend.tables import ModelRow
from reading_room.jobs.job import Phase
from reading_room.jobs.tables import JobRow

ModelType = Literal["document-classifier", "entity-recognizer"]
LANGUAGES = ("en", "es", "fr", "de", "it", "pt")
"""The languages that custom models support."""
USABLE = frozenset({"TRAINED", "TRAINED_WITH_WARNING"})
ENDED = USABLE | {"IN_ERROR", "STOPPED"}


@dataclass(frozen=True, slots=True)
class ModelKind:
    """A type of custom model: its names in the API, and the engines that train and use it."""

    arn_type: ModelType
    create: str
    describe: str
    list: str
    summaries: str
    stop: str
    delete: str
    arn_member: str
    name_member: str
    properties: str
    summary: str
    metadata_member: str
    training: Kind
    training_engine: EngineName
    using: Kind
    using_engine: EngineName
    newest_first_with: Literal["SubmitTimeBefore", "SubmitTimeAfter"]
    """The time filter that reverses the order; the documentation of the two lists differs in this."""


CLASSIFIER = ModelKind(
    arn_type="document-classifier",
    create="CreateDocumentClassifier",
    describe="DescribeDocumentClassifier",
    list="ListDocumentClassifiers",
    summaries="ListDocumentClassifierSummaries",
    stop="StopTrainingDocumentClassifier",
    delete="DeleteDocumentClassifier",
    arn_member="DocumentClassifierArn",
    name_member="DocumentClassifierName",
    properties="DocumentClassifierProperties",
    summary="DocumentClassifierSummariesList",
    metadata_member="ClassifierMetadata",
    training="classifier-training",
    training_engine="classifier-training",
    using="classification",
    using_engine="classification",
    newest_first_with="SubmitTimeAfter",
)

RECOGNIZER = ModelKind(
    arn_type="entity-recognizer",
    create="CreateEntityRecognizer",
    describe="DescribeEntityRecognizer",
    list="ListEntityRecognizers",
    summaries="ListEntityRecognizerSummaries",
    stop="StopTrainingEntityRecognizer",
    delete="DeleteEntityRecognizer",
    arn_member="EntityRecognizerArn",
    name_member="RecognizerName",
    properties="EntityRecognizerProperties",
    summary="EntityRecognizerSummariesList",
    metadata_member="RecognizerMetadata",
    training="recognizer-training",
    training_engine="recognizer-training",
    using="custom-entities",
    using_engine="custom-entities",
    newest_first_with="SubmitTimeBefore",
)

MODEL_KINDS: Mapping[str, ModelKind] = {kind.arn_type: kind for kind in (CLASSIFIER, RECOGNIZER)}


def model_arn(region: str, account: str, kind: ModelKind, name: str, version: str | None) -> str:
    """Return a model's ARN; a model without a version has no version part."""
    tail = name if version is None else f"{name}/version/{version}"
    return f"arn:aws:comprehend:{region}:{account}:{kind.arn_type}/{tail}"


@dataclass(frozen=True, slots=True)
class Model:
    """A custom model: its row, and its training unless it was imported."""

    row: ModelRow
    job: JobRow | None

    @property
    def kind(self) -> ModelKind:
        """The type of the model."""
        return MODEL_KINDS[self.row.kind]

    @property
    def status(self) -> str:
        """``Status`` as clients see it. TRAINED means that the controller has seen the artifact."""
        if self.row.deleting:
            return "DELETING"
        if self.job is None:
            if self.row.failure is not None:
                return "IN_ERROR"
            return self._trained() if self.row.ended_at is not None else "SUBMITTED"
        phase = Phase(self.job.phase)
        if phase is Phase.COMPLETED:
            return self._trained()
        if phase is Phase.FAILED:
            return "IN_ERROR"
        if phase is Phase.STOPPED:
            return "STOPPED"
        if self.job.stop_requested:
            return "STOP_REQUESTED"
        return "SUBMITTED" if phase is Phase.QUEUED else "TRAINING"

    @property
    def sha256(self) -> str | None:
        """The digest of a trained model's artifact, in hexadecimal, or ``None`` if the model is not trained."""
        return (self.row.artifact_sha256 if self.job is None else self.job.artifact_sha256) if self.trained else None

    @property
    def trained(self) -> bool:
        """Whether the model can be used."""
        return self.status in USABLE

    @property
    def warning(self) -> str | None:
        """The warning of its training, if any."""
        return self.row.warning if self.job is None else self.job.warning

    @property
    def result(self) -> str | None:
        """Its metadata as a JSON object; ``None`` until it is trained."""
        return (self.row.result if self.job is None else self.job.result) if self.trained else None

    @property
    def message(self) -> str | None:
        """``Message`` as clients see it: why it failed, or the warning of its training."""
        if self.status == "TRAINED_WITH_WARNING":
            return self.warning
        if self.status != "IN_ERROR":
            return None
        return self.row.failure if self.job is None else f"{self.job.failure_code}: {self.job.failure_text}"

    @property
    def ended_at(self) -> dt.datetime | None:
        """When its training or import ended."""
        return self.row.ended_at if self.job is None else self.job.ended_at

    def _trained(self) -> str:
        return "TRAINED_WITH_WARNING" if self.warning else "TRAINED"


def find(session: Session, account: str, arn: str) -> Model:
    """Return the account's model with exactly this ARN; an ARN without a version names the unversioned model.

    Raises ``ResourceNotFoundException``.
    """
    row = session.get(ModelRow, arn)
    if row is None or row.account != account:
        raise ResourceNotFoundException
    return Model(row, session.get(JobRow, row.model_id))


def find_of_kind(session: Session, account: str, kind: ModelKind, arn: str) -> Model:
    """Return a model as ``find`` does, of one type only."""
    model = find(session, account, arn)
    if model.kind is not kind:
        raise ResourceNotFoundException
    return model


def every(session: Session, account: str, kind: ModelKind) -> Iterator[Model]:
    """Yield an account's models of a type, oldest first."""
    rows = session.execute(
        select(ModelRow, JobRow)
        .outerjoin(JobRow, JobRow.job_id == ModelRow.model_id)
        .where(ModelRow.account == account, ModelRow.kind == kind.arn_type)
        .order_by(ModelRow.submitted_at, ModelRow.arn)
    )
    for row, job in rows:
        yield Model(row, job)


def kind_of_arn(arn: str) -> ModelKind:
    """Return the type of model in an ARN. Raises ``ResourceNotFoundException`` for any other resource."""
    try:
        kind = MODEL_KINDS.get(Arn.parse(arn).resource.partition("/")[0])
    except ValueError:
        kind = None
    if kind is None:
        raise ResourceNotFoundException
    return kind


def artifacts_by_account(session: Session, account: str | None = None) -> dict[str, int]:
    """Return the bytes of the artifacts of models, by account or only for one."""
    size = func.coalesce(ModelRow.artifact_size, JobRow.artifact_size, 0)
    query = select(ModelRow.account, func.sum(size)).outerjoin(JobRow, JobRow.job_id == ModelRow.model_id)
    if account is not None:
        query = query.where(ModelRow.account == account)
    return {owner: int(found) for owner, found in session.execute(query.group_by(ModelRow.account))}

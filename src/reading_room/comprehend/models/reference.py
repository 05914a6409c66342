"""Resolving the custom model that a Start request names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from reading_room.analysis.kind import EngineName, Kind
from reading_room.aws.call import Call
from reading_room.comprehend.models.errors import ModelUnavailable
from reading_room.comprehend.models.models import MODEL_KINDS, find_of_kind
from reading_room.jobs.submission import ModelUse


@dataclass(frozen=True, slots=True)
class ModelReference:
    """A trained model for a job: the engine and analysis that use it, its language, and ``NewJob.model``."""

    engine: EngineName
    analysis: Kind
    language: str
    use: ModelUse

    @property
    def arn(self) -> str:
        """The model's ARN."""
        return self.use.arn


def names_model(request: Mapping[str, Any]) -> bool:
    """Return whether a Start request names a custom model."""
    return any(request.get(kind.arn_member) for kind in MODEL_KINDS.values())


def resolve(session: Session, call: Call, request: Mapping[str, Any]) -> ModelReference | None:
    """Return the model that a Start request names as DocumentClassifierArn or EntityRecognizerArn, or ``None``.

    Call this in the transaction that submits the job, so that the model cannot be deleted in between. Raises
    ``ResourceNotFoundException`` (no such model in the caller's account) and ``ResourceUnavailableException`` (it is
    not trained).
    """
    for kind in MODEL_KINDS.values():
        arn = request.get(kind.arn_member)
        if arn:
            model = find_of_kind(session, call.account, kind, arn)
            if model.sha256 is None:
                raise ModelUnavailable(arn, model.status, "a job needs a model that is TRAINED or TRAINED_WITH_WARNING")
            use = ModelUse(model.row.arn, model.row.artifact_uri, model.sha256)
            return ModelReference(kind.using_engine, kind.using, model.row.language, use)
    return None

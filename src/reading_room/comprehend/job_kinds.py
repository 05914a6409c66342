"""The asynchronous kinds of analysis, a row each: operation names, result form, languages, engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reading_room.analysis.job_file import Kind
from reading_room.containers.spec import EngineName

MEGABYTE = 1_048_576


@dataclass(frozen=True, slots=True)
class JobKind:
    """One kind of job.

    ``arn_type`` is the job type in its ARN, ``token`` the word in its output path, ``engines`` the engine for each
    language (``None`` where the operation has no LanguageCode), ``document_limit`` bytes of UTF-8 per document.
    """

    start: str
    describe: str
    list: str
    stop: str
    properties: str
    arn_type: str
    token: str
    analysis: Kind
    engines: dict[str | None, EngineName]
    document_limit: int = MEGABYTE
    passes_role: Literal["DataAccessRoleArn"] = "DataAccessRoleArn"
    custom_models: bool = False
    """Whether the operation has EntityRecognizerArn and FlywheelArn."""

    @property
    def languages(self) -> tuple[str, ...]:
        """The language codes that an engine exists for."""
        return tuple(language for language in self.engines if language is not None)


ENTITIES = JobKind(
    start="StartEntitiesDetectionJob",
    describe="DescribeEntitiesDetectionJob",
    list="ListEntitiesDetectionJobs",
    stop="StopEntitiesDetectionJob",
    properties="EntitiesDetectionJobProperties",
    arn_type="entities-detection-job",
    token="NER",
    analysis="entities",
    engines={"en": "entities-en"},
    custom_models=True,
)

DOMINANT_LANGUAGE = JobKind(
    start="StartDominantLanguageDetectionJob",
    describe="DescribeDominantLanguageDetectionJob",
    list="ListDominantLanguageDetectionJobs",
    stop="StopDominantLanguageDetectionJob",
    properties="DominantLanguageDetectionJobProperties",
    arn_type="dominant-language-detection-job",
    token="LANGUAGE",
    analysis="dominant-language",
    engines={None: "dominant-language"},
)

JOB_KINDS = (ENTITIES, DOMINANT_LANGUAGE)
"""Every kind that this service runs; the operations of other kinds are not declared."""

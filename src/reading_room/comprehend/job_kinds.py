"""The asynchronous kinds of analysis, a row each: operation names, result form, languages, engine, limits, sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from reading_room.analysis.job_file import ENGINES, Kind
from reading_room.containers.spec import EngineName

KILOBYTE = 1_024
MEGABYTE = 1_024 * KILOBYTE


CONTAINER_BYTES: Mapping[str, int] = {
    "entities": 2_000_000,
    "custom-entities": 2_000_000,
    "key-phrases": 3_000_000,
    "sentiment": 1_250_000,
    "targeted-sentiment": 600_000,
    "dominant-language": 34_000_000,
    "classification": 1_800_000,
    "topics": 1_700_000,
    "classifier-training": 1_800_000,
}
"""Bytes of input that one container is meant for, by what a worker does (``Kind``): about half a minute on one core.

From the seconds that 10 MB of documents of 2 KB take one container (``bench/RESULTS.md``); a custom recognizer is taken
to be as fast as the engine for entities. What is not named runs in one container: a recognizer's training goes over all
its texts again and again, each time from what it learnt before.
"""
WITHOUT_PARTS_IN_STORAGE = frozenset({"topics", "classifier-training", "recognizer-training"})
"""What shares nothing between containers through S3: what its containers find goes back to the first by itself."""


def work_of(analysis: str, request: Mapping[str, Any]) -> str:
    """Return the name under which ``CONTAINER_BYTES`` has, or lacks, a worker's kind of work.

    Topics found by counting words are another kind than those found by vectors: only vectors are made in parts.
    ``request`` are the members that only such jobs have.
    """
    engine = request.get("Engine", "embedding")
    return analysis if analysis != "topics" or engine == "embedding" else f"{analysis} by {engine}"


def by_language(kind: str) -> dict[str | None, EngineName]:
    """Return the engines of a kind, named ``kind-language``, by the language that each knows."""
    return {name.removeprefix(f"{kind}-"): name for name in ENGINES if name.startswith(f"{kind}-")}


@dataclass(frozen=True, slots=True)
class CustomModel:
    """Where a kind takes a custom model: the member that names it, and what then does the work."""

    member: Literal["EntityRecognizerArn", "DocumentClassifierArn"]
    analysis: Kind
    engine: EngineName


@dataclass(frozen=True, slots=True)
class JobKind:
    """One kind of job.

    ``arn_type`` is the job type in its ARN, ``token`` the word in its output path, ``engines`` the engine for each
    language (``None`` where the operation has no LanguageCode; empty where only a custom model serves). The limits are
    bytes of UTF-8 per document, bytes of all objects, and documents. ``stop`` is ``None`` where AWS has no such
    operation. ``own`` are the request's members that only this kind has, with their defaults. ``newest_first`` names
    the time filter whose documentation says that it lists newest first.
    """

    start: str
    describe: str
    list: str
    stop: str | None
    properties: str
    arn_type: str
    token: str
    analysis: Kind
    engines: Mapping[str | None, EngineName]
    document_limit: int = MEGABYTE
    total_limit: int = 5_000_000_000
    documents_limit: int = 1_000_000
    model: CustomModel | None = None
    own: Mapping[str, Any] = field(default_factory=dict)
    newest_first: Literal["SubmitTimeAfter", "SubmitTimeBefore"] = "SubmitTimeAfter"
    passes_role: Literal["DataAccessRoleArn"] = "DataAccessRoleArn"

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
    engines=by_language("entities"),
    model=CustomModel("EntityRecognizerArn", "custom-entities", "custom-entities"),
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

KEY_PHRASES = JobKind(
    start="StartKeyPhrasesDetectionJob",
    describe="DescribeKeyPhrasesDetectionJob",
    list="ListKeyPhrasesDetectionJobs",
    stop="StopKeyPhrasesDetectionJob",
    properties="KeyPhrasesDetectionJobProperties",
    arn_type="key-phrases-detection-job",
    token="KP",
    analysis="key-phrases",
    engines=by_language("key-phrases"),
)

SENTIMENT = JobKind(
    start="StartSentimentDetectionJob",
    describe="DescribeSentimentDetectionJob",
    list="ListSentimentDetectionJobs",
    stop="StopSentimentDetectionJob",
    properties="SentimentDetectionJobProperties",
    arn_type="sentiment-detection-job",
    token="SENTIMENT",
    analysis="sentiment",
    engines=by_language("sentiment"),
    document_limit=5 * KILOBYTE,
)

TARGETED_SENTIMENT = JobKind(
    start="StartTargetedSentimentDetectionJob",
    describe="DescribeTargetedSentimentDetectionJob",
    list="ListTargetedSentimentDetectionJobs",
    stop="StopTargetedSentimentDetectionJob",
    properties="TargetedSentimentDetectionJobProperties",
    arn_type="targeted-sentiment-detection-job",
    token="TS",
    analysis="targeted-sentiment",
    engines=by_language("targeted-sentiment"),
    document_limit=10 * KILOBYTE,
    total_limit=300 * MEGABYTE,
    documents_limit=30_000,
)

TOPICS = JobKind(
    start="StartTopicsDetectionJob",
    describe="DescribeTopicsDetectionJob",
    list="ListTopicsDetectionJobs",
    stop=None,
    properties="TopicsDetectionJobProperties",
    arn_type="topics-detection-job",
    token="TOPICS",
    analysis="topics",
    engines={None: "topics"},
    document_limit=100 * MEGABYTE,
    own={"NumberOfTopics": 10},
    newest_first="SubmitTimeBefore",
)

CLASSIFICATION = JobKind(
    start="StartDocumentClassificationJob",
    describe="DescribeDocumentClassificationJob",
    list="ListDocumentClassificationJobs",
    stop=None,
    properties="DocumentClassificationJobProperties",
    arn_type="document-classification-job",
    token="CLN",
    analysis="classification",
    engines={},
    document_limit=10 * MEGABYTE,
    model=CustomModel("DocumentClassifierArn", "classification", "classification"),
)

JOB_KINDS = (
    CLASSIFICATION,
    DOMINANT_LANGUAGE,
    ENTITIES,
    KEY_PHRASES,
    SENTIMENT,
    TARGETED_SENTIMENT,
    TOPICS,
)
"""Every kind of job that this service runs; the operations of other kinds are not declared."""

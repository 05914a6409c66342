"""The registry of kinds: an entry for each analysis, with everything that other modules know about it.

Plain values: the worker and the control plane both read them. Engines and programs are named, and imported only by the
process that runs them. docs/decisions/0072-registry-of-kinds.md says how to add a kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reading_room.analysis.event_types import EVENT_TYPES, TARGETS
from reading_room.analysis.kind import (
    KILOBYTE,
    MEGABYTE,
    CustomModel,
    Demo,
    EngineEntry,
    EngineName,
    JobKind,
    Loading,
    Output,
    Results,
    Synchronous,
    TextKind,
    WorkKind,
)

DOCUMENTS = "job:DocumentProgram"
"""The program of every kind whose engine analyses documents one by one and needs no model of the user's."""
TAGGER = "sequence_tagger:SequenceTagger"
MULTILINGUAL = "multilingual:Multilingual"
"""What the names of the four engines of the multilingual encoder begin with."""
ALL_SPEECHES, LAST_SPEECH = "speeches/", "speeches/1921"
LARGE_TEXT, SMALL_TEXT, SEGMENT = 100_000, 5_000, KILOBYTE


ENTITIES = JobKind(
    name="entities",
    program=DOCUMENTS,
    loads=(
        EngineEntry("entities-en", "english_entities:EnglishEntities", language="en", ahead=True),
        EngineEntry("entities-ar", MULTILINGUAL + "Entities", ("ar",), "ar"),
        EngineEntry("entities-de", MULTILINGUAL + "Entities", ("de",), "de"),
        EngineEntry("entities-es", MULTILINGUAL + "Entities", ("es",), "es"),
        EngineEntry("entities-fr", MULTILINGUAL + "Entities", ("fr",), "fr"),
        EngineEntry("entities-hi", MULTILINGUAL + "Entities", ("hi",), "hi"),
        EngineEntry("entities-it", MULTILINGUAL + "Entities", ("it",), "it"),
        EngineEntry("entities-ja", TAGGER, ("japanese-entities", "Entities"), "ja"),
        EngineEntry("entities-ko", MULTILINGUAL + "Entities", ("ko",), "ko"),
        EngineEntry("entities-pt", TAGGER, ("portuguese-entities", "Entities"), "pt"),
        EngineEntry("entities-zh", MULTILINGUAL + "Entities", ("zh",), "zh"),
        EngineEntry("entities-zh-TW", MULTILINGUAL + "Entities", ("zh-TW",), "zh-TW"),
    ),
    output=Output("sorted"),
    container_bytes=2_000_000,
    start="StartEntitiesDetectionJob",
    describe="DescribeEntitiesDetectionJob",
    list="ListEntitiesDetectionJobs",
    stop="StopEntitiesDetectionJob",
    properties="EntitiesDetectionJobProperties",
    arn_type="entities-detection-job",
    token="NER",
    label="Entities",
    description="Names of people, places, organisations, dates and quantities.",
    results=Results("spans", ("Entities",), "Type", "entity", "entities"),
    synchronous=Synchronous("DetectEntities", "BatchDetectEntities", LARGE_TEXT, "Entities", documents=True),
    model=CustomModel(
        "EntityRecognizerArn",
        "custom-entities",
        "custom-entities",
        "Custom entity recognition",
        "Your own types of entities, by a recognizer that you trained.",
    ),
)

KEY_PHRASES = JobKind(
    name="key-phrases",
    program=DOCUMENTS,
    loads=(
        EngineEntry("key-phrases-en", "english_key_phrases:EnglishKeyPhrases", language="en"),
        EngineEntry("key-phrases-ar", MULTILINGUAL + "KeyPhrases", ("ar",), "ar"),
        EngineEntry("key-phrases-de", MULTILINGUAL + "KeyPhrases", ("de",), "de"),
        EngineEntry("key-phrases-es", MULTILINGUAL + "KeyPhrases", ("es",), "es"),
        EngineEntry("key-phrases-fr", MULTILINGUAL + "KeyPhrases", ("fr",), "fr"),
        EngineEntry("key-phrases-hi", MULTILINGUAL + "KeyPhrases", ("hi",), "hi"),
        EngineEntry("key-phrases-it", MULTILINGUAL + "KeyPhrases", ("it",), "it"),
        EngineEntry("key-phrases-ja", TAGGER, ("japanese-key-phrases", "KeyPhrases"), "ja"),
        EngineEntry("key-phrases-ko", MULTILINGUAL + "KeyPhrases", ("ko",), "ko"),
        EngineEntry("key-phrases-pt", TAGGER, ("portuguese-key-phrases", "KeyPhrases"), "pt"),
        EngineEntry("key-phrases-zh", TAGGER, ("chinese-key-phrases", "KeyPhrases"), "zh"),
        # Traditional characters are read as simplified ones: one model serves both.
        EngineEntry("key-phrases-zh-TW", TAGGER, ("chinese-key-phrases", "KeyPhrases"), "zh-TW"),
    ),
    output=Output("sorted"),
    container_bytes=3_000_000,
    start="StartKeyPhrasesDetectionJob",
    describe="DescribeKeyPhrasesDetectionJob",
    list="ListKeyPhrasesDetectionJobs",
    stop="StopKeyPhrasesDetectionJob",
    properties="KeyPhrasesDetectionJobProperties",
    arn_type="key-phrases-detection-job",
    token="KP",
    label="Key phrases",
    description="The noun phrases that say what a text is about.",
    results=Results("spans", ("KeyPhrases",), None, "key phrase", "key phrases"),
    synchronous=Synchronous("DetectKeyPhrases", "BatchDetectKeyPhrases", LARGE_TEXT, "Key phrases"),
    demo=Demo(ALL_SPEECHES, "ONE_DOC_PER_FILE"),
)

DOMINANT_LANGUAGE = JobKind(
    name="dominant-language",
    program=DOCUMENTS,
    loads=(EngineEntry("dominant-language", "language_vote:LanguageVote", light=True, ahead=True),),
    output=Output("sorted"),
    container_bytes=34_000_000,
    start="StartDominantLanguageDetectionJob",
    describe="DescribeDominantLanguageDetectionJob",
    list="ListDominantLanguageDetectionJobs",
    stop="StopDominantLanguageDetectionJob",
    properties="DominantLanguageDetectionJobProperties",
    arn_type="dominant-language-detection-job",
    token="LANGUAGE",
    label="Primary language",
    description="The language that each document is written in.",
    results=Results("types", ("Languages",), "LanguageCode", "language", "languages", "Language"),
    synchronous=Synchronous("DetectDominantLanguage", "BatchDetectDominantLanguage", LARGE_TEXT, "Language"),
    demo=Demo(ALL_SPEECHES, "ONE_DOC_PER_LINE"),
)

SENTIMENT = JobKind(
    name="sentiment",
    program=DOCUMENTS,
    loads=(
        EngineEntry("sentiment-en", "sentiment:Sentiment", language="en"),
        EngineEntry("sentiment-ar", MULTILINGUAL + "Sentiment", ("ar",), "ar"),
        EngineEntry("sentiment-de", MULTILINGUAL + "Sentiment", ("de",), "de"),
        EngineEntry("sentiment-es", MULTILINGUAL + "Sentiment", ("es",), "es"),
        EngineEntry("sentiment-fr", MULTILINGUAL + "Sentiment", ("fr",), "fr"),
        EngineEntry("sentiment-hi", MULTILINGUAL + "Sentiment", ("hi",), "hi"),
        EngineEntry("sentiment-it", MULTILINGUAL + "Sentiment", ("it",), "it"),
        EngineEntry("sentiment-ja", MULTILINGUAL + "Sentiment", ("ja",), "ja"),
        EngineEntry("sentiment-ko", MULTILINGUAL + "Sentiment", ("ko",), "ko"),
        EngineEntry("sentiment-pt", MULTILINGUAL + "Sentiment", ("pt",), "pt"),
        EngineEntry("sentiment-zh", MULTILINGUAL + "Sentiment", ("zh",), "zh"),
        EngineEntry("sentiment-zh-TW", MULTILINGUAL + "Sentiment", ("zh-TW",), "zh-TW"),
    ),
    output=Output("sorted", empty_is_error=True),
    container_bytes=1_250_000,
    start="StartSentimentDetectionJob",
    describe="DescribeSentimentDetectionJob",
    list="ListSentimentDetectionJobs",
    stop="StopSentimentDetectionJob",
    properties="SentimentDetectionJobProperties",
    arn_type="sentiment-detection-job",
    token="SENTIMENT",
    label="Sentiment",
    description="Whether a document is positive, negative, neutral or mixed.",
    results=Results("tone", (), "Sentiment", "sentiment", "sentiments", "Sentiment"),
    synchronous=Synchronous("DetectSentiment", "BatchDetectSentiment", SMALL_TEXT, "Sentiment"),
    # A document has at most 5 KB, and 10 KB for targeted sentiment: a paragraph each.
    demo=Demo(ALL_SPEECHES, "ONE_DOC_PER_LINE"),
    document_limit=5 * KILOBYTE,
)

TARGETED_SENTIMENT = JobKind(
    name="targeted-sentiment",
    program=DOCUMENTS,
    loads=(EngineEntry("targeted-sentiment-en", "targeted_sentiment:TargetedSentiment", language="en"),),
    output=Output("mentions", member=None),
    container_bytes=600_000,
    start="StartTargetedSentimentDetectionJob",
    describe="DescribeTargetedSentimentDetectionJob",
    list="ListTargetedSentimentDetectionJobs",
    stop="StopTargetedSentimentDetectionJob",
    properties="TargetedSentimentDetectionJobProperties",
    arn_type="targeted-sentiment-detection-job",
    token="TS",
    label="Targeted sentiment",
    description="What a text says of each thing it mentions.",
    results=Results("mentions", ("Entities",), "Type", "mention", "mentions"),
    synchronous=Synchronous(
        "DetectTargetedSentiment", "BatchDetectTargetedSentiment", SMALL_TEXT, "Targeted sentiment"
    ),
    # Two models read every word. One speech is enough, and keeps the demo within a minute.
    demo=Demo(LAST_SPEECH, "ONE_DOC_PER_LINE"),
    document_limit=10 * KILOBYTE,
    total_limit=300 * MEGABYTE,
    documents_limit=30_000,
    documented_languages=("en",),
)

TOPICS = JobKind(
    name="topics",
    program="topics.program:Topics",
    loads=(EngineEntry("topics"),),
    container_bytes=1_700_000,
    # Only vectors are made in parts; words are counted over all documents.
    divided_engine="embedding",
    parts_in_storage=False,
    start="StartTopicsDetectionJob",
    describe="DescribeTopicsDetectionJob",
    list="ListTopicsDetectionJobs",
    stop=None,
    properties="TopicsDetectionJobProperties",
    arn_type="topics-detection-job",
    token="TOPICS",
    label="Topic modeling",
    description="The subjects of a whole collection, and which documents belong to them.",
    results=Results("topics", (), "Topic", "topic", "topics", "Topic"),
    demo=Demo(ALL_SPEECHES, "ONE_DOC_PER_LINE", {"NumberOfTopics": 5}),
    document_limit=100 * MEGABYTE,
    own={"NumberOfTopics": 10},
    newest_first="SubmitTimeBefore",
)

CLASSIFICATION = JobKind(
    name="classification",
    program="custom.classification:Classification",
    loads=(EngineEntry("classification"),),
    output=Output("predictions", member="predictions.jsonl", empty_is_error=True),
    container_bytes=1_800_000,
    start="StartDocumentClassificationJob",
    describe="DescribeDocumentClassificationJob",
    list="ListDocumentClassificationJobs",
    stop=None,
    properties="DocumentClassificationJobProperties",
    arn_type="document-classification-job",
    token="CLN",
    label="Custom classification",
    description="Your own classes, by a classifier that you trained.",
    results=Results("types", ("Classes", "Labels"), "Name", "class", "classes", "Class"),
    document_limit=10 * MEGABYTE,
    model=CustomModel("DocumentClassifierArn", "classification", "classification"),
)

PII = JobKind(
    name="pii",
    program=DOCUMENTS,
    loads=(
        EngineEntry("pii-en", "pii.engine:Pii", ("en",), "en"),
        EngineEntry("pii-es", "pii.engine:Pii", ("es",), "es"),
        EngineEntry("pii-fr", "pii.engine:Pii", ("fr",), "fr"),
        EngineEntry("pii-de", "pii.engine:Pii", ("de",), "de"),
        EngineEntry("pii-it", "pii.engine:Pii", ("it",), "it"),
        EngineEntry("pii-pt", "pii.engine:Pii", ("pt",), "pt"),
    ),
    output=Output("offsets", member=None, objects=True),
    container_bytes=2_000_000,
    start="StartPiiEntitiesDetectionJob",
    describe="DescribePiiEntitiesDetectionJob",
    list="ListPiiEntitiesDetectionJobs",
    stop="StopPiiEntitiesDetectionJob",
    properties="PiiEntitiesDetectionJobProperties",
    arn_type="pii-entities-detection-job",
    token="PII",
    label="Personal data",
    description="Names, addresses, numbers and other data about people (PII).",
    results=Results("offsets", ("Entities",), "Type", "place", "places"),
    synchronous=Synchronous("DetectPiiEntities", None, LARGE_TEXT, "Personal data", labels="ContainsPiiEntities"),
    demo=Demo(LAST_SPEECH, "ONE_DOC_PER_LINE"),
    own={"Mode": "ONLY_OFFSETS", "RedactionConfig": None},
    required={"Mode": "ONLY_OFFSETS"},
    documented_languages=("en", "es"),
    vpc_tag=True,
)

EVENTS = JobKind(
    name="events",
    program=DOCUMENTS,
    loads=(EngineEntry("events-en", "events.engine:Events", language="en"),),
    output=Output("sorted", member=None, objects=True),
    container_bytes=1_800_000,
    start="StartEventsDetectionJob",
    describe="DescribeEventsDetectionJob",
    list="ListEventsDetectionJobs",
    stop="StopEventsDetectionJob",
    properties="EventsDetectionJobProperties",
    arn_type="events-detection-job",
    token="EVENTS",
    label="Events",
    description="Mergers, offerings, appointments and other events of companies, and who takes part in them.",
    results=Results("events", ("Events",), "Type", "event", "events"),
    document_limit=10 * KILOBYTE,
    total_limit=50 * MEGABYTE,
    documents_limit=5_000,
    own={TARGETS: None},
    required={TARGETS: list(EVENT_TYPES)},
    documented_languages=("en",),
    vpc_tag=True,
)

CUSTOM_ENTITIES = WorkKind(
    name="custom-entities",
    program="custom.entities:CustomEntities",
    loads=(EngineEntry("custom-entities"),),
    output=Output("sorted"),
    # We assume that a custom recognizer is as fast as the engine for entities.
    container_bytes=2_000_000,
)

CLASSIFIER_TRAINING = WorkKind(
    name="classifier-training",
    program="training.classifier:ClassifierTraining",
    loads=(EngineEntry("classifier-training"),),
    container_bytes=1_800_000,
    parts_in_storage=False,
)

RECOGNIZER_TRAINING = WorkKind(
    name="recognizer-training",
    program="training.recognizer:RecognizerTraining",
    loads=(EngineEntry("recognizer-training"),),
    # Each pass over the texts starts from what the last one learnt, so a training runs in one container.
    parts_in_storage=False,
)

FLYWHEEL_LAKE = WorkKind(
    name="flywheel-lake",
    program="flywheel.lake:LakePreparation",
    loads=(EngineEntry("flywheel-lake", light=True),),
    parts_in_storage=False,
    described=True,
)

FLYWHEEL_DATASET = WorkKind(
    name="flywheel-dataset",
    program="flywheel.dataset:DatasetIngestion",
    loads=(EngineEntry("flywheel-dataset"),),
    parts_in_storage=False,
    described=True,
)

CLASSIFIER_EVALUATION = WorkKind(
    name="classifier-evaluation",
    program="flywheel.evaluation:ClassifierEvaluation",
    loads=(EngineEntry("classifier-evaluation"),),
    parts_in_storage=False,
    described=True,
)

RECOGNIZER_EVALUATION = WorkKind(
    name="recognizer-evaluation",
    program="flywheel.evaluation:RecognizerEvaluation",
    loads=(EngineEntry("recognizer-evaluation"),),
    parts_in_storage=False,
    described=True,
)

SYNTAX = TextKind(
    name="syntax",
    program=DOCUMENTS,
    loads=(
        EngineEntry("syntax-en", "english_syntax:EnglishSyntax", language="en"),
        EngineEntry("syntax-de", MULTILINGUAL + "Syntax", ("de",), "de"),
        EngineEntry("syntax-es", MULTILINGUAL + "Syntax", ("es",), "es"),
        EngineEntry("syntax-fr", MULTILINGUAL + "Syntax", ("fr",), "fr"),
        EngineEntry("syntax-it", MULTILINGUAL + "Syntax", ("it",), "it"),
        EngineEntry("syntax-pt", MULTILINGUAL + "Syntax", ("pt",), "pt"),
    ),
    results=Results("tokens", ("SyntaxTokens",), "PartOfSpeech", "token", "tokens", "Part of speech"),
    synchronous=Synchronous("DetectSyntax", "BatchDetectSyntax", SMALL_TEXT, "Syntax"),
)

TOXICITY = TextKind(
    name="toxicity",
    program=DOCUMENTS,
    loads=(EngineEntry("toxicity-en", "safety:Toxicity", language="en"),),
    results=Results("types", ("Labels",), "Name", "type of content", "types of content"),
    synchronous=Synchronous("DetectToxicContent", None, SEGMENT, "Toxicity", form="segments"),
)

PROMPT_SAFETY = TextKind(
    name="prompt-safety",
    program=DOCUMENTS,
    loads=(EngineEntry("prompt-safety-en", "safety:PromptSafety", language="en"),),
    results=Results("types", ("Classes",), "Name", "class", "classes", "Class"),
    synchronous=Synchronous("ClassifyDocument", None, LARGE_TEXT, "Prompt safety", form="prompt"),
)

JOB_KINDS: tuple[JobKind, ...] = (
    ENTITIES,
    KEY_PHRASES,
    DOMINANT_LANGUAGE,
    SENTIMENT,
    TARGETED_SENTIMENT,
    TOPICS,
    CLASSIFICATION,
    PII,
    EVENTS,
)
"""Every kind of job of the API, in the order in which people are offered them; other kinds have no operations."""
TEXT_KINDS: tuple[TextKind, ...] = (SYNTAX, TOXICITY, PROMPT_SAFETY)
"""Every analysis that has no jobs."""
ANALYSES: Mapping[str, JobKind | TextKind] = {
    **{kind.name: kind for kind in JOB_KINDS},
    **{kind.name: kind for kind in TEXT_KINDS},
}
"""Every analysis of the API by its name."""
WORK_KINDS: Mapping[str, WorkKind] = {
    kind.name: kind
    for kind in (
        *JOB_KINDS,
        CUSTOM_ENTITIES,
        CLASSIFIER_TRAINING,
        RECOGNIZER_TRAINING,
        FLYWHEEL_LAKE,
        FLYWHEEL_DATASET,
        CLASSIFIER_EVALUATION,
        RECOGNIZER_EVALUATION,
    )
}
"""Everything that a worker does."""
_LOADED: tuple[Loading, ...] = (*WORK_KINDS.values(), *TEXT_KINDS)
ENTRIES: Mapping[str, EngineEntry] = {entry.name: entry for kind in _LOADED for entry in kind.loads}
"""Every engine by its name."""
PROGRAMS: Mapping[str, str] = {entry.name: kind.program for kind in _LOADED for entry in kind.loads}
"""The program of each engine."""
AHEAD: tuple[EngineName, ...] = tuple(engine.name for engine in ENTRIES.values() if engine.ahead)
"""The engines that always wait loaded."""
MODEL_ENGINES: frozenset[EngineName] = frozenset(kind.model.engine for kind in JOB_KINDS if kind.model is not None)
"""The engines that analyse with a custom model, which they get after they have loaded."""
READ_DOCUMENTS = MODEL_ENGINES | frozenset(
    engine
    for kind in ANALYSES.values()
    if kind.synchronous is not None and kind.synchronous.documents
    for engine in kind.engines.values()
)
"""The engines that also get documents of any kind in synchronous calls."""
CONTAINER_BYTES: Mapping[str, int] = {
    name: kind.container_bytes for name, kind in WORK_KINDS.items() if kind.container_bytes is not None
}
"""Bytes of input that one container is meant for, by what a worker does."""


def work_of(analysis: str, request: Mapping[str, Any]) -> str:
    """Return the name under which ``CONTAINER_BYTES`` has, or lacks, a worker's kind of work.

    ``request`` has the members that only such jobs have. A job with an engine whose work cannot be divided has another
    name.
    """
    divided = WORK_KINDS[analysis].divided_engine
    engine = request.get("Engine", divided)
    return analysis if engine == divided else f"{analysis} by {engine}"

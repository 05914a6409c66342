"""The types of the entries in ``kinds.py``. They are plain values: this module imports no engine and no program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

KILOBYTE = 1_024
MEGABYTE = 1_024 * KILOBYTE

Kind = Literal[
    "dominant-language",
    "entities",
    "key-phrases",
    "sentiment",
    "targeted-sentiment",
    "topics",
    "classification",
    "pii",
    "events",
    "custom-entities",
    "classifier-training",
    "recognizer-training",
    "flywheel-lake",
    "flywheel-dataset",
    "classifier-evaluation",
    "recognizer-evaluation",
]
"""What a worker does with its input. This decides the form of the output."""
EngineName = Literal[
    "dominant-language",
    "entities-en",
    "entities-ar",
    "entities-de",
    "entities-es",
    "entities-fr",
    "entities-hi",
    "entities-it",
    "entities-ja",
    "entities-ko",
    "entities-pt",
    "entities-zh",
    "entities-zh-TW",
    "events-en",
    "key-phrases-en",
    "key-phrases-ar",
    "key-phrases-de",
    "key-phrases-es",
    "key-phrases-fr",
    "key-phrases-hi",
    "key-phrases-it",
    "key-phrases-ja",
    "key-phrases-ko",
    "key-phrases-pt",
    "key-phrases-zh",
    "key-phrases-zh-TW",
    "pii-en",
    "pii-de",
    "pii-es",
    "pii-fr",
    "pii-it",
    "pii-pt",
    "prompt-safety-en",
    "sentiment-en",
    "sentiment-ar",
    "sentiment-de",
    "sentiment-es",
    "sentiment-fr",
    "sentiment-hi",
    "sentiment-it",
    "sentiment-ja",
    "sentiment-ko",
    "sentiment-pt",
    "sentiment-zh",
    "sentiment-zh-TW",
    "syntax-en",
    "syntax-de",
    "syntax-es",
    "syntax-fr",
    "syntax-it",
    "syntax-pt",
    "targeted-sentiment-en",
    "topics",
    "toxicity-en",
    "classification",
    "custom-entities",
    "classifier-training",
    "recognizer-training",
    "flywheel-lake",
    "flywheel-dataset",
    "classifier-evaluation",
    "recognizer-evaluation",
]
"""The engine that a worker loads before it has a job."""
ENGINES: tuple[EngineName, ...] = get_args(EngineName)

Lines = Literal["sorted", "predictions", "mentions", "offsets"]
"""How a document's line is written: the keys of ``forms.LINES``."""
Form = Literal["text", "segments", "prompt"]
"""What a synchronous operation takes: one ``Text``, a list of ``TextSegments``, or a ``Text`` with the ``EndpointArn``
of a model that the service itself provides."""
Layout = Literal["spans", "offsets", "tokens", "mentions", "events", "types", "tone", "topics"]
"""What a result consists of.

``spans`` are places in the text, ``offsets`` places whose text no result repeats, ``tokens`` all its words, and
``mentions`` places grouped by what they mention, each with a sentiment. ``events`` are places of words that tell
events, grouped by event, with entities in roles. ``types`` are judgements of the whole document, each with a score;
``tone`` is one sentiment with the scores of all four. ``topics`` are tables about all documents.
"""


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """An engine, by its name.

    ``loads`` is the class that analyses documents, as ``module:name`` below ``analysis.engines``, and ``arguments`` are
    its arguments. It is ``None`` if the program needs no engine or loads the job's own model. A ``light`` engine needs
    half the memory of others. An engine that is ``ahead`` always waits loaded.
    """

    name: EngineName
    loads: str | None = None
    arguments: tuple[str, ...] = ()
    language: str | None = None
    light: bool = False
    ahead: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """How the results of documents are written.

    ``member`` is the archive's member, ``None`` if each input file has a member of its own. With ``objects`` there is
    no archive: each input file has an object of its own. With ``empty_is_error`` a document without any word gets an
    error instead of an empty result: a sentiment or a class cannot be empty.
    """

    lines: Lines
    member: str | None = "output"
    empty_is_error: bool = False
    objects: bool = False


@dataclass(frozen=True, slots=True)
class Results:
    """What an analysis finds, and what people call it.

    ``members`` of a result line hold the findings. A second member holds them when several types may apply at once.
    ``type_member`` is the member of a finding that has its type, ``None`` if findings have no types. ``one`` and
    ``many`` are the words for findings, ``type`` is the heading of their types.
    """

    layout: Layout
    members: tuple[str, ...]
    type_member: str | None
    one: str
    many: str
    type: str = "Type"


@dataclass(frozen=True, slots=True)
class Synchronous:
    """The synchronous operations of an analysis.

    ``batch`` is ``None`` if there is none. ``labels`` is an operation that returns only the types of findings.
    ``text_bytes`` are the bytes of UTF-8 that a text may have, as the service's own error prints it. ``label`` is what
    the console calls the analysis there. ``documents`` says whether it reads documents of any kind in ``Bytes``.
    """

    detect: str
    batch: str | None
    text_bytes: int
    label: str
    labels: str | None = None
    documents: bool = False
    form: Form = "text"


@dataclass(frozen=True, slots=True)
class CustomModel:
    """How a kind uses a custom model: the member that names it, and what then does the work.

    ``label`` and ``description`` are for the console, ``None`` for those of the kind.
    """

    member: Literal["EntityRecognizerArn", "DocumentClassifierArn"]
    analysis: Kind
    engine: EngineName
    label: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Demo:
    """How the demo shows a kind: the prefix of its texts, their format, and members of the request."""

    texts: str
    input_format: str
    request: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """What a process loads for a kind.

    ``program`` is the class that does a job, as ``module:name`` below ``analysis``. Its argument is the engine, if the
    entry of the engine loads one.
    """

    name: str
    program: str
    loads: tuple[EngineEntry, ...]

    @property
    def engines(self) -> Mapping[str | None, EngineName]:
        """The engine for each language, under ``None`` if it is given no language."""
        return {entry.language: entry.name for entry in self.loads}

    @property
    def languages(self) -> tuple[str, ...]:
        """The language codes that an engine exists for."""
        return tuple(entry.language for entry in self.loads if entry.language is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkKind(Loading):
    """What a worker does.

    ``output`` is ``None`` for a program that writes files of its own.

    ``container_bytes`` are the bytes of input that one container is meant for, about half a minute on one core, from
    the seconds that one container takes for 10 MB of documents of 2 KB (``bench/RESULTS.md``). It is ``None`` if every
    job runs in one container. ``divided_engine`` is the value of the request's ``Engine`` with which a job can be
    divided, ``None`` if the request has no such member. With ``parts_in_storage`` containers share their results
    through S3; otherwise they send them to the first container. With ``described``, a worker that makes no model also
    describes its output in the metadata of its ``Done``.
    """

    name: Kind
    output: Output | None = None
    container_bytes: int | None = None
    divided_engine: str | None = None
    parts_in_storage: bool = True
    described: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind(WorkKind):
    """One kind of job of the API.

    ``arn_type`` is the job type in its ARN, ``token`` the word in its output path. The limits are bytes of UTF-8 per
    document, bytes of all objects, and documents. ``stop`` is ``None`` if AWS has no such operation. ``own`` are the
    request's members that only this kind has, with their defaults; ``required`` are those of them that a request must
    have, with the values of our own commands. ``newest_first`` names the time filter whose documentation says that it
    lists newest first. ``documented_languages`` are the codes that Amazon documents, ``None`` for every LanguageCode;
    engines for others are an extension, which the profile ``aws`` does not have.
    With ``vpc_tag`` the request has no VpcConfig, and a tag takes its place. ``label`` and ``description`` are for the
    console.
    """

    start: str
    describe: str
    list: str
    stop: str | None
    properties: str
    arn_type: str
    token: str
    label: str
    description: str
    results: Results
    synchronous: Synchronous | None = None
    demo: Demo | None = None
    document_limit: int = MEGABYTE
    total_limit: int = 5_000_000_000
    documents_limit: int = 1_000_000
    model: CustomModel | None = None
    own: Mapping[str, Any] = field(default_factory=dict)
    documented_languages: tuple[str, ...] | None = None
    newest_first: Literal["SubmitTimeAfter", "SubmitTimeBefore"] = "SubmitTimeAfter"
    vpc_tag: bool = False
    required: Mapping[str, Any] = field(default_factory=dict)
    passes_role: Literal["DataAccessRoleArn"] = "DataAccessRoleArn"

    def languages_in(self, *, extensions: bool) -> tuple[str, ...]:
        """The language codes that an engine exists for, with or without those that Amazon does not document."""
        documented = self.documented_languages
        return tuple(each for each in self.languages if extensions or documented is None or each in documented)

    @property
    def output_name(self) -> str:
        """The last segment of its output's key; empty if the output is a folder."""
        return "" if self.output is not None and self.output.objects else "output.tar.gz"

    @property
    def engines(self) -> Mapping[str | None, EngineName]:
        """The built-in engine for each language, under ``None`` if the operation has no LanguageCode."""
        needs_model = self.model is not None and self.model.analysis == self.name
        return {} if needs_model else super(JobKind, self).engines


@dataclass(frozen=True, slots=True, kw_only=True)
class TextKind(Loading):
    """An analysis that has synchronous operations and no jobs."""

    name: Literal["syntax", "toxicity", "prompt-safety"]
    results: Results
    synchronous: Synchronous

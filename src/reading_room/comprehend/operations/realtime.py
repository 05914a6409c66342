"""The synchronous operations: their checks; the engines are behind ``RealtimeEngines``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from reading_room.analysis.kind import EngineName, JobKind
from reading_room.analysis.kinds import ANALYSES, SMALL_TEXT
from reading_room.analysis.recall import above
from reading_room.aws.call import Call
from reading_room.aws.errors import AwsError, SerializationException
from reading_room.aws.models import operation_model
from reading_room.aws.operations import BoundOperation, OperationFacts, any_resource, no_context
from reading_room.aws.protocols.json import read_output
from reading_room.comprehend.endpoints.models import EndpointModel, ModelContainers
from reading_room.comprehend.errors import (
    BatchSizeLimitExceededException,
    EngineFailedText,
    ReaderConfigNotSupported,
    TextOrBytes,
    TextSizeLimitExceededException,
    UnsupportedLanguageException,
)
from reading_room.comprehend.operations.documents import (
    REFUSED,
    Given,
    characters_of,
    document_of,
    raise_if_refused,
    read_refusal,
)
from reading_room.comprehend.quotas import Quotas
from reading_room.measures import IGNORED, Measures

Answer = list[dict[str, Any]] | dict[str, Any]
"""The result for one text: a list under the operation's member, or several members."""
BATCH_TEXTS, BATCH_BYTES = 25, SMALL_TEXT
"""The most documents of a batch, and bytes of each document."""

Request = Mapping[str, Any]

CountCall = Callable[[str, str, Sequence[int]], None]
"""Called with the account, the operation, and the number of characters of each text that got a result."""
Thresholds = Callable[[str, str], Mapping[str, float]]
"""Called with the account and a language; it returns the least score of each type of personal data, 0 by default."""


class RealtimeEngines(ModelContainers, Protocol):
    """The engines, in containers without network. Raises ``InternalServerException`` if one does not answer."""

    def analyse(
        self, account: str, engine: EngineName, texts: Sequence[Given], language: str | None
    ) -> Sequence[Answer | None]:
        """Return one answer per text, with the API's member names; ``None`` for a text that made the engine fail.

        A document is given alone. Its answer has the members for pages too, or ``REFUSED``.
        """
        ...

    def analyse_with(self, model: EndpointModel, texts: Sequence[Given]) -> Sequence[Answer | None]:
        """Return one answer per text or document, as ``analyse`` does. Also raises what ``load`` raises."""
        ...


@dataclass(frozen=True, slots=True)
class RealtimeKind:
    """An analysis of single texts and, unless ``batch`` is ``None``, of batches.

    ``member`` is the member of the response that holds the list; it is empty if the engine's members are the response.
    ``labels`` is the operation that returns only the types of what was found.
    """

    detect: str
    batch: str | None
    labels: str | None
    member: str
    engines: Mapping[str | None, EngineName]
    text_bytes: int
    documented: Sequence[str] | None
    """The languages that Amazon documents, ``None`` for all."""


REALTIME_KINDS = tuple(
    RealtimeKind(
        synchronous.detect,
        synchronous.batch,
        synchronous.labels,
        "".join(kind.results.members),
        kind.engines,
        synchronous.text_bytes,
        kind.documented_languages if isinstance(kind, JobKind) else None,
    )
    for kind in ANALYSES.values()
    if (synchronous := kind.synchronous) is not None and synchronous.form == "text"
)
"""The analyses whose operations take a text each; ``toxicity.py`` and ``prompt_safety.py`` have the others."""


KIND_OF: Mapping[EngineName, RealtimeKind] = {
    engine: kind for kind in REALTIME_KINDS for engine in kind.engines.values()
}

TONE = ("Sentiment",)
"""The member of a result that is several members side by side."""
CLASSES = ("Classes", "Labels")
SEGMENT = ("ResultList",)
"""The member of an answer with one result, which is several members side by side."""
_RESULTS: Mapping[EngineName, tuple[str, tuple[str, ...]]] = {
    **{engine: (kind.detect, (kind.member,) if kind.member else TONE) for engine, kind in KIND_OF.items()},
    "classification": ("ClassifyDocument", CLASSES),
    "prompt-safety-en": ("ClassifyDocument", CLASSES),
    "toxicity-en": ("DetectToxicContent", SEGMENT),
    "custom-entities": ("DetectEntities", ("Entities",)),
}
"""By engine: the operation whose result it returns, and the members of which a result has one."""


def read_answer(engine: EngineName, given: object, document: bool = False) -> Answer:
    """Return an engine's answer for one text or ``document`` after checking it against the API model.

    Containers process untrusted texts, so their answers are not trusted either. Raises ``ValueError``.
    """
    if document:
        if not isinstance(given, dict):
            raise ValueError("the engine's answer for a document has no members")
        if REFUSED in given:
            return read_refusal(given[REFUSED])
    name, members = _RESULTS[engine]
    operation = operation_model("comprehend", name)
    assert operation is not None
    if members == SEGMENT:
        given = [given]
    try:
        read = read_output(operation, given if isinstance(given, dict) else {members[0]: given})
    except SerializationException as error:
        raise ValueError(f"the engine's answer is not a result: {error.message}") from None
    if not any(member in read for member in members):
        raise ValueError("the engine's answer has members of another analysis")
    if members == SEGMENT:
        results = read[SEGMENT[0]]
        if len(results) != 1 or not results[0] or results[0].keys() != {"Labels", "Toxicity"}:
            raise ValueError("the engine's answer lacks labels or toxicity")
        return dict(results[0])
    return read if document or len(members) > 1 or members == TONE else read[members[0]]


def endpoint_or_any(call: Call) -> Sequence[str]:
    """Return the resource of a call: its custom model's endpoint, or none with a built-in model."""
    endpoint = call.parameters.get("EndpointArn")
    return (str(endpoint),) if endpoint else ("*",)


class RealtimeOperations:
    """The synchronous operations."""

    def __init__(
        self,
        engines: RealtimeEngines,
        quotas: Quotas,
        count: CountCall,
        by_endpoint: Callable[[Call, str, Request], Answer],
        measures: Measures = IGNORED,
        thresholds: Thresholds = lambda account, language: {},
    ) -> None:
        """``count`` counts a call for bills, before its answer. ``by_endpoint`` answers calls with an EndpointArn."""
        self._by_endpoint = by_endpoint
        self._engines = engines
        self._quotas = quotas
        self._count = count
        self._measures = measures
        self._thresholds = thresholds

    def bound_operations(self) -> Iterator[BoundOperation]:
        """Yield Detect, BatchDetect and Contains of every kind that has them."""
        for kind in REALTIME_KINDS:
            for name, resources, handler in (
                (kind.detect, endpoint_or_any, self._detect),
                (kind.batch, any_resource, self._batch),
                (kind.labels, any_resource, self._labels),
            ):
                if name is None:
                    continue
                facts = OperationFacts("comprehend", name, f"comprehend:{name}", resources, no_context, None, True)
                yield BoundOperation(facts, partial(handler, kind))

    def _detect(self, kind: RealtimeKind, call: Call, request: Request) -> Mapping[str, object]:
        return _members(kind, self._one(kind, kind.detect, call, request))

    def _labels(self, kind: RealtimeKind, call: Call, request: Request) -> Mapping[str, object]:
        found = self._one(kind, str(kind.labels), call, request)
        assert isinstance(found, list)
        best: dict[str, float] = {}
        for each in found:
            best[each["Type"]] = max(each["Score"], best.get(each["Type"], 0.0))
        return {"Labels": [{"Name": name, "Score": score} for name, score in best.items()]}

    def _one(self, kind: RealtimeKind, operation: str, call: Call, request: Request) -> Answer:
        """Return the result for the text of a request."""
        self._quotas.count(call.account, operation)
        if request.get("EndpointArn") is not None:
            return self._by_endpoint(call, operation, request)
        check_members(request)
        engine, language = self._engine(kind, operation, request)
        given = given_of(request, kind.text_bytes)
        (answer,) = self._analyse(call, engine, [given], language)
        raise_if_refused(answer)
        if answer is None:
            raise EngineFailedText
        self._count(call.account, operation, [characters_of(given, answer)])
        if isinstance(answer, list) and kind.labels is not None:
            # Personal data: the only findings of which an account can say how sure they must be.
            return above(answer, self._thresholds(call.account, str(language)))
        return answer

    def _batch(self, kind: RealtimeKind, call: Call, request: Request) -> Mapping[str, object]:
        operation = str(kind.batch)
        self._quotas.count(call.account, operation)
        engine, language = self._engine(kind, operation, request)
        texts = request["TextList"]
        if len(texts) > BATCH_TEXTS:
            raise BatchSizeLimitExceededException(BATCH_TEXTS, len(texts))
        sizes = [_size(text) for text in texts]
        fitting = [index for index, size in enumerate(sizes) if size <= BATCH_BYTES]
        errors = {
            index: _error(index, TextSizeLimitExceededException(BATCH_BYTES, size))
            for index, size in enumerate(sizes)
            if size > BATCH_BYTES
        }
        results: list[dict[str, Any]] = []
        answers: Sequence[Answer | None] = ()
        if fitting:
            answers = self._analyse(call, engine, [texts[index] for index in fitting], language)
        for index, answer in zip(fitting, answers, strict=True):
            if answer is None:
                errors[index] = _error(index, EngineFailedText())
            else:
                results.append({"Index": index, **_members(kind, answer)})
        if results:
            self._count(call.account, operation, [len(texts[result["Index"]]) for result in results])
        return {"ResultList": results, "ErrorList": [errors[index] for index in sorted(errors)]}

    def _engine(self, kind: RealtimeKind, operation: str, request: Request) -> tuple[EngineName, str | None]:
        language = request.get("LanguageCode")
        if language is None and None not in kind.engines:
            raise TextOrBytes("LanguageCode is required without EndpointArn.")
        known = kind.documented if kind.documented is not None and not self._quotas.extensions else kind.engines
        if language not in known:
            raise UnsupportedLanguageException(operation, str(language), [each for each in known if each])
        return kind.engines[language], language

    def _analyse(
        self, call: Call, engine: EngineName, texts: Sequence[Given], language: str | None
    ) -> Sequence[Answer | None]:
        answers = self._engines.analyse(call.account, engine, texts, language)
        self._measures.analysed(engine, len(texts), sum(map(characters_of, texts, answers)))
        return answers


def check_members(request: Request) -> None:
    """Raise if members that only some operations have are used wrongly."""
    if request.get("Text") is not None and request.get("Bytes") is not None:
        raise TextOrBytes("Text and Bytes cannot be given together.")
    if request.get("Text") is None and request.get("Bytes") is None:
        raise TextOrBytes("Text or Bytes is required.")
    if request.get("Text") is not None and request.get("DocumentReaderConfig") is not None:
        raise ReaderConfigNotSupported


def given_of(request: Request, text_bytes: int) -> Given:
    """Return what a request has analysed. Raise an error if it is too large."""
    text = request.get("Text")
    if text is None:
        return document_of(request)
    check_size(text, text_bytes)
    return str(text)


def check_size(text: str, most: int) -> None:
    """Raise ``TextSizeLimitExceededException`` if a text has more than ``most`` bytes of UTF-8."""
    size = _size(text)
    if size > most:
        raise TextSizeLimitExceededException(most, size)


def _members(kind: RealtimeKind, answer: Answer) -> Mapping[str, object]:
    return answer if isinstance(answer, dict) else {kind.member: answer}


def _error(index: int, error: AwsError) -> dict[str, object]:
    return {"Index": index, "ErrorCode": error.code, "ErrorMessage": error.message}


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))

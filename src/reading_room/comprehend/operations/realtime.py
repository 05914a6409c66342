"""DetectEntities and DetectDominantLanguage: checks here, the engines behind ``RealtimeEngines``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.comprehend.errors import (
    ReaderConfigWithoutModel,
    ResourceUnavailableException,
    TextOrBytes,
    TextSizeLimitExceededException,
    UnsupportedLanguageException,
)
from reading_room.comprehend.job_kinds import DOMINANT_LANGUAGE, ENTITIES
from reading_room.comprehend.quotas import Quotas
from reading_room.containers.spec import EngineName

if TYPE_CHECKING:
    from mypy_boto3_comprehend.type_defs import (
        DetectDominantLanguageRequestTypeDef,
        DetectEntitiesRequestTypeDef,
    )

TEXT_BYTES = 100_000
"""Bytes of UTF-8 that a text of either call may have, as the service's own error prints it."""


class RealtimeEngines(Protocol):
    """The engines, kept warm in containers without network. Raises ``InternalServerException`` without an answer."""

    def analyse(
        self, account: str, engine: EngineName, texts: Sequence[str], language: str | None
    ) -> list[list[dict[str, Any]]]:
        """Return one list of results per text, members named as the API names them."""
        ...


def endpoint_or_any(call: Call) -> Sequence[str]:
    """Say that the call is about its custom model's endpoint, or about no resource with a built-in model."""
    endpoint = call.parameters.get("EndpointArn")
    return (str(endpoint),) if endpoint else ("*",)


class RealtimeOperations:
    """The synchronous operations."""

    def __init__(self, engines: RealtimeEngines, quotas: Quotas) -> None:
        self._engines = engines
        self._quotas = quotas

    @operation("comprehend", "DetectEntities", resources=endpoint_or_any)
    def detect_entities(self, call: Call, request: DetectEntitiesRequestTypeDef) -> Mapping[str, object]:
        """Find entities in one text."""
        self._quotas.count(call.account, "DetectEntities")
        endpoint = request.get("EndpointArn")
        if request.get("Text") is not None and request.get("Bytes") is not None:
            raise TextOrBytes("Text and Bytes cannot be given together.")
        if endpoint is not None:
            # There is no operation yet that makes an endpoint, so none can be in service.
            raise ResourceUnavailableException(endpoint)
        text = request.get("Text")
        if text is None:
            raise TextOrBytes("Text is required; Bytes needs the EndpointArn of a custom model.")
        if request.get("DocumentReaderConfig") is not None:
            raise ReaderConfigWithoutModel
        language = request.get("LanguageCode")
        if language is None:
            raise TextOrBytes("LanguageCode is required without EndpointArn.")
        if language not in ENTITIES.engines:
            raise UnsupportedLanguageException("DetectEntities", language, ENTITIES.languages)
        _check_size(text)
        engine = ENTITIES.engines[language]
        return {"Entities": self._engines.analyse(call.account, engine, [text], language)[0]}

    @operation("comprehend", "DetectDominantLanguage")
    def detect_dominant_language(
        self, call: Call, request: DetectDominantLanguageRequestTypeDef
    ) -> Mapping[str, object]:
        """Say in which language a text is written."""
        self._quotas.count(call.account, "DetectDominantLanguage")
        text = request["Text"]
        _check_size(text)
        engine = DOMINANT_LANGUAGE.engines[None]
        return {"Languages": self._engines.analyse(call.account, engine, [text], None)[0]}


def _check_size(text: str) -> None:
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > TEXT_BYTES:
        raise TextSizeLimitExceededException(TEXT_BYTES, size)

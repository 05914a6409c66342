"""DetectToxicContent: which kinds of toxic content up to ten short texts have, and how likely.

Like every synchronous call it has no network of its own, and so no VPC.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reading_room.analysis.kinds import SEGMENT, TOXICITY
from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.comprehend.errors import EngineFailedText, TooManySegments, UnsupportedLanguageException
from reading_room.comprehend.operations.realtime import CountCall, RealtimeEngines, check_size
from reading_room.comprehend.quotas import Quotas
from reading_room.measures import IGNORED, Measures

if TYPE_CHECKING:
    from mypy_boto3_comprehend.type_defs import DetectToxicContentRequestTypeDef

OPERATION = "DetectToxicContent"
MOST_SEGMENTS = 10
"""The most texts of a call. All together may have 10 KB, which ten of at most 1 KB never exceed."""


class ToxicityOperations:
    """The synchronous call for toxic content."""

    def __init__(
        self, engines: RealtimeEngines, quotas: Quotas, count: CountCall, measures: Measures = IGNORED
    ) -> None:
        """``count`` counts a call for bills, before its answer."""
        self._engines = engines
        self._quotas = quotas
        self._count = count
        self._measures = measures

    @operation("comprehend", "DetectToxicContent")
    def detect(self, call: Call, request: DetectToxicContentRequestTypeDef) -> Mapping[str, Any]:
        """Return the scores of every text, in the order of the request. No text is answered if one fails."""
        self._quotas.count(call.account, OPERATION)
        language, engines = request["LanguageCode"], TOXICITY.engines
        if language not in engines:
            raise UnsupportedLanguageException(OPERATION, language, TOXICITY.languages)
        texts = [str(segment["Text"]) for segment in request["TextSegments"]]
        if len(texts) > MOST_SEGMENTS:
            raise TooManySegments(MOST_SEGMENTS, len(texts))
        for text in texts:
            check_size(text, SEGMENT)
        characters = [len(text) for text in texts]
        results = self._engines.analyse(call.account, engines[language], texts, language)
        self._measures.analysed(engines[language], len(texts), sum(characters))
        if None in results:
            raise EngineFailedText
        self._count(call.account, OPERATION, characters)
        return {"ResultList": list(results)}

"""ClassifyDocument with the endpoint that the service itself provides: is a prompt for a language model safe?

That endpoint belongs to no account and exists in every region. It has no inference units.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reading_room.analysis.kinds import LARGE_TEXT, PROMPT_SAFETY
from reading_room.aws.call import Call
from reading_room.comprehend.errors import EngineFailedText, PromptInBytes, TextOrBytes
from reading_room.comprehend.operations.realtime import CountCall, RealtimeEngines, check_size
from reading_room.measures import IGNORED, Measures

OPERATION = "ClassifyDocument"
LANGUAGE = "en"


def prompt_safety_arn(region: str) -> str:
    """Return the ARN of the endpoint."""
    return f"arn:aws:comprehend:{region}:aws:document-classifier-endpoint/prompt-safety"


class PromptSafety:
    """Answers calls to the endpoint for prompt safety."""

    def __init__(self, engines: RealtimeEngines, count: CountCall, measures: Measures = IGNORED) -> None:
        """``count`` counts a call for bills, before its answer."""
        self._engines = engines
        self._count = count
        self._measures = measures

    def classify(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the scores of SAFE_PROMPT and UNSAFE_PROMPT, the higher one first."""
        if request.get("Bytes") is not None or request.get("DocumentReaderConfig") is not None:
            raise PromptInBytes(request["EndpointArn"])
        if request.get("Text") is None:
            raise TextOrBytes("Text is required.")
        text = str(request["Text"])
        check_size(text, LARGE_TEXT)
        engine = PROMPT_SAFETY.engines[LANGUAGE]
        (answer,) = self._engines.analyse(call.account, engine, [text], LANGUAGE)
        self._measures.analysed(engine, 1, len(text))
        if answer is None:
            raise EngineFailedText
        self._count(call.account, OPERATION, [len(text)])
        assert isinstance(answer, dict)
        return answer

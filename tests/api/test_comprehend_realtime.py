"""The synchronous operations, called with boto3; the engine behind them only echoes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.config import Config

from reading_room.comprehend.operations.realtime import REALTIME_KINDS, RealtimeKind
from reading_room.settings import Settings
from tests.worlds.comprehend import ACCOUNT, ALLOW_ALL, REGION, ComprehendWorld
from tests.worlds.models import refused

every_kind = pytest.mark.parametrize("kind", REALTIME_KINDS, ids=lambda kind: kind.detect)
BATCHES = [kind for kind in REALTIME_KINDS if kind.batch is not None]
every_batch = pytest.mark.parametrize("kind", BATCHES, ids=lambda kind: kind.detect)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ComprehendWorld]:
    world = ComprehendWorld(tmp_path)
    yield world
    world.close()


def detect(world: ComprehendWorld, kind: RealtimeKind) -> Any:
    return getattr(world.client, xform_name(kind.detect))


def batch(world: ComprehendWorld, kind: RealtimeKind) -> Any:
    return getattr(world.client, xform_name(str(kind.batch)))


def calls_of(kind: RealtimeKind) -> list[tuple[str, dict[str, Any]]]:
    """Return each operation of a kind, with what a request needs besides a language."""
    one, several = {"Text": "Ada"}, {"TextList": ["Ada"]}
    names = ((kind.detect, one), (kind.labels, one), (kind.batch, several))
    return [(name, parameters) for name, parameters in names if name is not None]


def language_of(kind: RealtimeKind) -> dict[str, str]:
    return {} if None in kind.engines else {"LanguageCode": "en"}


def members(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in ("ResponseMetadata", "Index")}


def test_entities_come_from_the_engine_for_the_language(world: ComprehendWorld) -> None:
    answer = world.client.detect_entities(Text="Ada", LanguageCode="en")
    assert answer["Entities"] == [{"Score": 0.5, "Type": "PERSON", "Text": "Ada", "BeginOffset": 0, "EndOffset": 3}]
    assert world.engines.calls == [(ACCOUNT, "entities-en", ("Ada",), "en")]


def test_the_language_is_detected(world: ComprehendWorld) -> None:
    answer = world.client.detect_dominant_language(Text="Good morning to all of you")
    assert answer["Languages"] == [{"LanguageCode": "en", "Score": 0.99}]


def test_a_sentiment_answer_has_sentiment_and_scores(world: ComprehendWorld) -> None:
    answer = world.client.detect_sentiment(Text="Well done", LanguageCode="en")
    assert answer["Sentiment"] == "POSITIVE"
    assert answer["SentimentScore"] == {"Positive": 0.75, "Negative": 0.25, "Neutral": 0.0, "Mixed": 0.0}


@every_batch
def test_a_batch_gives_the_same_result_for_each_text_as_a_single_call(
    world: ComprehendWorld, kind: RealtimeKind
) -> None:
    texts = ["Ada", "Bob Dylan"]
    single = [members(detect(world, kind)(Text=text, **language_of(kind))) for text in texts]
    world.engines.calls.clear()
    answer = batch(world, kind)(TextList=texts, **language_of(kind))
    assert [result["Index"] for result in answer["ResultList"]] == [0, 1]
    assert [members(result) for result in answer["ResultList"]] == single
    assert answer["ErrorList"] == []
    # The whole batch is one request to the engine.
    assert [call[2] for call in world.engines.calls] == [("Ada", "Bob Dylan")]


@every_kind
def test_a_text_over_the_limit_is_refused_in_the_services_own_words(world: ComprehendWorld, kind: RealtimeKind) -> None:
    text = "ä" * (kind.text_bytes // 2 + 1)
    assert refused(detect(world, kind), Text=text, **language_of(kind)) == (
        "TextSizeLimitExceededException",
        f"Input text size exceeds limit. Max length of request text allowed is {kind.text_bytes} bytes "
        f"while in this request the text size is {kind.text_bytes + 2} bytes",
    )
    detect(world, kind)(Text=text[:-1], **language_of(kind))


def test_the_limits_are_those_in_the_documentation() -> None:
    assert {kind.detect: kind.text_bytes for kind in REALTIME_KINDS} == {
        "DetectDominantLanguage": 100_000,
        "DetectEntities": 100_000,
        "DetectKeyPhrases": 100_000,
        "DetectPiiEntities": 100_000,
        "DetectSentiment": 5_000,
        "DetectSyntax": 5_000,
        "DetectTargetedSentiment": 5_000,
    }


@every_batch
def test_an_invalid_text_in_a_batch_gets_its_own_error(world: ComprehendWorld, kind: RealtimeKind) -> None:
    answer = batch(world, kind)(TextList=["Ada", "x" * 5_001, "break", "Bob"], **language_of(kind))
    assert [result["Index"] for result in answer["ResultList"]] == [0, 3]
    assert answer["ErrorList"] == [
        {
            "Index": 1,
            "ErrorCode": "TextSizeLimitExceededException",
            "ErrorMessage": "Input text size exceeds limit. Max length of request text allowed is 5000 bytes "
            "while in this request the text size is 5001 bytes",
        },
        {
            "Index": 2,
            "ErrorCode": "InternalServerException",
            "ErrorMessage": "Unexpected Server Error. Please try again.",
        },
    ]


def test_a_call_is_counted_with_the_texts_that_got_a_result(world: ComprehendWorld) -> None:
    world.client.detect_syntax(Text="one", LanguageCode="en")
    world.client.batch_detect_syntax(TextList=["two", "break", "x" * 6000, "three"], LanguageCode="en")
    for failing in ({"TextList": ["break"]}, {"TextList": ["x" * 6000]}):
        world.client.batch_detect_syntax(LanguageCode="en", **failing)
    refused(world.client.detect_syntax, Text="break", LanguageCode="en")
    assert world.counted == [
        (ACCOUNT, "DetectSyntax", [3]),
        (ACCOUNT, "BatchDetectSyntax", [3, 5]),
    ]


def test_a_batch_of_only_invalid_texts_does_not_use_an_engine(world: ComprehendWorld) -> None:
    answer = world.client.batch_detect_sentiment(TextList=["x" * 5_001], LanguageCode="en")
    assert (answer["ResultList"], len(answer["ErrorList"])) == ([], 1)
    assert world.engines.calls == []


@every_batch
def test_a_batch_can_have_at_most_25_texts(world: ComprehendWorld, kind: RealtimeKind) -> None:
    assert len(batch(world, kind)(TextList=["Ada"] * 25, **language_of(kind))["ResultList"]) == 25
    code, message = refused(batch(world, kind), TextList=["Ada"] * 26, **language_of(kind))
    assert code == "BatchSizeLimitExceededException"
    assert "25" in message
    assert "26" in message


@every_kind
def test_an_empty_text_is_a_validation_error(world: ComprehendWorld, kind: RealtimeKind) -> None:
    client = world.client_of("careless", ALLOW_ALL, config=Config(parameter_validation=False))
    for name, parameters in calls_of(kind):
        empty: dict[str, Any] = {member: [""] if member == "TextList" else "" for member in parameters}
        code, _ = refused(getattr(client, xform_name(name)), **empty, **language_of(kind))
        assert code == "ValidationException"


@pytest.mark.parametrize(
    "kind", [k for k in REALTIME_KINDS if None not in k.engines and "it" not in k.engines], ids=lambda kind: kind.detect
)
def test_a_language_without_an_engine_is_unsupported(world: ComprehendWorld, kind: RealtimeKind) -> None:
    supported = f"supported: {', '.join(str(code) for code in kind.engines)}"
    for name, parameters in calls_of(kind):
        code, message = refused(getattr(world.client, xform_name(name)), LanguageCode="it", **parameters)
        assert (code, supported in message) == ("UnsupportedLanguageException", True), message


def test_a_failed_engine_is_an_internal_server_error(world: ComprehendWorld) -> None:
    client = world.client_of("impatient", ALLOW_ALL, config=Config(retries={"total_max_attempts": 1}))
    code, message = refused(client.detect_sentiment, Text="break", LanguageCode="en")
    assert (code, message) == ("InternalServerException", "Unexpected Server Error. Please try again.")


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"LanguageCode": "en"}, "InvalidRequestException"),
        ({"Text": "Ada"}, "InvalidRequestException"),
        ({"Text": "Ada", "Bytes": b"Ada", "LanguageCode": "en"}, "InvalidRequestException"),
        (
            {
                "Text": "Ada",
                "EndpointArn": f"arn:aws:comprehend:{REGION}:{ACCOUNT}:entity-recognizer-endpoint/mine",
            },
            "ResourceUnavailableException",
        ),
        (
            {
                "Text": "Ada",
                "LanguageCode": "en",
                "DocumentReaderConfig": {"DocumentReadAction": "TEXTRACT_DETECT_DOCUMENT_TEXT"},
            },
            "InvalidRequestException",
        ),
    ],
)
def test_contradictory_parameters_are_refused(world: ComprehendWorld, parameters: dict[str, Any], code: str) -> None:
    assert refused(world.client.detect_entities, **parameters)[0] == code
    assert world.engines.calls == []


def test_amazons_rates_apply_only_in_the_profile_aws(tmp_path: Path) -> None:
    world = ComprehendWorld(tmp_path, Settings(profile="aws"))
    client = world.client_of("impatient", ALLOW_ALL, config=Config(retries={"total_max_attempts": 1}))
    for call, parameters, rate in (
        (client.detect_dominant_language, {"Text": "Ada"}, 40),
        (client.detect_sentiment, {"Text": "Ada", "LanguageCode": "en"}, 20),
        (client.batch_detect_syntax, {"TextList": ["Ada"], "LanguageCode": "en"}, 10),
    ):
        for _ in range(rate):
            call(**parameters)
        code, message = refused(call, **parameters)
        assert (code, f"{rate} times a second" in message) == ("TooManyRequestsException", True)
    world.close()

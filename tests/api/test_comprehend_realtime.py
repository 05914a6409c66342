"""The synchronous operations as boto3 sees them; the engine behind them only echoes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from comprehend_world import ACCOUNT, REGION, ComprehendWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ComprehendWorld]:
    world = ComprehendWorld(tmp_path)
    yield world
    world.close()


def refused(call: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_entities_come_from_the_engine_of_the_language(world: ComprehendWorld) -> None:
    answer = world.client.detect_entities(Text="Ada", LanguageCode="en")
    assert answer["Entities"] == [{"Score": 0.5, "Type": "PERSON", "Text": "Ada", "BeginOffset": 0, "EndOffset": 3}]
    assert world.engines.calls == [(ACCOUNT, "entities-en", ("Ada",), "en")]


def test_a_language_is_found_without_being_told(world: ComprehendWorld) -> None:
    answer = world.client.detect_dominant_language(Text="Good morning to all of you")
    assert answer["Languages"] == [{"LanguageCode": "en", "Score": 0.99}]


def test_a_language_without_engine_is_unsupported(world: ComprehendWorld) -> None:
    code, message = refused(world.client.detect_entities, Text="Ada", LanguageCode="de")
    assert code == "UnsupportedLanguageException"
    assert "supported: en" in message


@pytest.mark.parametrize("operation", ["detect_entities", "detect_dominant_language"])
def test_a_text_over_the_limit_is_refused_in_the_service_s_own_words(world: ComprehendWorld, operation: str) -> None:
    language = {"LanguageCode": "en"} if operation == "detect_entities" else {}
    text = "ä" * 50_001
    assert refused(getattr(world.client, operation), Text=text, **language) == (
        "TextSizeLimitExceededException",
        "Input text size exceeds limit. Max length of request text allowed is 100000 bytes "
        "while in this request the text size is 100002 bytes",
    )
    getattr(world.client, operation)(Text=text[:-1], **language)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"LanguageCode": "en"}, "InvalidRequestException"),
        ({"Text": "Ada"}, "InvalidRequestException"),
        ({"Text": "Ada", "Bytes": b"Ada", "LanguageCode": "en"}, "InvalidRequestException"),
        ({"Bytes": b"Ada", "LanguageCode": "en"}, "InvalidRequestException"),
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
def test_combinations_that_make_no_sense_are_refused(
    world: ComprehendWorld, parameters: dict[str, Any], code: str
) -> None:
    assert refused(world.client.detect_entities, **parameters)[0] == code
    assert world.engines.calls == []

"""Documents in ``Bytes`` of DetectEntities, called with boto3; the engine behind it only says what it was given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.analysis.readers.results import CODES
from reading_room.comprehend.operations.documents import MOST_BYTES, REFUSED, Document
from tests.worlds.comprehend import ACCOUNT, REGION, ComprehendWorld
from tests.worlds.models import refused

READ = {
    "Entities": [{"Score": 0.5, "Type": "PERSON", "Text": "Ada", "BlockReferences": [{"BlockId": "line-1"}]}],
    "DocumentMetadata": {"Pages": 1, "ExtractedCharacters": [{"Page": 1, "Count": 30}]},
    "DocumentType": [{"Page": 1, "Type": "NATIVE_PDF"}],
    "Blocks": [{"Id": "line-1", "BlockType": "LINE", "Text": "Ada", "Page": 1}],
    "Errors": [],
}
ENDPOINT = f"arn:aws:comprehend:{REGION}:{ACCOUNT}:entity-recognizer-endpoint/mine"
TABLES = {"DocumentReadAction": "TEXTRACT_ANALYZE_DOCUMENT", "FeatureTypes": ["TABLES"]}
DETECT_TEXT = {"DocumentReadAction": "TEXTRACT_DETECT_DOCUMENT_TEXT"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ComprehendWorld]:
    world = ComprehendWorld(tmp_path)
    world.engines.read = READ
    yield world
    world.close()


def test_a_document_gives_entities_with_blocks_and_pages(world: ComprehendWorld) -> None:
    answer = world.client.detect_entities(Bytes=b"%PDF-1.7", LanguageCode="en")
    assert {name: answer[name] for name in READ} == READ
    assert world.engines.calls == [(ACCOUNT, "entities-en", (Document(b"%PDF-1.7", language="en"),), "en")]


def test_a_call_is_counted_with_the_characters_that_were_extracted(world: ComprehendWorld) -> None:
    world.client.detect_entities(Bytes=b"%PDF-1.7", LanguageCode="en")
    assert world.counted == [(ACCOUNT, "DetectEntities", [30])]


def test_a_reader_config_can_force_recognition(world: ComprehendWorld) -> None:
    config = DETECT_TEXT | {"DocumentReadMode": "FORCE_DOCUMENT_READ_ACTION"}
    world.client.detect_entities(Bytes=b"%PDF-1.7", LanguageCode="de", DocumentReaderConfig=config)
    ((_, engine, (given,), _),) = world.engines.calls
    assert (engine, given) == ("entities-de", Document(b"%PDF-1.7", force_ocr=True, language="de"))


@pytest.mark.parametrize("code", CODES)
def test_a_document_that_cannot_be_read_is_refused_with_the_apis_reasons(world: ComprehendWorld, code: str) -> None:
    reason = "UNSUPPORTED_DOC_TYPE" if code == "UNSUPPORTED_ENCODING" else code
    world.engines.read = {REFUSED: [code, "it is so"]}
    with pytest.raises(ClientError) as raised:
        world.client.detect_entities(Bytes=b"%PDF-1.7", LanguageCode="en")
    answer: dict[str, Any] = dict(raised.value.response)
    assert answer["Error"]["Code"] == "InvalidRequestException"
    assert answer["Error"]["Message"] == f"{reason}: The document cannot be read: it is so."
    assert (answer["Reason"], answer["Detail"]) == ("INVALID_DOCUMENT", {"Reason": reason})
    assert world.counted == []


@pytest.mark.costs(2, reason="sends and signs 10 MB")
def test_a_document_of_the_largest_size_arrives_and_a_larger_one_is_refused(world: ComprehendWorld) -> None:
    world.client.detect_entities(Bytes=bytes(MOST_BYTES), LanguageCode="en")
    code, message = refused(world.client.detect_entities, Bytes=bytes(MOST_BYTES + 1), LanguageCode="en")
    assert code == "InvalidRequestException"
    assert message.startswith("DOCUMENT_SIZE_EXCEEDED: The document cannot be read: it has 10,000,001 bytes")
    assert len(world.engines.calls) == 1


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"Text": "Ada"}, "InvalidRequestException"),
        ({"EndpointArn": ENDPOINT}, "ResourceUnavailableException"),
        ({"DocumentReaderConfig": TABLES}, "InvalidRequestException"),
        ({"DocumentReaderConfig": DETECT_TEXT | {"FeatureTypes": ["FORMS"]}}, "InvalidRequestException"),
        ({"LanguageCode": None}, "InvalidRequestException"),
    ],
    ids=["text too", "a custom model", "tables", "forms", "no language"],
)
def test_what_does_not_go_together_is_refused(world: ComprehendWorld, parameters: dict[str, Any], code: str) -> None:
    given = {"Bytes": b"%PDF-1.7", "LanguageCode": "en", **parameters}
    sent = {name: value for name, value in given.items() if value is not None}
    assert refused(world.client.detect_entities, **sent)[0] == code
    assert world.engines.calls == []

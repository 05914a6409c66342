"""botocore's own protocol cases, turned round: their requests are our input, their results our answers.

The cases are read from a source checkout of botocore named by ``READING_ROOM_BOTOCORE_SOURCE``; without one the tests
are skipped, since the installed package does not carry them.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from botocore.awsrequest import HeadersDict
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.parsers import create_parser

from reading_room.aws.call import IncomingRequest, NetworkPath
from reading_room.aws.protocols import ec2, query, rest_xml, scalars
from reading_room.aws.protocols import json as json_protocol
from reading_room.aws.sigv4 import query_pairs

SOURCE = os.environ.get("READING_ROOM_BOTOCORE_SOURCE", "")
MODULES: dict[str, Any] = {"ec2": ec2, "query": query, "json": json_protocol}
# What no service served here has; botocore's own list of exceptions comes on top.
UNSERVED = re.compile(
    "Map|QueryStringTypes|Float|Label|InlineDocuments|XmlAttributes|Enums|TimestampHeaders|PrefixHeaders|"
    "ContentEncoding|Gzip|IdempotencyToken|NoBlobBody|ResponseCode|XmlName|AllParams|QueryPrecedence|NullAndEmpty|"
    "IgnoreQueryParams|TimestampFormat|PayloadTraitsWithBlob"
)
UNSERVED_IN = {"rest-xml": UNSERVED, "json": re.compile("InlineDocuments|ContentEncoding|Gzip|SupportsN|SupportsI")}
FORM_ENDS = re.compile("ContentEncoding|Gzip|IdempotencyToken|Empty")


def unserved(protocol: str, identifier: str) -> bool:
    """Say whether a case is about a trait that our services do not use."""
    return UNSERVED_IN.get(protocol, FORM_ENDS).search(identifier) is not None


@dataclasses.dataclass(frozen=True)
class Case:
    """One case and the operation that it is about."""

    identifier: str
    protocol: str
    operation: OperationModel
    body: dict[str, Any]


def cases(direction: str) -> Iterator[Any]:
    """Yield the cases of a direction as test parameters."""
    root = Path(SOURCE) / "tests" / "unit" / "protocols" / direction
    for protocol in ("ec2", "query", "json", "rest-xml"):
        path = root / f"{protocol}.json"
        listed = json.loads((root.parent / "protocol-tests-ignore-list.json").read_text()) if SOURCE else {}
        ignored = listed.get("protocols", {}).get(protocol, {}).get(direction, {}).get("cases", [])
        if not SOURCE or not path.exists():
            continue
        for number, suite in enumerate(json.loads(path.read_text())):
            for case in suite["cases"]:
                given = case["given"]
                if case.get("id") in ignored or unserved(protocol, case.get("id", "")):
                    continue
                description = {
                    "metadata": {"serviceId": "case", **suite["metadata"]},
                    "shapes": suite["shapes"],
                    "operations": {given["name"]: given},
                }
                operation = ServiceModel(description, "case").operation_model(given["name"])
                identifier = f"{protocol}-{number}-{case.get('id', given['name'])}"
                yield pytest.param(Case(identifier, protocol, operation, case), id=identifier)


def meant(shape: Shape, value: Any) -> Any:
    """Return a case's value as a parser returns it: moments for numbers, bytes for text."""
    if isinstance(shape, StructureShape):
        return {k: meant(shape.members[k], v) for k, v in value.items() if v is not None}
    if isinstance(shape, ListShape):
        return [meant(shape.member, item) for item in value if item is not None]
    if isinstance(shape, MapShape):
        return {k: meant(shape.value, v) for k, v in value.items() if v is not None}
    if shape.type_name == "timestamp":
        return scalars.epoch(value) if isinstance(value, (int, float)) else scalars.read_timestamp(value)
    if shape.type_name == "blob":
        return value.encode() if isinstance(value, str) else value
    if shape.type_name in ("float", "double"):
        return float(value)
    return value


def comparable(value: Any) -> Any:
    """Return a value in which equal things compare equal."""
    if isinstance(value, dict):
        return {k: comparable(v) for k, v in value.items()}
    if isinstance(value, list):
        return [comparable(v) for v in value]
    if isinstance(value, dt.datetime):
        return round(value.timestamp(), 3)
    return repr(value) if isinstance(value, float) else value


def arrived(case: Case) -> IncomingRequest:
    """Return the request of an input case."""
    sent = case.body["serialized"]
    path, _, query_string = sent["uri"].partition("?")
    headers = tuple((name.lower(), value) for name, value in sent.get("headers", {}).items())
    body = sent.get("body") or ""
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    method = sent.get("method", "POST")
    return IncomingRequest(method, path, query_string, headers, body.encode(), NetworkPath(), "r", moment)


def read(case: Case) -> dict[str, Any]:
    """Return the parameters that we read in the request of a case."""
    request = arrived(case)
    if case.protocol != "rest-xml":
        parsed: dict[str, Any] = MODULES[case.protocol].parse(case.operation, request)
        return parsed
    template = case.operation.http["requestUri"].partition("?")[0]
    pattern = re.sub(r"\\{(\w+)(\\\+)?\\}", lambda m: f"(?P<{m[1]}>{'.+' if m[2] else '[^/]+'})", re.escape(template))
    found = re.fullmatch(pattern, request.raw_path)
    labels = {} if found is None else {name: unquote(value) for name, value in found.groupdict().items()}
    parts = rest_xml.RequestParts(labels, query_pairs(request.query_string), request.headers, request.body)
    return rest_xml.parse(case.operation, parts)


@pytest.mark.skipif(not SOURCE, reason="READING_ROOM_BOTOCORE_SOURCE names no checkout of botocore")
@pytest.mark.parametrize("case", list(cases("input")))
def test_a_request_of_botocores_cases_is_read(case: Case) -> None:
    shape = case.operation.input_shape
    expected = {} if shape is None else meant(shape, case.body["params"])
    assert comparable(read(case)) == comparable(expected)


@pytest.mark.skipif(not SOURCE, reason="READING_ROOM_BOTOCORE_SOURCE names no checkout of botocore")
@pytest.mark.parametrize("case", [c for c in cases("output") if "result" in c.values[0].body])
def test_a_result_of_botocores_cases_survives_our_answer(case: Case) -> None:
    shape = case.operation.output_shape
    result = {} if shape is None else meant(shape, case.body["result"])
    if case.protocol == "rest-xml":
        headers, body = rest_xml.serialize(case.operation, result)
    else:
        reply = MODULES[case.protocol].serialize(case.operation, result, "r")
        headers, body = list(reply.headers), reply.body
    response = {"headers": HeadersDict(dict(headers)), "status_code": 200, "body": body}
    parsed: dict[str, Any] = create_parser(case.protocol).parse(response, shape)  # type: ignore[arg-type]
    parsed.pop("ResponseMetadata", None)
    assert comparable(parsed) == comparable(result)

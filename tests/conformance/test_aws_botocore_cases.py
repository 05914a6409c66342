"""botocore's own protocol test cases, reversed: we parse their requests, and answer with their results.

The cases come from a source checkout of botocore at ``READING_ROOM_BOTOCORE_SOURCE``. Without one the tests are
skipped, because the installed package does not contain them.
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
# Traits that no service here uses, in addition to botocore's own list of exceptions.
UNSERVED = re.compile(
    "Map|QueryStringTypes|Float|Label|InlineDocuments|XmlAttributes|Enums|TimestampHeaders|PrefixHeaders|"
    "ContentEncoding|Gzip|IdempotencyToken|NoBlobBody|ResponseCode|XmlName|AllParams|QueryPrecedence|NullAndEmpty|"
    "IgnoreQueryParams|TimestampFormat|PayloadTraitsWithBlob"
)
UNSERVED_IN = {
    "rest-xml": UNSERVED,
    "json": re.compile("InlineDocuments|ContentEncoding|Gzip|SupportsN|SupportsI"),
    "query": re.compile("Flattened|ContentEncoding|Gzip|IdempotencyToken|Empty"),
}
FORM_ENDS = re.compile("ContentEncoding|Gzip|IdempotencyToken|Empty")


def unused_here(protocol: str, identifier: str) -> bool:
    """Return whether a case is about a trait that our services do not use."""
    return UNSERVED_IN.get(protocol, FORM_ENDS).search(identifier) is not None


@dataclasses.dataclass(frozen=True)
class Case:
    """One case and the operation that it describes."""

    identifier: str
    protocol: str
    operation: OperationModel
    body: dict[str, Any]


def cases(direction: str) -> Iterator[Any]:
    """Yield the cases for a direction as test parameters."""
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
                if case.get("id") in ignored or unused_here(protocol, case.get("id", "")):
                    continue
                description = {
                    "metadata": {"serviceId": "case", **suite["metadata"]},
                    "shapes": suite["shapes"],
                    "operations": {given["name"]: given},
                }
                operation = ServiceModel(description, "case").operation_model(given["name"])
                identifier = f"{protocol}-{number}-{case.get('id', given['name'])}"
                yield pytest.param(Case(identifier, protocol, operation, case), id=identifier)


def as_parsed(shape: Shape, value: Any) -> Any:
    """Return a case's value as a parser returns it: numbers become times, and text becomes bytes."""
    if isinstance(shape, StructureShape):
        return {k: as_parsed(shape.members[k], v) for k, v in value.items() if v is not None}
    if isinstance(shape, ListShape):
        return [as_parsed(shape.member, item) for item in value if item is not None]
    if isinstance(shape, MapShape):
        return {k: as_parsed(shape.value, v) for k, v in value.items() if v is not None}
    if shape.type_name == "timestamp":
        return scalars.epoch(value) if isinstance(value, (int, float)) else scalars.read_timestamp(value)
    if shape.type_name == "blob":
        return value.encode() if isinstance(value, str) else value
    if shape.type_name in ("float", "double"):
        return float(value)
    return value


def comparable(value: Any) -> Any:
    """Return a value in a form in which equal values compare equal."""
    if isinstance(value, dict):
        return {k: comparable(v) for k, v in value.items()}
    if isinstance(value, list):
        return [comparable(v) for v in value]
    if isinstance(value, dt.datetime):
        return round(value.timestamp(), 3)
    return repr(value) if isinstance(value, float) else value


def request_of(case: Case) -> IncomingRequest:
    """Return the request of an input case."""
    sent = case.body["serialized"]
    path, _, query_string = sent["uri"].partition("?")
    headers = tuple((name.lower(), value) for name, value in sent.get("headers", {}).items())
    body = sent.get("body") or ""
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    method = sent.get("method", "POST")
    return IncomingRequest(method, path, query_string, headers, body.encode(), NetworkPath(), "r", moment)


def read(case: Case) -> dict[str, Any]:
    """Return the parameters that our parser reads from the request of a case."""
    request = request_of(case)
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
def test_the_request_of_a_botocore_case_is_parsed(case: Case) -> None:
    shape = case.operation.input_shape
    expected = {} if shape is None else as_parsed(shape, case.body["params"])
    assert comparable(read(case)) == comparable(expected)


@pytest.mark.skipif(not SOURCE, reason="READING_ROOM_BOTOCORE_SOURCE names no checkout of botocore")
@pytest.mark.parametrize("case", [c for c in cases("output") if "result" in c.values[0].body])
def test_botocore_reads_the_result_of_a_case_from_our_response(case: Case) -> None:
    shape = case.operation.output_shape
    result = {} if shape is None else as_parsed(shape, case.body["result"])
    if case.protocol == "rest-xml":
        headers, body = rest_xml.serialize(case.operation, result)
    else:
        reply = MODULES[case.protocol].serialize(case.operation, result, "r")
        headers, body = list(reply.headers), reply.body
    response = {"headers": HeadersDict(dict(headers)), "status_code": 200, "body": body}
    parsed: dict[str, Any] = create_parser(case.protocol).parse(response, shape)  # type: ignore[arg-type]
    parsed.pop("ResponseMetadata", None)
    assert comparable(parsed) == comparable(result)

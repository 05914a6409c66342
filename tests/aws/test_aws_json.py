"""The protocol JSON 1.1: valid bodies, errors for invalid ones, and answers."""

from __future__ import annotations

import datetime as dt
import json as plain
import math
from typing import Any

import pytest
from botocore.model import OperationModel, ServiceModel

from reading_room.aws.errors import AwsError
from reading_room.aws.models import SERVED, service_model
from reading_room.aws.protocols import json
from tests.worlds.aws import arrived

NEW_YEAR = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
KINDS = ("string", "boolean", "integer", "long", "float", "double", "timestamp", "blob")
MODEL = ServiceModel(
    {
        "metadata": {"serviceId": "Anything", "protocol": "json"},
        "operations": {
            "Echo": {"name": "Echo", "http": {}, "input": {"shape": "All"}, "output": {"shape": "All"}},
            "Nothing": {"name": "Nothing", "http": {}},
        },
        "shapes": {
            "All": {
                "type": "structure",
                "members": {
                    **{f"A{kind}": {"shape": kind} for kind in KINDS},
                    "Written": {"shape": "Written"},
                    "List": {"shape": "Names"},
                    "Map": {"shape": "Counts"},
                    "Below": {"shape": "All"},
                    "Named": {"shape": "ByName"},
                },
            },
            "Names": {"type": "list", "member": {"shape": "string"}},
            "Counts": {"type": "map", "key": {"shape": "string"}, "value": {"shape": "integer"}},
            "ByName": {"type": "map", "key": {"shape": "string"}, "value": {"shape": "All"}},
            "Written": {"type": "timestamp", "timestampFormat": "iso8601"},
            **{kind: {"type": kind} for kind in KINDS},
        },
    },
    "anything",
)
ECHO, NOTHING = MODEL.operation_model("Echo"), MODEL.operation_model("Nothing")


def read(body: object, operation: OperationModel = ECHO) -> dict[str, Any]:
    """Return the parameters of a body."""
    text = body if isinstance(body, str) else plain.dumps(body)
    return json.parse(operation, arrived({"body": text.encode("utf-8", "surrogatepass"), "headers": {}}))


def error_message(body: object, operation: OperationModel = ECHO) -> str:
    """Return the message of the error for a body that is refused."""
    with pytest.raises(AwsError) as caught:
        read(body, operation)
    assert caught.value.code == "SerializationException"
    return caught.value.message


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ({"Astring": "x\ud7ff"}, "x\ud7ff"),
        ({"Aboolean": False}, False),
        ({"Ainteger": -(2**31)}, -(2**31)),
        ({"Ainteger": 2**31 - 1}, 2**31 - 1),
        ({"Ainteger": 5.0}, 5),
        ({"Along": 2**63 - 1}, 2**63 - 1),
        ({"Afloat": 1}, 1.0),
        ({"Adouble": "-Infinity"}, -math.inf),
        ({"Atimestamp": 1767225600}, NEW_YEAR),
        ({"Atimestamp": "2026-01-01T00:00:00Z"}, NEW_YEAR),
        ({"Ablob": "YWI="}, b"ab"),
        ({"List": ["a", "b"]}, ["a", "b"]),
        ({"Map": {"a": 1, "b": None}}, {"a": 1}),
        ({"Below": {"Astring": "x", "Unknown": 1, "Aboolean": None}}, {"Astring": "x"}),
    ],
)
def test_a_value_is_parsed_by_its_type(body: dict[str, Any], value: object) -> None:
    ((name, found),) = read(body).items()
    assert name in body
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([], "Start of list can not be converted to an object"),
        ("null", "NULL_VALUE can not be converted to an object"),
        ({"Astring": 5}, "NUMBER_VALUE can not be converted to a String at 'astring'"),
        ({"Aboolean": "true"}, "STRING_VALUE can not be converted to a Boolean at 'aboolean'"),
        ({"Ainteger": True}, "TRUE_VALUE or FALSE_VALUE can not be converted to an Integer at 'ainteger'"),
        ({"Ainteger": 2**31}, "NUMBER_VALUE can not be converted to an Integer at 'ainteger'"),
        ({"Ainteger": -(2**31) - 1}, "NUMBER_VALUE can not be converted to an Integer at 'ainteger'"),
        ({"Ainteger": 1.5}, "DECIMAL_VALUE can not be converted to an Integer at 'ainteger'"),
        ({"Along": "1"}, "STRING_VALUE can not be converted to a Long at 'along'"),
        ({"Afloat": "1"}, "STRING_VALUE can not be converted to a Float at 'afloat'"),
        ({"Adouble": False}, "TRUE_VALUE or FALSE_VALUE can not be converted to a Float at 'adouble'"),
        ({"Adouble": 10**400}, "NUMBER_VALUE can not be converted to a Float at 'adouble'"),
        ({"Atimestamp": "soon"}, "STRING_VALUE can not be converted to a Timestamp at 'atimestamp'"),
        ({"Atimestamp": 1e30}, "DECIMAL_VALUE can not be converted to a Timestamp at 'atimestamp'"),
        ({"Atimestamp": []}, "Start of list can not be converted to a Float at 'atimestamp'"),
        ({"Ablob": "?"}, "The value at 'ablob' is not a base64 encoded string"),
        ({"List": {}}, "Start of structure or map can not be converted to a list at 'list'"),
        ({"List": ["a", None]}, "NULL_VALUE can not be converted to a member of a list at 'list.2'"),
        ({"Map": []}, "Start of list can not be converted to a map at 'map'"),
        ({"Map": {"k": "x"}}, "STRING_VALUE can not be converted to an Integer at 'map.k'"),
        ({"Below": 1}, "NUMBER_VALUE can not be converted to a structure at 'below'"),
        ({"Below": {"Below": {"Astring": 1}}}, "at 'below.below.astring'"),
        ('{"Astring": "\\ud800"}', "The string at 'astring' holds half of a surrogate pair"),
        ('{"Adouble": NaN}', "The body is not valid JSON: NaN is not a JSON value"),
        ('{"Astring": "\ud800"}', "The body is not valid JSON: it is not valid UTF-8"),
        ("{", "The body is not valid JSON: "),
        ("[" * 100_000, "The body is nested too deep"),
    ],
)
def test_the_error_for_a_value_of_a_wrong_json_type_names_its_place(body: object, expected: str) -> None:
    assert expected in error_message(body)


@pytest.mark.parametrize(
    ("around", "levels", "place"),
    [
        (lambda body: {"Below": body}, json.MAX_DEPTH - 1, "below.below."),
        (lambda body: {"Named": {"x": body}}, json.MAX_DEPTH // 2 - 1, "named.x.named."),
    ],
)
def test_the_depth_of_a_body_is_limited(around: Any, levels: int, place: str) -> None:
    body: dict[str, Any] = {"Astring": "x"}
    for _ in range(levels):
        body = around(body)
    assert read(body) == body
    assert f"The body is nested too deep at '{place}" in error_message(around(body))


def test_an_operation_without_input_accepts_any_object() -> None:
    assert read({"x": 1}, NOTHING) == {}
    assert read("", NOTHING) == {}
    assert error_message("[]", NOTHING) == "Start of list can not be converted to an object"


def test_values_are_serialized_by_their_types() -> None:
    result = {
        "Astring": 5,
        "Aboolean": 1,
        "Ainteger": 7.0,
        "Along": 2**40,
        "Afloat": 1,
        "Adouble": math.inf,
        "Atimestamp": NEW_YEAR + dt.timedelta(milliseconds=250),
        "Written": NEW_YEAR,
        "Ablob": "ab",
        "List": ("a",),
        "Map": {1: "2"},
        "Below": {"Ablob": b"ab", "Afloat": -math.inf, "Adouble": math.nan},
        "Unknown": 1,
    }
    reply = json.serialize(ECHO, result, "the-id")
    assert (reply.status, reply.headers) == (200, (("content-type", "application/x-amz-json-1.1"),))
    assert plain.loads(reply.body) == {
        "Astring": "5",
        "Aboolean": True,
        "Ainteger": 7,
        "Along": 2**40,
        "Afloat": 1.0,
        "Adouble": "Infinity",
        "Atimestamp": 1767225600.25,
        "Written": "2026-01-01T00:00:00.000Z",
        "Ablob": "YWI=",
        "List": ["a"],
        "Map": {"1": 2},
        "Below": {"Ablob": "YWI=", "Afloat": "-Infinity", "Adouble": "NaN"},
    }


def test_an_operation_without_output_answers_with_an_empty_object() -> None:
    assert json.serialize(NOTHING, {"x": 1}, "the-id").body == b"{}"


@pytest.mark.parametrize(("service", "member"), [("comprehend", "Message"), ("logs", "message")])
def test_an_error_has_its_message_in_the_member_that_the_service_uses(service: str, member: str) -> None:
    class Refused(AwsError):
        """An error for this test."""

        code = "Refused"
        status = 409

    reply = json.serialize_error(service_model(service), Refused("no", {"Detail": "more"}), "the-id")
    assert reply.status == 409
    assert dict(reply.headers) == {"content-type": "application/x-amz-json-1.1", "x-amzn-errortype": "Refused"}
    assert plain.loads(reply.body) == {"__type": "Refused", member: "no", "Detail": "more"}


@pytest.mark.parametrize("target", [None, "", "Comprehend_20171127", "Comprehend_20171127.", ".X", "Logs_20140328.X"])
def test_a_target_of_another_service_names_no_operation(target: str | None) -> None:
    headers = {} if target is None else {"X-Amz-Target": target}
    with pytest.raises(AwsError) as caught:
        json.operation_name(arrived({"body": b"{}", "headers": headers}), SERVED["comprehend"])
    assert caught.value.code == "UnknownOperationException"

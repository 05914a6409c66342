"""AWS JSON 1.1, the protocol of Comprehend and Logs: ``X-Amz-Target`` names the operation, bodies are JSON objects."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NoReturn

from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from reading_room.aws.call import IncomingRequest, Reply
from reading_room.aws.errors import AwsError, SerializationException
from reading_room.aws.models import ServedService, service_model
from reading_room.aws.protocols import scalars
from reading_room.aws.spelling import unknown_operation

CONTENT_TYPE = "application/x-amz-json-1.1"
MAX_DEPTH = 64


def operation_name(request: IncomingRequest, served: ServedService) -> str:
    """Return the operation in the target. Raises ``UnknownOperationException`` for that of another service."""
    target = request.header("x-amz-target")
    prefix, dot, name = (target or "").rpartition(".")
    if request.method != "POST" or not dot or not name or prefix not in served.target_prefixes:
        raise unknown_operation(served.name, target)
    return name


def parse(operation: OperationModel, request: IncomingRequest) -> dict[str, Any]:
    """Return the parameters of a request. Unknown members and nulls are ignored, as at AWS.

    Raises ``SerializationException`` for a body that is not a JSON object, and for values of a wrong type.
    """
    shape = operation.input_shape
    body = _load(request.body) if request.body.strip() else {}
    if not isinstance(body, dict):
        _mismatch(body, "an object", "")
    if not isinstance(shape, StructureShape):
        return {}
    return _read_structure(shape, body, "", 0)


def read_output(operation: OperationModel, members: Mapping[str, Any]) -> dict[str, Any]:
    """Return an operation's output from JSON members, by the same rules as for parameters.

    Raises ``SerializationException`` for values of a wrong type.
    """
    shape = operation.output_shape
    return _read_structure(shape, members, "", 0) if isinstance(shape, StructureShape) else {}


def serialize(operation: OperationModel, result: Mapping[str, Any], request_id: str) -> Reply:
    """Return the answer with the operation's output."""
    shape = operation.output_shape
    value = _write_structure(shape, result) if isinstance(shape, StructureShape) else {}
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    return Reply(200, (("content-type", CONTENT_TYPE),), body)


def serialize_error(service: ServiceModel, error: AwsError, request_id: str) -> Reply:
    """Return the answer for an error. Its code is in the body, where the clients of this protocol read it."""
    body = {"__type": error.code, _message_member(service.service_name): error.message, **error.extra}
    headers = (("content-type", CONTENT_TYPE), ("x-amzn-errortype", error.code))
    return Reply(error.status, headers, json.dumps(body, separators=(",", ":")).encode())


@cache
def _message_member(service: str) -> str:
    # The member is Message in Comprehend and message in Logs. An error outside the model follows its service.
    for shape in service_model(service).error_shapes:
        for name in shape.members if isinstance(shape, StructureShape) else ():
            if name.lower() == "message":
                return str(name)
    return "message"


# Reading.


def _load(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), parse_constant=_refuse_constant)
    except RecursionError:
        raise SerializationException("The body is nested too deep") from None
    except ValueError as error:
        reason = "it is not valid UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)[:256]
        raise SerializationException(f"The body is not valid JSON: {reason}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


_TOKENS: dict[type, str] = {
    str: "STRING_VALUE",
    bool: "TRUE_VALUE or FALSE_VALUE",
    int: "NUMBER_VALUE",
    float: "DECIMAL_VALUE",
    list: "Start of list",
    dict: "Start of structure or map",
    type(None): "NULL_VALUE",
}


def _mismatch(value: Any, expected: str, path: str) -> NoReturn:
    where = f" at '{path}'" if path else ""
    raise SerializationException(f"{_TOKENS[type(value)]} can not be converted to {expected}{where}")


def _read(shape: Shape, value: Any, path: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise SerializationException(f"The body is nested too deep at '{path[:256]}'")
    if value is None:
        _mismatch(value, "a member of a list", path)
    if isinstance(shape, StructureShape):
        if not isinstance(value, dict):
            _mismatch(value, "a structure", path)
        return _read_structure(shape, value, path, depth)
    if isinstance(shape, ListShape):
        if not isinstance(value, list):
            _mismatch(value, "a list", path)
        return [_read(shape.member, item, f"{path}.{index}", depth + 1) for index, item in enumerate(value, 1)]
    if isinstance(shape, MapShape):
        if not isinstance(value, dict):
            _mismatch(value, "a map", path)
        return {
            _read_string(key, path): _read(shape.value, item, f"{path}.{key}", depth + 1)
            for key, item in value.items()
            if item is not None
        }
    return _READERS[shape.type_name](value, path)


def _read_structure(shape: StructureShape, value: Mapping[str, Any], path: str, depth: int) -> dict[str, Any]:
    result = {}
    for name, member in shape.members.items():
        wire = str(member.serialization.get("name", name))
        given = value.get(wire)
        if given is not None:
            below = wire[0].lower() + wire[1:]
            result[name] = _read(member, given, f"{path}.{below}" if path else below, depth + 1)
    return result


def _read_string(value: Any, path: str) -> str:
    if not isinstance(value, str):
        _mismatch(value, "a String", path)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise SerializationException(f"The string at '{path}' holds half of a surrogate pair") from None
    return value


def _read_boolean(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        _mismatch(value, "a Boolean", path)
    return value


def _integer_reader(kind: str) -> Callable[[Any, str], int]:
    bound = scalars.INTEGER_BOUNDS[kind]

    def read(value: Any, path: str) -> int:
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if not whole or isinstance(value, bool) or not -bound <= value < bound:
            _mismatch(value, scalars.EXPECTED[kind], path)
        return int(value)

    return read


def _read_float(value: Any, path: str) -> float:
    if isinstance(value, str) and value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        _mismatch(value, "a Float", path)
    try:
        return float(value)
    except OverflowError:
        _mismatch(value, "a Float", path)


def _read_timestamp(value: Any, path: str) -> Any:
    try:
        if isinstance(value, str):
            return scalars.read_timestamp(value)
        return scalars.epoch(_read_float(value, path))
    except ValueError:
        _mismatch(value, "a Timestamp", path)


def _read_blob(value: Any, path: str) -> bytes:
    try:
        return scalars.read_blob(_read_string(value, path))
    except ValueError as error:
        raise SerializationException(f"The value at '{path}' is not {error}") from None


_READERS: dict[str, Callable[[Any, str], Any]] = {
    "string": _read_string,
    "character": _read_string,
    "boolean": _read_boolean,
    "integer": _integer_reader("integer"),
    "long": _integer_reader("long"),
    "float": _read_float,
    "double": _read_float,
    "timestamp": _read_timestamp,
    "blob": _read_blob,
}


# Writing.


def _write_structure(shape: StructureShape, value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(member.serialization.get("name", name)): _write(member, value[name])
        for name, member in shape.members.items()
        if value.get(name) is not None
    }


def _write(shape: Shape, value: Any) -> Any:
    if isinstance(shape, StructureShape):
        return _write_structure(shape, value)
    if isinstance(shape, ListShape):
        return [_write(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {str(key): _write(shape.value, item) for key, item in value.items()}
    match shape.type_name:
        case "timestamp":
            style = shape.serialization.get("timestampFormat", "unixTimestamp")
            return scalars.write_epoch(value) if style == "unixTimestamp" else scalars.write_timestamp(value, style)
        case "blob":
            return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
        case "float" | "double":
            number = float(value)
            finite = number == number and abs(number) != float("inf")
            return number if finite else scalars.write_float(number)
        case "integer" | "long":
            return int(value)
        case "boolean":
            return bool(value)
        case _:
            return str(value)

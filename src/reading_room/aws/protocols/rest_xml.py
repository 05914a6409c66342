"""S3's protocol: parameters are in path, query, headers and an XML body, answers in headers and XML.

The caller has already identified the operation and the target of the path, because both depend on the host. Streaming
bodies never pass through this module: the caller handles a streaming payload member in both directions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element  # nosec B405 # the type alone; defusedxml parses

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from reading_room.aws.errors import AwsError, InvalidArgument, MalformedXML
from reading_room.aws.protocols import scalars
from reading_room.aws.protocols.xml import DECLARATION, XmlWriter, element, read, text

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
Headers = list[tuple[str, str]]
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"

# The model names no root for these answers, because botocore ignores the name. Other clients do not.
_ROOTS = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetObjectTagging": "Tagging",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListParts": "ListPartsResult",
}
_WRITER = XmlWriter("member", "iso8601", scalars=scalars.write_text)


@dataclass(frozen=True, slots=True)
class RequestParts:
    """The decoded parts of an S3 request. ``labels`` are those of the path (``Bucket``, ``Key``)."""

    labels: Mapping[str, str] = field(default_factory=dict)
    query: Sequence[tuple[str, str]] = ()
    headers: Sequence[tuple[str, str]] = ()
    """Names in lower case."""
    body: bytes | None = None
    """``None`` if the body streams. Its member is then not in the parameters."""


def parse(operation: OperationModel, parts: RequestParts) -> dict[str, Any]:
    """Return the parameters of a request.

    Raises ``MalformedXML`` for the body and ``InvalidArgument`` for a header or query parameter of a wrong type.
    """
    shape = operation.input_shape
    if not isinstance(shape, StructureShape):
        return {}
    headers = dict(reversed(parts.headers))
    query = dict(reversed(parts.query))
    parameters: dict[str, Any] = {}
    payload = shape.serialization.get("payload")
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        wire = str(member.serialization.get("name", name))
        if location == "uri" and wire in parts.labels:
            parameters[name] = parts.labels[wire]
        elif location == "header" and wire.lower() in headers:
            parameters[name] = _read_header(member, wire, headers[wire.lower()])
        elif location == "headers":
            prefix = wire.lower()
            # Metadata keys are the rest of the name after the prefix. HTTP does not preserve their case.
            found = {key[len(prefix) :]: value for key, value in headers.items() if key.startswith(prefix)}
            if found:
                parameters[name] = found
        elif location == "querystring" and wire in query:
            parameters[name] = _read_query(member, wire, parts.query)
    if parts.body is None:
        return parameters
    if payload is None:
        if parts.body and any("location" not in member.serialization for member in shape.members.values()):
            parameters.update(_read_structure(shape, _root(parts.body)))
        return parameters
    member = shape.members[payload]
    if isinstance(member, StructureShape):
        if parts.body:
            parameters[payload] = _read_structure(member, _root(parts.body))
    elif member.type_name == "string":
        parameters[payload] = _decode(parts.body)
    else:
        parameters[payload] = parts.body
    return parameters


def serialize(operation: OperationModel, result: Mapping[str, Any]) -> tuple[Headers, bytes]:
    """Return headers and body of an answer. The caller sends a streaming payload."""
    shape = operation.output_shape
    if not isinstance(shape, StructureShape):
        return [], b""
    headers: Headers = []
    for name, member in shape.members.items():
        value, location = result.get(name), member.serialization.get("location")
        if value is None or location is None:
            continue
        wire = str(member.serialization.get("name", name))
        if location == "header":
            headers.append((wire.lower(), _write_header(member, value)))
        elif location == "headers":
            headers += [(f"{wire.lower()}{key}", str(item)) for key, item in value.items()]
    body = _body(operation, shape, result)
    if body.startswith(b"<?xml"):
        headers.append(("content-type", "application/xml"))
    return headers, body


def serialize_error(error: AwsError, request_id: str, host_id: str = "") -> tuple[Headers, bytes]:
    """Return headers and body of an error. Its extra members become elements."""
    parts = [DECLARATION, "<Error>", element("Code", error.code), element("Message", error.message)]
    parts += [element(name, value) for name, value in error.extra.items()]
    parts += [element("RequestId", request_id), element("HostId", host_id), "</Error>"]
    headers = [("content-type", "application/xml"), ("x-amz-request-id", request_id)]
    return [*headers, ("x-amz-id-2", host_id)] if host_id else headers, "".join(parts).encode()


# Answers.


def _body(operation: OperationModel, shape: StructureShape, result: Mapping[str, Any]) -> bytes:
    payload = shape.serialization.get("payload")
    out = [DECLARATION]
    if operation.name == "GetBucketLocation":
        # The constraint is the root element, which is empty in us-east-1.
        constraint = text(str(result.get("LocationConstraint") or ""))
        out.append(f'<LocationConstraint xmlns="{NAMESPACE}">{constraint}</LocationConstraint>')
    elif payload is not None:
        value, member = result.get(payload), shape.members[payload]
        if value is None or member.serialization.get("streaming"):
            return b""
        if not isinstance(member, StructureShape):
            return value.encode() if isinstance(value, str) else bytes(value)
        name = str(member.serialization.get("name", payload))
        out.append(f'<{name} xmlns="{NAMESPACE}">')
        _WRITER.members(out, member, value)
        out.append(f"</{name}>")
    elif all("location" in member.serialization for member in shape.members.values()):
        return b""
    else:
        name = str(shape.serialization.get("name") or _ROOTS.get(operation.name, operation.name + "Result"))
        out.append(f'<{name} xmlns="{NAMESPACE}">')
        _WRITER.members(out, shape, result)
        out.append(f"</{name}>")
    return "".join(out).encode()


def _write_header(shape: Shape, value: Any) -> str:
    if isinstance(shape, ListShape):
        return ",".join(scalars.write_text(shape.member, item, "rfc822") for item in value)
    return scalars.write_text(shape, value, "rfc822")


# Requests.


def _read_header(shape: Shape, name: str, value: str) -> Any:
    if isinstance(shape, ListShape):
        return [_read_argument(shape.member, name, item.strip()) for item in value.split(",")]
    return _read_argument(shape, name, value)


def _read_query(shape: Shape, name: str, query: Sequence[tuple[str, str]]) -> Any:
    """Return the first value of a name, for a list all of them."""
    values = [value for key, value in query if key == name]
    if isinstance(shape, ListShape):
        return [_read_argument(shape.member, name, value) for value in values]
    return _read_argument(shape, name, values[0])


def _read_argument(shape: Shape, name: str, value: str) -> Any:
    try:
        return scalars.read_text(shape, value)
    except ValueError as error:
        integer = shape.type_name in scalars.INTEGER_BOUNDS
        problem = "not an integer or within integer range" if integer else f"is not {error}"
        raise InvalidArgument(name, value, problem) from None


def _decode(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise InvalidArgument("body", repr(body[:64]), "is not valid UTF-8") from None


def _root(body: bytes) -> Element:
    try:
        return read(body)
    except ValueError:
        raise MalformedXML() from None


def _read_structure(shape: StructureShape, node: Element) -> dict[str, Any]:
    found: dict[str, list[Element]] = {}
    for child in node:
        found.setdefault(child.tag, []).append(child)
    value: dict[str, Any] = {}
    for name, member in shape.members.items():
        serialization = member.serialization
        if "location" in serialization:
            continue
        if serialization.get("xmlAttribute"):
            attribute = node.get(_XSI_TYPE) if serialization.get("name") == "xsi:type" else None
            if attribute is not None:
                value[name] = attribute
            continue
        wire = str(serialization.get("name", name))
        if isinstance(member, ListShape) and serialization.get("flattened"):
            items = found.get(str(member.member.serialization.get("name", wire))) or found.get(wire)
            if items:
                value[name] = [_read_value(member.member, item) for item in items]
        elif wire in found:
            if len(found[wire]) > 1:
                raise MalformedXML()
            value[name] = _read_value(member, found[wire][0])
    return value


def _read_value(shape: Shape, node: Element) -> Any:
    if isinstance(shape, StructureShape):
        return _read_structure(shape, node)
    if isinstance(shape, ListShape):
        item = str(shape.member.serialization.get("name", "member"))
        return [_read_value(shape.member, child) for child in node if child.tag == item]
    if isinstance(shape, MapShape):
        raise MalformedXML()
    try:
        return scalars.read_text(shape, node.text or "")
    except ValueError:
        raise MalformedXML() from None

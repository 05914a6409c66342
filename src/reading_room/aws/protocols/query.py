"""The query protocol of IAM and STS: requests are forms, answers are XML with a result element."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from reading_room.aws.call import IncomingRequest, Reply
from reading_room.aws.errors import AwsError, MalformedInput
from reading_room.aws.protocols import forms, scalars
from reading_room.aws.protocols.forms import operation_name
from reading_room.aws.protocols.xml import DECLARATION, XmlWriter, element

__all__ = ["operation_name", "parse", "serialize", "serialize_error"]

_XML = ("content-type", "text/xml")
_WRITER = XmlWriter("member", "iso8601", scalars=scalars.write_text)


def parse(operation: OperationModel, request: IncomingRequest) -> dict[str, Any]:
    """Return the parameters of a request. Names that the operation does not have are ignored, as at AWS.

    Raises ``MalformedInput`` and ``MalformedQueryString``.
    """
    shape = operation.input_shape
    if not isinstance(shape, StructureShape):
        return {}
    return _structure(shape, forms.tree(forms.read(request)), "")


def serialize(operation: OperationModel, result: Mapping[str, Any], request_id: str) -> Reply:
    """Return the answer with the operation's output."""
    namespace = operation.service_model.metadata.get("xmlNamespace", "")
    out = [DECLARATION, f'<{operation.name}Response xmlns="{namespace}">']
    shape = operation.output_shape
    if isinstance(shape, StructureShape):
        wrapper = shape.serialization.get("resultWrapper")
        out.append(f"<{wrapper}>" if wrapper else "")
        _WRITER.members(out, shape, result)
        out.append(f"</{wrapper}>" if wrapper else "")
    out.append(f"<ResponseMetadata>{element('RequestId', request_id)}</ResponseMetadata>")
    out.append(f"</{operation.name}Response>")
    return Reply(200, (_XML,), "".join(out).encode())


def serialize_error(service: ServiceModel, error: AwsError, request_id: str) -> Reply:
    """Return the answer for an error."""
    namespace = service.metadata.get("xmlNamespace", "")
    out = [DECLARATION, f'<ErrorResponse xmlns="{namespace}"><Error>', element("Type", error.sender)]
    out += [element("Code", error.code), element("Message", error.message)]
    out += [element(name, value) for name, value in error.extra.items()]
    out += ["</Error>", element("RequestId", request_id), "</ErrorResponse>"]
    return Reply(error.status, (_XML,), "".join(out).encode())


def _structure(shape: StructureShape, node: forms.Node, path: str) -> dict[str, Any]:
    value = {}
    for name, member in shape.members.items():
        wire = str(member.serialization.get("name", name))
        if wire in node:
            value[name] = _value(member, node[wire], f"{path}.{wire}" if path else wire)
    return value


def _value(shape: Shape, node: forms.Node | str, path: str) -> Any:
    if isinstance(node, str):
        if isinstance(shape, (ListShape, MapShape)) and node == "":
            # SDKs write an empty list like this.
            return [] if isinstance(shape, ListShape) else {}
        if isinstance(shape, (ListShape, MapShape, StructureShape)):
            raise MalformedInput(path, node, f"a {shape.type_name}")
        try:
            return scalars.read_text(shape, node)
        except ValueError as error:
            raise MalformedInput(path, node, str(error)) from None
    if isinstance(shape, StructureShape):
        return _structure(shape, node, path)
    if isinstance(shape, ListShape):
        item_name = str(shape.member.serialization.get("name", "member"))
        path = f"{path}.{item_name}"
        items = node.get(item_name, {})
        if isinstance(items, str):
            if items == "":
                return []
            raise MalformedInput(path, items, "a list")
        return [_value(shape.member, item, f"{path}.{index}") for index, item in forms.indexed(items, path)]
    if isinstance(shape, MapShape):
        return _map(shape, node, path)
    raise MalformedInput(path, "", scalars.EXPECTED.get(shape.type_name, f"a {shape.type_name}"))


def _map(shape: MapShape, node: forms.Node, path: str) -> dict[str, Any]:
    entries = node.get("entry", {})
    if isinstance(entries, str):
        raise MalformedInput(f"{path}.entry", entries, "a map")
    key_name = str(shape.key.serialization.get("name", "key"))
    value_name = str(shape.value.serialization.get("name", "value"))
    value: dict[str, Any] = {}
    for index, entry in forms.indexed(entries, path):
        if isinstance(entry, str) or not isinstance(entry.get(key_name), str) or value_name not in entry:
            raise MalformedInput(f"{path}.{index}", "", f"an entry with {key_name} and {value_name}")
        value[str(entry[key_name])] = _value(shape.value, entry[value_name], f"{path}.{index}.{value_name}")
    return value

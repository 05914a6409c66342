"""EC2's protocol: requests are forms with flattened lists, answers are XML with the model's camelCase names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StructureShape

from reading_room.aws.call import IncomingRequest, Reply
from reading_room.aws.errors import AwsError, InvalidParameterValue, UnknownParameter
from reading_room.aws.protocols import forms, scalars
from reading_room.aws.protocols.forms import operation_name
from reading_room.aws.protocols.xml import DECLARATION, XmlWriter, element

__all__ = ["operation_name", "parse", "serialize", "serialize_error"]

_XML = ("content-type", "text/xml;charset=UTF-8")
_WRITER = XmlWriter("item", "iso8601", scalars=scalars.write_text)


def wire_name(name: str, member: Shape) -> str:
    """Return a member's name in a request: its query name, else its location name or its own name, capitalized."""
    serialization = member.serialization
    if "queryName" in serialization:
        return str(serialization["queryName"])
    written = str(serialization.get("name", name))
    return written[0].upper() + written[1:]


def parse(operation: OperationModel, request: IncomingRequest) -> dict[str, Any]:
    """Return the parameters of a request.

    Raises ``UnknownParameter`` for a name that the operation does not have, ``InvalidParameterValue`` for a value that
    does not have the type of its member, and ``MalformedQueryString``.
    """
    tree = forms.tree(forms.read(request))
    # The session token of an old kind of signature. Nobody signs that way any more, but SDKs may still send it.
    tree.pop("SecurityToken", None)
    shape = operation.input_shape
    if not isinstance(shape, StructureShape):
        if tree:
            raise UnknownParameter(next(iter(tree)))
        return {}
    return _structure(shape, tree, "")


def serialize(operation: OperationModel, result: Mapping[str, Any], request_id: str) -> Reply:
    """Return the answer with the operation's output."""
    namespace = str(operation.service_model.metadata.get("xmlNamespace", "")).rstrip("/") + "/"
    out = [DECLARATION, f'<{operation.name}Response xmlns="{namespace}">', element("requestId", request_id)]
    shape = operation.output_shape
    if isinstance(shape, StructureShape):
        _WRITER.members(out, shape, result)
    else:
        # An operation without an output still confirms its success.
        out.append(element("return", "true"))
    out.append(f"</{operation.name}Response>")
    return Reply(200, (_XML,), "".join(out).encode())


def serialize_error(service: ServiceModel, error: AwsError, request_id: str) -> Reply:
    """Return the answer for an error."""
    out = [DECLARATION, "<Response><Errors><Error>", element("Code", error.code)]
    out.append(element("Message", error.message))
    out += [element(name, value) for name, value in error.extra.items()]
    out += ["</Error></Errors>", element("RequestID", request_id), "</Response>"]
    return Reply(error.status, (_XML,), "".join(out).encode())


def _structure(shape: StructureShape, node: forms.Node, path: str) -> dict[str, Any]:
    members = {wire_name(name, member): (name, member) for name, member in shape.members.items()}
    value = {}
    for wire, branch in node.items():
        where = f"{path}.{wire}" if path else wire
        if wire not in members:
            raise UnknownParameter(where)
        name, member = members[wire]
        value[name] = _value(member, branch, where)
    return value


def _value(shape: Shape, node: forms.Node | str, path: str) -> Any:
    if isinstance(node, str):
        if isinstance(shape, ListShape) and node == "":
            return []
        if isinstance(shape, (ListShape, StructureShape)):
            raise InvalidParameterValue(path, node, f"Expecting a {shape.type_name}.")
        try:
            return scalars.read_text(shape, node)
        except ValueError as error:
            raise InvalidParameterValue(path, node, f"Expecting {error}.") from None
    if isinstance(shape, StructureShape):
        return _structure(shape, node, path)
    if isinstance(shape, ListShape):
        return [_value(shape.member, item, f"{path}.{index}") for index, item in forms.indexed(node, path)]
    raise UnknownParameter(f"{path}.{next(iter(node), '')}")

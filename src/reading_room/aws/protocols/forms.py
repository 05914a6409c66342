"""Forms with dotted names (``Filter.1.Value.2=x``), the requests of both query protocols."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from reading_room.aws.call import IncomingRequest
from reading_room.aws.errors import MalformedQueryString, MissingAction
from reading_room.aws.models import ServedService
from reading_room.aws.spelling import unknown_operation

Node = dict[str, "Node | str"]
"""A form as a tree, with a branch for each dotted part of a name."""

MAX_FIELDS = 20_000
MAX_DEPTH = 24
_CONTROL = frozenset(
    ("Action", "Version", "AWSAccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "Timestamp")
)
FORM = "application/x-www-form-urlencoded"


def is_form(request: IncomingRequest) -> bool:
    """Say whether the body is a form."""
    return (request.header("content-type") or "").split(";")[0].strip().lower() == FORM


def read(request: IncomingRequest) -> dict[str, str]:
    """Return the fields of the query string and, for a POST, of the body.

    Raises ``MalformedQueryString`` for bytes that are not UTF-8, a name that occurs twice, or more fields than any
    operation has.
    """
    texts = [request.query_string]
    if request.method == "POST" and request.body:
        try:
            texts.append(request.body.decode("ascii"))
        except UnicodeDecodeError:
            raise MalformedQueryString("the body has bytes that should be percent-encoded") from None
    fields: dict[str, str] = {}
    count = sum(text.count("&") + 1 for text in texts)
    if count > MAX_FIELDS:
        raise MalformedQueryString(f"more than {MAX_FIELDS} parameters")
    for text in texts:
        for part in text.split("&"):
            if not part:
                continue
            name, _, value = part.partition("=")
            name = _decode(name)
            if name in fields:
                raise MalformedQueryString(f"the parameter {name[:256]} occurs twice")
            fields[name] = _decode(value)
    return fields


def operation_name(request: IncomingRequest, served: ServedService) -> str:
    """Return the action of a request.

    Raises ``MissingAction``, ``MalformedQueryString``, and ``InvalidAction`` for another version of the API.
    """
    fields = read(request)
    name = fields.get("Action")
    if not name:
        raise MissingAction()
    if fields.get("Version", served.version) != served.version:
        raise unknown_operation(served.name, f"{name} of version {fields['Version'][:64]}")
    return name


def _decode(text: str) -> str:
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError:
        raise MalformedQueryString("a parameter is not valid UTF-8") from None


def tree(fields: Mapping[str, str]) -> Node:
    """Return the fields as a tree, without those of the operation's name and of the signature.

    Raises ``MalformedQueryString`` if a name is both a value and a branch, or has more parts than any shape.
    """
    root: Node = {}
    for name, value in fields.items():
        if name in _CONTROL or name.startswith("X-Amz-"):
            continue
        parts = name.split(".")
        if len(parts) > MAX_DEPTH:
            raise MalformedQueryString(f"the parameter {name[:256]} has too many parts")
        node = root
        for part in parts[:-1]:
            branch = node.setdefault(part, {})
            if isinstance(branch, str):
                raise MalformedQueryString(f"the parameter {name[:256]} is both a value and a structure")
            node = branch
        if parts[-1] in node:
            raise MalformedQueryString(f"the parameter {name[:256]} is both a value and a structure")
        node[parts[-1]] = value
    return root


def indexed(node: Node, path: str) -> list[tuple[str, Node | str]]:
    """Return the branches ``1``, ``2``, … in the order of their numbers, which may have gaps.

    Raises ``MalformedQueryString`` for a branch that is not a number.
    """
    if not all(key.isascii() and key.isdigit() and len(key) < 9 for key in node):
        raise MalformedQueryString(f"the members of {path[:256]} are not numbered")
    return sorted(node.items(), key=lambda item: int(item[0]))

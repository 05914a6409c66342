"""XML: a writer of structures for the three protocols that answer in it, and a safe reader.

The reader refuses document types and entities, and stops at a depth that no operation needs.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, ParseError  # nosec B405 # types alone; defusedxml parses
from xml.sax.saxutils import escape, quoteattr  # nosec B406 # these write, they parse nothing

from botocore.model import ListShape, MapShape, Shape, StructureShape
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
MAX_DEPTH = 64
_SPECIAL = re.compile("[\x00-\x08\x0b-\x1f&<>\ud800-\udfff\ufffe\uffff]")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"


def text(value: str) -> str:
    """Escape text for an element.

    XML 1.0 cannot express most control characters, so they become U+FFFD. A carriage return is written as a reference,
    because a reader would turn it into a line feed.
    """
    if _SPECIAL.search(value) is None:
        return value
    return escape(_ILLEGAL.sub("\ufffd", value), {"\r": "&#13;"})


def element(name: str, value: str) -> str:
    """Return an element with text."""
    return f"<{name}>{text(value)}</{name}>"


@dataclass(frozen=True, slots=True)
class _Layout:
    """The layout of a structure: members with the name and the shape of their elements, and attributes with names."""

    shape: StructureShape
    """Referenced here so that no other shape can get the same ``id``."""
    members: tuple[tuple[str, str, Shape, bool], ...]
    """The last item says whether the member is a scalar."""
    attributes: tuple[tuple[str, str], ...]


class XmlWriter:
    """Writes values by their shapes. ``list_item`` is the name of list items if a shape names none."""

    def __init__(self, list_item: str, timestamps: str, *, scalars: Any) -> None:
        self._list_item = list_item
        self._timestamps = timestamps
        self._scalar = scalars
        self._layouts: dict[int, _Layout] = {}

    def members(self, out: list[str], shape: StructureShape, value: Mapping[str, Any]) -> None:
        """Write the members of a structure that have a value and are part of the body."""
        for name, wire, member, is_scalar in self._layout(shape).members:
            given = value.get(name)
            if given is None:
                continue
            if is_scalar:
                out.append(element(wire, self._scalar(member, given, self._timestamps)))
            else:
                self.value(out, wire, member, given)

    def _layout(self, shape: StructureShape) -> _Layout:
        """Return the layout of a structure. It is cached, as a long answer writes the same one a thousand times."""
        found = self._layouts.get(id(shape))
        if found is None:
            members, attributes = [], []
            for name, member in shape.members.items():
                if member.serialization.get("xmlAttribute"):
                    attributes.append((name, str(member.serialization.get("name", name))))
                elif "location" not in member.serialization:
                    is_scalar = not isinstance(member, (StructureShape, ListShape, MapShape))
                    members.append((name, self._name(name, member), member, is_scalar))
            found = self._layouts[id(shape)] = _Layout(shape, tuple(members), tuple(attributes))
        return found

    def value(self, out: list[str], name: str, shape: Shape, value: Any) -> None:
        """Write a value as an element of this name."""
        if isinstance(shape, StructureShape):
            out.append(f"<{name}{self._attributes(shape, value)}>")
            self.members(out, shape, value)
            out.append(f"</{name}>")
        elif isinstance(shape, ListShape):
            self._list(out, name, shape, value)
        elif isinstance(shape, MapShape):
            self._map(out, name, shape, value)
        else:
            out.append(element(name, self._scalar(shape, value, self._timestamps)))

    def _name(self, name: str, member: Shape) -> str:
        if isinstance(member, ListShape) and member.serialization.get("flattened"):
            # A flattened list has no element of its own. Its items have the name of the item, if there is one.
            item = member.member.serialization.get("name")
            if item is not None:
                return str(item)
        return str(member.serialization.get("name", name))

    def _list(self, out: list[str], name: str, shape: ListShape, value: Any) -> None:
        if shape.serialization.get("flattened"):
            for item in value:
                self.value(out, name, shape.member, item)
            return
        item_name = str(shape.member.serialization.get("name", self._list_item))
        out.append(f"<{name}>")
        for item in value:
            self.value(out, item_name, shape.member, item)
        out.append(f"</{name}>")

    def _map(self, out: list[str], name: str, shape: MapShape, value: Mapping[str, Any]) -> None:
        flattened = shape.serialization.get("flattened")
        entry = name if flattened else "entry"
        key_name = str(shape.key.serialization.get("name", "key"))
        value_name = str(shape.value.serialization.get("name", "value"))
        if not flattened:
            out.append(f"<{name}>")
        for key, item in value.items():
            out.append(f"<{entry}>{element(key_name, key)}")
            self.value(out, value_name, shape.value, item)
            out.append(f"</{entry}>")
        if not flattened:
            out.append(f"</{name}>")

    def _attributes(self, shape: StructureShape, value: Mapping[str, Any]) -> str:
        written = ""
        for name, attribute in self._layout(shape).attributes:
            if value.get(name) is not None:
                if attribute.startswith("xsi:"):
                    written += f' xmlns:xsi="{_SCHEMA_INSTANCE}"'
                written += f" {attribute}={quoteattr(str(value[name]))}"
        return written


def read(body: bytes) -> Element:
    """Return the root of an XML document, with names without namespaces.

    Raises ``ValueError`` for a document that is not well-formed, has a document type or an entity, or is nested more
    than ``MAX_DEPTH`` deep.
    """
    depth = 0
    root: Element | None = None
    try:
        for event, node in iterparse(io.BytesIO(body), events=("start", "end"), forbid_dtd=True):
            if event == "start":
                depth += 1
                if depth > MAX_DEPTH:
                    raise ValueError(f"nested more than {MAX_DEPTH} deep")
                node.tag = node.tag.rpartition("}")[2]
                root = node if root is None else root
            else:
                depth -= 1
    except (ParseError, DefusedXmlException) as error:
        raise ValueError(str(error)) from None
    except (LookupError, UnicodeError) as error:
        raise ValueError(f"an encoding that cannot be read: {error}") from None
    if root is None:
        raise ValueError("no element")
    return root

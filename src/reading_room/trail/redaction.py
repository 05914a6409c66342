"""Parameters and responses as events show them: with CloudTrail's spelling of names, and without secrets.

Values that the service's model marks as sensitive (the texts of Comprehend's synchronous operations) are replaced by
CloudTrail's placeholder; credentials are omitted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
SECRETS = frozenset(
    {
        *("secretaccesskey", "sessiontoken", "password", "oldpassword", "newpassword", "tokencode"),
        *("granttoken", "granttokens"),
    }
)
"""Members of parameters and responses that are omitted, in lower case."""
_LONG = frozenset({"logEvents"})
"""Members that contain customers' data but are not marked in the model."""
LONGEST = 100_000
"""The most characters of a string; CloudTrail truncates longer fields, too."""


def shown(shape: Shape | None, values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the members of a structure as an event shows them, or ``None`` if there are none.

    Names begin with a lower-case letter; the keys of maps, which are the customer's own, stay unchanged.
    """
    if values is None or not isinstance(shape, StructureShape):
        return None
    return _structure(shape, values)


def _structure(shape: StructureShape, values: Mapping[str, Any]) -> dict[str, Any]:
    members = shape.members
    result = {}
    for name, value in values.items():
        if value is None or name.lower() in SECRETS:
            continue
        member = members.get(name)
        result[lower_first(name)] = HIDDEN if name in _LONG else _value(member, value)
    return result


def _value(shape: Shape | None, value: Any) -> Any:
    if shape is not None and shape.metadata.get("sensitive"):
        return HIDDEN
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        return _structure(shape, value)
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {key: _value(shape.value, entry) for key, entry in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_value(shape.member, entry) for entry in value]
    return plain(value)


def plain(value: Any) -> Any:
    """Return a value in a form that JSON can represent; the content of bytes is never shown."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST else value[:LONGEST]
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%b %d, %Y, %I:%M:%S %p")
    if isinstance(value, bytes | bytearray):
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, Sequence):
        return [plain(entry) for entry in value]
    return str(value)


@lru_cache(maxsize=4096)
def lower_first(name: str) -> str:
    """Return a member's name as CloudTrail writes it: ``S3Uri`` is ``s3Uri``, ``VPCId`` is ``vPCId``."""
    return name[:1].lower() + name[1:]

"""Texts that are redacted, and values of the tag that names a network."""

from __future__ import annotations

from typing import Any

from reading_room.analysis.redaction import Redaction, redacted
from reading_room.comprehend.errors import VpcTagInvalid
from reading_room.comprehend.vpc_tag import MOST_GROUPS, MOST_SUBNETS, read

_TYPES = ("NAME", "PHONE", "SSN", "EMAIL")
_WAYS = (Redaction(None), Redaction(None, replace=True), Redaction(frozenset({"PHONE", "EMAIL"}), character="#"))


def redaction(data: bytes) -> None:
    """Redact places of a text, three bytes each before a zero byte: none of them keeps a letter or a digit."""
    head, _, rest = data.partition(b"\0")
    text = rest.decode("utf-8", "replace")
    entities: list[dict[str, Any]] = []
    for at in range(0, len(head) - 2, 3):
        begin, length, kind = head[at : at + 3]
        if begin + length <= len(text):
            place = {"BeginOffset": begin, "EndOffset": begin + length, "Score": 0.5}
            entities.append({"Type": _TYPES[kind % len(_TYPES)], **place})
    for way in _WAYS:
        done = redacted(text, entities, way, text[:20])
        assert done.left >= 0
        if not way.replace:
            assert len(done.text) == len(text)
            for each in entities:
                if way.types is None or each["Type"] in way.types:
                    assert not any(map(str.isalnum, done.text[each["BeginOffset"] : each["EndOffset"]]))


def vpc_tag(data: bytes) -> None:
    """Read the value of a tag: it names a network within the limits of VpcConfig, or is refused."""
    try:
        found = read(data.decode("utf-8", "replace"))
    except VpcTagInvalid:
        return
    assert 1 <= len(set(found["Subnets"])) == len(found["Subnets"]) <= MOST_SUBNETS
    assert 1 <= len(set(found["SecurityGroupIds"])) == len(found["SecurityGroupIds"]) <= MOST_GROUPS

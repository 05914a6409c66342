"""The tokens of a ruleset: names, values and fields of a packet. Each is checked, so none can contain further rules."""

from __future__ import annotations

import re
from enum import StrEnum

_NAME = re.compile(r"[a-z]{1,12}_[A-Za-z0-9_-]{1,64}\Z")
_COMMENT = re.compile(r"[A-Za-z0-9 ._:/-]{0,100}\Z")
_ADDRESS = r"(?:\d{1,3}\.){3}\d{1,3}"


class Field(StrEnum):
    """A field of a packet that rules match, as nft writes it."""

    FAMILY = "meta nfproto"
    INPUT_DEVICE = "iifname"
    OUTPUT_DEVICE = "oifname"
    SOURCE = "ip saddr"
    DESTINATION = "ip daddr"
    PROTOCOL = "meta l4proto"
    PORT = "th dport"
    SOURCE_PORT = "th sport"
    MARK = "meta mark"
    ORIGINAL_DESTINATION = "ct original ip daddr"
    """The destination as the sender wrote it, before any translation."""
    ORIGINAL_SOURCE = "ct original ip saddr"
    """The initiator of the flow. For an ICMP error, the flow is the one that the error quotes."""
    REPLY_SOURCE = "ct reply ip saddr"
    """The responder of the flow."""


class KeyType(StrEnum):
    """The type of one part of a set's key or a map's value."""

    DEVICE = "ifname"
    FAMILY = "nf_proto"
    ADDRESS = "ipv4_addr"
    PROTOCOL = "inet_proto"
    PORT = "inet_service"
    MARK = "mark"


_VALUES = {
    KeyType.FAMILY: re.compile(r"ipv[46]\Z"),
    KeyType.DEVICE: re.compile(r"[a-z][a-z0-9]{0,14}\Z"),
    KeyType.ADDRESS: re.compile(_ADDRESS + r"(?:/\d{1,2})?\Z"),
    KeyType.PROTOCOL: re.compile(r"\d{1,3}\Z"),
    KeyType.PORT: re.compile(r"\d{1,5}(?:-\d{1,5})?\Z"),
    KeyType.MARK: re.compile(r"\d{1,10}\Z"),
}
TYPE_OF = {
    Field.FAMILY: KeyType.FAMILY,
    Field.INPUT_DEVICE: KeyType.DEVICE,
    Field.OUTPUT_DEVICE: KeyType.DEVICE,
    Field.SOURCE: KeyType.ADDRESS,
    Field.DESTINATION: KeyType.ADDRESS,
    Field.PROTOCOL: KeyType.PROTOCOL,
    Field.PORT: KeyType.PORT,
    Field.SOURCE_PORT: KeyType.PORT,
    Field.MARK: KeyType.MARK,
    Field.ORIGINAL_DESTINATION: KeyType.ADDRESS,
    Field.ORIGINAL_SOURCE: KeyType.ADDRESS,
    Field.REPLY_SOURCE: KeyType.ADDRESS,
}


def name(text: str) -> str:
    """Return a name of a set or chain unchanged; raise ``ValueError`` if it is malformed."""
    if not _NAME.match(text):
        raise ValueError(f"{text!r} is not a name of a set or chain")
    return text


def comment(text: str) -> str:
    """Return text for a quoted comment unchanged; raise ``ValueError`` if it has forbidden characters."""
    if not _COMMENT.match(text):
        raise ValueError(f"{text!r} cannot be written as a comment or log prefix")
    return text


def value(key_type: KeyType, text: str) -> str:
    """Return a value as nft text; raise ``ValueError`` if it is not of the type."""
    if not _VALUES[key_type].match(text):
        raise ValueError(f"{text!r} is not a value of the type {key_type}")
    return f'"{text}"' if key_type is KeyType.DEVICE else text


def joined(fields: tuple[Field, ...]) -> str:
    """Return the fields as one concatenated key."""
    return " . ".join(fields)

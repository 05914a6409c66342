"""The values of settings: conversion from the text of a variable, and what each may be."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_NOT_PUBLIC = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3"),
    )
)
"""Networks without public addresses (RFC 6890)."""


class SettingError(ValueError):
    """A setting has an invalid value."""

    def __init__(self, name: str, value: str, expected: str) -> None:
        super().__init__(f"{name}={value!r}: expected {expected}")


def check(name: str, value: Any, metadata: Mapping[str, Any]) -> None:
    """Raise ``SettingError`` for a value out of bounds, here where the setting's name is known."""
    within, pattern = metadata["within"], metadata["pattern"]
    if within is not None and not within[0] <= value <= within[1]:
        raise SettingError(name, str(value), f"a number from {within[0]:,} to {within[1]:,}")
    if pattern and not re.fullmatch(pattern, value):
        raise SettingError(name, str(value), f"a value like {pattern}")
    if metadata["public_network"] and not _is_public_network(value):
        raise SettingError(name, str(value), "a network of public IPv4 addresses, /16 to /30, such as 192.0.2.0/24")


def _is_public_network(value: str) -> bool:
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError:
        return False
    return 16 <= network.prefixlen <= 30 and not any(network.overlaps(other) for other in _NOT_PUBLIC)


def convert(name: str, text: str, default: Any, annotation: str) -> Any:
    """Return the value of a variable's text, of the type of its default. Raises ``SettingError``."""
    if annotation.startswith("Literal"):
        allowed = [part.strip(" \"'") for part in annotation[len("Literal[") : -1].split(",")]
        if text not in allowed:
            raise SettingError(name, text, "one of " + ", ".join(allowed))
        return text
    try:
        return type(default)(text) if not isinstance(default, Path) else Path(text)
    except ValueError:
        raise SettingError(name, text, f"a value of type {type(default).__name__}") from None


def kind_variable(setting: str, kind: str) -> str:
    """Return the environment variable of a setting that each kind of work has."""
    return f"READING_ROOM_{setting}_{kind}".upper().replace("-", "_")


def values_by_kind(name: str, environment: Mapping[str, str], metadata: Mapping[str, Any]) -> dict[str, int]:
    """Return the values of a setting that each kind of work has, by kind. The server refuses kinds that do not exist.

    This module is below the registry of kinds, so it accepts every name.
    """
    values = {}
    for variable, text in environment.items():
        if variable.startswith(f"{name}_"):
            kind = variable.removeprefix(f"{name}_").lower().replace("_", "-")
            values[kind] = convert(variable, text, 0, "int")
            check(variable, values[kind], metadata)
    return values

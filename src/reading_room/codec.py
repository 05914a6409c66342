"""Conversion of dataclasses to JSON and back, in memory or in files, based only on their annotations.

Every value is checked against its annotation when it is read: a member that is missing, unknown or of another type
makes the whole document invalid. So does a string that UTF-8 cannot encode, so that whatever was read can be written
again. A dataclass in a union (``A | B``) has its name under ``type``. Supported are ``str``, ``int``, ``float``,
``bool``, ``None``, ``Literal``, ``X | None``, ``tuple[X, ...]`` and dataclasses of these.

Two versions of the program may read each other's documents while an upgrade restarts one process after the other. A
member that a later version added (``later``) is written only if it differs from its default, and may be missing. A
reader that only takes notice may also ignore the members that a newer writer added (``newer``).
"""

from __future__ import annotations

import dataclasses
import errno
import json
import math
import os
import types
import typing
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, cast

T = TypeVar("T")
_Reader = Callable[[Any], Any]
_Writer = Callable[[Any], Any]
INTEGER_LIMIT = 1 << 63
FILE_LIMIT = 65_536
"""The maximum size of a file in bytes; a larger one is invalid."""
_LATER = "later"


class DocumentError(Exception):
    """Bytes are not a valid document of the expected type."""


def later(default: T) -> T:
    """Return the default of a dataclass's member that a version after 0.1.0 added.

    The default must mean the same as the member's absence did before, and must never change: it is not written.
    """
    return dataclasses.field(default=default, metadata={_LATER: True})


def is_later(member: dataclasses.Field[Any]) -> bool:
    """Return whether a member's default is ``later``."""
    return _LATER in member.metadata


def encode(value: Any) -> bytes:
    """Return a dataclass as JSON. Characters that UTF-8 cannot encode, as in some file names, become question marks."""
    text = json.dumps(to_members(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode(errors="replace")


def decode(kind: type[T], document: bytes, *, newer: bool = False) -> T:
    """Read a dataclass from JSON. Raises ``DocumentError`` naming the member and the expected type.

    With ``newer``, unknown members are ignored: the writer is or may be of a newer version, and nothing that it asks
    for could be missed.
    """
    return from_members(kind, parse(document), newer=newer)


def write_file(path: Path, value: Any) -> None:
    """Write a dataclass to a file with mode 0600, which is replaced atomically. Raises ``OSError``."""
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(encode(value))
    temporary.replace(path)


def read_file(kind: type[T], path: Path) -> T:
    """Read a dataclass from a file. Raises ``DocumentError``, and ``OSError`` if there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise DocumentError("it is a symbolic link, not a file") from error
        raise
    with open(descriptor, "rb") as file:
        return decode(kind, file.read(FILE_LIMIT))


def to_members(value: Any) -> Any:
    """Return a dataclass as JSON values."""
    return _writer(cast(Any, type(value)))(value)


def from_members(kind: type[T], members: Any, *, newer: bool = False) -> T:
    """Read a dataclass from JSON values, as ``decode`` does. Raises ``DocumentError``."""
    try:
        return cast(T, _reader(cast(Any, kind), newer)(members))
    except RecursionError as error:
        raise DocumentError("the document is nested too deeply") from error


def parse(document: bytes) -> Any:
    """Parse JSON. Raises ``DocumentError``, also for NaN, infinities and repeated members."""
    try:
        return json.loads(document, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"not a JSON document: {error}") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is repeated")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


@cache
def _fields(kind: type[Any]) -> tuple[tuple[str, Any], ...]:
    hints = typing.get_type_hints(kind)
    return tuple((field.name, hints[field.name]) for field in dataclasses.fields(kind))


@cache
def _added(kind: type[Any]) -> dict[str, Any]:
    """Return the defaults of the members that later versions added."""
    return {field.name: field.default for field in dataclasses.fields(kind) if is_later(field)}


@cache
def _reader(annotation: Any, newer: bool) -> _Reader:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if dataclasses.is_dataclass(annotation):
        return _dataclass_reader(cast(type[Any], annotation), newer, tagged=False)
    if annotation is str:
        return _text
    if annotation is bool:
        return _truth
    if annotation is int:
        return _integer
    if annotation is float:
        return _number
    if origin is Literal:
        return _one_of(arguments)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return _items(_reader(arguments[0], newer))
    if origin in (Union, types.UnionType):
        rest = [argument for argument in arguments if argument is not type(None)]
        if len(rest) == 1 and len(arguments) == 2:
            return _optional(_reader(rest[0], newer))
        if all(dataclasses.is_dataclass(argument) for argument in arguments):
            return _tagged(cast(list[type[Any]], rest), newer)
    raise TypeError(f"no reader for {annotation!r}")


def _text(value: Any) -> Any:
    if type(value) is not str:
        raise DocumentError(f"{_shown(value)} is not of type str")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise DocumentError(f"{_shown(value)} has half of a surrogate pair") from None
    return value


def _truth(value: Any) -> Any:
    if type(value) is not bool:
        raise DocumentError(f"{_shown(value)} is not of type bool")
    return value


def _integer(value: Any) -> Any:
    if type(value) is not int or not -INTEGER_LIMIT <= value < INTEGER_LIMIT:
        raise DocumentError(f"{_shown(value)} is not a whole number of 64 bits")
    return value


def _number(value: Any) -> Any:
    if type(value) is int and -INTEGER_LIMIT <= value < INTEGER_LIMIT:
        return float(value)
    if type(value) is not float or not math.isfinite(value):
        raise DocumentError(f"{_shown(value)} is not a finite number")
    return value


def _one_of(allowed: tuple[Any, ...]) -> _Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, str) or value not in allowed:
            raise DocumentError(f"{_shown(value)} is none of {', '.join(map(str, allowed))}")
        return value

    return read


def _items(read_one: _Reader) -> _Reader:
    def read(value: Any) -> Any:
        if type(value) is not list:
            raise DocumentError(f"{_shown(value)} is not a list")
        return tuple(map(read_one, value))

    return read


def _optional(read_one: _Reader) -> _Reader:
    def read(value: Any) -> Any:
        return None if value is None else read_one(value)

    return read


def _dataclass_reader(kind: type[Any], newer: bool, *, tagged: bool) -> _Reader:
    readers = [(name, _reader(annotation, newer)) for name, annotation in _fields(cast(Any, kind))]
    names = {name for name, _ in readers} | ({"type"} if tagged else set())
    optional = _added(cast(Any, kind)).keys()

    def read(value: Any) -> Any:
        if type(value) is not dict:
            raise DocumentError(f"{_shown(value)} is not a {kind.__name__}")
        given = readers
        if value.keys() != names:
            odd = names - value.keys() - optional
            if not newer:
                odd |= value.keys() - names
            if odd:
                shown = ", ".join(sorted(map(ascii, odd)))
                raise DocumentError(f"{kind.__name__} has missing or unknown members: {shown[:200]}")
            given = [reader for reader in readers if reader[0] in value]
        values: dict[str, Any] = {}
        for name, read_one in given:
            try:
                values[name] = read_one(value[name])
            except DocumentError as error:
                raise DocumentError(f"{kind.__name__}.{name}: {error}") from None
        return kind(**values)

    return read


def _tagged(kinds: list[type[Any]], newer: bool) -> _Reader:
    readers = {kind.__name__: _dataclass_reader(kind, newer, tagged=True) for kind in kinds}

    def read(value: Any) -> Any:
        name = value.get("type") if type(value) is dict else None
        if not isinstance(name, str) or name not in readers:
            raise DocumentError(f"{_shown(value)} is none of {', '.join(readers)}")
        return readers[name](value)

    return read


@cache
def _writer(annotation: Any) -> _Writer:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if dataclasses.is_dataclass(annotation):
        return _dataclass_writer(cast(type[Any], annotation), {})
    if annotation in (str, bool, int, float, type(None)) or origin is Literal:
        return _as_it_is
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        write_one = _writer(arguments[0])
        return _as_it_is if write_one is _as_it_is else lambda items: [write_one(item) for item in items]
    if origin in (Union, types.UnionType):
        rest = [argument for argument in arguments if argument is not type(None)]
        if len(rest) == 1:
            write_rest = _writer(rest[0])
            return lambda value: None if value is None else write_rest(value)
        writers = {kind: _dataclass_writer(kind, {"type": kind.__name__}) for kind in rest}
        return lambda value: writers[type(value)](value)
    raise TypeError(f"no writer for {annotation!r}")


def _as_it_is(value: Any) -> Any:
    return value


def _dataclass_writer(kind: type[Any], first: dict[str, Any]) -> _Writer:
    added = _added(cast(Any, kind))
    fields = [(name, _writer(annotation)) for name, annotation in _fields(cast(Any, kind))]

    def write(value: Any) -> dict[str, Any]:
        return first | {name: write_one(getattr(value, name)) for name, write_one in fields}

    def write_all(value: Any) -> dict[str, Any]:
        left_out = {name for name, default in added.items() if getattr(value, name) == default}
        return first | {name: write_one(getattr(value, name)) for name, write_one in fields if name not in left_out}

    return write_all if added else write


def _shown(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."

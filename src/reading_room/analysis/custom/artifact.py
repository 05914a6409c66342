"""A custom model as one file: arrays, texts and a description, in an uncompressed zip.

Nothing in it is a pickle. Arrays are numbers in NumPy's own format; texts and the description are JSON. A C library
parses one part, a recognizer's CRF. The file's hash protects it: the control plane records the hash when the model is
made, and it is compared before any of the file is parsed.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reading_room.analysis.job_file import MODEL_BYTES, MODEL_TAMPERED, ModelPlace
from reading_room.analysis.storage import JobFailure, Storage

FORMAT = 1
_META = "model.json"
_ARRAY = re.compile(
    rb"\x93NUMPY\x01\x00(?P<size>..)(?P<header>\{'descr': '(?P<kind>[<|][biuf][1248])', "
    rb"'fortran_order': (?P<by_columns>True|False), 'shape': \((?P<shape>(?:[0-9]{1,9},? ?){0,4})\), \} *\n)",
    re.DOTALL,
)
_MOMENT = (1980, 1, 1, 0, 0, 0)


@dataclass(slots=True)
class Artifact:
    """The content of a model. ``meta`` is JSON; each of ``blobs`` is read by its own library."""

    kind: str
    meta: dict[str, Any]
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    """Lists of strings, such as a vocabulary."""
    blobs: dict[str, bytes] = field(default_factory=dict)


def save_artifact(path: Path, artifact: Artifact) -> tuple[int, str]:
    """Write an artifact and return its size in bytes and its SHA-256; equal content gives equal bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        described = {"format": FORMAT, "kind": artifact.kind, "meta": artifact.meta}
        _add(file, _META, json.dumps(described, sort_keys=True).encode())
        for name, array in artifact.arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            _add(file, f"{name}.npy", buffer.getvalue())
        for name, strings in artifact.texts.items():
            _add(file, f"{name}.strings", json.dumps(strings, ensure_ascii=False).encode())
        for name, blob in artifact.blobs.items():
            _add(file, f"{name}.bin", blob)
    with path.open("rb") as written:
        digest = hashlib.file_digest(written, "sha256").hexdigest()
    return path.stat().st_size, digest


def fetch_artifact(storage: Storage, place: ModelPlace, kind: str) -> Artifact:
    """Read a model's artifact, and check its hash before parsing any of it.

    Raise ``JobFailure``: ``MODEL_TAMPERED`` if the object is malformed or is not the one that the training wrote, and
    whatever the storage raises.
    """
    uri = f"s3://{place.artifact.bucket}/{place.artifact.key}"
    content = bytearray()
    for chunk in storage.read(place.artifact.bucket, place.artifact.key):
        content += chunk
        if len(content) > MODEL_BYTES:
            raise JobFailure(
                MODEL_TAMPERED, f"{uri} has more than {MODEL_BYTES:,} bytes, more than any model of this service"
            )
    return read_artifact(content, place, kind)


def read_artifact(content: bytes | bytearray, place: ModelPlace, kind: str) -> Artifact:
    """Check the hash of an artifact's bytes, and parse them. Raise ``JobFailure``: ``MODEL_TAMPERED``."""
    uri = f"s3://{place.artifact.bucket}/{place.artifact.key}"
    digest = hashlib.sha256(content).hexdigest()
    if digest != place.sha256:
        raise JobFailure(
            MODEL_TAMPERED,
            f"{uri} is not the artifact that the training wrote: its SHA-256 is {digest}, not {place.sha256}",
        )
    with malformed(place):
        return load_artifact(io.BytesIO(content), kind)


@contextmanager
def malformed(place: ModelPlace) -> Iterator[None]:
    """Turn the errors that a malformed model causes into a ``JobFailure`` that names its object."""
    try:
        yield
    except (ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, TypeError, ValueError,
            struct.error, zipfile.BadZipFile) as error:  # fmt: skip
        uri = f"s3://{place.artifact.bucket}/{place.artifact.key}"
        raise JobFailure(MODEL_TAMPERED, f"{uri} is malformed: {type(error).__name__}: {error}") from error


def load_artifact(file: io.BytesIO, kind: str) -> Artifact:
    """Parse an artifact. Raise one of the errors that ``malformed`` catches."""
    with zipfile.ZipFile(file) as opened:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in opened.infolist()):
            raise ValueError("its content is compressed, and must not be")
        if sum(entry.file_size for entry in opened.infolist()) > MODEL_BYTES:
            raise ValueError("its content is larger than the file")
        described = json.loads(opened.read(_META))
        if described["format"] != FORMAT or described["kind"] != kind:
            raise ValueError(
                f"its format is {described['format']} and its kind {described['kind']!r}, not {FORMAT} and {kind!r}"
            )
        artifact = Artifact(kind, described["meta"])
        for entry in opened.namelist():
            name, _, suffix = entry.rpartition(".")
            content = opened.read(entry)
            if suffix == "npy":
                artifact.arrays[name] = _read_array(content)
            elif suffix == "strings":
                artifact.texts[name] = [str(text) for text in json.loads(content)]
            elif suffix == "bin":
                artifact.blobs[name] = content
    return artifact


def _read_array(content: bytes) -> NDArray[Any]:
    """Read an array as ``np.save`` writes it, if its size is what its header says.

    NumPy's own reader evaluates the header with Python's parser, and allocates as much memory as the header says.
    """
    found = _ARRAY.match(content)
    if found is None or int.from_bytes(found["size"], "little") != len(found["header"]):
        raise ValueError("an array is not in NumPy's format 1.0")
    kind = np.dtype(found["kind"].decode())
    shape = tuple(int(each) for each in found["shape"].split(b",") if each.strip())
    if math.prod(shape) * kind.itemsize != len(content) - found.end():
        raise ValueError(f"an array does not have the number of bytes for its shape {shape} and type {kind}")
    order: Literal["F", "C"] = "F" if found["by_columns"] == b"True" else "C"
    return np.frombuffer(content, kind, offset=found.end()).reshape(shape, order=order)


def _add(file: zipfile.ZipFile, name: str, content: bytes) -> None:
    # A fixed time, so that equal models have equal bytes.
    file.writestr(zipfile.ZipInfo(name, _MOMENT), content)

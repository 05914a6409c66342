"""Handing a custom model to a container that answers synchronous calls with it.

The container compares the digest before it parses the model, as a job does. It is not trusted: what it says about a
model that it cannot load is limited and printable.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

from reading_room.analysis.job_file import MODEL_BYTES, MODEL_TAMPERED
from reading_room.comprehend.endpoints.models import EndpointModel, ModelRefused
from reading_room.jobs.places import location_of
from reading_room.printable import escaped
from reading_room.s3.blobs import DamagedBlob
from reading_room.s3.errors import NoSuchKey
from reading_room.s3.store import ObjectStore

Artifacts = Callable[[EndpointModel], Iterable[bytes]]
"""Yields the bytes of a model's artifact in pieces. Raises ``ModelRefused``."""
MESSAGE_LENGTH = 500


def _none(model: EndpointModel) -> Iterator[bytes]:
    raise ModelRefused("MODEL_NOT_FOUND", f"there is no artifact of {model.arn}")


NO_ARTIFACTS: Artifacts = _none


def stored_artifact(store: ObjectStore, model: EndpointModel) -> Iterator[bytes]:
    """Yield the bytes of a model's artifact. Raises ``ModelRefused`` if it is missing or damaged."""
    place = location_of(model.artifact_uri)
    try:
        yield from store.read(place.bucket, place.key)
    except NoSuchKey:
        raise ModelRefused("MODEL_NOT_FOUND", f"the artifact of {model.arn} does not exist") from None
    except DamagedBlob as error:
        raise ModelRefused(MODEL_TAMPERED, f"the artifact of {model.arn} cannot be read: {error}") from None


def hand_over(stream: IO[bytes], model: EndpointModel, artifacts: Artifacts, read: Callable[[], Any]) -> None:
    """Send a model to a container and wait until it has loaded it. ``read`` returns its next answer.

    Raises ``ModelRefused``, and ``ValueError`` for an answer that is none.
    """
    content = bytearray()
    for piece in artifacts(model):
        content += piece
        if len(content) > MODEL_BYTES:
            raise ModelRefused(MODEL_TAMPERED, f"the artifact of {model.arn} has more than {MODEL_BYTES:,} bytes")
    if hashlib.sha256(content).hexdigest() != model.sha256:
        raise ModelRefused(MODEL_TAMPERED, f"the artifact of {model.arn} is not the one that the training wrote")
    place = location_of(model.artifact_uri)
    head = {"bucket": place.bucket, "key": place.key, "sha256": model.sha256, "size": len(content)}
    stream.write(json.dumps({"model": head}).encode() + b"\n")
    stream.write(content)
    stream.flush()
    read_loaded(read())


def read_loaded(answer: dict[str, Any]) -> None:
    """Take a container's answer to its model. Raises ``ModelRefused``, and ``ValueError`` for any other answer."""
    if answer == {"loaded": True}:
        return
    match answer.get("refused"):
        case [code, str(message)] if code == MODEL_TAMPERED:
            raise ModelRefused(MODEL_TAMPERED, escaped(message[:MESSAGE_LENGTH]))
        case _:
            raise ValueError("the engine said something else about its model")

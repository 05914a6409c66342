"""The table of implemented operations, with the function and the supported parameters of each.

A parameter that an operation does not list is refused with NotImplemented, so that none is silently ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore.model import Shape

from reading_room.aws.protocols import rest_xml
from reading_room.s3.backend import S3Request, S3Response
from reading_room.s3.checksums import ALGORITHMS
from reading_room.s3.errors import NotImplementedHeader
from reading_room.s3.storage import Received, Storage

Handler = Callable[[Storage, S3Request], S3Response]
BodyHandler = Callable[[Storage, S3Request, Received], S3Response]

_CHECKSUMS = frozenset(
    {"ContentMD5", "ContentLength", "ChecksumAlgorithm", *(f"Checksum{algorithm}" for algorithm in ALGORITHMS)}
)
# The server checks the owner, and the body checks checksums. Nobody pays here, so a requester's offer to pay changes
# nothing. The bucket names of a region are not split by account.
_EVERYWHERE = frozenset({"Bucket", "Key", "Body", "ExpectedBucketOwner", "RequestPayer"}) | _CHECKSUMS


@dataclass(frozen=True, slots=True)
class Operation:
    """One implemented operation."""

    name: str
    parameters: frozenset[str]
    handler: Callable[..., S3Response]
    stores_body: bool
    """Whether the request's body becomes a blob before the handler runs."""
    check: Callable[[Storage, S3Request], object] | None
    """Checks a request before its body is read."""
    looks: Callable[[S3Request], bool]
    """Whether ``check`` reads the database, and so needs a thread."""

    def gives_effect_to(self, parameter: str) -> bool:
        """Say whether a parameter, by botocore's name, has an effect here."""
        return parameter in self.parameters or parameter in _EVERYWHERE

    def refuse_unsupported(self, request: S3Request) -> None:
        """Raise ``NotImplementedHeader`` for a parameter that would have no effect."""
        for name in request.parameters:
            if not self.gives_effect_to(name):
                raise NotImplementedHeader(_wire_name(request.model.input_shape, name))


OPERATIONS: dict[str, Operation] = {}
"""Every implemented operation by its AWS name. Importing the modules of this package fills it."""
CONTROL_OPERATIONS: dict[str, Operation] = {}
"""The same for operations of S3 Control (``control.py``)."""

Function = TypeVar("Function", bound=Callable[..., S3Response])


def s3_operation(
    name: str,
    parameters: str = "",
    *,
    stores_body: bool = False,
    check: Callable[[Storage, S3Request], object] | None = None,
    looks: Callable[[S3Request], bool] = lambda request: True,
    table: dict[str, Operation] = OPERATIONS,
) -> Callable[[Function], Function]:
    """Mark a function as the implementation of an operation.

    ``parameters`` are botocore's names of the supported parameters, separated by blanks, besides those that all
    operations share. With ``stores_body`` the function also gets a ``Received``.
    """

    def mark(function: Function) -> Function:
        if name in table:
            raise ValueError(f"s3:{name} is implemented twice")
        table[name] = Operation(name, frozenset(parameters.split()), function, stores_body, check, looks)
        return function

    return mark


def respond(
    request: S3Request,
    result: dict[str, Any] | None = None,
    *,
    status: int | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> S3Response:
    """Return the response with ``result`` (botocore's member names) in the form of the operation."""
    written, body = rest_xml.serialize(request.model, result or {})
    default = int(request.model.http.get("responseCode") or 200)
    return S3Response(status or default, (*written, *headers), body)


def _wire_name(shape: Shape | None, member: str) -> str:
    members = getattr(shape, "members", {})
    return str(members[member].serialization.get("name", member)) if member in members else member

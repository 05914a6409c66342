"""The table of implemented operations: which function carries out which, and which parameters it gives effect to.

A parameter that an operation does not list is refused with NotImplemented, so nothing is accepted and ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore.model import Shape

from reading_room.aws.protocols import rest_xml
from reading_room.s3.backends.backend import S3Request, S3Response
from reading_room.s3.checksums import ALGORITHMS
from reading_room.s3.errors import NotImplementedHeader
from reading_room.s3.storage import Received, Storage

Handler = Callable[[Storage, S3Request], S3Response]
BodyHandler = Callable[[Storage, S3Request, Received], S3Response]

_CHECKSUMS = frozenset(
    {"ContentMD5", "ContentLength", "ChecksumAlgorithm", *(f"Checksum{algorithm}" for algorithm in ALGORITHMS)}
)
# The owner is checked by the server, checksums by the body; nobody pays here, so nothing changes for a requester that
# offers to; a region is not split into the accounts' own name spaces.
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
    """What can be refused before the body is read."""
    looks: Callable[[S3Request], bool]
    """Whether ``check`` asks the database, hence needs a thread."""

    def gives_effect_to(self, parameter: str) -> bool:
        """Say whether a parameter, by botocore's name, does something here."""
        return parameter in self.parameters or parameter in _EVERYWHERE

    def refuse_unsupported(self, request: S3Request) -> None:
        """Raise ``NotImplementedHeader`` for a parameter that would have no effect."""
        for name in request.parameters:
            if not self.gives_effect_to(name):
                raise NotImplementedHeader(_wire_name(request.model.input_shape, name))


OPERATIONS: dict[str, Operation] = {}
"""Every implemented operation by its AWS name; filled when the modules of this package are imported."""

Function = TypeVar("Function", bound=Callable[..., S3Response])


def s3_operation(
    name: str,
    parameters: str = "",
    *,
    stores_body: bool = False,
    check: Callable[[Storage, S3Request], object] | None = None,
    looks: Callable[[S3Request], bool] = lambda request: True,
) -> Callable[[Function], Function]:
    """Mark a function as the implementation of an operation.

    ``parameters`` are botocore's names of those it gives effect to, separated by blanks, besides the ones that all
    share. With ``stores_body`` it is called with a ``Received`` too.
    """

    def mark(function: Function) -> Function:
        if name in OPERATIONS:
            raise ValueError(f"s3:{name} is implemented twice")
        OPERATIONS[name] = Operation(name, frozenset(parameters.split()), function, stores_body, check, looks)
        return function

    return mark


def respond(
    request: S3Request,
    result: dict[str, Any] | None = None,
    *,
    status: int | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> S3Response:
    """Return the response that says ``result`` (botocore's member names) in the operation's own form."""
    written, body = rest_xml.serialize(request.model, result or {})
    default = int(request.model.http.get("responseCode") or 200)
    return S3Response(status or default, (*written, *headers), body)


def _wire_name(shape: Shape | None, member: str) -> str:
    members = getattr(shape, "members", {})
    return str(members[member].serialization.get("name", member)) if member in members else member

"""The authentication of calls, by a signature or as anonymous for the few operations that need none."""

from __future__ import annotations

from reading_room.aws.call import ANONYMOUS, IncomingRequest, SignedRequest
from reading_room.aws.identify import claimed_operation
from reading_room.aws.models import ServedService
from reading_room.aws.operations import OperationTable
from reading_room.aws.sigv4 import CredentialSource, HeadProof, has_signature, prove_head, verify
from reading_room.clock import Clock


class Authentication:
    """Verifies the signatures of requests. Blocking, except for ``can_succeed``."""

    def __init__(self, credentials: CredentialSource, table: OperationTable, clock: Clock, region: str) -> None:
        self._credentials = credentials
        self._table = table
        self._clock = clock
        self._region = region

    def authenticate(self, request: IncomingRequest, service: ServedService) -> SignedRequest:
        """Verify the signature of a complete request. Raises the service's error for one that is wrong or missing."""
        if not has_signature(request) and self._needs_none(request, service):
            return SignedRequest(request, ANONYMOUS, None)
        verified = verify(request, service, self._credentials, self._clock(), self._region)
        return SignedRequest(request, verified.principal, verified.access_key_id)

    def prove_head(self, request: IncomingRequest, service: ServedService) -> HeadProof | None:
        """Return what the head of a request proves while its body is still on its way."""
        return prove_head(request, service, self._credentials, self._clock(), self._region)

    def can_succeed(self, request: IncomingRequest, service: ServedService) -> bool:
        """Say whether a request has a signature, or names an operation that needs none."""
        return has_signature(request) or self._needs_none(request, service)

    def _needs_none(self, request: IncomingRequest, service: ServedService) -> bool:
        # Our own table decides, not the model: an operation that is not implemented answers as if it needed one.
        bound = self._table.find(service.name, claimed_operation(request, service))
        return bound is not None and bound.facts.unsigned

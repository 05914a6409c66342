"""Proofs of signatures before a call gets a thread, for busy addresses and for bodies that arrive slowly."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace

from reading_room.aws.authentication import Authentication
from reading_room.aws.call import IncomingRequest, SignedRequest
from reading_room.aws.errors import AwsError, Throttled
from reading_room.aws.identify import Service, name_of, service_of_form
from reading_room.aws.models import ServedService
from reading_room.aws.outcome import Outcome
from reading_room.aws.receive import Standing
from reading_room.aws.refusals import Refusals
from reading_room.aws.sigv4 import has_signature
from reading_room.aws.spelling import throttled

_QUICK = 4096
"""Bytes of a form that may be read on the event loop."""


class Proofs:
    """Verifies signatures in the thread that busy addresses share. ``fail`` answers a request with an error."""

    def __init__(
        self,
        refusals: Refusals,
        authentication: Authentication,
        fail: Callable[[IncomingRequest, Service, Exception], Outcome],
    ) -> None:
        self._refusals = refusals
        self._authentication = authentication
        self._fail = fail

    async def of_head(self, request: IncomingRequest, service: ServedService, standing: Standing) -> None:
        """Report what a head proves to the listener, which decides for whose bodies it goes on waiting."""
        if not has_signature(request):
            return
        try:
            proof = await self._refusals.prove(service.name, self._authentication.prove_head, request, service)
        except Throttled:
            return  # The request has proven nothing so far, and may do so when its body is here.
        if proof is not None and proof.complete:
            standing.proves(proof.account)
        elif proof is not None:
            standing.names_key(proof.access_key_id)

    async def of_busy(
        self, request: IncomingRequest, body: bytes, service: ServedService | None
    ) -> SignedRequest | Outcome:
        """Return the complete request of a busy address with its caller, or the outcome if it is refused."""
        whole = replace(request, body=body)
        if service is None or not self._authentication.can_succeed(request, service):
            # An unsigned request cannot succeed. A short form is read only to find the protocol of the error.
            refuser: Service = service
            if service is None and len(body) <= _QUICK:
                with contextlib.suppress(AwsError):
                    refuser = service_of_form(whole)
            return self._fail(request, refuser, throttled(name_of(refuser)))
        try:
            return await self._refusals.prove(service.name, self._prove, whole, service)
        except Throttled as error:
            return self._fail(request, service, error)

    def _prove(self, request: IncomingRequest, service: ServedService) -> SignedRequest | Outcome:
        try:
            return self._authentication.authenticate(request, service)
        except Exception as error:
            return self._fail(request, service, error)

"""The authentication of S3 requests, by a signature in the header, in the query, or in the fields of a form."""

from __future__ import annotations

from reading_room.aws.sigv2 import is_presigned, lacks_parameters, verify_presigned
from reading_room.aws.sigv4 import CredentialSource, Verified, has_signature, verify
from reading_room.clock import Clock
from reading_room.s3.call import AuthenticatedRequest, IdentifiedRequest
from reading_room.s3.errors import AccessDenied
from reading_room.s3.post_policy import verify_form


class Authentication:
    """Verifies the signatures of S3 requests. Blocking; called in worker threads."""

    def __init__(self, credentials: CredentialSource, clock: Clock, region: str) -> None:
        self._credentials = credentials
        self._clock = clock
        self._region = region

    def authenticate(self, request: IdentifiedRequest) -> AuthenticatedRequest:
        """Verify the signature of a request. One without a signature is anonymous.

        Raises ``AccessDenied`` and the other errors of S3 for a signature that is wrong.
        """
        return AuthenticatedRequest(request, self._verified(request))

    def _verified(self, request: IdentifiedRequest) -> Verified | None:
        now, incoming = self._clock(), request.incoming
        if request.form is not None:
            return verify_form(request.form.fields, self._credentials, now, self._region)
        if is_presigned(incoming) and incoming.header("authorization") is None:
            bucket_in_host = request.address.bucket if request.address.virtual else None
            return verify_presigned(incoming, self._credentials, now, bucket_in_host)
        if incoming.header("authorization") is None and lacks_parameters(incoming):
            raise AccessDenied(
                "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"
            )
        if not has_signature(incoming):
            return None
        return verify(incoming, "s3", self._credentials, now, self._region)

"""S3 requests signed by hand, with bodies that differ from what was signed."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from reading_room.aws.sigv4 import signing_key

EMPTY = hashlib.sha256(b"").hexdigest()


class _Payload(S3SigV4Auth):
    """Signs the given payload hash, whatever the body is."""

    def __init__(self, credentials: Credentials, payload_hash: str) -> None:
        super().__init__(credentials, "s3", "us-east-1")
        self._payload_hash = payload_hash

    def payload(self, request: AWSRequest) -> str:
        """Return the given hash."""
        return self._payload_hash


@dataclass(frozen=True)
class Signed:
    """The head of a signed request, and the key that signs the chunks of its body."""

    head: bytes
    key: bytes
    amz_date: str
    scope: str
    seed: str

    def chunked(self, *chunks: bytes, trailer: Mapping[str, str] | None = None) -> list[bytes]:
        """Return the signed chunks of a stream, including the last one and the trailer, as they are sent."""
        out, previous = [], self.seed
        for chunk in (*chunks, b""):
            previous = self._sign("PAYLOAD", previous, EMPTY, hashlib.sha256(chunk).hexdigest())
            out.append(f"{len(chunk):x};chunk-signature={previous}\r\n".encode() + (chunk + b"\r\n" if chunk else b""))
        if trailer is not None:
            lines = "".join(f"{name}:{value}\n" for name, value in trailer.items())
            signature = self._sign("TRAILER", previous, hashlib.sha256(lines.encode()).hexdigest())
            out.append(lines.replace("\n", "\r\n").encode() + f"x-amz-trailer-signature:{signature}\r\n".encode())
        return [*out, b"\r\n"]

    def _sign(self, what: str, previous: str, *hashes: str) -> str:
        text = "\n".join((f"AWS4-HMAC-SHA256-{what}", self.amz_date, self.scope, previous, *hashes))
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()


def signed(
    key: Mapping[str, str],
    method: str,
    path: str,
    payload_hash: str,
    headers: Mapping[str, str],
    change: Callable[[dict[str, str]], None] | None = None,
) -> Signed:
    """Sign a request to ``127.0.0.1`` and return its head; ``change`` may change the headers after the signing."""
    # S3's canonical path is the key encoded once, however the sent path encodes it.
    place, mark, query = path.partition("?")
    request = AWSRequest(
        method,
        f"http://127.0.0.1{quote(unquote_to_bytes(place), safe='/~')}{mark}{query}",
        headers={"Host": "127.0.0.1", **headers},
    )
    _Payload(Credentials(key["access_key_id"], key["secret_access_key"]), payload_hash).add_auth(request)
    authorization = request.headers["Authorization"]
    scope = authorization.split("Credential=")[1].split(",")[0].partition("/")[2]
    sent = dict(request.headers.items())
    if change is not None:
        change(sent)
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
    return Signed(
        "\r\n".join([*lines, "", ""]).encode(),
        signing_key(key["secret_access_key"], *scope.split("/")[:3]),
        sent["X-Amz-Date"],
        scope,
        authorization.split("Signature=")[1],
    )

"""The operations of S3 that a worker calls. Each raises ``Refusal``, ``NoAnswer`` and ``NoCredentials``."""

from __future__ import annotations

import base64
import re
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote, unquote_plus

from reading_room.analysis.s3.credentials import KeySource
from reading_room.analysis.s3.document import BadDocument, Element, completion, deletion, read_document
from reading_room.analysis.s3.patience import Patience
from reading_room.analysis.s3.refusal import refusal_of
from reading_room.analysis.s3.signing import signed
from reading_room.analysis.s3.wire import Answer, NoAnswer, Request, Wire, whole

_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
"""The name of a bucket that can be a label of a host name, for which the wildcard of a certificate is valid."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An object in a listing."""

    key: str
    size: int
    etag: str


class S3Client:
    """A client for one region and session.

    ``headers`` are added to every request. ``endpoint`` is a URL that is used instead of AWS's host names.
    """

    def __init__(
        self,
        wire: Wire,
        keys: KeySource,
        region: str,
        patience: Patience,
        headers: Mapping[str, str],
        endpoint: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._wire = wire
        self._keys = keys
        self._region = region
        self._patience = patience
        self._headers = headers
        self._endpoint = endpoint
        self._clock = clock

    def list_objects(self, bucket: str, prefix: str) -> Iterator[Listed]:
        """Yield every object whose key begins with a prefix, in the order of their keys."""
        token = ""
        while True:
            query = {"encoding-type": "url", "list-type": "2", "prefix": prefix}
            page = self._document(
                self._request("GET", bucket, None, {"continuation-token": token, **query} if token else query)
            )
            for entry in page.each("Contents"):
                yield Listed(unquote_plus(entry.text("Key")), _number(entry.text("Size")), entry.text("ETag"))
            if page.text("IsTruncated") != "true":
                return
            before, token = token, page.text("NextContinuationToken")
            if token in ("", before):
                raise NoAnswer("a listing is truncated and does not say where it continues")

    def find_version(self, bucket: str, key: str, etag: str) -> str | None:
        """Return the id of the newest version of an object with an ETag, ``None`` if there is none among the newest."""
        query = {"encoding-type": "url", "versions": "", "prefix": key}
        page = self._document(self._request("GET", bucket, None, query))
        for entry in page.each("Version"):
            if unquote_plus(entry.text("Key")) == key and entry.text("ETag") == etag:
                return entry.text("VersionId")
        return None

    def get_object(self, bucket: str, key: str, headers: Mapping[str, str], version: str | None = None) -> Answer:
        """Return an object or a version of it, or a range, for the caller to read.

        ``headers`` are ``range`` and ``if-match``.
        """
        query = {} if version is None else {"versionId": version}
        return self._asked(self._request("GET", bucket, key, query, headers))

    def put_object(self, bucket: str, key: str, body: bytes) -> None:
        """Write an object."""
        whole(self._asked(self._request("PUT", bucket, key, {}, {"x-amz-checksum-crc32": _crc32(body)}, body)))

    def create_upload(self, bucket: str, key: str) -> str:
        """Begin a multipart upload and return its id."""
        headers = {"x-amz-checksum-algorithm": "CRC32"}
        upload = self._document(self._request("POST", bucket, key, {"uploads": ""}, headers)).text("UploadId")
        if not upload:
            raise NoAnswer("a multipart upload was begun and got no id")
        return upload

    def upload_part(self, bucket: str, key: str, upload: str, number: int, body: bytes) -> tuple[str, str]:
        """Write part ``number``, from 1 on, of an upload. Return its ETag and its CRC-32, for ``complete_upload``."""
        checksum = _crc32(body)
        query = {"partNumber": str(number), "uploadId": upload}
        answer = self._asked(self._request("PUT", bucket, key, query, {"x-amz-checksum-crc32": checksum}, body))
        whole(answer)
        return answer.headers.get("etag", ""), checksum

    def complete_upload(self, bucket: str, key: str, upload: str, parts: Sequence[tuple[str, str]]) -> None:
        """Make an object of the parts of an upload."""
        self._document(self._request("POST", bucket, key, {"uploadId": upload}, {}, completion(parts)))

    def abort_upload(self, bucket: str, key: str, upload: str) -> None:
        """Give up an upload."""
        whole(self._asked(self._request("DELETE", bucket, key, {"uploadId": upload})))

    def delete_objects(self, bucket: str, keys: Sequence[str]) -> None:
        """Delete up to a thousand objects. Those that cannot be deleted stay."""
        body = deletion(keys)
        whole(
            self._asked(
                self._request("POST", bucket, None, {"delete": ""}, {"x-amz-checksum-crc32": _crc32(body)}, body)
            )
        )

    def _document(self, request: Request) -> Element:
        def ask() -> Element:
            answer = self._answer(request)
            content = whole(answer)
            try:
                found = read_document(content)
            except BadDocument as error:
                raise NoAnswer(f"the answer from {request.url} is not a document: {error}") from error
            if found.name == "Error":
                # S3 begins to answer some requests with 200 before it knows how they end.
                raise refusal_of(answer, content)
            return found

        return self._patience.asked(ask)

    def _asked(self, request: Request) -> Answer:
        return self._patience.asked(lambda: self._answer(request))

    def _answer(self, request: Request) -> Answer:
        answer = self._wire.send(signed(request, self._keys.keys(), self._region, self._clock()))
        if answer.status >= 300:
            raise refusal_of(answer)
        return answer

    def _request(
        self,
        method: str,
        bucket: str,
        key: str | None,
        query: Mapping[str, str],
        headers: Mapping[str, str] = MappingProxyType({}),
        body: bytes = b"",
    ) -> Request:
        path = "/" if key is None else f"/{quote(key, safe='/~')}"
        if self._endpoint is None and _LABEL.fullmatch(bucket):
            origin = f"https://{bucket}.s3.{self._region}.amazonaws.com"
        else:
            origin = self._endpoint or f"https://s3.{self._region}.amazonaws.com"
            path = f"/{quote(bucket, safe='')}{'' if key is None else path}"
        text = "&".join(f"{name}={quote(query[name], safe='~')}" for name in sorted(query))
        target = f"{path}?{text}" if text else path
        return Request(method, origin, target, {**self._headers, **headers}, body)


def _crc32(content: bytes) -> str:
    return base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise NoAnswer("a listing has an object without a size") from error

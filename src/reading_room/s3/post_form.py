"""Browser uploads: a form as the PutObject of the same meaning, and the response that the form selects."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode, urlsplit
from xml.etree.ElementTree import Element  # nosec B405 # the type alone; defusedxml parses

from reading_room.aws.call import IncomingRequest
from reading_room.aws.protocols.xml import DECLARATION, element, read
from reading_room.aws.sigv4 import has_signature
from reading_room.s3.addressing import KEY_LIMIT, Address
from reading_room.s3.backend import S3Response
from reading_room.s3.checksums import Digests
from reading_room.s3.errors import InvalidArgument, InvalidRequest, KeyTooLong, MalformedXML
from reading_room.s3.form_errors import FileTooSmall
from reading_room.s3.form_reader import read_fields
from reading_room.s3.post_policy import PostPolicy
from reading_room.s3.streaming import Expectation, UploadBody
from reading_room.s3.tagging import OBJECT_TAGS, read_tag_set

_PLAIN = frozenset({"cache-control", "content-disposition", "content-encoding", "content-type", "expires"})
_OF_FORM = frozenset({"x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature", "x-amz-security-token"})


def is_form(method: str, address: Address, headers: Mapping[str, str]) -> bool:
    """Say whether a request is the upload of a browser's form."""
    posted = method == "POST" and address.bucket is not None and address.key is None
    return posted and headers.get("content-type", "").lower().startswith("multipart/form-data")


@dataclass(frozen=True, slots=True)
class Form:
    """A form whose file is not read yet. Field names are in lower case."""

    fields: Mapping[str, str]
    file_name: str
    file: AsyncIterator[bytes]

    @property
    def key(self) -> str:
        """The object's key, with ``${filename}`` filled in. Raises ``InvalidArgument`` and ``KeyTooLong``."""
        name = re.split(r"[/\\]", self.file_name)[-1]
        key = self.fields.get("key", "").replace("${filename}", name)
        if not key:
            raise InvalidArgument(
                "key",
                "",
                "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the "
                "fields.",
            )
        if len(key.encode()) > KEY_LIMIT:
            raise KeyTooLong(len(key.encode()))
        return key

    def headers(self, request: Mapping[str, str]) -> dict[str, str]:
        """Return the headers of the PutObject of the same meaning. Raises ``MalformedXML`` for unreadable tags."""
        headers = {name: value for name, value in request.items() if name in ("host", "origin", "user-agent")}
        for name, value in self.fields.items():
            if not value.isprintable():
                raise InvalidArgument(name, value, "A field that becomes a header must be printable.")
            if name == "acl":
                headers["x-amz-acl"] = value
            elif name in _PLAIN or (name.startswith("x-amz-") and name not in _OF_FORM):
                headers[name] = value
        if "tagging" in self.fields:
            headers["x-amz-tagging"] = urlencode(_tags(self.fields["tagging"]), quote_via=quote)
        return headers

    def as_put(self, incoming: IncomingRequest, headers: Mapping[str, str]) -> IncomingRequest:
        """Return the PutObject of the same meaning, with these headers."""
        return replace(incoming, method="PUT", query_string="", headers=tuple(headers.items()))

    def answer(self, stored: S3Response, address: Address, incoming: IncomingRequest) -> S3Response:
        """Return the response that the form selects: a redirect, or a status with or without a document."""
        assert address.bucket is not None
        etag = dict(stored.headers)["etag"]
        scheme, host = "https" if incoming.path.secure else "http", incoming.header("host") or ""
        folder = "" if address.virtual else f"/{address.bucket}"
        location = f"{scheme}://{host}{folder}/{quote(self.key, safe='/~')}"
        target = self.fields.get("success_action_redirect") or self.fields.get("redirect") or ""
        if _is_address(target):
            query = urlencode({"bucket": address.bucket, "key": self.key, "etag": etag})
            return S3Response(303, (*stored.headers, ("location", f"{target}{'&' if '?' in target else '?'}{query}")))
        headers = (*stored.headers, ("location", location))
        status = self.fields.get("success_action_status")
        if status == "201":
            facts = {"Location": location, "Bucket": address.bucket, "Key": self.key, "ETag": etag}
            document = "".join(element(name, value) for name, value in facts.items())
            body = f"{DECLARATION}<PostResponse>{document}</PostResponse>".encode()
            return S3Response(201, (*headers, ("content-type", "application/xml")), body)
        return S3Response(200 if status == "200" else 204, headers)


class FormUpload(UploadBody):
    """The file of a form, whose policy may bound its length."""

    def __init__(self, form: Form, headers: Mapping[str, str], policy: PostPolicy | None, executor: Executor) -> None:
        expectation = replace(Expectation.of({**headers, "content-length": "0"}, "UNSIGNED-PAYLOAD"), length=None)
        super().__init__(lambda: form.file, expectation, executor)
        self._range = policy.length if policy is not None else None

    async def drain(self, consume: Callable[[bytes], object], limit: int, algorithms: Sequence[str] = ()) -> Digests:
        """Read the file like any body. Also raises ``EntityTooLarge`` and ``FileTooSmall``."""
        least, most = self._range or (0, limit)
        digests = await super().drain(consume, min(limit, most), algorithms)
        if digests.size < least:
            raise FileTooSmall(digests.size, least)
        return digests


async def form_of(incoming: IncomingRequest, headers: Mapping[str, str], chunks: AsyncIterator[bytes]) -> Form:
    """Read the form that is the body of a request, as ``read_form`` does.

    Also raises ``InvalidRequest`` for a request that is signed outside the form.
    """
    if has_signature(incoming):
        raise InvalidRequest("The fields of a form sign it, so an Authorization header is not allowed.")
    return await read_form(headers["content-type"], chunks)


async def read_form(content_type: str, chunks: AsyncIterator[bytes]) -> Form:
    """Read a form up to the first byte of its file. Raises the errors of ``read_fields``."""
    return Form(*await read_fields(content_type, chunks))


def form_upload(
    form: Form, address: Address, headers: Mapping[str, str], now: dt.datetime, executor: Executor
) -> UploadBody:
    """Check a form against its policy, and return its file.

    Raises ``InvalidPolicyDocument`` and ``FormNotAllowed``.
    """
    policy = None
    if "policy" in form.fields:
        policy = PostPolicy.parse(form.fields["policy"])
        policy.check({**form.fields, "key": form.key}, address.bucket or "", now)
    return FormUpload(form, headers, policy, executor)


def _tags(document: str) -> Mapping[str, str]:
    try:
        root: Element = read(document.encode())
    except ValueError:
        raise MalformedXML from None
    entries = [{child.tag: child.text or "" for child in tag} for tag in root.iterfind("TagSet/Tag")]
    return read_tag_set({"TagSet": entries}, OBJECT_TAGS)


def _is_address(text: str) -> bool:
    try:
        return text.isascii() and text.isprintable() and urlsplit(text).scheme in ("http", "https")
    except ValueError:
        return False

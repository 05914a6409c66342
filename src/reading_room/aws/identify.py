"""Which service a request is for, from its head alone, before anything of it is believed.

The order: what the client signed for (its credential scope), the JSON target, the host name, the form. A request that
says nothing of all that is S3's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from reading_room.aws.models import SERVED, ServedService
from reading_room.aws.protocols.forms import FORM
from reading_room.aws.sigv4 import query_pairs

_SCOPE = re.compile(r"Credential=[^/,\s]*/[^/,\s]*/[^/,\s]*/([^/,\s]+)/aws4_request")
_HOST = re.compile(r"(?:^|\.)(comprehend|logs|cloudtrail|ec2|iam|sts|reading-room)(?:[.-][a-z0-9-]+)?\.amazonaws\.com$")
_BY_TARGET = {prefix: served for served in SERVED.values() for prefix in served.target_prefixes}
_BY_VERSION = {served.version: served for served in SERVED.values() if served.version}


@dataclass(frozen=True, slots=True)
class UnknownService:
    """A service that AWS may have and this product does not; ``style`` is how its client expects the refusal."""

    name: str
    style: Literal["json", "query"]


def identify(
    method: str, query_string: str, headers: Sequence[tuple[str, str]]
) -> ServedService | UnknownService | None:
    """Return the service that the head of a request asks for.

    ``headers`` have lower-case names. ``None`` stands for a form without a signature, whose service only its body's
    ``Version`` tells.
    """
    first = dict(reversed(headers))
    query = dict(reversed(query_pairs(query_string)))
    target = first.get("x-amz-target")
    is_form = first.get("content-type", "").split(";")[0].strip().lower() == FORM
    signed_for = _signed_for(first.get("authorization", ""), query.get("X-Amz-Credential", ""))
    if signed_for is not None:
        return SERVED.get(signed_for) or UnknownService(signed_for, "query" if is_form else "json")
    if target is not None:
        prefix = target.rpartition(".")[0] or target
        return _BY_TARGET.get(prefix) or UnknownService(prefix, "json")
    host = _HOST.search(first.get("host", "").partition(":")[0].lower())
    if host is not None:
        return SERVED[host[1]]
    if "Action" in query:
        return service_of_version(query.get("Version"))
    if is_form and method == "POST":
        return None
    return SERVED["s3"]


def service_of_version(version: str | None) -> ServedService | UnknownService:
    """Return the query service whose API has that version."""
    return _BY_VERSION.get(version or "") or UnknownService(f"version {version}", "query")


def _signed_for(authorization: str, credential: str) -> str | None:
    found = _SCOPE.search(authorization)
    if found is not None:
        return found[1]
    parts = credential.split("/")
    return parts[3] if len(parts) == 5 and parts[3] else None

"""Cross-origin resource sharing (CORS): which pages of other sites may call a bucket from a browser.

The rules only tell browsers what they may show to a page; they grant no permission. These are pure functions on the
rules in the form of PutBucketCors.

AWS source: "Using cross-origin resource sharing (CORS)", S3 user guide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reading_room.s3.errors import InvalidRequest, MalformedXML
from reading_room.s3.setting_errors import BadRequest, CorsForbidden

METHODS = ("GET", "PUT", "HEAD", "POST", "DELETE")
MOST_RULES = 100
_ID_LIMIT = 255
_VARY = ("vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")

Rule = Mapping[str, Any]
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class CorsRequest:
    """The question of a browser: the page's origin, the method, and the headers that the page wants to send."""

    origin: str
    method: str
    headers: tuple[str, ...] = ()

    @classmethod
    def of_preflight(cls, headers: Mapping[str, str]) -> CorsRequest:
        """Read a preflight request. Raises ``BadRequest`` if a required header is missing."""
        if not headers.get("origin"):
            raise BadRequest("Insufficient information. Origin request header needed.")
        method = headers.get("access-control-request-method", "")
        if method not in METHODS:
            raise BadRequest(f"Invalid Access-Control-Request-Method: {method or 'null'}")
        names = headers.get("access-control-request-headers", "").split(",")
        return cls(headers["origin"], method, tuple(name.strip().lower() for name in names if name.strip()))


def check_rules(rules: Sequence[Rule]) -> None:
    """Raise ``MalformedXML`` or ``InvalidRequest`` for rules that S3 does not accept."""
    if not 1 <= len(rules) <= MOST_RULES:
        raise MalformedXML
    for rule in rules:
        origins, methods = rule.get("AllowedOrigins"), rule.get("AllowedMethods")
        if not origins or not methods or len(rule.get("ID", "")) > _ID_LIMIT or rule.get("MaxAgeSeconds", 0) < 0:
            raise MalformedXML
        for method in methods:
            if method not in METHODS:
                raise InvalidRequest(f"Found unsupported HTTP method in CORS config. Unsupported method is {method}")
        for element, values in (("AllowedOrigin", origins), ("AllowedHeader", rule.get("AllowedHeaders", ()))):
            for value in values:
                if value.count("*") > 1:
                    raise InvalidRequest(f'{element} "{value}" can not have more than one wildcard.')
        for value in rule.get("ExposeHeaders", ()):
            if "*" in value:
                raise InvalidRequest(f'ExposeHeader "{value}" contains wildcard. We currently do not support wildcard.')
        for value in (*origins, *rule.get("AllowedHeaders", ()), *rule.get("ExposeHeaders", ())):
            if not value.isprintable() or not value.isascii():
                raise MalformedXML


def preflight_headers(rules: Sequence[Rule] | None, request: CorsRequest, resource_type: str) -> Headers:
    """Return the headers that answer a preflight request. Raises ``CorsForbidden``."""
    if not rules:
        raise CorsForbidden("CORS is not enabled for this bucket.", request.method, resource_type)
    rule = _first_match(rules, request)
    if rule is None:
        raise CorsForbidden(
            "This CORS request is not allowed. This is usually because the evalution of Origin, request method / "
            "Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's "
            "CORS spec.",
            request.method,
            resource_type,
        )
    allowed = (("access-control-allow-headers", ", ".join(request.headers)),) if request.headers else ()
    return (*_headers(rule, request), *allowed)


def cors_headers(rules: Sequence[Rule] | None, origin: str, method: str) -> Headers:
    """Return the headers of the answer to a page of ``origin``, none if no rule allows the page to read it."""
    request = CorsRequest(origin, method)
    rule = _first_match(rules or (), request)
    return _headers(rule, request) if rule is not None else ()


def _first_match(rules: Sequence[Rule], request: CorsRequest) -> Rule | None:
    return next((rule for rule in rules if _matches(rule, request)), None)


def _matches(rule: Rule, request: CorsRequest) -> bool:
    headers = [pattern.lower() for pattern in rule.get("AllowedHeaders", ())]
    return (
        request.method in rule["AllowedMethods"]
        and any(_fits(pattern, request.origin) for pattern in rule["AllowedOrigins"])
        and all(any(_fits(pattern, name) for pattern in headers) for name in request.headers)
    )


def _fits(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None


def _headers(rule: Rule, request: CorsRequest) -> Headers:
    anybody = "*" in rule["AllowedOrigins"]
    headers = [
        ("access-control-allow-origin", "*" if anybody else request.origin),
        ("access-control-allow-methods", ", ".join(rule["AllowedMethods"])),
    ]
    if exposed := rule.get("ExposeHeaders"):
        headers.append(("access-control-expose-headers", ", ".join(exposed)))
    if (age := rule.get("MaxAgeSeconds")) is not None:
        headers.append(("access-control-max-age", str(age)))
    if not anybody:
        headers.append(("access-control-allow-credentials", "true"))
    return (*headers, _VARY)

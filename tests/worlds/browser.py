"""Requests as a page in a browser makes them, without a signature."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from typing import Any


def fetched(url: str, method: str = "GET", trust: str | None = None, **headers: str) -> tuple[int, Any, bytes]:
    """Send a request; return status, headers and body, also of an error."""
    request = urllib.request.Request(url, method=method, headers={k.replace("_", "-"): v for k, v in headers.items()})
    context = ssl.create_default_context(cafile=trust) if trust else None
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()

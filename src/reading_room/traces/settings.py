"""The settings of the process that sends spans: only those of this product."""

from __future__ import annotations

from collections.abc import MutableMapping

_NAMES = frozenset({"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"})


def remove_settings(environment: MutableMapping[str, str]) -> None:
    """Remove the variables by which OpenTelemetry or its HTTP library would be told where to send, and what."""
    for name in list(environment):
        if name in _NAMES or name.startswith("OTEL_") or name.lower().endswith("_proxy"):
            del environment[name]

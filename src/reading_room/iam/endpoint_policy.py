"""The policy of a VPC endpoint, as the authorizer receives it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EndpointPolicy:
    """The policy of a VPC endpoint: its JSON text, and whether the endpoint is of type Gateway."""

    text: str
    gateway: bool
    account: str = ""
    """The account of the endpoint, and so of its VPC."""

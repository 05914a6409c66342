"""Inference units: how many characters a second an endpoint analyses."""

from __future__ import annotations

from reading_room.aws.throttling import Buckets, Rate
from reading_room.comprehend.endpoints.errors import EndpointThrottled

CHARACTERS = 100
"""The characters a second of one unit."""


def take(buckets: Buckets, arn: str, units: int, characters: int) -> None:
    """Count the characters of a call to an endpoint with so many units. Raises ``EndpointThrottled``.

    A call is admitted while anything is left of the last second, and what is beyond it is owed: a text may be longer
    than an endpoint analyses in a second, and over time exactly the units are used.
    """
    if not buckets.take(_rate(units), _key(arn), characters):
        raise EndpointThrottled(arn, units, CHARACTERS)


def owe(buckets: Buckets, arn: str, units: int, characters: int) -> None:
    """Count characters of a call that was admitted before their number was known."""
    if characters > 0:
        buckets.owe(_rate(units), _key(arn), characters)


def _rate(units: int) -> Rate:
    return Rate(float(units * CHARACTERS), float(units * CHARACTERS))


def _key(arn: str) -> tuple[str, ...]:
    return "endpoint", arn

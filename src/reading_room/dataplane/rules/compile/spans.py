"""Destinations as spans of numbers: the owner of each part of the address space, and the networks that cover a part.

Networks nest, so one sweep over a table's routes finds the innermost network of every address. Even tables with default
routes and prefix lists take only milliseconds this way, because networks are not split one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, summarize_address_range
from typing import Generic, NamedTuple, TypeVar

Owner = TypeVar("Owner")


class Span(NamedTuple, Generic[Owner]):
    """The addresses from ``first`` to ``last``, as numbers, and their owner."""

    first: int
    last: int
    owner: Owner


def innermost(owners: Mapping[IPv4Network, Owner]) -> list[Span[Owner]]:
    """Return disjoint spans in order: each address belongs to the smallest network that contains it."""
    found: list[Span[Owner]] = []
    open_: list[Span[Owner]] = []
    at = 0

    def close(last: int) -> None:
        """End the part of the innermost open network at ``last``."""
        if open_ and at <= last:
            found.append(Span(at, last, open_[-1].owner))

    for network in sorted(owners, key=lambda each: (int(each.network_address), each.prefixlen)):
        first, last = int(network.network_address), int(network.broadcast_address)
        while open_ and open_[-1].last < first:
            close(open_[-1].last)
            at = max(at, open_.pop().last + 1)
        close(first - 1)
        at = first
        open_.append(Span(first, last, owners[network]))
    while open_:
        close(open_[-1].last)
        at = max(at, open_.pop().last + 1)
    return found


def common(spans: Sequence[Span[Owner]], others: Iterable[tuple[int, int]]) -> list[Span[Owner]]:
    """Return the parts of disjoint, ordered ``spans`` that are in one of the disjoint, ordered ``others``."""
    found: list[Span[Owner]] = []
    start = 0
    for first, last in others:
        while start < len(spans) and spans[start].last < first:
            start += 1
        at = start
        while at < len(spans) and spans[at].first <= last:
            span = spans[at]
            found.append(Span(max(span.first, first), min(span.last, last), span.owner))
            at += 1
    return found


def networks(spans: Iterable[tuple[int, int]]) -> tuple[str, ...]:
    """Return the fewest networks that cover disjoint, ordered spans, in order."""
    merged: list[tuple[int, int]] = []
    for first, last in spans:
        if merged and merged[-1][1] + 1 == first:
            merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))
    return tuple(
        str(network)
        for first, last in merged
        for network in summarize_address_range(IPv4Address(first), IPv4Address(last))
    )

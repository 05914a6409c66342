"""The metrics of traces: spans that were sent, and those that were dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

REASONS = ("queue_full", "no_room", "refused")
"""Why spans are dropped: too many calls at once, too many spans wait to be sent, the collector refuses them."""


class TraceMetrics(Collector):
    """Yields the metrics of ``counts``, which returns how many spans were ``sent``, and dropped by reason."""

    def __init__(self, counts: Callable[[], Mapping[str, int]]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        counts = self._counts()
        yield CounterMetricFamily(
            "reading_room_trace_spans_sent", "Spans of traces that the collector has.", value=counts.get("sent", 0)
        )
        dropped = CounterMetricFamily(
            "reading_room_trace_spans_dropped", "Spans of traces that were dropped, by reason.", labels=("reason",)
        )
        for reason in REASONS:
            dropped.add_metric((reason,), counts.get(reason, 0))
        yield dropped

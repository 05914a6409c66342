"""The counters and histograms of what happens between two scrapes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram

from reading_room.measures import FlowRecordLoss, Measures, result_of

CALL_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
"""Upper bounds in seconds, from a read of memory to a job's whole object."""
DECISION_BUCKETS = (0.000_05, 0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05)


class CountedMeasures(Measures):
    """Counts everything in ``registry``.

    The labels are names of botocore's models, of our kinds and engines, and of the few words that ``measures`` lists:
    there is no label whose values a client, an account or a document could add to. Children of metrics are looked up
    once, because the lookup costs as much as the count.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        calls = Histogram(
            "reading_room_api_request_duration_seconds",
            "Time from a complete API request to its answer.",
            ("service", "operation"),
            buckets=CALL_BUCKETS,
            registry=registry,
        )
        answered = Counter(
            "reading_room_api_requests",
            "API requests that were answered, by how they ended: ok, refused (4xx), failed (5xx).",
            ("service", "operation", "result"),
            registry=registry,
        )
        s3 = Histogram(
            "reading_room_s3_request_duration_seconds",
            "Time from the head of an S3 request to the end of its answer, including what the client takes to read it.",
            ("operation",),
            buckets=CALL_BUCKETS,
            registry=registry,
        )
        s3_answered = Counter(
            "reading_room_s3_requests",
            "S3 requests that were answered, by how they ended: ok, refused (4xx), failed (5xx).",
            ("operation", "result"),
            registry=registry,
        )
        decisions = Histogram(
            "reading_room_authorization_duration_seconds",
            "Time of one decision by policies.",
            ("decision",),
            buckets=DECISION_BUCKETS,
            registry=registry,
        )
        texts = Counter(
            "reading_room_synchronous_documents",
            "Documents that engines have analysed for synchronous calls.",
            ("engine",),
            registry=registry,
        )
        characters = Counter(
            "reading_room_synchronous_characters",
            "Characters of these documents.",
            ("engine",),
            registry=registry,
        )
        delivered = Counter(
            "reading_room_flow_records_delivered",
            "Flow log records that arrived at their destination.",
            ("destination",),
            registry=registry,
        )
        self._late = Counter(
            "reading_room_flow_records_late",
            "Delivered flow log records whose packets were reported after the window of their interface had closed.",
            registry=registry,
        )
        dropped = Counter(
            "reading_room_flow_records_dropped",
            "Flow log records that were dropped, by reason.",
            ("reason",),
            registry=registry,
        )
        self._call: Callable[[str, str], Histogram] = cache(calls.labels)
        self._answered: Callable[[str, str, str], Counter] = cache(answered.labels)
        self._s3: Callable[[str], Histogram] = cache(s3.labels)
        self._s3_answered: Callable[[str, str], Counter] = cache(s3_answered.labels)
        self._decision: Callable[[str], Histogram] = cache(decisions.labels)
        self._texts: Callable[[str], Counter] = cache(texts.labels)
        self._characters: Callable[[str], Counter] = cache(characters.labels)
        self._delivered: Callable[[str], Counter] = cache(delivered.labels)
        self._dropped: Callable[[str], Counter] = cache(dropped.labels)
        # An alert on a rate needs the zero before the first loss.
        for reason in ("access", "no_room", "error", "queue_full"):
            self._dropped(reason)

    def call(self, service: str, operation: str, status: int, seconds: float) -> None:
        """Count an API call."""
        self._call(service, operation).observe(seconds)
        self._answered(service, operation, result_of(status)).inc()

    def s3_request(self, operation: str, status: int, seconds: float) -> None:
        """Count an S3 request."""
        self._s3(operation).observe(seconds)
        self._s3_answered(operation, result_of(status)).inc()

    def decision(self, outcome: str, seconds: float) -> None:
        """Count a decision."""
        self._decision(outcome).observe(seconds)

    def analysed(self, engine: str, texts: int, characters: int) -> None:
        """Count the texts of a synchronous call."""
        self._texts(engine).inc(texts)
        self._characters(engine).inc(characters)

    def flow_records_delivered(self, destination: str, count: int) -> None:
        """Count delivered flow log records."""
        self._delivered(destination).inc(count)

    def flow_records_late(self, count: int) -> None:
        """Count late flow log records."""
        self._late.inc(count)

    def flow_records_dropped(self, reason: FlowRecordLoss, count: int) -> None:
        """Count dropped flow log records."""
        self._dropped(reason).inc(count)

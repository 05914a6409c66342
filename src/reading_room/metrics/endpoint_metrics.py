"""The metrics of model endpoints, as CloudWatch has them: provisioned and consumed units, and calls.

Their label is the ARN of an endpoint, which a client has chosen. Only endpoints that exist and answer have metrics, and
so many of them at most that the page stays small.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import select

from reading_room.comprehend.endpoints.endpoints import SERVING
from reading_room.comprehend.endpoints.units import EndpointUnits
from reading_room.comprehend.tables import EndpointRow
from reading_room.database.engine import Database

MOST_ENDPOINTS = 500
"""The most endpoints with metrics, the oldest first."""
_LABELS = ("endpoint_arn",)


class EndpointMetrics(Collector):
    """Reads the endpoints of all accounts, and yields what ``units`` says of them, into ``registry``."""

    def __init__(self, registry: CollectorRegistry, database: Database, units: EndpointUnits) -> None:
        self._database = database
        self._units = units
        self._serving: list[tuple[str, int]] = []
        registry.register(self)

    def read(self) -> None:
        """Read which endpoints there are. Not thread-safe. Raises ``SQLAlchemyError``."""
        query = select(EndpointRow.arn, EndpointRow.units).where(EndpointRow.status.in_(SERVING))
        with self._database.reading() as session:
            rows = session.execute(query.order_by(EndpointRow.created_at, EndpointRow.arn).limit(MOST_ENDPOINTS)).all()
        self._serving = [(arn, units or 0) for arn, units in rows]

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        provisioned = GaugeMetricFamily(
            "reading_room_endpoint_provisioned_inference_units", "Inference units of an endpoint.", labels=_LABELS
        )
        consumed = GaugeMetricFamily(
            "reading_room_endpoint_consumed_inference_units",
            "Inference units that an endpoint used on average in the last minute.",
            labels=_LABELS,
        )
        characters = CounterMetricFamily(
            "reading_room_endpoint_characters",
            "Characters that an endpoint has analysed; their rate is 100 for each unit.",
            labels=_LABELS,
        )
        calls = CounterMetricFamily(
            "reading_room_endpoint_calls", "Calls to an endpoint: admitted or throttled.", labels=(*_LABELS, "result")
        )
        for arn, units in self._serving:
            figures = self._units.figures(arn)
            provisioned.add_metric((arn,), units)
            consumed.add_metric((arn,), figures.consumed_units)
            characters.add_metric((arn,), figures.characters)
            calls.add_metric((arn, "admitted"), figures.answered)
            calls.add_metric((arn, "throttled"), figures.throttled)
        yield from (provisioned, consumed, characters, calls)

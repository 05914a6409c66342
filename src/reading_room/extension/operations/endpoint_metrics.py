"""What model endpoints did in the last minute, for the console: CloudWatch's figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.comprehend.endpoints.endpoints import SERVING
from reading_room.comprehend.endpoints.units import PERIOD_SECONDS, EndpointUnits
from reading_room.comprehend.tables import EndpointRow
from reading_room.database.engine import Database


class EndpointMetricsOperations:
    """Reports the figures of endpoints."""

    def __init__(self, database: Database, units: EndpointUnits) -> None:
        self._database = database
        self._units = units

    @operation("reading-room", "GetEndpointMetrics")
    def get_endpoint_metrics(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """GetEndpointMetrics of the caller's account."""
        with self._database.reading() as session:
            rows = session.execute(
                select(EndpointRow.arn, EndpointRow.units)
                .where(EndpointRow.account == call.account, EndpointRow.status.in_(SERVING))
                .order_by(EndpointRow.created_at, EndpointRow.arn)
            ).all()
        entries = [self._entry(arn, units) for arn, units in rows if units]
        return {"PeriodSeconds": PERIOD_SECONDS, "EndpointMetrics": entries}

    def _entry(self, arn: str, units: int) -> Mapping[str, Any]:
        figures = self._units.figures(arn)
        return {
            "EndpointArn": arn,
            "ProvisionedInferenceUnits": units,
            "ConsumedInferenceUnits": figures.consumed_units,
            "InferenceUtilization": 100 * figures.consumed_units / units,
            "ThrottledCalls": figures.recent_throttled,
        }

"""What the product says of its own work, for whoever measures it.

``Measures`` ignores everything, which is the default of every class that takes one. The one in ``metrics`` counts it.
Every method is quick, never raises, and can be called from any thread. No value is text that a client chose.
"""

from __future__ import annotations

from typing import Literal

Result = Literal["ok", "refused", "failed"]
"""How a request ended: as wished, with an error of the client's (4xx), or with one of the service's (5xx)."""
FlowRecordLoss = Literal["access", "no_room", "error", "queue_full"]
"""Why a flow log record was dropped: its destination denies it or is full, a fault, or too many records wait."""


class Measures:
    """Ignores everything."""

    def call(self, service: str, operation: str, status: int, seconds: float) -> None:
        """Take an answered API call. Unknown services and operations are ``other``."""

    def s3_request(self, operation: str, status: int, seconds: float) -> None:
        """Take an answered S3 request. An unknown operation is ``other``."""

    def decision(self, outcome: str, seconds: float) -> None:
        """Take a decision by policies; ``outcome`` is ``allowed``, ``implicitDeny`` or ``explicitDeny``."""

    def analysed(self, engine: str, texts: int, characters: int) -> None:
        """Take the texts of a synchronous call that an engine has analysed."""

    def flow_records_delivered(self, destination: str, count: int) -> None:
        """Take flow log records that have arrived at their destination."""

    def flow_records_late(self, count: int) -> None:
        """Take those of them whose packets were reported after the window of their interface had closed."""

    def flow_records_dropped(self, reason: FlowRecordLoss, count: int) -> None:
        """Take flow log records that nobody will ever read."""


IGNORED = Measures()


def result_of(status: int) -> Result:
    """Return how a request with an HTTP status ended."""
    return "ok" if status < 400 else "refused" if status < 500 else "failed"

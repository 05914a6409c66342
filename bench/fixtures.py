"""The product for other people's tests: ready after how long, and accounts created and deleted per second."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bench.processor import used
from bench.report import Row, median, record
from reading_room.testing import running

STARTS = 5
ACCOUNTS = 200


def main() -> None:
    """Measure and record."""
    ready: list[float] = []
    created: list[float] = []
    rates: list[float] = []
    processor: list[float] = []
    for _ in range(STARTS):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            with running(Path(folder)) as service:
                ready.append(time.perf_counter() - began)
                pairs, before = time.perf_counter(), used(service.data)["serve"]
                for _ in range(ACCOUNTS // STARTS):
                    each = time.perf_counter()
                    with service.new_account():
                        created.append(time.perf_counter() - each)
                rates.append(ACCOUNTS // STARTS / (time.perf_counter() - pairs))
                processor.append((used(service.data)["serve"] - before) / (ACCOUNTS // STARTS))
    record(
        "Fixtures",
        [
            Row("a product for tests, until it is ready", f"{median(ready):.2f} s", "2 s", f"{STARTS} starts"),
            Row(
                "an account, until it is created",
                f"{1e3 * median(created):.1f} ms ({1e3 * min(created):.1f} to {1e3 * max(created):.1f})",
                "20 ms",
                f"{ACCOUNTS} accounts one after the other, each deleted before the next",
            ),
            Row("accounts created and deleted", f"{median(rates):.0f} a second", "50 a second", "the same ones"),
            Row("processor time of `serve` for each", f"{1e3 * median(processor):.1f} ms", "reported", "the same ones"),
        ],
    )


if __name__ == "__main__":
    main()

"""How the workers of a run share its files."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling


class FromBothEnds(LoadFileScheduling):  # type: ignore[misc]
    """Gives each free worker the next file, and the last worker the file at the other end of the list.

    At one end are the tests that mostly wait for a product. With a worker at the other end, whose tests use only the
    processor, no core waits as well.
    """

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        super().__init__(config, log)
        self._last = f"gw{self.numnodes - 1}"

    @cached_property
    def _indexes(self) -> dict[str, int]:
        assert self.collection is not None
        return {test: index for index, test in enumerate(self.collection)}

    def _assign_work_unit(self, node: Any) -> None:
        file, tests = self.workqueue.popitem(last=node.gateway.id == self._last)
        self.assigned_work[node][file] = tests
        # The base class searches the whole collection for each test.
        node.send_runtest_some([self._indexes[test] for test, completed in tests.items() if not completed])

"""The progress of a job of several containers: what is counted, and when a finished part is reported."""

from __future__ import annotations

from reading_room.analysis.cluster.dispatch import Counted
from reading_room.analysis.cluster.finishing import Finishing
from reading_room.analysis.cluster.parts_client import PartsClient
from reading_room.analysis.cluster.service_client import ServiceClient
from reading_room.analysis.part_work import PartResult
from tests.worlds.analysis_cluster_service import PartEntry, Service


def result(number: int, documents: int) -> PartResult:
    """Return a finished part."""
    return PartResult(number, f"x/output/parts/1/{number}-0-a", 1, "0" * 64, documents, 0)


def test_documents_of_finished_and_of_running_parts_are_counted() -> None:
    counted = Counted()
    counted.finish(result(0, 20))
    counted.update(1, 5)
    counted.update(2, 7)
    assert counted.documents() == 32
    counted.finish(result(1, 20))
    assert counted.documents() == 47


def test_a_late_count_of_a_finished_part_is_ignored() -> None:
    counted = Counted()
    counted.finish(result(1, 20))
    counted.update(1, 19)
    assert counted.documents() == 20


def test_the_count_never_decreases_when_a_part_starts_again() -> None:
    counted = Counted()
    counted.update(0, 15)
    assert counted.documents() == 15
    counted.update(0, 2)
    assert counted.documents() == 15


def test_finished_parts_are_reported_before_the_end_and_refused_ones_are_known() -> None:
    with Service(parts=[PartEntry(fence=1), PartEntry(fence=8), PartEntry(fence=1)]) as service:
        finishing = Finishing(PartsClient(ServiceClient("/0", service.address)), {0: 1, 1: 1, 2: 1})
        for number in range(3):
            finishing.take(result(number, 10))
        assert finishing.close() is None
        assert service.done() == [0, 2]
        assert [refused.number for refused in finishing.refused] == [1]


def test_a_service_that_does_not_answer_is_a_failure_after_a_while() -> None:
    with Service(parts=[PartEntry()], away=True) as service:
        finishing = Finishing(PartsClient(ServiceClient("/0", service.address, patience=0.3)), {0: 1})
        finishing.take(result(0, 10))
        failure = finishing.close()
    assert failure is not None
    assert failure.code == "CLUSTER_LOST"
    assert "it answered 503" in failure.message

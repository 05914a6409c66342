"""Inference units: what is left of them, and the figures of what was used."""

from __future__ import annotations

import pytest

from reading_room.aws.throttling import Rate
from reading_room.comprehend.endpoints.errors import EndpointThrottled
from reading_room.comprehend.endpoints.units import PERIOD_SECONDS, EndpointUnits, Figures

ARN = "arn:aws:comprehend:us-east-1:111122223333:document-classifier-endpoint/mail"
OTHER = f"{ARN}-2"


class Units(EndpointUnits):
    """Units with a clock that a test sets."""

    def __init__(self, kept: int = 100) -> None:
        self.seconds = 1000.0
        super().__init__(lambda: self.seconds, kept)


def test_an_endpoint_uses_exactly_its_units_over_time() -> None:
    units = Units()
    admitted = 0
    for tenth in range(100):
        units.seconds = 1000.0 + tenth / 10
        try:
            units.admit(ARN, 2, 40)
        except EndpointThrottled:
            continue
        admitted += 40
    # Two units are 200 characters a second. What was left at the start is used, too.
    assert admitted == pytest.approx(200 * 10 + 200, abs=40)


def test_figures_have_the_last_minute_and_everything_since_the_start() -> None:
    units = Units()
    units.admit(ARN, 1, 1_200)
    with pytest.raises(EndpointThrottled):
        units.admit(ARN, 1, 1)
    assert units.figures(ARN) == Figures(1_200, 1, 1_200, 1, 1)
    assert units.figures(ARN).consumed_units == 0.2
    units.seconds += PERIOD_SECONDS
    units.admit(ARN, 1, 5)
    assert units.figures(ARN) == Figures(1_205, 1, 1_205, 2, 1)
    units.seconds += 1
    assert units.figures(ARN) == Figures(5, 0, 1_205, 2, 1)
    assert units.figures(OTHER) == Figures()


def test_the_characters_of_a_document_count_when_they_are_known() -> None:
    units = Units()
    units.admit(ARN, 1, 1)
    units.add(ARN, 1, 900)
    assert units.figures(ARN) == Figures(901, 0, 901, 1, 0)
    units.seconds += 5
    with pytest.raises(EndpointThrottled):
        units.admit(ARN, 1, 1)


def test_what_another_process_used_is_recent_but_not_counted_twice_in_totals() -> None:
    here, there = Units(), Units()
    here.taken = lambda rate, key, cost: there.charge(Rate(rate.burst, rate.per_second), key, cost)
    here.admit(ARN, 1, 300)
    with pytest.raises(EndpointThrottled):
        here.admit(ARN, 1, 1)
    assert there.figures(ARN) == Figures(300, 1, 0, 0, 0)
    with pytest.raises(EndpointThrottled):
        there.admit(ARN, 1, 1)


def test_only_so_many_endpoints_are_remembered() -> None:
    units = Units(kept=1)
    units.admit(ARN, 1, 5)
    units.admit(OTHER, 1, 5)
    assert (units.figures(ARN), units.figures(OTHER).characters) == (Figures(), 5)

"""The memory of a model that sleeps: it is free for jobs, and the model asks for it when it is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from reading_room.agent.spec import Capacity, HostReport
from reading_room.jobs.record import LOCAL_HOST
from tests.worlds.models import ModelWorld
from tests.worlds.waiting import DEADLINE


@pytest.mark.costs(0.5, reason="it starts the whole product, and the controller handles jobs")
def test_a_model_that_sleeps_needs_free_memory_to_wake(tmp_path: Path) -> None:
    world = ModelWorld(tmp_path, endpoints_memory=300_000_000)
    try:
        world.product.report(HostReport(LOCAL_HOST, 1, capacity=Capacity(2, 8_000_000_000, 6_000_000_000)))
        world.client.create_endpoint(EndpointName="mail", ModelArn=world.train(), DesiredInferenceUnits=2)
        world.product.endpoints.turn()
        assert world.product.endpoints.settle(DEADLINE)
        (model,) = world.engines.kept
        world.product.report(HostReport(LOCAL_HOST, 2, capacity=Capacity(2, 8_000_000_000, 6_000_000_000)))
        assert world.product.endpoints.shortage(model) is None, "what it had itself is not in its way"
        # A job has got the memory meanwhile.
        world.product.report(HostReport(LOCAL_HOST, 3, capacity=Capacity(2, 8_000_000_000, 100_000_000)))
        said = world.product.endpoints.shortage(model) or ""
        needs = f"INSUFFICIENT_MEMORY: {model.arn} needs about {model.memory:,} bytes of memory"
        assert said.startswith(f"{needs}, but only 100,000,000 are free")
    finally:
        world.close()

"""What all tests share: the profiles of property tests, the order of a run, and the summary at its end."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, Any

# Tests fork, which a process should do with one thread: numerical libraries would make more as they are loaded.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import pytest
from hypothesis import HealthCheck, settings

from tests.suite import costs, order
from tests.suite.machine import Machine

if TYPE_CHECKING:
    from tests.suite.schedule import FromBothEnds

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fuzz", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("READING_ROOM_HYPOTHESIS", "default"))


def pytest_configure(config: pytest.Config) -> None:
    """Measure tests in the processes that run them; print the summary and compare the machine in the first process."""
    if not config.getoption("numprocesses", None):
        config.pluginmanager.register(costs.Measure())
        gc.disable()  # Until the tests are collected, as next to nothing is freed meanwhile.
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(costs.Summary(costs.record_file()))
        config.pluginmanager.register(Machine(config))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put slow tests first."""
    order.longest_first(items)


def pytest_collection_finish() -> None:
    """Exempt the objects that are loaded by now from garbage collection: a scan of all of them takes a second.

    Clients of boto3 share their classes from now on, if any test uses it.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    if "botocore.client" in sys.modules:
        from tests.worlds.sdk import keep_classes

        keep_classes()


@pytest.fixture(scope="session", autouse=True)
def _state(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the installations of tests out of this machine's state folder."""
    os.environ["READING_ROOM_STATE"] = str(tmp_path_factory.mktemp("state"))


def pytest_xdist_auto_num_workers() -> int:
    """Return how many workers ``-n auto`` means."""
    return order.workers()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FromBothEnds | None:
    """Return how the workers share the files, or ``None`` if they share single tests."""
    from tests.suite.schedule import FromBothEnds

    return FromBothEnds(config, log) if config.getvalue("dist") == "loadfile" else None

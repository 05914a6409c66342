"""The fixture ``world``: a test with it runs in a forked child, inside namespaces of its own."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

import pytest

from tests.worlds.network import World

SKIPPED = 2
"""The exit status of a child whose test needs something that this machine lacks."""


class InsideWorldError(Exception):
    """A test failed in its child process; the message is the child's traceback."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world. The test's child process enters it before the test's body runs."""
    return World(tmp_path)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Fork for a test with a ``world``; the child's result is the test's."""
    if "world" not in pyfuncitem.funcargs:
        return None
    world = pyfuncitem.funcargs["world"]
    assert isinstance(world, World)
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    read, write = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        code, report = 0, ""
        try:
            world.enter()
            pyfuncitem.obj(**arguments)
            world.leave()
        except pytest.skip.Exception as skipped:
            code, report = SKIPPED, str(skipped)
            world.end_processes()
        except BaseException:
            code, report = 1, traceback.format_exc()
            world.end_processes()
        os.write(write, report[-30_000:].encode())
        os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        data = pipe.read()
    _pid, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) == SKIPPED:
        pytest.skip(data.decode())
    if status != 0:
        report = data.decode(errors="replace") or f"the child ended with status {status}"
        raise InsideWorldError(report)
    return True

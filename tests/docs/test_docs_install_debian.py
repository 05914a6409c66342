"""The page for the Debian package, typed on a separate machine: install, upgrade during a job, remove and purge.

If there are packages of two versions, the earlier one is upgraded to the later one, otherwise the only one to itself.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.docs.booted import Machine, booted, latest_job, running, started, why_not
from tests.worlds.pages import ROOT, blocks, page_of

PACKAGES = sorted((ROOT / "dist" / "deb").glob("reading-room_*.deb"))
pytestmark = [
    pytest.mark.boot,
    pytest.mark.timeout(4000),
    pytest.mark.skipif(bool(why_not()), reason=why_not()),
    pytest.mark.skipif(len(PACKAGES) not in (1, 2), reason="make deb has not built the package in dist/deb"),
]

INSTALL, READY, JOB, UPGRADE, REMOVE = [
    block.text for block in blocks(page_of("operations/install-debian.md")) if block.commands
]
SUDO = """command -v sudo > /dev/null || sudo() { "$@"; }
apt-get() { command apt-get -y -o APT::Sandbox::User=root "$@"; }
export DEBIAN_FRONTEND=noninteractive
"""
"""Root needs no sudo; apt asks nothing, and may read root's files."""
INSTALL_SECONDS = 900.0
JOB_SECONDS = 2400.0
"""Ten times as long as the job takes on an idle machine."""
PYTHON = "/usr/lib/reading-room/bin/python3"
DOCUMENTS = 200_000
"""Enough for a job to outlast an upgrade, which compiles all Python files, a minute or more."""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A booted machine with the package, installed as the page says."""
    with booted(tmp_path_factory.mktemp("machine")) as found:
        found.put(PACKAGES[0], f"/root/{PACKAGES[0].name}")
        found.type(f"{SUDO}{INSTALL}", seconds=INSTALL_SECONDS)
        yield found


def test_the_package_starts_the_services_and_a_job_runs(machine: Machine) -> None:
    machine.type(READY)
    assert "PERSON" in machine.type(f"{SUDO}{JOB}")
    assert running(machine) == {("root", "holder"), ("root", "agent"), ("reading-room", "serve")}
    assert machine.type("stat -c %U%a /var/lib/reading-room/credentials") == "reading-room600\n"
    assert machine.type("systemctl is-system-running; systemctl is-enabled reading-room.target") == "running\nenabled\n"
    assert machine.type("dpkg --verify reading-room") == ""
    machine.type("man -w reading-room; man -w reading-room.conf")


def test_an_upgrade_keeps_settings_and_running_jobs(machine: Machine) -> None:
    """The services run the new files; the holder, which has the job's containers, goes on."""
    machine.type("rm reading-room_*.deb")
    machine.put(PACKAGES[-1], f"/root/{PACKAGES[-1].name}")
    machine.type(f"""
        echo READING_ROOM_CONTAINERS_PER_JOB=1 >> /etc/reading-room.conf
        systemctl restart reading-room-serve
        {READY}
        seq -f 'Marie Curie of Warsaw met Albert Einstein in Paris, %.0f.' {DOCUMENTS} > texts/a.txt
        reading-room jobs run texts --per-line --data /var/lib/reading-room > /dev/null 2>&1 &
    """)
    latest_job(machine, PYTHON, "^IN_PROGRESS")
    machine.type(f"{SUDO}{UPGRADE}", seconds=INSTALL_SECONDS)
    assert machine.type("reading-room --version").split()[-1] == PACKAGES[-1].name.split("_")[1]
    holder, *others = started(machine)
    state, ended, *message = latest_job(machine, PYTHON, "^(COMPLETED|FAILED|STOPPED)", seconds=JOB_SECONDS)
    assert (state, message) == ("COMPLETED", [])
    assert holder < min(others) <= max(others) < int(ended), "the job did not outlast the upgrade"
    machine.type("grep CONTAINERS_PER_JOB=1 /etc/reading-room.conf")


def test_removing_keeps_the_data_and_purging_deletes_it(machine: Machine) -> None:
    """After a purge nothing of the package is left, except its user."""
    remove, purge = REMOVE.splitlines()
    machine.type(f"{SUDO}{remove}", seconds=INSTALL_SECONDS)
    assert running(machine) == set()
    machine.type("test -s /var/lib/reading-room/credentials; test -e /etc/reading-room.conf")
    machine.type(f"{SUDO}{purge}")
    assert machine.type("find /usr /etc /var/lib -xdev -name 'reading-room*' -not -path '/usr/lib/python*'") == ""
    gone = "! systemctl cat reading-room.target > /dev/null 2>&1; systemctl is-system-running"
    assert machine.type(gone) == "running\n"
    machine.type("getent passwd reading-room")

"""The page for systemd, typed on a separate machine: system services, an update during a job, a user's services."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.booted import Machine, booted, latest_job, running, started, why_not
from tests.worlds.pages import ROOT, blocks, page_of

pytestmark = [pytest.mark.boot, pytest.mark.timeout(1500), pytest.mark.skipif(bool(why_not()), reason=why_not())]

INSTALL, UPDATE, AS_USER = [block.text for block in blocks(page_of("systemd.md")) if block.commands]
PYTHON = "/opt/reading-room/.venv/bin/python"
ORIGIN = "/srv/reading-room.git"
SETUP_SECONDS = 900.0
"""Packages are fetched and unpacked, which takes a minute or two on an idle machine."""
SUDO = """command -v sudo > /dev/null || sudo() { "$@"; }"""
"""Root needs no sudo, and a small system has none."""
POLKIT = Path("/usr/lib/polkit-1/polkitd")
DOCUMENTS = 10_000
"""Enough for a job to outlast an update, which takes some seconds."""
AS_READER = (
    "systemd-run --quiet --wait --pipe --uid=reader -p PAMName=login -p WorkingDirectory=/opt/reading-room "
    "/bin/bash -euc 'exec 2>&1; . /tmp/typed'"
)
"""The commands of a user who logs in."""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A booted machine with this checkout's last commit, installed as the page says."""
    with booted(tmp_path_factory.mktemp("machine")) as found:
        # Whoever owns the checkout. A copy, because a link would change its target if the layers are on two file
        # systems.
        found.type("git config --global --add safe.directory '*'")
        found.type(f"git clone --quiet --bare --no-hardlinks {ROOT} {ORIGIN}")
        # A job must take some time on a large machine too.
        found.type("echo READING_ROOM_CONTAINERS_PER_JOB=1 > /etc/reading-room.conf")
        found.type(f"{SUDO}\n{INSTALL.replace('…', ORIGIN)}", own_network=False, seconds=SETUP_SECONDS)
        yield found


def test_the_services_run_a_job(machine: Machine) -> None:
    """Each with the user that the page says, in a system without failed units."""
    machine.type("mkdir texts; echo Marie Curie was born in Warsaw. > texts/a.txt")
    assert "PERSON" in machine.type("reading-room jobs run texts --data /var/lib/reading-room")
    assert running(machine) == {("root", "holder"), ("root", "agent"), ("reading-room", "serve")}
    assert machine.type("stat -c %U%a /var/lib/reading-room/credentials") == "reading-room600\n"
    assert machine.type("systemctl is-system-running") == "running\n"


def test_an_update_does_not_end_a_job(machine: Machine) -> None:
    """There is a new version meanwhile. The running job completes after both services were restarted."""
    machine.type(f"""
        seq -f 'Marie Curie of Warsaw met Albert Einstein in Paris, %.0f.' {DOCUMENTS} > texts/a.txt
        reading-room jobs run texts --per-line --data /var/lib/reading-room > /dev/null 2>&1 &
        git clone --quiet {ORIGIN} work
        cd work
        echo 'LATER = True' >> src/reading_room/__init__.py
        git -c user.name=test -c user.email=test@example.com commit --quiet --all --message Later
        git push --quiet
    """)
    latest_job(machine, PYTHON, "^IN_PROGRESS")
    machine.type(f"{SUDO}\n{UPDATE}", own_network=False, seconds=SETUP_SECONDS)
    machine.type("grep LATER /opt/reading-room/src/reading_room/__init__.py")
    holder, *others = started(machine)
    state, ended, *message = latest_job(machine, PYTHON, "^(COMPLETED|FAILED|STOPPED)")
    assert (state, message) == ("COMPLETED", [])
    assert holder < min(others) <= max(others) < int(ended), "the job did not outlast the update"


@pytest.mark.skipif(not POLKIT.exists(), reason="polkitd, which lets users linger, is not installed here")
def test_a_user_has_services_of_their_own(machine: Machine) -> None:
    """Typed by a user without privileges at a login; the services continue after it."""
    # A small system's image may lack the line that Debian's package of systemd's PAM module adds.
    machine.type("""
        systemctl disable --now reading-room.target
        DEBIAN_FRONTEND=noninteractive pam-auth-update --enable systemd
        useradd --create-home --shell /bin/bash reader
        mkdir /tmp/texts; echo Marie Curie was born in Warsaw. > /tmp/texts/a.txt
    """)
    machine.type(f"cat > /tmp/typed <<'END'\n{AS_USER}\nEND\n{AS_READER}")
    assert "PERSON" in machine.type(f"echo reading-room jobs run /tmp/texts > /tmp/typed; {AS_READER}")
    assert running(machine) == {("reader", "holder"), ("reader", "agent"), ("reader", "serve")}

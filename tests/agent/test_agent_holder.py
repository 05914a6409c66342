"""The holder of the namespaces, and the view of files that other user ids can reach."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reading_room.agent import holder as holders
from reading_room.agent.errors import HolderFailed
from reading_room.agent.holder import Holder
from reading_room.cli.folder import StartError
from reading_room.cli.holder_starter import running_holder
from reading_room.settings import Settings
from tests.worlds.waiting import eventually

pytestmark = pytest.mark.network

ROOTLESS = os.geteuid() != 0
as_root = pytest.mark.skipif(ROOTLESS, reason="needs root")


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Holder]:
    """Start a holder."""
    holder = holders.start(tmp_path, ROOTLESS)
    yield holder
    holders.end(holder, tmp_path)


def inside(holder: Holder, *argv: str) -> str:
    return subprocess.run(
        holders.enter_argv(holder, argv), check=True, capture_output=True, text=True, timeout=10
    ).stdout


def test_it_has_its_own_namespaces_and_a_private_run(held: Holder, tmp_path: Path) -> None:
    assert inside(held, "readlink", "/proc/self/ns/net").strip() != os.readlink("/proc/self/ns/net")
    assert inside(held, "readlink", "/proc/self/ns/mnt").strip() != os.readlink("/proc/self/ns/mnt")
    assert inside(held, "ls", "-A", "/run").split() == ["netns"]
    assert inside(held, "id", "-u").strip() == "0"
    assert (tmp_path / "holder.json").stat().st_mode & 0o077 == 0


OUTSIDE = """
import ctypes, os, sys
from reading_room.agent.holder import HOLDER
from reading_room.containers import become, seccomp

def outcome(call, *arguments):
    child = os.fork()
    if child == 0:
        become.take_on(content)
        ctypes.set_errno(0)
        os._exit(ctypes.get_errno() if call(*arguments) < 0 else 0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

content = seccomp.program(HOLDER)
libc = ctypes.CDLL(None, use_errno=True)
print(outcome(libc.fork), outcome(libc.socket, 1, 1, 0), outcome(libc.kill, 1, 0), outcome(libc.unlink, b"/none"))
print(*(outcome(getattr(libc, name), 0, 0, 0, 0) for name in ("ptrace", "setns", "unshare", "mount")))
"""


def test_it_has_a_filter_and_its_namespaces_can_be_used(held: Holder) -> None:
    status = Path(f"/proc/{held.pid}/status").read_text()
    assert "\nSeccomp:\t2\n" in status
    assert "\nNoNewPrivs:\t1\n" in status
    eventually(lambda: Path(f"/proc/{held.pid}/comm").read_text() == "sleep\n")
    inside(held, "ip", "link", "add", "probe", "type", "veth", "peer", "name", "other")
    assert "probe" in inside(held, "ip", "-o", "link", "show", "probe")


def test_what_a_holder_does_not_need_is_refused() -> None:
    run = subprocess.run([sys.executable, "-c", OUTSIDE], capture_output=True, text=True, check=True)
    refused, killed = run.stdout.splitlines()
    assert refused.split() == [str(errno.EPERM)] * 4
    assert killed.split() == [str(-signal.SIGSYS)] * 4


def test_it_is_adopted_while_it_lives_and_replaced_once_it_died(held: Holder, tmp_path: Path) -> None:
    assert holders.adopt_or_start(tmp_path, ROOTLESS) == held
    os.kill(held.pid, 9)
    os.waitpid(held.pid, 0)
    assert not holders.alive(held)
    second = holders.adopt_or_start(tmp_path, ROOTLESS)
    assert second != held
    assert holders.alive(second)
    holders.end(second, tmp_path)


def test_another_process_with_its_number_is_not_mistaken_for_it(held: Holder) -> None:
    assert not holders.alive(Holder(held.pid, held.start_time + 1, held.rootless))
    assert holders.alive(held)


def test_a_malformed_record_is_no_holder(tmp_path: Path) -> None:
    (tmp_path / "holder.json").write_text(json.dumps({"pid": 1}))
    assert holders.recorded(tmp_path) is None


def test_a_runtime_folder_below_run_stays_visible(tmp_path: Path) -> None:
    if ROOTLESS:
        pytest.skip("needs root")
    folder = Path("/run") / f"reading-room-{os.getpid()}"
    folder.mkdir(mode=0o700)
    try:
        holder = holders.start(folder, rootless=False)
        try:
            assert inside(holder, "ls", str(folder)).split() == ["holder.json"]
        finally:
            holders.end(holder, folder)
    finally:
        folder.rmdir()


def test_a_holder_that_cannot_start_says_why_and_which_command_says_more(tmp_path: Path) -> None:
    with pytest.raises(HolderFailed, match=r"did not start: .*missing"):
        holders.start(tmp_path / "missing", ROOTLESS)
    settings = Settings(data=tmp_path / "data", state=tmp_path / "state")
    settings.data.mkdir()
    with pytest.raises(StartError, match=f"did not start: .*; `.*doctor --data {settings.data}.*` says what"):
        running_holder(settings)


NAMELESS = """
import os, sys
from pathlib import Path
from reading_room.agent.view import enter_private_mounts, own_filesystem, unnamed
home = Path(sys.argv[1])
enter_private_mounts()
own_filesystem(home / "parted" / "other-disk")
for _ in range(2):
    found = unnamed([home / "code", home / "tool", home / "parted"], home / "shown")
    # A folder with another mount inside would lose it.
    assert set(found) == {home / "code", home / "tool"}, found
    assert (found[home / "code"] / "x.py").read_text() == "code"
    assert found[home / "tool"].read_text() == "tool"
own = os.stat(home / "code" / "x.py"), os.stat(found[home / "code"] / "x.py")
assert own[0].st_ino == own[1].st_ino, own
mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
shown = [mount for mount in mounts if mount[4] == str(found[home / "code"])]
assert [mount[3] for mount in shown] == ["/"], shown
assert str(home) not in " ".join(shown[0][shown[0].index("-"):]), shown
try:
    (found[home / "code"] / "x.py").write_text("x")
except OSError:
    sys.exit(0)
raise SystemExit("it was written")
"""


@as_root
def test_mounts_of_containers_do_not_reveal_where_the_files_are(tmp_path: Path) -> None:
    for folder in ("code", "parted/other-disk"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "code" / "x.py").write_text("code")
    (tmp_path / "tool").write_text("tool")
    subprocess.run([sys.executable, "-c", NAMELESS, str(tmp_path)], check=True)
    assert (tmp_path / "code" / "x.py").read_text() == "code"


VIEW = """
import os, sys
from pathlib import Path
from reading_room.agent.view import blocked_ancestor, enter_private_mounts, make_traversable
home = Path(sys.argv[1])
enter_private_mounts()
paths = [home / "code", home / "deep" / "er" / "tool"]
for _ in range(2):
    make_traversable(paths, writable=[home / "code" / "data"], keep=[home / "own"])
assert blocked_ancestor(home / "code" / "x.py") is None
assert sorted(os.listdir(home)) == ["code", "deep", "own"], os.listdir(home)
(home / "own" / "kept").write_text("x")
os.setgroups([]); os.setresgid(1, 1, 1); os.setresuid(1, 1, 1)
assert (home / "code" / "x.py").read_text() == "code"
assert (home / "deep" / "er" / "tool").read_text() == "tool"
(home / "code" / "data" / "new").write_text("x")
for path in (home / "code" / "new", home / "new", home / "deep" / "new", home / "deep" / "er" / "tool"):
    try:
        path.write_text("x")
    except OSError:
        continue
    raise SystemExit(f"{path} was written")
"""


@as_root
def test_code_below_a_private_folder_is_shown_to_other_users_and_nothing_else_is(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for folder in ("code/data", "deep/er", "own", "secrets"):
        (home / folder).mkdir(parents=True)
    (home / "code" / "x.py").write_text("code")
    (home / "deep" / "er" / "tool").write_text("tool")
    os.chown(home / "code" / "data", 1, 1)
    home.chmod(0o700)
    (home / "deep").chmod(0o700)
    result = subprocess.run([sys.executable, "-c", VIEW, str(home)], capture_output=True, text=True, timeout=20)
    assert result.returncode == 0, result.stderr
    assert (home / "own" / "kept").exists()
    assert (home / "code" / "data" / "new").exists()
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "deep").stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in home.iterdir()) == ["code", "deep", "own", "secrets"]

"""An attacker in `serve` has its user id and its data folder, and gains no access to root's files or processes.

If strace is installed (Debian's package of that name), it records every path and process that root's processes name
meanwhile.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from reading_room.containers.processes import start_time
from tests.worlds import processes
from tests.worlds.product import Product
from tests.worlds.waiting import eventually

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's agent has no rights that its serve lacks"),
    pytest.mark.costs(25, reason="starts a separate product twice and kills its agent"),
]

TAKE_OVER = r"""
/usr/bin/unshare -U -m --map-root-user /bin/sleep 300 >/dev/null 2>&1 &
trap=$!
started=$(cut -d' ' -f22 /proc/$trap/stat)
mkdir -p agent/containers/0123456789abcdef
printf '{"pid":%d,"start_time":%d,"rootless":false}' $trap $started >agent/holder.json
printf '{' >agent/containers/0123456789abcdef/record.json
for name in lock agent.sock log write-probe installation.json; do [ -e $name ] || ln -s "$1" $name; done
echo $trap
"""
"""A script that plants everything in the data folder that an earlier version used, or this one might."""
LEAD_AWAY = 'mv authority/authority.pem authority/kept; ln -s "$1" authority/authority.pem'


STRACE = Path("/usr/bin/strace")
CALLS = "%file,fchmod,fchown,connect,kill,tgkill,pidfd_open,ptrace,setns,clone,clone3,fork,vfork,setresuid"
BORN = re.compile(r"(?:clone3?|v?fork)\(.* = (\d+)(?:<.*>)?$")
GAVE_UP_ROOT = re.compile(r"setresuid\(.* = 0$")
UNFINISHED, RESUMED = " <unfinished ...>", re.compile(r"^<\.\.\. \w+ resumed>")


class TracedProduct(Product):
    """A product whose processes strace records from their first instruction, if it is installed."""

    @property
    def record(self) -> Path:
        return self.data.parent / "record"

    def launch(self, *more: str) -> subprocess.Popen[bytes]:
        # With a ready file, root reads the administrator's key.
        return super().launch("--ready-file", str(self.data.parent / "ready.json"), *more)

    def launch_as(self, argv: Sequence[str], folder: Path | None = None, **more: str) -> subprocess.Popen[bytes]:
        # -D: strace is not a parent of the product. -y: descriptors are shown with their paths.
        options = ["-D", "-f", "-y", "-qq", "--seccomp-bpf", "-s", "4096", "-A", "-o", str(self.record)]
        watch = [str(STRACE), *options, "-e", f"trace={CALLS}", "-e", "signal=none"] if STRACE.exists() else []
        return super().launch_as([*watch, *argv], folder, **more)

    def calls_of_root(self) -> list[str]:
        """Return the calls of processes while they were root, without their process ids."""
        others: set[str] = set()
        begun: dict[str, str] = {}
        found = []
        for line in self.record.read_text().splitlines():
            process, _, call = line.partition(" ")
            call = begun.pop(process, "") + RESUMED.sub("", call.strip())
            if call.endswith(UNFINISHED):
                begun[process] = call.removesuffix(UNFINISHED)
                continue
            if process in others:
                if born := BORN.match(call):
                    others.add(born[1])
            elif GAVE_UP_ROOT.match(call):
                others.add(process)
            else:
                found.append(call)
        return found


@dataclass(frozen=True, slots=True)
class Outcome:
    """What root's processes did after `serve` had been compromised."""

    product: TracedProduct
    secret: Path
    trap: int
    """The process with which ``serve`` sets a trap: root's processes must not enter its mount namespace."""
    entered: list[str]
    """The mount namespaces of the agents, and of the first holder."""
    own: str
    trapped: str
    survived: bool
    untouched: bool


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    folder = tmp_path_factory.mktemp("taken-over")
    secret = folder / "secret"
    secret.write_text("of root\n")
    secret.chmod(0o600)
    before = _facts(secret)
    product = TracedProduct(folder)
    trap = 0
    try:
        product.start()
        trap = int(as_serve(product, TAKE_OVER, str(secret)))
        first, agent = product.holder(), product.child("agent")
        own = os.readlink(f"/proc/{first.pid}/ns/mnt")
        os.kill(agent, 9)
        eventually(lambda: product.child("agent") != agent)
        entered = [os.readlink(f"/proc/{product.child('agent')}/ns/mnt")]
        product.stop()
        product.start()
        assert product.holder().pid not in (trap, first.pid)
        entered.append(os.readlink(f"/proc/{product.child('agent')}/ns/mnt"))
        survived = start_time(trap) is not None
        # The authority of the VPC's certificates is the one file of serve that root has to read.
        as_serve(product, LEAD_AWAY, str(secret))
        os.kill(product.child("agent"), 9)
        eventually(lambda: "the agent ends: " in product.log.read_text())
        trapped, untouched = os.readlink(f"/proc/{trap}/ns/mnt"), _facts(secret) == before
        product.stop()
        # strace ends with the last process that it traces. After that, its record is complete.
        eventually(lambda: not any(processes.argv(pid)[:1] == [str(STRACE)] for pid in product.processes()))
        yield Outcome(product, secret, trap, entered, own, trapped, survived, untouched)
    finally:
        product.clear()
        if trap:
            os.kill(trap, 9)


def _facts(path: Path) -> list[float]:
    found = path.stat()
    names = ("st_mode", "st_uid", "st_gid", "st_size", "st_mtime_ns", "st_ctime_ns", "st_atime_ns", "st_nlink")
    return [getattr(found, name) for name in names]


def as_serve(product: Product, script: str, *arguments: str) -> str:
    """Run a script in the data folder as the user of ``serve``, without privileges, and return its output."""
    user = product.settings["SERVICE_UID"]
    rights = [f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs", "--inh-caps=-all"]
    run = subprocess.run(
        ["/usr/bin/setpriv", *rights, "--", "/bin/sh", "-e", "-c", script, "sh", *arguments],
        cwd=product.data,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return run.stdout.strip()


def test_root_does_not_touch_files_that_a_compromised_serve_planted(outcome: Outcome) -> None:
    assert outcome.entered[0] == outcome.own
    assert outcome.trapped not in outcome.entered
    assert outcome.survived, "root ended the process that serve named as the holder"
    assert json.loads((outcome.product.data / "agent" / "holder.json").read_text())["pid"] == outcome.trap
    assert "of root" not in outcome.product.log.read_text()
    assert outcome.untouched


@pytest.mark.skipif(not STRACE.exists(), reason="strace is not installed")
def test_root_uses_no_path_or_process_that_serve_chose(outcome: Outcome) -> None:
    calls = outcome.product.calls_of_root()
    data = re.escape(str(outcome.product.data))
    assert any(call.startswith("setns(") for call in calls), "strace did not record root's processes"
    assert [call for call in calls if str(outcome.secret) in call] == []
    # Names in the data folder are opened relative to an open folder, without following links.
    within = [call for call in calls if re.search(rf'"{data}/|<{data}(/[^>]*)?>, "', call)]
    for name in ("authority.pem", "credentials"):
        assert any(f'"{name}"' in call for call in within)
    assert [call for call in within if f'"{outcome.product.data}/' in call or "NOFOLLOW" not in call] == []
    trapped = rf"^(kill|tgkill|pidfd_open|ptrace)\({outcome.trap}\b|/proc/{outcome.trap}/(ns|root|cwd|fd)"
    trapped += rf'|"-t", "{outcome.trap}"'
    assert [call for call in calls if re.search(trapped, call)] == []

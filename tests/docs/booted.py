"""A separate machine for pages that change the machine they are typed on: this one's files, with systemd as process 1.

Its root is an overlay on this machine's, so that everything written goes to the test's folder. Its processes, mounts,
host name, network and control group are its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

INIT = Path("/usr/lib/systemd/systemd")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
START_SECONDS = 90.0
AWAY = (
    "systemd-sysctl.service",
    "systemd-remount-fs.service",
    "systemd-modules-load.service",
    "systemd-binfmt.service",
    "proc-sys-fs-binfmt_misc.automount",
    "systemd-random-seed.service",
    "systemd-udevd.service",
    "systemd-timesyncd.service",
    "systemd-resolved.service",
    "systemd-networkd.service",
)
"""Units that write settings of the whole kernel, or change how files are mounted and names are resolved."""

BOOT = r"""
echo $$ > "$GROUP/cgroup.procs"
exec unshare --mount --pid --fork --uts --ipc --net --cgroup --kill-child /bin/bash -euc '
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=/,upperdir=$FOLDER/upper,workdir=$FOLDER/scratch" "$FOLDER/root"
cd "$FOLDER/root"
# Installations of this machine are none of that one. This writes to the layer above.
rm -rf var/lib/reading-room var/lib/reading-room-state
# In an image for containers it keeps packages from starting their services.
rm -f usr/sbin/policy-rc.d
# Whole and writable, or no container of a job could mount one: the units that write settings there are away.
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
for each in run tmp; do mount -t tmpfs tmpfs $each; done
chmod 1777 tmp
mount -t tmpfs -o mode=755 tmpfs dev
for each in null zero full random urandom tty; do touch dev/$each; mount --bind /dev/$each dev/$each; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
touch dev/console
hostname trial
ip link set lo up
mkdir -p machine.before
pivot_root . machine.before
umount -l /machine.before
# As systemd has it where it is in no container: services see what it mounts for their credentials.
mount --make-rshared /
exec env -i container=trial PATH="$PATH" "$INIT" --unit=basic.target --log-target=console --log-level=info'
"""


LATEST_JOB = """
export AWS_SHARED_CREDENTIALS_FILE=/var/lib/reading-room/credentials
until $2 - <<'END' | grep -E "$1"
import boto3

client = boto3.client("comprehend", endpoint_url="http://127.0.0.1:4566", region_name="us-east-1")
jobs = client.list_entities_detection_jobs()["EntitiesDetectionJobPropertiesList"]
job = max(jobs, key=lambda each: each["SubmitTime"])
print(job["JobStatus"], int(job["EndTime"].timestamp()) if "EndTime" in job else 0, job.get("Message", ""))
END
do sleep 0.3; done
"""
"""Waits until the latest job's state, end and message match the first argument, and prints them."""


PROBE = "mkdir upper scratch root; mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=scratch root"


@cache
def why_not() -> str:
    """Return why this machine cannot contain another one, or an empty string."""
    if os.geteuid() != 0:
        return "only root can start a machine of its own"
    if not INIT.exists():
        return "systemd is not installed here"
    missing = [each for each in ("ip", "unshare", "nsenter", "pivot_root", "git") if shutil.which(each) is None]
    if missing:
        return f"{', '.join(missing)} not installed here"
    if not any(each.exists() for each in (Path("/usr/bin/python3"), Path("/usr/local/bin/python3"))):
        return "no Python of the system's, which services see, is installed here"
    groups = _groups()
    if groups is None or not os.access(groups, os.W_OK):
        return "no control group of version 2 can be made here"
    with tempfile.TemporaryDirectory() as folder:
        tried = subprocess.run(
            ["unshare", "--mount", "/bin/sh", "-ec", PROBE], cwd=folder, capture_output=True, text=True, check=False
        )
    return f"nothing can be laid over this machine's files: {tried.stderr.strip()}" if tried.returncode else ""


def _groups() -> Path | None:
    """Return where control groups of version 2 are mounted."""
    mounts = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    return next((Path(mount[1]) for mount in mounts if mount[2] == "cgroup2"), None)


class Machine:
    """A booted machine, used as root on it would use it."""

    def __init__(self, init: int) -> None:
        """Take the host's id of its process 1."""
        self._init = init

    def type(self, script: str, *, own_network: bool = True, seconds: float = 120.0) -> str:
        """Type a script; return its output. Raise ``AssertionError`` if it fails.

        Without the machine's own network it uses that of this one, which can fetch packages.
        """
        enter = ["nsenter", "--target", str(self._init), "--mount", "--pid", "--uts", "--ipc", "--cgroup"]
        enter += ["--net"] if own_network else []
        run = subprocess.run(
            [*enter, "/bin/bash", "-euc", f"exec 2>&1\ncd\n{script}"],
            env={"PATH": PATH, "HOME": os.path.expanduser("~root"), "LANG": "C.UTF-8"} | _of_packages(),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert not run.returncode, f"ended with {run.returncode}:\n{script}\nprinted:\n{run.stdout[-8000:]}{run.stderr}"
        return run.stdout

    def put(self, source: Path, target: str) -> None:
        """Copy a file of this machine to a path there."""
        shutil.copyfile(source, f"/proc/{self._init}/root{target}")


def running(machine: Machine) -> set[tuple[str, str]]:
    """Return the users and commands of the product's processes."""
    rows = (line.split() for line in machine.type("ps -e -o user:16,args").splitlines())
    ours = [row for row in rows if "-m reading_room" in (line := " ".join(row)) or "bin/reading-room" in line]
    return {(row[0], each) for row in ours for each in ("holder", "agent", "serve") if each in row}


def latest_job(machine: Machine, python: str, state: str, seconds: float = 300.0) -> list[str]:
    """Return state, end and message of the latest job, once they match a pattern; ``python`` has boto3."""
    return machine.type(f"set -- '{state}' {python}\n{LATEST_JOB}", seconds=seconds).split(maxsplit=2)


def started(machine: Machine) -> list[int]:
    """Return when the units of holder, agent and ``serve`` were started, in seconds."""
    return [
        int(machine.type(f'date +%s -d "$(systemctl show --value -p ActiveEnterTimestamp reading-room-{each})"'))
        for each in ("holder", "agent", "serve")
    ]


def _of_packages() -> dict[str, str]:
    """Return the variables that tell pip where to get packages."""
    return {
        name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.lower().endswith("_proxy")
    }


@contextmanager
def booted(folder: Path) -> Iterator[Machine]:
    """Yield a machine that has started; then end all of it, and remove its control group."""
    for each in ("upper", "scratch", "root"):
        (folder / each).mkdir(parents=True)
    units = folder / "upper" / "etc" / "systemd" / "system"
    units.mkdir(parents=True)
    for unit in AWAY:
        (units / unit).symlink_to("/dev/null")
    groups = _groups()
    assert groups is not None
    group = groups / f"rr-booted-{os.getpid()}"
    group.mkdir()
    log = folder / "console.txt"
    environment = {"PATH": PATH, "GROUP": str(group), "FOLDER": str(folder), "INIT": str(INIT)}
    with log.open("wb") as console:
        process = subprocess.Popen(
            ["/bin/bash", "-euc", BOOT], env=environment, stdin=subprocess.DEVNULL, stdout=console, stderr=console
        )
    try:
        machine = Machine(_init_of(process, log))
        machine.type("until systemctl is-active --quiet basic.target; do sleep 0.2; done", seconds=START_SECONDS)
        yield machine
    finally:
        process.kill()
        process.wait()
        _remove(group)


def _init_of(process: subprocess.Popen[bytes], log: Path) -> int:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        for child in children.read_text().split():
            # Until systemd has set itself up, it cannot be reached.
            if (Path("/proc", str(child), "root") / "run/systemd/private").exists():
                return int(child)
        time.sleep(0.05)
    raise AssertionError(f"systemd did not start:\n{log.read_text(errors='replace')[-4000:]}")


def _remove(group: Path) -> None:
    """Remove a control group and those below it, once their processes, which are ending, are gone."""
    deadline = time.monotonic() + 30
    while group.exists():
        for folder in sorted((path for path in [group, *group.rglob("*")] if path.is_dir()), reverse=True):
            try:
                folder.rmdir()
            except OSError as error:
                if time.monotonic() > deadline:
                    sys.stderr.write(f"{folder}: {error}\n")
                    raise
        time.sleep(0.05)

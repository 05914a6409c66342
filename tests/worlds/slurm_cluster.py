"""Debian's Slurm on this machine: slurmctld, a slurmd for each node, and slurmrestd, in namespaces of their own.

Nothing of it is outside these namespaces but a folder, and all of it ends with their first process.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.worlds.waiting import eventually

PROLOG = Path(__file__).resolve().parents[2] / "packaging" / "slurm" / "prolog"
USER = 4711
"""A user id without privileges, because slurmrestd refuses to run as root."""
PROGRAMS = ("slurmctld", "slurmd", "slurmrestd", "squeue", "scancel", "scontrol")
_INSIDE = "/mnt"
"""Where the folder is inside, since another user may not enter the test's own folder."""
_NODE = "NodeName={name} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory=4000\n"
_CONFIGURATION = """ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=17000
SlurmUser=root
AuthType=auth/slurm
CredType=auth/slurm
StateSaveLocation=/mnt/controller
SlurmdSpoolDir=/mnt/%n
SlurmctldPidFile=/mnt/controller.pid
SlurmdPidFile=/mnt/%n.pid
SlurmctldLogFile=/mnt/controller.log
SlurmdLogFile=/mnt/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=1
PrologFlags=Alloc
Prolog=/mnt/prolog
Epilog=/mnt/prolog
KillWait=2
MessageTimeout=2
ReturnToService=2
PartitionName=hosts Nodes=ALL Default=YES State=UP MaxTime=INFINITE
"""


class SlurmCluster:
    """A Slurm with two cores on each node, to which requests are submitted as a user.

    ``states`` has the state folder of the host that each node is. A user without a name gets one inside.
    """

    def __init__(self, folder: Path, nodes: Sequence[str], states: Mapping[str, Path], user: int) -> None:
        self.folder, self.nodes, self.user = folder, tuple(nodes), user
        self.socket = folder / "rest" / "socket"
        for name in ("controller", "rest", *nodes, *(f"state-{node}" for node in nodes)):
            (folder / name).mkdir(mode=0o755)
        os.chown(folder / "rest", user, user)
        named = [line for line in Path("/etc/passwd").read_text().splitlines() if line.split(":")[2] != str(user)]
        (folder / "passwd").write_text("".join(f"{line}\n" for line in [*named, f"reader:x:{user}:{user}::/:/bin/sh"]))
        (folder / "slurm.key").touch(mode=0o600)
        (folder / "slurm.key").write_bytes(os.urandom(1024))
        described = (_NODE.format(name=node, port=17_001 + n) for n, node in enumerate(nodes))
        head, _, partition = _CONFIGURATION.rpartition("PartitionName")
        (folder / "slurm.conf").write_text(head + "".join(described) + "PartitionName" + partition)
        prolog = folder / "prolog"
        shutil.copy(PROLOG, folder / "ours")
        prolog.write_text(
            "#!/bin/sh\nexport READING_ROOM_PROLOG_SECONDS=3 READING_ROOM_STATE=/mnt/state-$SLURMD_NODENAME\n"
            f"export READING_ROOM_SLOTS=/run/reading-room-slots\nexec {_INSIDE}/ours\n"
        )
        prolog.chmod(0o755)
        folder.chmod(0o755)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._first = self._enter(states)

    def _enter(self, states: Mapping[str, Path]) -> subprocess.Popen[bytes]:
        """Make the namespaces. Slurm looks up no address while there is only loopback."""
        mounts = "".join(f"mount --bind {path} /mnt/state-{node}\n" for node, path in states.items())
        script = (
            f"set -e\nmount --bind {self.folder} {_INSIDE}\nmount --bind {_INSIDE}/passwd /etc/passwd\n"
            f"{mounts}mount -t tmpfs none /run\n"
            "mkdir /run/slurm /run/slurmctld /run/slurmd\nip link set lo up\nip link add rr0 type veth peer name rr1\n"
            "ip addr add 192.0.2.9/24 dev rr0\nip link set rr0 up\nip link set rr1 up\nhostname slurm-test\n"
            f": >{_INSIDE}/entered\nexec sleep infinity\n"
        )
        command = ["unshare", "--mount", "--net", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
        made = subprocess.Popen([*command, "/bin/sh", "-c", script])
        eventually((self.folder / "entered").exists, what="the namespaces of Slurm")
        return made

    def _command(self, *command: str, user: int | None = None) -> list[str]:
        (child,) = Path(f"/proc/{self._first.pid}/task/{self._first.pid}/children").read_text().split()
        drop = [] if user is None else ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        environment = ["env", "-i", f"SLURM_CONF={_INSIDE}/slurm.conf", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        # slurmrestd refuses a client of whose process it sees no id, so it stays in the test's namespace of processes.
        pids = ["--pid"] if user is None else []
        return ["nsenter", f"--target={child}", "--mount", "--net", "--uts", *pids, *drop, *environment, *command]

    def run(self, *command: str) -> str:
        """Run one of Slurm's commands as root, and return what it prints."""
        return subprocess.run(self._command(*command), check=True, capture_output=True, text=True).stdout

    def start(self, name: str, *command: str, user: int | None = None) -> None:
        """Start a daemon."""
        with (self.folder / f"{name}.out").open("ab") as out:
            self.processes[name] = subprocess.Popen(self._command(*command, user=user), stdout=out, stderr=out)

    def start_controller(self) -> None:
        """Start slurmctld."""
        self.start("controller", "slurmctld", "-D")

    def kill_controller(self) -> None:
        """Kill slurmctld with ``kill -9``."""
        (pid,) = self.run("cat", f"{_INSIDE}/controller.pid").split()
        self.run("kill", "-9", pid)
        self.processes["controller"].wait()

    def start_all(self) -> None:
        """Start everything, and wait until Slurm gives out its nodes."""
        self.start_controller()
        for node in self.nodes:
            self.start(node, "slurmd", "-D", "-N", node)
        rest = ["slurmrestd", "-a", "rest_auth/local", "-s", "slurmctld", "-d", "v0.0.42"]
        self.start("rest", *rest, f"unix:{_INSIDE}/rest/socket", user=self.user)
        eventually(lambda: self.socket.exists() and set(self.states().values()) == {"IDLE"}, what="idle nodes")

    def states(self) -> dict[str, str]:
        """Return the state of each node, empty while slurmctld does not answer."""
        try:
            lines = self.run("sinfo", "--noheader", "--Node", "--format=%N %T").splitlines()
        except subprocess.CalledProcessError:
            return {}
        return {node: state.upper().rstrip("*") for node, state in (line.split() for line in lines)}

    def jobs(self) -> dict[str, str]:
        """Return the state of each job that has not ended, by the container in its name."""
        lines = self.run("squeue", "--noheader", "--format=%j %T").splitlines()
        return {name.rpartition(":")[2]: state for name, state in (line.split() for line in lines)}

    def ids(self, container: str) -> list[str]:
        """Return the ids of a container's jobs that have not ended."""
        lines = self.run("squeue", "--noheader", "--format=%i %j").splitlines()
        return [number for number, name in (line.split() for line in lines) if name.endswith(f":{container}")]

    def cancel_all(self) -> None:
        """Cancel every job, and wait until nothing of any is left."""
        self.run("scancel", f"--user={self.user}")
        eventually(lambda: not self.jobs() and set(self.states().values()) == {"IDLE"}, what="an idle Slurm")

    def close(self) -> None:
        """End everything."""
        self._first.send_signal(signal.SIGKILL)
        self._first.wait()
        for each in self.processes.values():
            each.kill()
            each.wait()


@contextmanager
def cluster(
    folder: Path, nodes: Sequence[str], states: Mapping[str, Path] = {}, user: int = USER
) -> Iterator[SlurmCluster]:
    """Yield a Slurm that runs; skip the test without Debian's packages or root."""
    skip_without_slurm()
    found = SlurmCluster(folder, nodes, states, user)
    try:
        found.start_all()
        yield found
    finally:
        found.close()


def skip_without_slurm() -> None:
    """Skip the test without Debian's packages or root."""
    if missing := [name for name in PROGRAMS if shutil.which(name, path="/usr/sbin:/usr/bin") is None]:
        pytest.skip(f"{missing[0]} is not installed: slurmctld, slurmd, slurmrestd and slurm-client of Debian")
    if os.geteuid() != 0:
        pytest.skip("root makes the namespaces of Slurm")

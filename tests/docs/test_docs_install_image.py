"""The image, run by crun with the options that its page names: a job runs. Without them, one sentence says why not."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.worlds.pages import ROOT, page_of
from tests.worlds.waiting import eventually

IMAGES = sorted((ROOT / "dist" / "image").glob("reading-room_*.oci.tar"))
CRUN = shutil.which("crun")
pytestmark = [
    pytest.mark.boot,
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can unpack a root's files"),
    pytest.mark.skipif(CRUN is None, reason="crun is not installed here"),
    pytest.mark.skipif(len(IMAGES) != 1, reason="make image has not built the image in dist/image"),
]
PAGE = page_of("operations/install-image.md").read_text()
VOLUMES = ("/var/lib/reading-room", "/var/lib/reading-room-state")
NO_NAMESPACES = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["unshare", "setns"], "action": "SCMP_ACT_ERRNO"}],
}
"""What the default filters of Docker and Podman refuse of what is needed."""
JOB = "mkdir /tmp/texts; echo Marie Curie was born in Warsaw. > /tmp/texts/a.txt; exec reading-room jobs run /tmp/texts"


class Image:
    """An unpacked image."""

    def __init__(self, folder: Path) -> None:
        """Unpack the only layer of the image in ``IMAGES``, after comparing what the documents say."""
        self.folder, self.root = folder, folder / "rootfs"
        self.root.mkdir()
        with tarfile.open(IMAGES[0]) as archive:

            def document(name: str) -> Any:
                member = archive.extractfile(name)
                assert member is not None
                return json.load(member)

            blob = "blobs/{}".format
            (named,) = document("index.json")["manifests"]
            manifest = document(blob(named["digest"].replace(":", "/")))
            self.config = document(blob(manifest["config"]["digest"].replace(":", "/")))["config"]
            (layer,) = manifest["layers"]
            name = blob(layer["digest"].replace(":", "/"))
            assert archive.getmember(name).size == layer["size"]
            archive.extract(name, folder, filter="data")
        subprocess.run(["tar", "-xzf", str(folder / name), "-C", str(self.root), "--numeric-owner"], check=True)
        (folder / name).unlink()

    def bundle(self, *, seccomp: dict[str, Any] | None = None, masked: tuple[str, ...] = ()) -> Path:
        """Return a bundle for a container, with the page's options, unless others are named, and empty volumes."""
        bundle = self.folder / f"bundle-{len(list(self.folder.iterdir()))}"
        bundle.mkdir()
        user, group = (int(number) for number in self.config["User"].split(":"))
        options = ["nosuid", "nodev"]
        mounts = [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
            {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": [*options, "mode=1777"]},
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": [*options, "ro"]},
            # As Docker mounts them.
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": [*options, "noexec", "mode=1777"]},
            {"destination": "/run", "type": "tmpfs", "source": "tmpfs", "options": [*options, "noexec", "mode=755"]},
        ]
        for number, path in enumerate(VOLUMES):
            volume = bundle / f"volume-{number}"
            volume.mkdir(mode=0o700)
            os.chown(volume, user, group)
            mounts.append({"destination": path, "type": "bind", "source": str(volume), "options": ["bind", "rw"]})
        nothing: dict[str, list[str]] = {each: [] for each in ("bounding", "effective", "permitted", "inheritable")}
        spec = {
            "ociVersion": "1.0.2",
            "process": {
                "user": {"uid": user, "gid": group},
                "args": [*self.config["Entrypoint"], *self.config["Cmd"]],
                "env": self.config["Env"],
                "cwd": self.config["WorkingDir"],
                "capabilities": nothing,
                "noNewPrivileges": True,
            },
            "root": {"path": str(self.root), "readonly": True},
            "mounts": mounts,
            "linux": {
                # A network of its own, so that the ports are free.
                "namespaces": [{"type": each} for each in ("pid", "mount", "ipc", "uts", "network")],
                "maskedPaths": list(masked),
            }
            | ({"seccomp": seccomp} if seccomp else {}),
        }
        (bundle / "config.json").write_text(json.dumps(spec))
        return bundle


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The image, unpacked once."""
    return Image(tmp_path_factory.mktemp("image"))


def crun(*arguments: str) -> list[str]:
    """Return a command line of crun, which changes no control group of this machine."""
    assert CRUN is not None
    # It does not work where control groups of both versions are mounted, even if it is to use none.
    apart = ["unshare", "--mount", "/bin/sh", "-ec", 'mount -t cgroup2 cgroup2 /sys/fs/cgroup; exec "$@"', "crun"]
    return [*apart, CRUN, "--cgroup-manager=disabled", *arguments]


def refused(bundle: Path) -> str:
    """Return the only line that a container prints before it ends with the entry point's exit code."""
    name = f"reading-room-{os.getpid()}"
    argv = crun("run", "--bundle", str(bundle), name)
    ended = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (78, ""), ended.stderr
    (line,) = ended.stderr.splitlines()
    named = re.findall(r"(\w+=\w+)", line)
    assert [option for option in named if f"`{option}`" not in PAGE] == []
    return line


@contextmanager
def ready(bundle: Path) -> Iterator[str]:
    """Run a container until it is ready, and yield its name; then end it as a user would."""
    name = f"reading-room-{os.getpid()}"
    log = bundle / "log.txt"
    with log.open("wb") as sink:
        argv = crun("run", "--bundle", str(bundle), name)
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
    try:
        said = eventually(lambda: found if "ready http" in (found := log.read_text()) or process.poll() else "", 120)
        assert process.poll() is None, said[-4000:]
        yield name
    finally:
        if process.poll() is None:
            subprocess.run(crun("kill", name, "TERM"), check=True)
        process.wait(20)
        subprocess.run(crun("delete", "--force", name), stderr=subprocess.DEVNULL, check=False)
    assert process.returncode == 0, log.read_text()[-4000:]


def test_a_job_runs_in_a_container_without_capabilities(image: Image) -> None:
    """As an ordinary user, with a read-only root; the data survive in the volumes."""
    bundle = image.bundle()
    with ready(bundle) as name:
        argv = crun("exec", name, "/bin/sh", "-c", JOB)
        ran = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
        assert "PERSON" in ran.stdout, ran.stdout + ran.stderr
    assert (bundle / "volume-0" / "db.sqlite").exists()


def test_a_container_that_may_make_no_namespaces_says_which_option_to_add(image: Image) -> None:
    assert "--security-opt seccomp=unconfined" in refused(image.bundle(seccomp=NO_NAMESPACES))


def test_a_container_whose_proc_is_covered_says_which_option_to_add(image: Image) -> None:
    """The kernel then refuses a /proc in a namespace of its own."""
    assert "systempaths=unconfined" in refused(image.bundle(masked=("/proc/kcore", "/proc/keys")))

"""What a container sees: bubblewrap's arguments, and the few files in its ``/etc``.

It has a read-only root with the system's ``/usr``, the Python installation and the analysis package, each at its
original path, and unpacked models; its own ``/proc`` with all but a few files covered; no ``/sys``; ``/tmp`` and
``/dev/shm`` in memory.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

import reading_room
from reading_room.analysis.job_file import FILTERS_FOLDER, MODELS_FOLDER, RESOLVER_FILE
from reading_room.containers import seccomp
from reading_room.containers.calls import PROGRAMS
from reading_room.containers.errors import BadNameServers
from reading_room.containers.program_files import installed_programs
from reading_room.containers.spec import ContainerSpec

USR = Path("/usr")
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
HOSTNAME = "reading-room"
_DOMAIN = re.compile(r"[A-Za-z0-9_.-]{1,253}")
USER = 1000
"""The worker's user id inside the container; on the host it has another."""

SHARED_MEMORY_BYTES = 67_108_864
TEMPORARY = "/tmp"  # nosec B108 # the container's own, which nobody else can use
SHARED_MEMORY = "/dev/shm"  # nosec B108 # likewise
TEMPORARY_BYTES = 1_073_741_824

PROC_KEPT = frozenset(
    (
        "cpuinfo",
        "filesystems",
        "loadavg",
        "meminfo",
        "mounts",
        "net",
        "self",
        "stat",
        "thread-self",
        "uptime",
        "version",
    )
)
"""The files in ``/proc``, besides processes, that stay visible. Everything else is covered: ``sys``, ``kcore``,
``kmsg``, ``sysrq-trigger`` and the rest let a job read or change the host, or measure what its neighbours do."""


@dataclass(frozen=True, slots=True)
class View:
    """The files that containers see, in a folder that their user ids may read.

    ``etc`` is the container's ``/etc``; ``models`` its ``/models`` (``prepared.py``); ``empty_file`` and
    ``empty_folder`` cover files that it must not see.
    """

    etc: Path
    models: Path
    empty_file: Path
    empty_folder: Path
    sources: Mapping[Path, Path] = field(default_factory=dict)
    """The sources of bound system and code paths, for paths that are not bound from themselves."""
    programs: tuple[str, ...] = ()
    """The names of the copies of the program and the weights that containers see (``program_files.py``)."""


def make_view(folder: Path, authority: str) -> View:
    """Write the files into ``folder`` (created if missing) and return their paths.

    ``authority`` is the certificate authority that containers trust, in PEM. Raises ``OSError``, and ``ProgramMissing``
    without libseccomp.
    """
    etc, models = folder / "etc", folder / "models"
    files: dict[str, str | bytes] = {
        "hosts": "127.0.0.1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        "passwd": f"job:x:{USER}:{USER}::/tmp:/usr/sbin/nologin\n",
        "group": f"job:x:{USER}:\n",
        "ssl/certs/ca-certificates.crt": authority,
        "ssl/cert.pem": authority,
    }
    filters = Path(FILTERS_FOLDER).relative_to("/etc")
    files |= {str(filters / name): seccomp.program(kept) for name, kept in PROGRAMS.items()}
    with suppress(FileNotFoundError):
        files["ld.so.cache"] = Path("/etc/ld.so.cache").read_bytes()
    for name, content in files.items():
        path = etc / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content)
    # Name servers come with the job, after a waiting container has mounted this folder.
    resolver = etc / "resolv.conf"
    resolver.unlink(missing_ok=True)
    resolver.symlink_to(RESOLVER_FILE)
    empty_file, empty_folder = folder / "nothing", folder / "no-files"
    _replace(empty_file, "")
    empty_folder.mkdir(exist_ok=True)
    models.mkdir(exist_ok=True)
    made = (etc / "ssl", etc / "ssl/certs", etc / filters.parent, etc / filters)
    for path in (folder, etc, *made, models, empty_folder):
        path.chmod(0o755)
    return View(etc, models, empty_file, empty_folder)


def resolver_text(spec: ContainerSpec) -> str:
    """Return the text of a container's ``/etc/resolv.conf``. Raises ``BadNameServers``."""
    for server in spec.name_servers:
        try:
            IPv4Address(server)
        except ValueError:
            raise BadNameServers(spec.container_id, server) from None
    for domain in spec.search_domains:
        if not _DOMAIN.fullmatch(domain):
            raise BadNameServers(spec.container_id, domain)
    lines = [f"nameserver {server}" for server in spec.name_servers]
    if spec.search_domains:
        lines.append("search " + " ".join(spec.search_domains))
    return "\n".join([*lines, "options timeout:2 attempts:3", ""])


def _replace(path: Path, content: str | bytes) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    temporary.chmod(0o444)
    temporary.replace(path)


def code_paths() -> tuple[Path, ...]:
    """Return the folders and files outside ``/usr`` that a worker's Python needs, which are mounted read-only.

    From an editable installation, they include only the analysis package and what it needs, not the server's code. The
    folders of the program, and of the weights if they are installed, come last, each as a path of its own, so that
    copies can take their place.
    """
    package = Path(next(iter(reading_room.__path__)))
    wanted = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent.parent]
    wanted += [Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve()]
    wanted += [package / "__init__.py", package / "landlock.py"]
    kept: list[Path] = []
    for path in wanted:
        if not any(path.is_relative_to(above) for above in (USR, *kept)):
            kept.append(path)
    return (*kept, *installed_programs())


def environment(region: str) -> dict[str, str]:
    """Return the whole environment of a worker, except for the credentials' URI, which comes with its job."""
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "AWS_REGION": region,
        "AWS_CA_BUNDLE": CA_BUNDLE,
        "ORT_DISABLE_TELEMETRY": "1",
    }


def bubblewrap_options(
    view: View, code: Iterable[Path], variables: Mapping[str, str], seccomp_descriptor: int
) -> list[str]:
    """Return bubblewrap's options for a container. It must not be started as host user 0."""
    options = ["--unshare-user", "--uid", str(USER), "--gid", str(USER), "--disable-userns"]
    options += ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    options += ["--die-with-parent", "--new-session", "--hostname", HOSTNAME]
    options += ["--ro-bind", str(view.sources.get(USR, USR)), str(USR)]
    for name in ("bin", "sbin", "lib", "lib64"):
        options += ["--symlink", f"usr/{name}", f"/{name}"]
    options += ["--ro-bind", str(view.etc), "/etc", "--ro-bind", str(view.models), MODELS_FOLDER]
    options += ["--size", str(TEMPORARY_BYTES), "--tmpfs", TEMPORARY]
    for path in code:
        options += ["--ro-bind", str(view.sources.get(path, path)), str(path)]
    options += ["--proc", "/proc"]
    for name in sorted(os.listdir("/proc")):
        if name.isdigit() or name in PROC_KEPT:
            continue
        cover = view.empty_folder if Path("/proc", name).is_dir() else view.empty_file
        options += ["--ro-bind", str(cover), f"/proc/{name}"]
    options += ["--dev", "/dev", "--size", str(SHARED_MEMORY_BYTES), "--tmpfs", SHARED_MEMORY]
    options += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", TEMPORARY, "--clearenv"]
    for name, value in variables.items():
        options += ["--setenv", name, value]
    return [*options, "--cap-drop", "ALL", "--seccomp", str(seccomp_descriptor)]

"""Build the Debian package of the checked-out commit: `make deb`; docs/operations/install-debian.md is about using it.

    deb.py FOLDER [--wheels FOLDER] [--python PYTHON]

The package has one Python environment in /usr/lib/reading-room with the packages of requirements-runtime.txt, compared
with their hashes, and with every wheel in a folder; without one, the wheels are built from the commit. No root and no
other machine is needed, only dpkg-deb, PyPI's packages, and a Python of Debian's version for them. The same commit and
wheels give the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from email.parser import HeaderParser
from email.utils import formatdate
from io import BytesIO
from pathlib import Path

from unpack import unpack

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / "build" / "deb"
PYTHON = "3.13"
"""The version of Debian 13, which compiled packages are for."""
HOME = Path("usr/lib/reading-room")
SITE = HOME / f"lib/python{PYTHON}/site-packages"
DOC = Path("usr/share/doc/reading-room")
LAUNCHER = f"""#!/{HOME}/bin/python3
import sys

from reading_room.cli.main import run

sys.exit(run())
"""
SCRIPTS = ("postinst", "prerm", "postrm")
REQUIREMENTS = "requirements-runtime.txt"


class BuildError(Exception):
    """The package cannot be built; the message says why."""


def build(target: Path, wheels: Path | None, python: str) -> Path:
    """Build the package into a folder and return its path. Raise ``BuildError``."""
    for program in ("dpkg-deb", "dpkg"):
        if shutil.which(program) is None:
            raise BuildError(f"{program} is needed to build a Debian package: build it on Debian")
    python = _found_python(python)
    epoch = int(run(["git", "log", "-1", "--format=%ct"]))
    os.environ |= {"SOURCE_DATE_EPOCH": str(epoch), "PYTHONHASHSEED": "0"}
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target) as scratch:
        tree, stage = Path(scratch, "tree"), Path(scratch, "stage")
        with tarfile.open(fileobj=BytesIO(run(["git", "archive", "HEAD"]))) as archive:
            unpack(archive, tree)
        if wheels is None:
            wheels = Path(scratch, "wheels")
            for project in (tree, *(path.parent for path in sorted(tree.glob("packaging/*/pyproject.toml")))):
                run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)], project)
        found = sorted(wheels.glob("*.whl"))
        version = version_of(found)
        _environment(stage, tree / REQUIREMENTS, found, python)
        _files(stage, tree, version, epoch, python)
        architecture = run(["dpkg", "--print-architecture"]).decode().strip()
        _control(stage, tree / "packaging" / "debian", version, architecture)
        return pack(stage, target / f"reading-room_{version}_{architecture}.deb")


def version_of(wheels: Iterable[Path]) -> str:
    """Return the version of the product's wheel, the one named ``reading_room``. Raise ``BuildError`` without one."""
    versions = [path.name.split("-")[1] for path in wheels if path.name.startswith("reading_room-")]
    if len(versions) != 1:
        raise BuildError(f"one wheel of the product is needed, reading_room-VERSION-….whl, and {len(versions)} given")
    return versions[0]


def pack(stage: Path, target: Path) -> Path:
    """Write the package of a folder with root's files. The same files give the same bytes, whoever packs them."""
    epoch = int(os.environ["SOURCE_DATE_EPOCH"])
    for path in [stage, *stage.rglob("*")]:
        if not path.is_symlink():
            program = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if program else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)
    run(["dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", str(stage), str(target)])
    return target


def clean(site: Path) -> None:
    """Remove from installed Python packages what depends on where, when and from which file they were installed."""
    for path in site.rglob("__pycache__"):
        shutil.rmtree(path)
    for path in (site / "bin", site / "share"):
        shutil.rmtree(path, ignore_errors=True)
    for path in site.rglob("*"):
        if path.is_file():
            path.chmod(0o644)  # Some authors' archives have programs among the modules.
    for record in site.glob("*.dist-info/RECORD"):
        # Programs of other packages are left out: nobody starts them.
        gone = re.compile(r"(\.\./|bin/|share/)|[^,]*(__pycache__|\.dist-info/(direct_url\.json|REQUESTED,))")
        lines = record.read_text().splitlines(keepends=True)
        kept = [line for line in lines if not gone.match(line)]
        if kept != lines:
            record.write_text("".join(kept))
        for name in ("direct_url.json", "REQUESTED"):
            record.with_name(name).unlink(missing_ok=True)


def _found_python(python: str) -> str:
    """Return the path of a Python of Debian's version; pip takes no name."""
    found = shutil.which(python)
    if found is None:
        raise BuildError(f"{python} is not installed: name a Python {PYTHON} with --python")
    says = run([found, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).decode().strip()
    if says != PYTHON:
        raise BuildError(f"{python} is Python {says}, and Debian's is {PYTHON}: name one with --python")
    return found


def _environment(stage: Path, requirements: Path, wheels: list[Path], python: str) -> None:
    """Install the requirements, kept for the next build, and the wheels as a virtual environment."""
    kept = CACHE / f"site-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]}"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--no-compile", "--no-deps", "--root-user-action=ignore", "--only-binary=:all:"]
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            fresh = Path(scratch, "site")
            run([*pip, "--require-hashes", "--target", str(fresh), "-r", str(requirements)])
            clean(fresh)
            fresh.rename(kept)
    site = stage / SITE
    # Links, as nothing is written to these files any more.
    shutil.copytree(kept, site, symlinks=True, copy_function=os.link)
    run([*pip, "--target", str(site), *map(str, wheels)])
    clean(site)
    programs = stage / HOME / "bin"
    programs.mkdir()
    (programs / "python3").symlink_to(f"../../../bin/python{PYTHON}")
    (programs / "python").symlink_to("python3")
    home = f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {PYTHON}\n"
    (stage / HOME / "pyvenv.cfg").write_text(home)


def _files(stage: Path, tree: Path, version: str, epoch: int, python: str) -> None:
    """Write everything outside the environment: program, units, settings, manual pages, documents."""
    debian, systemd = tree / "packaging" / "debian", tree / "packaging" / "systemd"
    write(stage / "usr/bin/reading-room", LAUNCHER, mode=0o755)
    for source, place in ((systemd, "system"), (systemd / "user", "user")):
        for unit in sorted(path for path in source.iterdir() if path.is_file()):
            text = unit.read_text().replace("/usr/local/bin/reading-room", "/usr/bin/reading-room")
            write(stage / "usr/lib/systemd" / place / unit.name, text)
    write(stage / "usr/lib/sysusers.d/reading-room.conf", (systemd / "sysusers.d" / "reading-room.conf").read_text())
    write(stage / "usr/lib/tmpfiles.d/reading-room.conf", (debian / "tmpfiles.conf").read_text())
    prolog = (tree / "packaging" / "slurm" / "prolog").read_text()
    write(stage / "usr/libexec/reading-room/slurm-prolog", prolog, mode=0o755)
    write(stage / "etc/reading-room.conf", (debian / "reading-room.conf").read_text())
    write(stage / "usr/share/lintian/overrides/reading-room", (debian / "lintian-overrides").read_text())
    packages = "".join(f" {each}\n" for each in included(stage / SITE)).rstrip()
    write(stage / DOC / "copyright", (debian / "copyright").read_text().replace("@PACKAGES@", packages))
    entry = f"reading-room ({version}) stable; urgency=medium\n\n  * NEWS.gz says what changed.\n\n"
    compress(stage / DOC / "changelog.gz", entry + f" -- {maintainer()}  {formatdate(epoch)}\n")
    compress(stage / DOC / "NEWS.gz", (tree / "CHANGELOG.md").read_text())
    pages = stage / "usr/share/man"
    environment = os.environ | {"PYTHONPATH": str(stage / SITE), "PYTHONDONTWRITEBYTECODE": "1"}
    run([python, str(tree / "scripts" / "man_pages.py"), str(pages), version], environment=environment)
    for page in sorted(pages.rglob("*.[0-9]")):
        compress(page.with_name(page.name + ".gz"), page.read_text())
        page.unlink()


def _control(stage: Path, debian: Path, version: str, architecture: str) -> None:
    """Write the files for dpkg."""
    files = sorted(path for path in stage.rglob("*") if path.is_file() and not path.is_symlink())
    size = sum(-(-path.stat().st_size // 1024) for path in files)
    sums = "".join(f"{_md5(path)}  {path.relative_to(stage)}\n" for path in files)
    values = {"VERSION": version, "ARCHITECTURE": architecture, "MAINTAINER": maintainer(), "SIZE": str(size)}
    control = re.sub(r"@([A-Z]+)@", lambda found: values[found[1]], (debian / "control").read_text())
    write(stage / "DEBIAN/control", control)
    write(stage / "DEBIAN/conffiles", "/etc/reading-room.conf\n")
    write(stage / "DEBIAN/md5sums", sums)
    for name in SCRIPTS:
        write(stage / "DEBIAN" / name, (debian / name).read_text(), mode=0o755)


def _md5(path: Path) -> str:
    """Return the checksum that dpkg compares with; what protects a package is its signature, not this."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def included(site: Path) -> list[str]:
    """Return the name, version and licence of each installed Python package."""
    found = []
    for path in sorted(site.glob("*.dist-info/METADATA")):
        facts = HeaderParser().parsestr(path.read_text())
        licence = facts["License-Expression"] or (facts["License"] or "").strip().partition("\n")[0]
        classifiers = [each.rpartition(" :: ")[2] for each in facts.get_all("Classifier", []) if "License ::" in each]
        found.append(f"{facts['Name']} {facts['Version']}: {licence or ', '.join(classifiers) or 'see its folder'}")
    return found


def maintainer() -> str:
    """Return who builds the package, as Debian's tools have it, or else who made the commit."""
    name, address = os.environ.get("DEBFULLNAME"), os.environ.get("DEBEMAIL")
    if name and address:
        return f"{name} <{address}>"
    return run(["git", "log", "-1", "--format=%an <%ae>"]).decode().strip()


def write(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a file of the package."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def compress(path: Path, text: str) -> None:
    """Write a compressed file without name and time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def run(command: list[str], folder: Path = ROOT, environment: dict[str, str] | None = None) -> bytes:
    """Return what a command prints. Raise ``BuildError`` with what it said if it fails."""
    try:
        return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True).stdout
    except FileNotFoundError as error:
        raise BuildError(f"{command[0]} is needed and not installed") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()[-2000:]
        raise BuildError(f"{' '.join(command)} ended with {error.returncode}: {said}") from error


def main() -> int:
    """Do what the arguments say and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--wheels", type=Path, help="a folder with the product's wheels, which are built otherwise")
    own = "{}.{}".format(*sys.version_info[:2]) == PYTHON
    parser.add_argument(
        "--python", default=sys.executable if own else f"python{PYTHON}", help="the Python whose packages are installed"
    )
    options = parser.parse_args()
    try:
        print(build(options.folder.absolute(), options.wheels and options.wheels.absolute(), options.python))
    except (BuildError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Build the OCI image from the Debian package: `make image`; docs/operations/install-image.md is about using it.

    image.py PACKAGE FOLDER

mmdebstrap installs Debian's packages and ours into an empty root, as an ordinary user too; this writes the root as an
image's only layer. The archive has the layout of OCI, and the list of Docker's own format, so that `docker load`,
`podman load` and skopeo read it. No registry and no container is needed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gzip
import hashlib
import json
import os
import shutil
import sys
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

from deb import ROOT, BuildError, run

SUITE = "trixie"
NAME = "reading-room"
DATA, STATE = "/var/lib/reading-room", "/var/lib/reading-room-state"
ENTRYPOINT = "/usr/local/bin/reading-room-in-container"
USER = 60578
"""The user that the package makes."""
DEBIAN = (
    *("python3", "mount", "bubblewrap", "libnftables1", "libseccomp2", "zlib1g", "libstdc++6", "libgcc-s1"),
    *("systemd-standalone-sysusers", "systemd-standalone-tmpfiles", "ca-certificates", "curl", "tesseract-ocr"),
)
"""Debian's packages: what ours depends on, curl for health checks, and tesseract, which nobody could add later."""
OF_BUILD = "var/log/* var/cache/* var/lib/apt/lists/* etc/machine-id etc/resolv.conf etc/hostname run/* tmp/*"
"""What differs between builds, and belongs to none."""
OCI = "application/vnd.oci.image"


def build(package: Path, target: Path) -> Path:
    """Build the image into a folder, and return the archive's path. Raise ``BuildError``."""
    if shutil.which("mmdebstrap") is None:
        raise BuildError("mmdebstrap is needed and not installed: apt-get install mmdebstrap, and as a user uidmap")
    version, architecture = (
        run(["dpkg-deb", "--show", "--showformat=${Version} ${Architecture}", str(package)]).decode().split()
    )
    epoch = int(run(["git", "log", "-1", "--format=%ct"]))
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target) as scratch:
        root = Path(scratch, "root.tar")
        make_root(package, root, epoch)
        return write_image(root, target / f"{NAME}_{version}_{architecture}.oci.tar", version, architecture, epoch)


def make_root(package: Path, root: Path, epoch: int) -> None:
    """Write the image's files as a tar archive."""
    entrypoint = ROOT / "packaging" / "image" / "entrypoint"
    given = f"{DATA} {STATE}"
    hooks = [
        f"upload {package} /package.deb",
        'chroot "$1" dpkg --install /package.deb',
        'rm "$1"/package.deb',
        f"upload {entrypoint} {ENTRYPOINT}",
        f'chmod 755 "$1"{ENTRYPOINT}',
        f'chroot "$1" chown {USER}:{USER} {given}; chroot "$1" chmod 700 {given}',
        f'cd "$1" && rm -rf {OF_BUILD}',
    ]
    command = ["mmdebstrap", "--quiet", "--variant=essential", f"--include={','.join(DEBIAN)}"]
    command += [f"--customize-hook={hook}" for hook in hooks]
    run([*command, SUITE, str(root)], environment=os.environ | {"SOURCE_DATE_EPOCH": str(epoch)})


def write_image(root: Path, target: Path, version: str, architecture: str, epoch: int) -> Path:
    """Write a root as an image of one layer. The same root gives the same bytes."""
    layer = root.with_suffix(".tar.gz")
    with root.open("rb") as plain, layer.open("wb") as file, gzip.GzipFile("", "wb", 4, file, mtime=0) as packed:
        shutil.copyfileobj(plain, packed, 1 << 20)
    created = f"{dt.datetime.fromtimestamp(epoch, dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
    config = as_json(
        {
            "created": created,
            "architecture": architecture,
            "os": "linux",
            "config": process(version),
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest(root)}"]},
            "history": [{"created": created, "created_by": "scripts/image.py"}],
        }
    )
    layer_digest, config_digest = digest(layer), hashlib.sha256(config).hexdigest()
    layers = [_described("layer.v1.tar+gzip", layer_digest, layer.stat().st_size)]
    manifest = as_json(
        {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.manifest.v1+json",
            "config": _described("config.v1+json", config_digest, len(config)),
            "layers": layers,
        }
    )
    manifest_digest = hashlib.sha256(manifest).hexdigest()
    named = _described("manifest.v1+json", manifest_digest, len(manifest))
    named["annotations"] = {
        "org.opencontainers.image.ref.name": version,
        "io.containerd.image.name": f"{NAME}:{version}",
    }
    blob = "blobs/sha256/{}".format
    dockers = [{"Config": blob(config_digest), "RepoTags": [f"{NAME}:{version}"], "Layers": [blob(layer_digest)]}]
    files: dict[str, bytes | Path] = {
        blob(config_digest): config,
        blob(manifest_digest): manifest,
        blob(layer_digest): layer,
        "index.json": as_json({"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": [named]}),
        "manifest.json": as_json(dockers),
        "oci-layout": as_json({"imageLayoutVersion": "1.0.0"}),
    }
    with tarfile.open(target, "w") as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.mtime = epoch
            entry.size = content.stat().st_size if isinstance(content, Path) else len(content)
            with content.open("rb") if isinstance(content, Path) else BytesIO(content) as data:
                archive.addfile(entry, data)
    return target


def process(version: str) -> dict[str, Any]:
    """Return what a container of the image runs, as an ordinary user."""
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "HOME": DATA,
        "READING_ROOM_DATA": DATA,
        "READING_ROOM_STATE": STATE,
    }
    return {
        "User": f"{USER}:{USER}",
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "Entrypoint": [ENTRYPOINT],
        "Cmd": ["up"],
        "WorkingDir": "/",
        "Volumes": {DATA: {}, STATE: {}},
        "StopSignal": "SIGTERM",
        "Labels": {
            "org.opencontainers.image.title": "Reading Room",
            "org.opencontainers.image.version": version,
            "org.opencontainers.image.licenses": "Apache-2.0",
        },
    }


def _described(kind: str, sha256: str, size: int) -> dict[str, Any]:
    return {"mediaType": f"{OCI}.{kind}", "digest": f"sha256:{sha256}", "size": size}


def as_json(value: object) -> bytes:
    """Return a document of the image; equal ones have equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> int:
    """Do what the arguments say and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    try:
        print(build(options.package.absolute(), options.folder.absolute()))
    except (BuildError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

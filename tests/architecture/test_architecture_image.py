"""The image: the same root gives the same bytes, its documents fit, and it says what it lacks."""

from __future__ import annotations

import importlib
import json
import shlex
import subprocess
import tarfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.worlds.pages import ROOT, blocks, page_of

image: Any = importlib.import_module("image")
yaml: Any = importlib.import_module("yaml")
PACKAGING = ROOT / "packaging"
ENTRYPOINT = PACKAGING / "image" / "entrypoint"
EPOCH = 1_790_000_000


def test_an_image_of_the_same_root_has_the_same_bytes_and_its_digests_fit(tmp_path: Path) -> None:
    made = []
    for name in ("first", "second"):
        root = tmp_path / name / "root.tar"
        root.parent.mkdir()
        root.write_bytes(b"files" * 1000)
        made.append(image.write_image(root, tmp_path / f"{name}.tar", "0.1.0", "amd64", EPOCH))
    assert made[0].read_bytes() == made[1].read_bytes()
    with tarfile.open(made[0]) as archive:
        files = {each.name: archive.extractfile(each).read() for each in archive.getmembers()}  # type: ignore[union-attr]
    assert all(sha256(content).hexdigest() == name[13:] for name, content in files.items() if name.startswith("blobs/"))
    (named,) = json.loads(files["index.json"])["manifests"]
    manifest = json.loads(files[f"blobs/sha256/{named['digest'][7:]}"])
    described = [named, manifest["config"], *manifest["layers"]]
    assert all(len(files[f"blobs/sha256/{each['digest'][7:]}"]) == each["size"] for each in described)
    config = json.loads(files[f"blobs/sha256/{manifest['config']['digest'][7:]}"])
    assert config["rootfs"]["diff_ids"] == [f"sha256:{sha256(b'files' * 1000).hexdigest()}"]


def test_it_runs_as_the_user_of_the_package_and_with_its_folders() -> None:
    made = {
        line.split()[1] for line in (PACKAGING / "debian" / "tmpfiles.conf").read_text().splitlines() if line[0] != "#"
    }
    assert made == set(image.process("1")["Volumes"])
    (user,) = (
        line
        for line in (PACKAGING / "systemd" / "sysusers.d" / "reading-room.conf").read_text().splitlines()
        if line[0] != "#"
    )
    assert image.process("1")["User"].split(":") == [user.split()[2]] * 2


def test_compose_and_podman_get_the_same_options() -> None:
    """In each one's words."""
    service = yaml.safe_load((PACKAGING / "image" / "compose.yaml").read_text())["services"]["reading-room"]
    (podman,) = [block.text for block in blocks(page_of("operations/install-image.md")) if "podman run" in block.text]
    words = shlex.split(podman.partition("podman run")[2].replace("\\\n", " "))
    given = [words[at + 1] for at, word in enumerate(words) if word == "--security-opt"]
    wanted = [
        each.replace("systempaths=unconfined", "unmask=ALL").removesuffix(":true") for each in service["security_opt"]
    ]
    assert sorted(given) == sorted(wanted)
    assert service["cap_drop"] == ["ALL"]
    assert "--cap-drop all" in podman
    assert {each.partition(":")[2] for each in service["volumes"]} == set(image.process("1")["Volumes"])


def test_the_readme_runs_it_as_its_page_does() -> None:
    """And every other block of the README has a mark, so that a test types it."""
    (shown,) = [block.text for block in blocks(page_of("README.md")) if block.commands and not block.mark]
    build, _, rest = shown.partition("\n")
    assert build == "make image"
    assert rest in [block.text for block in blocks(page_of("operations/install-image.md"))]


@pytest.mark.network
def test_the_entry_point_refuses_where_user_namespaces_are_forbidden() -> None:
    """With one sentence and without starting anything. The limit applies to the test's own namespace."""
    forbid = f"echo 0 > /proc/sys/user/max_user_namespaces; exec {ENTRYPOINT}"
    argv = ["unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c", forbid]
    run = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (78, "")
    (line,) = run.stderr.splitlines()
    assert "it may not make user namespaces: start it with --security-opt seccomp=unconfined" in line

"""Attacks from another user of the machine, and from a compromised `serve`, on the rest: all of them are refused.

docs/attacks.md lists them. A stranger and the user of `serve` try all of them on a product with a running job.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end import host_attacks
from tests.worlds.own_account import OwnAccount
from tests.worlds.place import Place
from tests.worlds.product import Product, running_product

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        os.geteuid() != 0,
        reason="only root can run programs as other users, and an ordinary user's serve has the same user id",
    ),
]

LIST = Path(__file__).resolve().parents[2] / "docs" / "attacks.md"
EXPECTED = {
    "files-of-the-data-folder": ["EACCES"],
    "changing-the-files-of-the-data-folder": ["EACCES"],
    "listing-the-folders": ["EACCES"],
    "new-files-in-the-folders": ["EACCES"],
    "links-in-the-folders": ["EACCES"],
    "renaming-the-folders": ["EACCES"],
    "hard-links-to-secrets": ["EACCES"],
    "opening-the-folders-to-everybody": ["EACCES", "EPERM"],
    "taking-the-folders-over": ["EACCES", "EPERM"],
    "watching-what-changes-in-the-folders": ["EACCES"],
    "locking-the-database": ["EACCES"],
    "environments-of-processes": ["EACCES"],
    "memory-of-processes": ["EACCES"],
    "writing-memory-of-processes": ["EACCES"],
    "descriptors-of-processes": ["EACCES"],
    "files-as-processes-see-them": ["EACCES"],
    "calls-and-stacks-of-processes": ["EACCES"],
    "maps-of-processes": ["EACCES"],
    "attaching-to-processes": ["EPERM"],
    "reading-memory-by-call": ["EPERM"],
    "descriptors-by-call": ["EPERM"],
    "signals-to-processes": ["EPERM"],
    "namespaces-of-processes": ["EACCES"],
    "limits-of-processes": ["EPERM"],
    "processors-and-priority-of-processes": ["EPERM"],
    "choosing-who-is-killed-for-memory": ["EACCES"],
    "what-cores-of-processes-hold": ["EACCES"],
    "moving-processes-among-control-groups": ["EACCES"],
    "the-agents-socket": ["EACCES"],
    "ports-that-are-taken": ["EADDRINUSE"],
    "becoming-root": ["EPERM"],
    "networks-of-the-product": ["EPERM"],
}
"""The outcomes of each attempt."""
SERVES_OWN = frozenset({"locking-the-database", "the-agents-socket", "ports-that-are-taken"})
"""Attempts on what belongs to `serve`, which are no attacks if a compromised `serve` makes them."""
STRANGER = 65_500
"""A user id that no user has."""


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    """A product in a folder that everybody may enter, so that only its own permissions keep others out."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        with running_product(Path(folder)) as found:
            yield found


def as_user(user: int, facts: dict[str, Any], process: int) -> dict[str, Any]:
    """Make every attempt as a user without privileges, in the mount namespace of a process; return the outcomes."""
    rights = [f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs", "--inh-caps=-all"]
    program = Path(str(host_attacks.__file__)).read_text()
    run = subprocess.run(
        [
            "/usr/bin/nsenter",
            "-m",
            "-t",
            str(process),
            "/usr/bin/setpriv",
            *rights,
            "--",
            sys.executable,
            "-I",
            "-c",
            program,
            json.dumps(facts),
        ],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return dict(json.loads(line) for line in run.stdout.splitlines())


@pytest.fixture(scope="module")
def outcomes(
    product: Product, account: OwnAccount, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """Make the attempts as both users, once for all tests, while a job runs."""
    place = Place(product, account=account)
    own = tmp_path_factory.mktemp("own")
    own.chmod(0o777)
    assert product.up is not None
    with place.running() as (_, worker):
        serve = product.child("serve")
        others = [product.child("agent"), product.holder().pid, worker]
        secrets = [product.place.agent / "holder.json", product.place.agent / "lock"]
        kept = [product.data / "db.sqlite", product.data / "authority" / "authority.key", product.data / "credentials"]
        facts = {
            "processes": [*others, serve],
            "files": [str(path) for path in (*kept, *secrets) if path.exists()],
            "folders": [str(product.data), str(product.data / "objects"), str(product.place.agent)],
            "database": str(product.data / "db.sqlite"),
            "sockets": [str(product.place.socket)],
            "ports": [product.port],
            "groups": [str(group) for group in product.groups],
            "own": str(own),
        }
        of_root = facts | {
            "processes": [*others, product.up.pid],
            "files": [str(path) for path in secrets if path.exists()],
            "folders": [str(product.place.agent)],
        }
        return {
            "stranger": as_user(STRANGER, facts, os.getpid()),
            "serve": as_user(int(product.settings["SERVICE_UID"]), of_root, serve),
        }


@pytest.mark.costs(20, reason="it is the first test, so it starts a product in which two users make every attempt")
@pytest.mark.parametrize("name", EXPECTED)
def test_another_user_is_refused(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    assert outcomes["stranger"][name] == EXPECTED[name]


@pytest.mark.parametrize("name", [name for name in EXPECTED if name not in SERVES_OWN])
def test_a_compromised_serve_is_refused(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    assert outcomes["serve"][name] == EXPECTED[name]


def test_the_attempts_are_those_of_the_list(outcomes: dict[str, dict[str, Any]]) -> None:
    for section, who, left_out in (
        ("By another user of the machine", "stranger", frozenset[str]()),
        ("By whoever took over `serve`", "serve", SERVES_OWN),
    ):
        text = LIST.read_text().partition(f"## {section}")[2].partition("\n## ")[0]
        listed = re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE)
        assert listed == [name for name in outcomes[who] if name not in left_out]
    assert list(outcomes["stranger"]) == list(EXPECTED)

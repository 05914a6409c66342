"""The rulesets' text in a real kernel: it accepts every transaction, and differences give the same as a new table."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from reading_room.dataplane.rules.compile import compile_host
from reading_room.dataplane.rules.nftables import Ruleset
from reading_room.dataplane.rules.transactions import creation, differences
from reading_room.dataplane.spec import NetworkSpec
from tests.worlds.dataplane import networks

pytestmark = pytest.mark.network

# An ordinary user's PATH has no sbin.
NFT = shutil.which("nft", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


def listed(folder: Path, transactions: tuple[str, ...]) -> list[str]:
    """Apply transactions in a temporary network namespace; return nft's listing then, sorted."""
    for number, text in enumerate(transactions):
        (folder / f"{number:03d}.nft").write_text(text)
    names = " ".join(f"{number:03d}.nft" for number in range(len(transactions)))
    script = f"set -e; for each in {names}; do {NFT} -f $each; done; {NFT} -s list table inet vpc"
    enter = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
    done = subprocess.run([*enter, "sh", "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    parts = re.split(r"[\n,]|elements = \{|\}", done.stdout)
    return sorted(part.strip() for part in parts if part.strip())


@pytest.mark.skipif(NFT is None, reason="nft is not installed")
@given(networks(), networks())
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_the_kernel_takes_every_change_and_ends_as_if_it_were_new(
    tmp_path: Path, old: NetworkSpec, new: NetworkSpec
) -> None:
    """This holds for changes from any network to any other."""
    before, after = _ruleset(old), _ruleset(new)
    changed = listed(tmp_path, (*creation(before), *differences(before, after)))
    assert changed == listed(tmp_path, creation(after))


def _ruleset(spec: NetworkSpec) -> Ruleset:
    return compile_host(spec).routers[0].ruleset

"""Whoever has taken over `serve` has its user id and its data folder, and gains nothing of root's by either."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from reading_room.containers.processes import start_time
from tests.worlds.product import Product
from tests.worlds.waiting import eventually

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's agent has nothing that its serve has not"),
    pytest.mark.costs(25, reason="a product of its own, started twice, whose agent is killed"),
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
"""Everything in the data folder that a version before looked at, or this one might."""
LEAD_AWAY = 'mv authority/authority.pem authority/kept; ln -s "$1" authority/authority.pem'


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    product = Product(tmp_path, STANDBY="0")
    yield product
    product.clear()


def as_serve(product: Product, script: str, *arguments: str) -> str:
    """Run a script in the data folder as the user of ``serve``, who can gain no rights; return what it printed."""
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


def test_root_touches_nothing_that_a_taken_over_serve_put_in_the_data_folder(product: Product, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of root\n")
    secret.chmod(0o600)
    before = secret.stat()

    def untouched() -> bool:
        now = secret.stat()
        same = ("st_mode", "st_uid", "st_gid", "st_size", "st_mtime_ns", "st_ctime_ns", "st_atime_ns", "st_nlink")
        return all(getattr(now, name) == getattr(before, name) for name in same)

    product.start()
    trap = int(as_serve(product, TAKE_OVER, str(secret)))
    trapped = os.readlink(f"/proc/{trap}/ns/mnt")
    first = product.holder()
    try:
        agent = product.child("agent")
        os.kill(agent, 9)
        eventually(lambda: product.child("agent") != agent)
        assert os.readlink(f"/proc/{product.child('agent')}/ns/mnt") == os.readlink(f"/proc/{first.pid}/ns/mnt")
        product.stop()
        product.start()
        assert product.holder().pid not in (trap, first.pid)
        assert os.readlink(f"/proc/{product.child('agent')}/ns/mnt") != trapped
        assert start_time(trap) is not None, "nobody ended what serve named as holder"
        assert json.loads((product.data / "agent" / "holder.json").read_text())["pid"] == trap
        assert untouched()
        # The authority of the VPC's certificates is the one file of serve that root has to read.
        as_serve(product, LEAD_AWAY, str(secret))
        os.kill(product.child("agent"), 9)
        eventually(lambda: "the agent ends: " in product.log.read_text())
        assert "of root" not in product.log.read_text()
        assert untouched()
    finally:
        os.kill(trap, 9)

"""The product with PostgreSQL instead of SQLite: moved there, and working without a password in sight."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from reading_room.cli.running import free_port
from reading_room.database.address import VARIABLE
from tests.worlds import postgresql
from tests.worlds.pages import blocks, page_of
from tests.worlds.place import Place
from tests.worlds.product import Product
from tests.worlds.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
PASSWORD = "correct-horse-battery"
PAGE = blocks(page_of("operations/postgresql.md"))
(DATABASE,) = [block for block in PAGE if "CREATE DATABASE" in block.text]
ADDRESS, MOVE, *_ = [block for block in PAGE if block.commands]


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    """A product, without containers started ahead."""
    found = Product(tmp_path, STANDBY="0")
    try:
        yield found
    finally:
        found.clear()


@pytest.fixture
def url(product: Product) -> Iterator[str]:
    """The address of an empty database over TCP, whose user has a password, in a file of the server's user."""
    found = postgresql.programs()
    if found is None:
        pytest.skip("PostgreSQL is not installed: as root, scripts/setup unpacks it into .venv")
    port = free_port()
    with ExitStack() as stack:
        server = postgresql.Server(found, listen_addresses="127.0.0.1", port=str(port))
        stack.callback(server.close)
        for statement in DATABASE.text.replace("reading_room", "product").strip().splitlines():
            server.run(statement)
        server.run(f"ALTER ROLE product PASSWORD '{PASSWORD}'")
        rules = server.folder / "data" / "pg_hba.conf"
        rules.write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
        server.run("SELECT pg_reload_conf()")
        # The user of ``serve`` must reach the file, and nobody else may read it.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rr-pgpass-")))
        folder.chmod(0o755)
        passwords = folder / "pgpass"
        passwords.write_text(f"127.0.0.1:{port}:product:product:{PASSWORD}\n")
        passwords.chmod(0o600)
        if os.geteuid() == 0:
            os.chown(passwords, int(product.settings["SERVICE_UID"]), -1)
        yield f"postgresql+psycopg://product@127.0.0.1:{port}/product?passfile={passwords}"


@pytest.mark.costs(30, reason="a product starts twice, and runs a job")
def test_an_installation_moves_to_postgresql_and_runs_jobs_there(product: Product, url: str) -> None:
    product.start()
    product.account().s3.create_bucket(Bucket="from-the-file")
    environment = os.environ | {f"READING_ROOM_{name}": value for name, value in product.settings.items()}
    program, *words, _ = shlex.split(MOVE.text)
    assert program == "reading-room"
    argv = [sys.executable, "-m", "reading_room", *words, url, "--data", str(product.data)]
    early = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    assert early.returncode == 1
    assert "is in use by process" in early.stderr
    product.stop()
    moved = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    assert moved.returncode == 0, moved.stderr
    assert f"Set {VARIABLE}={url} from now on" in moved.stderr

    assert ADDRESS.text.startswith(f"export {VARIABLE}=")
    product.settings["DATABASE"] = url
    product.start()
    names = [each["Name"] for each in product.account().s3.list_buckets()["Buckets"]]
    assert "from-the-file" in names
    place = Place(product)
    place.put("in/", 5)
    job = place.start("in/")
    eventually(lambda: place.describe(job)["JobStatus"] in ("COMPLETED", "FAILED"), seconds=240)
    assert place.describe(job)["JobStatus"] == "COMPLETED", place.describe(job)
    for process in product.processes():
        for name in ("cmdline", "environ"):
            assert PASSWORD.encode() not in Path(f"/proc/{process}/{name}").read_bytes()
    assert PASSWORD not in product.log.read_text()

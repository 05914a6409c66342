"""The console of a running product: its URL, access to the APIs from its pages, and links that sign in once."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from reading_room.cli.running import free_port
from reading_room.client import connect
from tests.worlds.browser import fetched
from tests.worlds.product import Product
from tests.worlds.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

LINK = re.compile(r"sign-in link (http://127\.0\.0\.1:\d+/sign-in#(\S+))")


def run(product: Product, *arguments: str, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """Run ``reading-room console`` against the product."""
    argv = [sys.executable, "-m", "reading_room", "console", "--data", str(product.data), *product.ports(), *arguments]
    return subprocess.run(argv, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, check=False)


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """Yield both ends of a terminal: ours and the program's."""
    ours, theirs = pty.openpty()
    try:
        yield ours, theirs
    finally:
        os.close(ours)
        os.close(theirs)


def read_until(ours: int, until: re.Pattern[str], seconds: float = 30) -> str:
    """Return the output on a terminal up to the first match of a pattern."""
    shown, deadline = "", time.monotonic() + seconds
    while not until.search(shown):
        assert time.monotonic() < deadline, shown
        if select.select([ours], [], [], 0.2)[0]:
            shown += os.read(ours, 65536).decode()
    return shown


def redeem(product: Product, token: str) -> Any:
    """Exchange a link's token for credentials, as a browser does without any others."""
    url = product.endpoint().url
    return connect("reading-room", url, config=Config(signature_version=UNSIGNED)).redeem_sign_in_token(Token=token)


def test_up_logs_the_url_on_a_separate_line_and_writes_no_link_to_a_file(product: Product) -> None:
    assert product.stdout == [f"ready http://127.0.0.1:{product.port}\n".encode()]
    line = f"console URL http://127.0.0.1:{product.console_port}/"
    eventually(lambda: line in product.log.read_text().splitlines(), what=line)
    assert "sign-in" not in product.log.read_text()


def test_the_configuration_has_the_url_of_the_apis_and_they_allow_the_consoles_origin(product: Product) -> None:
    for host in ("127.0.0.1", "localhost"):
        origin = f"http://{host}:{product.console_port}"
        status, headers, body = fetched(f"{origin}/config.json")
        answer = json.loads(body)
        assert (status, answer["apiUrl"], answer["account"]) == (200, f"http://{host}:{product.port}", "000000000001")
        assert f"connect-src 'self' {answer['apiUrl']};" in headers["content-security-policy"]
        for path in ("/none/key", "/_reading_room/health"):
            _, headers, _ = fetched(answer["apiUrl"] + path, Origin=origin)
            assert headers["access-control-allow-origin"] == origin
        preflight = {"Origin": origin, "Access_Control_Request_Method": "PUT"}
        assert fetched(f"{answer['apiUrl']}/none/key", "OPTIONS", **preflight)[0] == 204
    _, headers, _ = fetched(f"http://127.0.0.1:{product.port}/none/key", Origin="http://127.0.0.1:4567")
    assert headers["access-control-allow-origin"] is None


def test_a_rebound_host_name_is_refused(product: Product) -> None:
    status, _, body = fetched(f"http://127.0.0.1:{product.console_port}/", Host=f"evil.example:{product.console_port}")
    assert status == 421
    assert b"<" not in body


def test_objects_are_not_served_at_the_consoles_origin(product: Product) -> None:
    s3 = product.account().s3
    s3.create_bucket(Bucket="hostile")
    s3.put_object(Bucket="hostile", Key="page.html", Body=b"<script>steal()</script>", ContentType="text/html")
    for path in ("hostile/page.html", "page.html", "assets/../hostile/page.html"):
        _, headers, body = fetched(f"http://127.0.0.1:{product.console_port}/{path}")
        assert b"steal" not in body
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")


def test_up_fails_on_a_port_in_use_and_names_the_option(product: Product, tmp_path: Path) -> None:
    second = Product(tmp_path)
    second.console_port = product.console_port
    process = second.launch()
    assert process.wait(60) == 1
    said = second.log.read_text()
    assert f"127.0.0.1:{product.console_port} cannot be bound (Address already in use)" in said
    assert "--console-port" in said
    assert "Traceback" not in said
    assert second.stdout == []


def test_a_pipe_receives_the_url_but_no_link(product: Product) -> None:
    piped = run(product)
    assert piped.returncode == 1
    assert piped.stdout == f"console URL http://127.0.0.1:{product.console_port}/\n"
    assert "printed on a terminal only" in piped.stderr
    assert "--no-link" in piped.stderr
    alone = run(product, "--no-link")
    assert (alone.returncode, alone.stderr) == (0, "")
    assert alone.stdout == piped.stdout


def test_a_link_on_a_terminal_works_once(product: Product) -> None:
    with terminal() as (ours, theirs):
        ran = run(product, stdout=theirs)
        assert ran.returncode == 0, ran.stderr
        shown = read_until(ours, re.compile(r"works once, within \d+ s"))
    assert f"console URL http://127.0.0.1:{product.console_port}/" in shown
    found = LINK.search(shown)
    assert found is not None
    assert f":{product.console_port}/sign-in#" in found[1]
    given = redeem(product, found[2])["Credentials"]
    caller = connect(
        "sts",
        product.endpoint().url,
        access_key_id=given["AccessKeyId"],
        secret_access_key=given["SecretAccessKey"],
        session_token=given["SessionToken"],
    ).get_caller_identity()
    assert caller["Arn"].endswith(":user/administrator")
    with pytest.raises(ClientError, match="InvalidSignInToken"):
        redeem(product, found[2])


def test_up_on_a_terminal_prints_a_link(tmp_path: Path) -> None:
    found = Product(tmp_path)  # A separate product, because the test reads its output.
    found.console_port = free_port()
    with terminal() as (ours, theirs):
        found.terminal = theirs
        try:
            found.launch()
            shown = read_until(ours, re.compile(r"To get another one: \S+ console"), 60)
            link = LINK.search(shown)
            assert link is not None
            assert redeem(found, link[2])["Arn"].endswith(":user/administrator")
            program = re.search(r"To get another one: (\S+) console", shown)
            assert program is not None
            assert shutil.which(program[1]) is not None, "the shell cannot find the printed command"
            assert found.stdout == [f"ready http://127.0.0.1:{found.port}\n".encode()]
            found.stop()
        finally:
            found.clear()


def test_each_line_is_a_single_write(product: Product) -> None:
    """Otherwise a log line could come between. A pipe in packet mode shows each write of unbuffered Python."""
    packets, stdout = os.pipe2(os.O_DIRECT)
    argv = [sys.executable, "-m", "reading_room", "console", "--no-link", "--data", str(product.data), *product.ports()]
    try:
        subprocess.run(argv, stdout=stdout, env=os.environ | {"PYTHONUNBUFFERED": "1"}, check=True, timeout=60)
        assert os.read(packets, 4096) == f"console URL http://127.0.0.1:{product.console_port}/\n".encode()
    finally:
        os.close(packets)
        os.close(stdout)


def test_without_a_running_product_the_command_names_what_to_start(tmp_path: Path) -> None:
    absent = Product(tmp_path)
    absent.console_port = free_port()
    refused = run(absent)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "start it with `" in refused.stderr
    assert "reading-room up" in refused.stderr
    absent.console_port = 0
    assert "the console is off" in run(absent).stderr

"""The privacy page says for every locked package, with its version, that it does not send data anywhere."""

from __future__ import annotations

import re
from pathlib import Path

import network_code

PAGE = Path(__file__).resolve().parents[2] / "docs" / "privacy.md"
ROW = re.compile(r"^\| `([a-z0-9-]+)` (.+?) \| [a-zA-Z, ]+ \| (.+) \|$", re.MULTILINE)


def test_every_locked_package_has_a_row() -> None:
    """If you add or upgrade a package, read what ``scripts/network_code.py`` lists for it."""
    rows = {name: set(versions.split(" and ")) for name, versions, _ in ROW.findall(PAGE.read_text())}
    locked = {re.sub(r"[-_.]+", "-", name).lower(): versions for name, versions in network_code.locked().items()}
    assert rows == locked


def test_the_script_finds_code_that_connects_or_reports_and_no_other() -> None:
    connects = [b"import socket\n", b"from urllib.request import x\n", b"    import os, socket\n", b"urlopen(a)"]
    assert all(network_code.CONNECTS.search(text) for text in connects)
    assert not any(network_code.CONNECTS.search(text) for text in (b"import websockets\n", b"# import socket\n", b"x"))
    assert network_code.TELLS.search(b"SEND_TELEMETRY = 1")
    assert network_code.LOOKS_UP.search(b"\0getaddrinfo\0")

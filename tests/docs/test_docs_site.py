"""The site builds without warnings, and a browser that shows it sends no requests to other hosts."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.worlds.pages import DOCS, ROOT

WANTED = ("sphinx", "myst_parser", "furo")
FETCHED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed|object)\b[^>]*?\b(?:src|srcset|data)\s*=\s*["']([^"']*)"""
    r"""|<link\b(?![^>]*rel=["'](?:canonical|license)["'])[^>]*?\bhref\s*=\s*["']([^"']*)"""
    r"""|url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""",
    re.IGNORECASE,
)
"""What a browser fetches by itself, which does not include links."""

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in WANTED),
        reason="Sphinx, MyST-parser or Furo is not installed here: pip install -e .[docs]",
    ),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built with warnings as errors and without a network."""
    folder = tmp_path_factory.mktemp("site")
    program = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-d", str(folder / "doctrees")]
    # A proxy without a listener, so that every request fails.
    environment = os.environ | dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    built = subprocess.run(
        [*program, "-c", str(DOCS), str(ROOT), str(folder / "html")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "html"


def elsewhere(text: str) -> list[str]:
    """Return the addresses on other hosts that a browser would fetch for a page or style."""
    found = [next(filter(None, groups), "") for groups in FETCHED.findall(text)]
    return [address for address in found if re.match(r"(?:[a-z][a-z0-9+.-]*:)?//", address, re.IGNORECASE)]


@pytest.mark.costs(6, reason="the site is built")
def test_each_page_is_in_the_site(site: Path) -> None:
    """Nothing is left out silently."""
    sources = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
    missing = [page for page in sources if not (site / page.relative_to(ROOT)).with_suffix(".html").exists()]
    assert missing == []


def test_the_site_begins_at_its_index(site: Path) -> None:
    """A reader who opens the folder sees the index."""
    target = re.search(r'url=([^"]+)"', (site / "index.html").read_text())
    assert target is not None
    assert "Tutorial" in (site / target[1]).read_text()


def test_a_browser_sends_no_requests_to_other_hosts(site: Path) -> None:
    """There is no font, script, style or image from another origin."""
    files = [path for path in site.rglob("*") if path.suffix in {".html", ".css"} and "_downloads" not in path.parts]
    assert len(files) > 50
    found = {f"{path.relative_to(site)}: {each}" for path in files for each in elsewhere(path.read_text())}
    assert found == set()


def test_what_a_browser_would_fetch_is_found() -> None:
    """The search can find something."""
    assert elsewhere('<script src="https://a.example/x.js"></script>') == ["https://a.example/x.js"]
    assert elsewhere("<img alt='' src='//a.example/p.png'>") == ["//a.example/p.png"]
    assert elsewhere('<link rel="stylesheet" href="https://a.example/s.css">') == ["https://a.example/s.css"]
    assert elsewhere("@import url(https://a.example/f.css);") == ["https://a.example/f.css"]
    assert elsewhere('<a href="https://a.example/">x</a> <link rel="stylesheet" href="_static/furo.css">') == []

"""A Sphinx extension: it makes the site's navigation from docs/index.md, and resolves links to folders.

People read the index in the repository, too, so it contains no Sphinx directives. Each of its
headings with a list of links becomes a part of the navigation; a link to a folder stands for the folder's pages.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

INDEX = "docs/index"
# A link at the beginning of a list item: the page or folder that the item is about.
_ITEM = re.compile(r"^- \[(?P<text>[^\]]+)\]\((?P<target>[^)#:\s]+)\)", re.MULTILINE)
_SECTION = re.compile(r"^## (?P<title>.+)$", re.MULTILINE)
_LINK = re.compile(r"(?P<before>(?<!!)\[[^\]]*\]\()(?P<target>[^)#:\s]+)/\)")
_REDIRECT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Reading Room</title>
<meta http-equiv="refresh" content="0; url={target}"><link rel="canonical" href="{target}"></head>
<body><a href="{target}">The documents of Reading Room</a></body></html>
"""


def sections(text: str) -> list[tuple[str, list[str]]]:
    """Return the index's headings, each with the targets of its list; folders end with ``/``."""
    parts = _SECTION.split(text)[1:]
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return [(title, targets) for title, body in pairs if (targets := [m["target"] for m in _ITEM.finditer(body)])]


def pages_of(target: str, folder: Path) -> list[Path]:
    """Return the files that a target of the index stands for; ``folder`` is the index's own."""
    if target.endswith("/"):
        return sorted((folder / target).glob("*.md"))
    return [folder / target]


def with_navigation(text: str, folder: Path) -> str:
    """Return the index followed by a hidden Sphinx table of contents for each list; only the navigation shows them."""
    lines = [text]
    for title, targets in sections(text):
        lines += ["", "```{toctree}", ":hidden:", f":caption: {title}", ""]
        pages = (path for target in targets for path in pages_of(target, folder))
        lines += [posixpath.relpath(path, folder).removesuffix(".md") for path in pages]
        lines.append("```")
    return "\n".join(lines) + "\n"


def with_folders(text: str, page: Path, root: Path) -> str:
    """Return a page whose links to folders lead to the index's section on that folder."""
    index = root / f"{INDEX}.md"

    def anchor(match: re.Match[str]) -> str:
        folder = (page.parent / match["target"]).resolve()
        for title, targets in sections(index.read_text()):
            if any(each.endswith("/") and (index.parent / each).resolve() == folder for each in targets):
                way = Path(posixpath.relpath(index, page.parent))
                return f"{match['before']}{way.as_posix()}#{slug(title)})"
        return match[0]

    return _LINK.sub(anchor, text)


def slug(heading: str) -> str:
    """Return a heading's anchor, as repository viewers and MyST make it."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", lambda match: match[1] or "", heading)
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def setup(app: Any) -> dict[str, bool]:
    """Register this extension with Sphinx."""
    app.connect("source-read", _read)
    app.connect("build-finished", _finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _read(app: Any, name: str, source: list[str]) -> None:
    root = Path(app.srcdir)
    page = root / f"{name}.md"
    text = with_folders(source[0], page, root)
    # Make the tables of contents from the original index, not from its rewritten links.
    source[0] = text + with_navigation(source[0], page.parent)[len(source[0]) :] if name == INDEX else text


def _finish(app: Any, failure: Exception | None) -> None:
    """Redirect from the site's root to the index, which is in the folder of its source."""
    if failure is None and app.builder.format == "html":
        (Path(app.outdir) / "index.html").write_text(_REDIRECT.format(target=f"{INDEX}.html"))

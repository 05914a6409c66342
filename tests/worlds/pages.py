"""The pages of the site as tests read them: their blocks of commands, links and anchors, and which are run where.

A block is marked by a comment right before it: ``<!-- run: NAME -->`` puts it into a shell of that name, which runs the
blocks of one or more pages in order. A ``text`` block after a block that is run shows its output, with ``…`` for what
differs. Pages whose blocks all belong to one shell, or are run by tests of their own, have a row in
``other_pages.toml``; a mark in the page takes precedence.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
COMMANDS = {"sh", "bash", "shell", "console", "python", "hcl"}
"""The languages of blocks that readers would type in, or put into a file of their own."""
PROGRAMS = ("aws ", "curl ", "export ", "ip ", "jq ", "make ", "nft ", "pip ", "reading-room ", "sysctl ", "$ ")
"""How a line with a command begins in a block without a language."""
MARK = re.compile(r"<!-- run: (?P<shell>.+?) -->$")
_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>```+)(?P<language>\w*)\s*$")


@dataclass(frozen=True)
class Block:
    """A block of a page: where it begins, its language and lines, and the shell of its mark, if any."""

    page: str
    line: int
    language: str
    text: str
    mark: str = ""

    @property
    def commands(self) -> bool:
        """Whether it has commands to run."""
        begins = tuple(line.strip() for line in self.text.splitlines())
        return self.language in COMMANDS or (not self.language and any(line.startswith(PROGRAMS) for line in begins))

    def __str__(self) -> str:
        """Return its place."""
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Return every page of the documents, including those in the repository's root."""
    return sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])


def name_of(path: Path) -> str:
    """Return a page's name as in the tables: its path in docs/, or else in the repository."""
    return path.relative_to(DOCS if path.is_relative_to(DOCS) else ROOT).as_posix()


def page_of(name: str) -> Path:
    """Return the page with this name."""
    return DOCS / name if (DOCS / name).exists() else ROOT / name


@cache
def blocks(path: Path) -> tuple[Block, ...]:
    """Return the blocks of a page in order, fenced ones and indented ones."""
    found: list[Block] = []
    page, lines, number = name_of(path), path.read_text().splitlines(), 0
    while number < len(lines):
        opened = _FENCE.match(lines[number])
        begin = number
        if opened is not None:
            number += 1
            while lines[number].strip() != opened["ticks"]:
                number += 1
            text = "\n".join(line.removeprefix(opened["indent"]) for line in lines[begin + 1 : number])
            mark = MARK.match(lines[begin - 1].strip()) if begin else None
            found.append(Block(page, begin + 1, opened["language"], text, mark["shell"] if mark else ""))
        elif lines[number].startswith("    ") and not lines[number - 1].strip():
            while number < len(lines) and (lines[number].startswith("    ") or not lines[number].strip()):
                number += 1
            # Indented text below an item of a list belongs to that item.
            text = "\n".join(line[4:] for line in lines[begin:number]).rstrip()
            if not re.match(r"[-*\d]", _paragraph_before(lines, begin)):
                found.append(Block(page, begin + 1, "", text))
            continue
        number += 1
    return tuple(found)


def _paragraph_before(lines: list[str], number: int) -> str:
    while number and not lines[number - 1].strip():
        number -= 1
    while number and lines[number - 1].strip():
        number -= 1
    return lines[number]


@dataclass(frozen=True)
class Elsewhere:
    """A row of the table: how many blocks of commands a page has, and the shell or the tests that run them."""

    blocks: int
    run: str = ""
    tests: tuple[str, ...] = ()


@cache
def elsewhere() -> Mapping[str, Elsewhere]:
    """Return the rows of ``other_pages.toml`` by page."""
    rows = tomllib.loads((ROOT / "tests" / "docs" / "other_pages.toml").read_text())
    return {
        page: Elsewhere(row.pop("blocks"), row.pop("run", ""), tuple(row.pop("tests", ())), **row)
        for page, row in rows.items()
    }


def shell_of(block: Block) -> str:
    """Return the shell that runs a block, or ``None`` if a separate test does."""
    row = elsewhere().get(block.page)
    return block.mark or (row.run if row else "")


def without_code(text: str) -> str:
    """Return a page without its blocks and code, in which brackets are not links and ``#`` is not a heading."""
    text = re.sub(r"^( *)(```+).*?^\1\2\s*$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "`code`", text)


def links(path: Path) -> list[tuple[str, str]]:
    """Return the links of a page within the repository: the file, empty for the page itself, and the anchor."""
    found = re.findall(r"\]\(\s*<?([^)#>\s]*)(?:#([^)>\s]*))?>?\)", without_code(path.read_text()))
    return [(target, anchor) for target, anchor in found if ":" not in target]


@cache
def anchors(path: Path) -> frozenset[str]:
    """Return the anchors of a page's headings, as the viewers of repositories make them."""
    text = re.sub(r"^( *)(```+).*?^\1\2\s*$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    found: dict[str, int] = {}
    names = set()
    for heading in re.findall(r"^#{1,6} (.+)$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")
        names.add(f"{slug}-{found[slug]}" if slug in found else slug)
        found[slug] = found.get(slug, 0) + 1
    return frozenset(names)

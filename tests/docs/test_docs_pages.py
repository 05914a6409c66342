"""The documents are consistent: no command without a test, no broken link, no page outside the navigation."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from tests.worlds.pages import DOCS, ROOT, anchors, blocks, elsewhere, links, page_of, pages, shell_of
from tests.worlds.scripts import script

CI = ".ci/run"


@pytest.fixture(scope="module")
def navigation() -> ModuleType:
    """The script that makes the site's navigation of the index."""
    return script("navigation")


def test_each_block_of_commands_is_run() -> None:
    """By the shell of its mark or of its page's row, or by the tests that the row names."""
    rows = elsewhere()
    found = [block for path in pages() for block in blocks(path) if block.commands]
    tested = {page for page, row in rows.items() if row.tests}
    silent = [str(block) for block in found if not shell_of(block) and block.page not in tested]
    assert silent == [], "mark them with <!-- run: SHELL -->"


def test_each_shell_is_typed_by_a_test() -> None:
    """A mistyped name would run nothing."""
    shells = {shell_of(block) for path in pages() for block in blocks(path) if block.commands} - {"", CI}
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_docs_*.py"))
    assert len(shells) > 10
    assert [shell for shell in sorted(shells) if f'steps_of("{shell}", ' not in tests] == []


def test_commands_marked_for_ci_are_run_by_ci() -> None:
    """They are the commands for a change: each is a line of CI's own script."""
    lines = {line.strip() for line in (ROOT / CI).read_text().splitlines()}
    marked = [block for path in pages() for block in blocks(path) if block.mark == CI]
    typed = [line.partition("#")[0].strip() for block in marked for line in block.text.splitlines()]
    assert {"make demo", "make test"} <= set(typed) <= lines


def test_the_table_counts_each_block_of_its_pages() -> None:
    """So that whoever adds a block has to look at the row."""
    for page, row in elsewhere().items():
        found = [block for block in blocks(page_of(page)) if block.commands]
        assert (page, len(found)) == (page, row.blocks)
        assert bool(row.run) != bool(row.tests), page


def test_the_tests_in_the_table_name_their_page() -> None:
    """The tests that are said to run a page exist, and name it."""
    for page, row in elsewhere().items():
        for test in row.tests:
            assert f'"{page}"' in (ROOT / test).read_text(), f"{test} does not name {page}"


def test_the_first_steps_in_the_console_have_the_labels_that_its_own_test_clicks() -> None:
    """That test takes the same steps in a browser, so the page is right as long as the words are the same."""
    steps = (DOCS / "console.md").read_text().partition("## From nothing to results")[2].partition("\n## ")[0]
    labels = [" ".join(label.split()) for label in re.findall(r"\*\*(.+?)\*\*", steps, re.DOTALL)]
    clicked = (ROOT / "console" / "e2e" / "first_use.spec.ts").read_text()
    read_only = {"Story", "Flow records"}
    assert len(labels) > 8
    assert [label for label in labels if label not in clicked and label not in read_only] == []
    job_page = (ROOT / "console" / "src" / "jobs" / "JobPage.tsx").read_text()
    assert [label for label in sorted(read_only) if f'label: "{label}"' not in job_page] == []


def test_each_link_and_each_anchor_leads_somewhere() -> None:
    """In the site and in a viewer of the repository."""
    broken = []
    for path in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]:
        for target, anchor in links(path):
            file = (path.parent / target).resolve() if target else path
            if not file.exists():
                broken.append(f"{path.relative_to(ROOT)}: {target}")
            elif anchor and file.suffix == ".md" and anchor not in anchors(file):
                broken.append(f"{path.relative_to(ROOT)}: {target}#{anchor}")
    assert broken == []


def test_each_page_is_in_the_navigation(navigation: ModuleType) -> None:
    """The index names it, or its folder."""
    index = DOCS / "index.md"
    shown = [
        page.resolve()
        for _, targets in navigation.sections(index.read_text())
        for target in targets
        for page in navigation.pages_of(target, DOCS)
    ]
    assert sorted(set(shown)) == sorted(shown), "a page is in the navigation twice"
    assert sorted({*DOCS.rglob("*.md")} - {index, *shown}) == []


def test_the_index_becomes_a_table_of_contents(navigation: ModuleType, tmp_path: Path) -> None:
    """Pages, folders and pages above the documents appear under their headings."""
    (tmp_path / "docs" / "vpc").mkdir(parents=True)
    for name in ("a.md", "b.md"):
        (tmp_path / "docs" / "vpc" / name).write_text("# A page\n")
    text = "# Index\n\n## First\n\n- [One](one.md): a page\n\n## Then\n\n- [Net](vpc/): pages\n- [Up](../UP.md)\n"
    text += "\n## Words\n\nNo list.\n"
    made = navigation.with_navigation(text, tmp_path / "docs")
    assert made.startswith(text)
    first, then = made.removeprefix(text).split("```{toctree}")[1:]
    assert first.split() == [":hidden:", ":caption:", "First", "one", "```"]
    assert then.split() == [":hidden:", ":caption:", "Then", "vpc/a", "vpc/b", "../UP", "```"]


def test_a_link_to_a_folder_leads_to_its_entry_in_the_index(navigation: ModuleType) -> None:
    """The site has no page for a folder."""
    page = ROOT / "README.md"
    text = "[a page per feature](docs/vpc/), [code](src/reading_room/)"
    assert navigation.with_folders(text, page, ROOT) == (
        "[a page per feature](docs/index.md#network), [code](src/reading_room/)"
    )

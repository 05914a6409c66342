"""Sphinx's configuration for the site: `sphinx-build -W -b html -c docs . build/site` in the repository's root.

The sources are the repository's own pages, including those in its root, so that their links work on the site as they do
in the repository. `scripts/navigation.py` is the extension that this needs.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "src")]

from reading_room.versions import VERSION  # noqa: E402

project = "Reading Room"
version = release = VERSION
html_title = f"{project} {version}"
# No date and no names, so that the same sources make the same pages.
html_show_copyright = False
html_show_sphinx = False

extensions = ["myst_parser", "navigation"]
root_doc = "docs/index"
include_patterns = ["docs/*.md", "docs/*/*.md", "*.md", "bench/RESULTS.md", "models/README.md"]
exclude_patterns = [".*", "build", "console", "dist", "packaging", "scripts", "src", "tests", "**/node_modules"]

# Anchors as repository viewers make them, for headings of any depth.
myst_heading_anchors = 6
# Show commands as they are typed, without typographic quotes and dashes.
smartquotes = False
# The pages show fragments (one statement of a policy) and `…` for omissions, which no lexer accepts.
highlight_language = "none"
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_copy_source = False
html_show_sourcelink = False
# Furo includes its scripts and styles and uses the fonts of the reader's system: nothing is fetched from elsewhere.
html_theme_options = {"sidebar_hide_name": False}

"""How Sphinx makes the documents a site: `sphinx-build -W -b html -c docs . build/site` in the root of the repository.

The sources are the repository's own pages, those of its root too, so that their links work here as they do where the
files are looked at. `scripts/navigation.py` has what that asks for.
"""

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
_package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

project = "Reading Room"
version = release = _package["version"]
html_title = f"{project} {version}"
# No date and no names: the same sources make the same pages.
html_show_copyright = False
html_show_sphinx = False

extensions = ["myst_parser", "navigation"]
root_doc = "docs/index"
include_patterns = ["docs/*.md", "docs/*/*.md", "*.md", "bench/RESULTS.md", "models/README.md"]
exclude_patterns = [".*", "build", "console", "dist", "packaging", "scripts", "src", "tests", "**/node_modules"]

# Anchors as the viewers of repositories make them, as deep as any heading.
myst_heading_anchors = 6
# Commands are shown as they are typed: no quotes bent, no dashes joined.
smartquotes = False
# The pages show fragments (one statement of a policy) and `…` for what is left out, which no lexer takes.
highlight_language = "none"
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_copy_source = False
html_show_sourcelink = False
# Furo brings its scripts and styles along and names the fonts of the reader's own system: nothing is asked elsewhere.
html_theme_options = {"sidebar_hide_name": False}

"""List the code of installed packages that could reach a network, for docs/privacy.md: ``scripts/network_code.py``.

For each package of the lock files: the Python files that import a module that opens connections, those with words for
telemetry or update checks, and the native libraries that look up names. Somebody has to read each hit; no hit
means that the package cannot send anything by itself.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKED = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[.+\])?==([^ ;\\]+)", re.MULTILINE)
CONNECTS = re.compile(
    rb"^\s*(?:import|from) [^\n#]*\b(?:socket|socketserver|urllib\.request|http\.client|xmlrpc|smtplib|ftplib"
    rb"|webbrowser|requests|urllib3|aiohttp|httpx)\b|\b(?:urlopen|open_connection|create_connection)\(",
    re.MULTILINE,
)
TELLS = re.compile(rb"(?i)telemetry|analytics|phone.?home|update.?check|check.?for.?update|posthog|usage.?stat")
LOOKS_UP = re.compile(rb"\b(getaddrinfo|gethostbyname|res_query|curl_easy_init)\b")


def locked() -> dict[str, set[str]]:
    """Return the packages of the lock files with their locked versions."""
    found: dict[str, set[str]] = {}
    for name in ("requirements.txt", "requirements-data.txt"):
        for package, version in LOCKED.findall((ROOT / name).read_text()):
            found.setdefault(package, set()).add(version)
    return found


def hits(package: str) -> list[str]:
    """Return the files of an installed package to read, each with the reason. Raises ``PackageNotFoundError``."""
    found = []
    for file in importlib.metadata.distribution(package).files or ():
        path = Path(str(file.locate()))
        if not path.is_file() or not (path.suffix == ".py" or ".so" in path.name):
            continue
        content = path.read_bytes()
        patterns = {"connects": CONNECTS, "tells": TELLS} if path.suffix == ".py" else {"looks up": LOOKS_UP}
        found += [f"{file} ({what})" for what, pattern in patterns.items() if pattern.search(content)]
    return found


def main() -> None:
    """Print a line for each package."""
    for package in locked():
        try:
            said = ", ".join(hits(package)) or "nothing"
        except importlib.metadata.PackageNotFoundError:
            said = "not installed for this Python"
        sys.stdout.write(f"{package}: {said}\n")


if __name__ == "__main__":
    main()

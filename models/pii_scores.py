"""Recipe of the scores of personal data: how often a finding of the entity model is right, by its entity's score.

Texts: the synthetic ones for tuning (``pii_texts.py``). It prints the slope and the intercept of each type, which stand
in ``analysis/engines/pii/model.py``: those of English, and those of all other languages together.

    python -m models.pii_scores

About three minutes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.pii_texts import NOTHING, TUNING, texts
from models.sequence_training import calibration
from reading_room.analysis.engine import load_engine
from reading_room.analysis.engines.pii.engine import PiiRules
from reading_room.analysis.engines.pii.finding import resolved
from reading_room.analysis.engines.pii.model import CURVES, FURTHER_CURVES, personal

FURTHER = ("es", "fr", "de", "it", "pt")


def main() -> None:
    """Print the curves."""
    for languages, curves, count in ((("en",), CURVES, 1_500), (FURTHER, FURTHER_CURVES, 400)):
        for kind, listed in sorted(answers(languages, list(curves), count).items()):
            found, right = (np.array(column, dtype=float) for column in zip(*listed, strict=True))
            slope, intercept = calibration(found, right)
            print(f'{languages}: "{kind}": ({slope:.3f}, {intercept:.3f}),  # {len(found)}, {right.mean():.3f} right')


def answers(languages: Sequence[str], kinds: Sequence[str], count: int) -> dict[str, list[tuple[float, bool]]]:
    """Return for each type the scores of the entities that count as findings, and whether they are right."""
    found: dict[str, list[tuple[float, bool]]] = {}
    for language in languages:
        rules, engine = PiiRules(language), load_engine(f"entities-{language}")
        sample = texts(language, TUNING[language], NOTHING[language], part=0, count=count, seed=1)
        for (text, gold), entities in zip(sample, engine.analyse(text for text, _ in sample), strict=True):
            ruled = [*rules.find(text)]
            modelled = {*personal(text, entities, language, ruled, dict.fromkeys(kinds, (1.0, 0.0)))}  # type: ignore[arg-type]
            for each in modelled.intersection(resolved(text, [*ruled, *modelled])):
                found.setdefault(each.type, []).append((each.score, each[:3] in gold))
    return found


if __name__ == "__main__":
    main()

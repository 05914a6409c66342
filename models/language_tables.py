"""Tables that distinguish close languages: ``python -m models.language_tables``.

Bosnian, Croatian and Serbian; Indonesian and Malay. Trained on parallel sentences, so that they model languages and not
topics: NTREX-128's translations of the same news (a test set for machine translation, but not one of ours), with the
development parts of treebanks. The weight of the identifiers' votes against a table is chosen on held-out sentences.
"""

from __future__ import annotations

import lzma
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from models.corpora import Corpus
from models.manifest import WEIGHTS
from reading_room.analysis.engines.language_ties import PieceTable, pieces

NTREX = Corpus("MicrosoftTranslator/NTREX", "8561f6a622db9edad1217683e5c83daefd8bb2bf", "CC BY-SA 4.0")
CROATIAN = Corpus("UniversalDependencies/UD_Croatian-SET", "54322513ea2a96eae0b974d1702d327d5785078f", "CC BY-SA 4.0")
INDONESIAN = Corpus(
    "UniversalDependencies/UD_Indonesian-GSD", "89491e4d51c15da157175c303213ae5ff6f05f9d", "CC BY-SA 4.0"
)
SERBIAN = Corpus("UniversalDependencies/UD_Serbian-SET", "c88193deceecd1c5332f927c1aa0f888085f63f7", "CC BY-SA 4.0")

LANGUAGES = {
    "south-slavic": {"bs": "bos", "hr": "hrv", "sr": "srp-Latn"},
    "malay-indonesian": {"id": "ind", "ms": "msa"},
}
"""For each table, its languages with NTREX's names for them."""

TREEBANKS = {
    "hr": (CROATIAN, "hr_set-ud-dev.conllu"),
    "sr": (SERBIAN, "sr_set-ud-dev.conllu"),
    "id": (INDONESIAN, "id_gsd-ud-dev.conllu"),
}

TRAINED = 1_700
"""Of NTREX's 1,997 sentences; the others are held out."""

PIECES = 4_000
LEAST_COUNT = 6
INVERSE_PENALTY = 5.0


def main() -> None:
    """Train and write each table, and print its accuracy on the held-out sentences."""
    for name, languages in LANGUAGES.items():
        texts = {language: _ntrex(file) for language, file in languages.items()}
        _train(name, {language: lines[:TRAINED] + _treebank(language) for language, lines in texts.items()})
        table = PieceTable(WEIGHTS / name / "pieces.txt.xz")
        for at, (language, lines) in enumerate(texts.items()):
            answers = [int(np.argmax(table.probabilities(line))) for line in lines[TRAINED:]]
            print(language, f"{answers.count(at) / len(answers):.3f} of {len(answers)} held-out sentences")


def _train(name: str, texts: Mapping[str, Sequence[str]]) -> None:
    found = [pieces(text) for lines in texts.values() for text in lines]
    labels = np.array([at for at, lines in enumerate(texts.values()) for _ in lines])
    chosen = _telling(found, labels, len(texts))
    index = {piece: at for at, piece in enumerate(chosen)}
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=200, class_weight="balanced")
    model.fit(_matrix(found, index), labels)
    constant, weights = model.intercept_, model.coef_
    if len(texts) == 2:
        # For two classes the library stores only the second one's weights.
        constant, weights = np.array([0.0, constant[0]]), np.stack([np.zeros(len(chosen)), weights[0]])
    rows = [("", constant), *zip(chosen, weights.T, strict=True)]
    text = "\t" + "\t".join(texts) + "\n"
    text += "".join(f"{piece}\t" + "\t".join(f"{weight:.2f}" for weight in row) + "\n" for piece, row in rows)
    target = WEIGHTS / name / "pieces.txt.xz"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(lzma.compress(text.encode(), preset=9))


def _ntrex(name: str) -> list[str]:
    return NTREX.read(f"NTREX-128/newstest2019-ref.{name}.txt").splitlines()


def _treebank(language: str) -> list[str]:
    if language not in TREEBANKS:
        return []
    corpus, path = TREEBANKS[language]
    start = "# text = "
    return [line[len(start) :] for line in corpus.read(path).splitlines() if line.startswith(start)]


def _telling(found: Sequence[set[str]], labels: np.ndarray, languages: int) -> list[str]:
    """Return the pieces whose counts differ most between the languages, by chi-square."""
    counts = [Counter[str]() for _ in range(languages)]
    for piece_set, label in zip(found, labels, strict=True):
        counts[label].update(piece_set)
    total = sum(counts, Counter[str]())
    shares = np.bincount(labels) / len(labels)

    def difference(piece: str) -> float:
        expected = total[piece] * shares
        return float((([count[piece] for count in counts] - expected) ** 2 / expected).sum())

    common = [piece for piece, count in total.items() if count >= LEAST_COUNT]
    return sorted(sorted(common, key=lambda piece: (-difference(piece), piece))[:PIECES])


def _matrix(found: Sequence[set[str]], index: dict[str, int]) -> csr_matrix:
    rows = [[index[piece] for piece in sorted(piece_set) if piece in index] for piece_set in found]
    columns = [column for row in rows for column in row]
    values = [len(row) ** -0.5 for row in rows for _ in row]
    ends = np.cumsum([0, *(len(row) for row in rows)])
    return csr_matrix((values, columns, ends), shape=(len(rows), len(index)))


if __name__ == "__main__":
    main()

"""Recipe of ``weights/english-syntax``: a tagger for Universal Dependencies' parts of speech.

Start: the shared layers of en_core_web_md (MIT). Texts: the training part of UD English EWT (CC BY-SA 4.0) as raw
text, cut by the packaged tokenizer, so that the tagger is trained on the words that it will see; words that the corpus
cuts differently are not used. The pass with the best accuracy on the development part is kept, and the temperature of
the scores is fitted there.

    READING_ROOM_CORPORA=clones python -m models.english_syntax

About 5 CPU minutes.
"""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Adam, fix_random_seed

from models.corpora import EWT
from models.entity_corpora import conllu
from models.manifest import WEIGHTS
from reading_room.analysis.engines.english_syntax import TAGS, from_halves, network, to_halves
from reading_room.analysis.engines.packaged_pipeline import load_english

SEED = 0
PASSES = 12
RATE, DROPOUT = 1e-3, 0.25
BATCH_WORDS = 1_200
FOLDER = WEIGHTS / "english-syntax"
_SOURCES = "not-to-release/sources/"

Words = tuple[list[tuple[str, str]], list[bool]]
"""(form, tag) pairs, and whether a space follows each."""


def training() -> list[Words]:
    """Return the training part, rebuilt from its documents, without sentences that are also in the test part."""
    files = set(EWT.read("not-to-release/file-lists/files.train").split())
    paths = [path for path in EWT.names(_SOURCES.rstrip("/")) if path.removeprefix(_SOURCES) in files]
    tested = {_joined(sentence) for sentence in conllu(EWT.read("en_ewt-ud-test.conllu"))}
    found = [sentence for path in paths for sentence in conllu(EWT.read(path))]
    return [sentence for sentence in found if _joined(sentence) not in tested]


def _joined(sentence: Words) -> str:
    return "".join(form for form, _ in sentence[0]).lower()


def example(nlp: Language, sentence: Words) -> Example:
    """Return the raw text as the tokenizer cuts it, with the corpus's words and tags."""
    words, blanks = sentence
    forms = [form for form, _ in words]
    tags = ["O" if tag == "X" else tag for _, tag in words]
    reference = Doc(nlp.vocab, words=forms, spaces=blanks, tags=tags)
    return Example(nlp.make_doc(reference.text.rstrip()), reference)


def scored(model: Any, examples: list[Example]) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Return the probabilities of every aligned word's tags, words x tags, and its gold tag's index."""
    rows, gold = [], []
    for each, answer in zip(examples, model.predict([each.x for each in examples]), strict=True):
        places = {(token.idx, len(token)): token.tag_ for token in each.reference}
        for token, row in zip(each.x, answer, strict=True):
            tag = places.get((token.idx, len(token)))
            if tag is not None:
                rows.append(row)
                gold.append(TAGS.index(tag))
    return np.asarray(rows), np.asarray(gold)


def train(nlp: Language, learnt: list[Example], held_back: list[Example]) -> bytes:
    """Train a tagger and return the weights of its best pass."""
    fix_random_seed(SEED)
    chance = random.Random(SEED)
    tagger: Any = nlp.add_pipe("tagger")
    tagger.model = network()
    for tag in TAGS:
        tagger.add_label(tag)
    tagger.initialize(lambda: learnt[:500], nlp=nlp, labels=list(TAGS))
    source: Any = load_english({"tok2vec"}).get_pipe("tok2vec")
    tagger.model.get_ref("tok2vec").from_bytes(source.model.to_bytes())
    optimizer = Adam(RATE, L2=0.01, L2_is_weight_decay=True, grad_clip=1.0, use_averages=True)
    reached, best = 0.0, b""
    for number in range(PASSES):
        optimizer.learn_rate = RATE * (1 - 0.95 * number / PASSES)
        chance.shuffle(learnt)
        for batch in _batches(learnt):
            nlp.update(batch, sgd=optimizer, drop=DROPOUT)
        with tagger.model.use_params(optimizer.averages):
            probabilities, gold = scored(tagger.model, held_back)
            accuracy = float((probabilities.argmax(axis=1) == gold).mean())
            print(f"pass {number + 1}: {accuracy:.4f}", flush=True)
            if accuracy > reached:
                reached, best = accuracy, to_halves(tagger.model)
    return best


def _batches(examples: list[Example]) -> list[list[Example]]:
    batches: list[list[Example]] = [[]]
    words = 0
    for each in examples:
        if batches[-1] and words + len(each.x) > BATCH_WORDS:
            batches.append([])
            words = 0
        batches[-1].append(each)
        words += len(each.x)
    return batches


def temperature(probabilities: NDArray[np.float32], gold: NDArray[np.intp]) -> float:
    """Return the temperature with the lowest mean negative log probability of the gold tags."""
    logarithms = np.log(np.maximum(probabilities, 1e-12))
    losses = {}
    for value in np.arange(0.7, 2.01, 0.05):
        scaled = logarithms / value
        norms = np.log(np.exp(scaled).sum(axis=1))
        losses[round(float(value), 2)] = float((norms - scaled[np.arange(len(gold)), gold]).mean())
    return min(losses, key=lambda value: losses[value])


def main() -> None:
    nlp = load_english(())
    learnt = [example(nlp, sentence) for sentence in training()]
    held_back = [example(nlp, sentence) for sentence in conllu(EWT.read("en_ewt-ud-dev.conllu"))]
    best = train(nlp, learnt, held_back)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "tagger.msgpack").write_bytes(best)
    model = network()
    from_halves(model, best)
    value = temperature(*scored(model, held_back))
    (FOLDER / "scores.json").write_text(json.dumps({"temperature": value}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

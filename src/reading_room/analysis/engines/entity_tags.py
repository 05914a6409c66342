"""Words, their shapes and their tags, shared by the entity tagger and its recipe.

The encoder reads letters without case. Case tells something about names, so it is a second input: one of a few shapes
for each word. Words are what the encoder's tokenizer separates at blanks and punctuation marks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TYPES = ("COMMERCIAL_ITEM", "DATE", "EVENT", "LOCATION", "ORGANIZATION", "OTHER", "PERSON", "QUANTITY", "TITLE")
TAGS = ("O", *(f"{prefix}-{kind}" for kind in TYPES for prefix in ("B", "I")))
"""O is outside, B- is an entity's first word, and I- are its other words."""

_FORMS = 9
SHAPES = 1 + 2 * _FORMS
"""The number of shapes; 0 is the shape of the special tokens around a text and of padding."""

_ALLOWED = np.ones((len(TAGS), len(TAGS)), dtype=bool)
for _kind in range(len(TYPES)):
    _ALLOWED[:, 2 + 2 * _kind] = False
    _ALLOWED[[1 + 2 * _kind, 2 + 2 * _kind], 2 + 2 * _kind] = True
_BARRED = np.where(_ALLOWED, 0.0, -1e9).astype(np.float32)
_FIRST = np.array([-1e9 if tag.startswith("I-") else 0.0 for tag in TAGS], dtype=np.float32)


def shape(text: str, begin: int, end: int) -> int:
    """Return the shape of the word ``text[begin:end]``: its form, and whether it touches the character before it."""
    word = text[begin:end]
    if word.isdigit():
        form = 5
    elif not any(character.isalnum() for character in word):
        form = 8
    elif any(character.isdigit() for character in word):
        form = 6
    elif word.islower():
        form = 0
    elif word.isupper():
        form = 2 if len(word) > 1 else 3
    elif word[0].isupper() and word[1:].islower():
        form = 1
    elif any(character.isupper() for character in word):
        form = 4
    else:
        # Letters of a script without case.
        form = 7
    touches = begin > 0 and not text[begin - 1].isspace()
    return 1 + form + (_FORMS if touches else 0)


def best_tags(scores: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the tags of the words with the largest sum of scores in which every I- follows a tag of its type.

    ``scores`` is words x tags: logarithms of probabilities, or anything else that may be added up.
    """
    greedy: NDArray[np.intp] = scores.argmax(axis=1)
    if _FIRST[greedy[0]] == 0 and _ALLOWED[greedy[:-1], greedy[1:]].all():
        return greedy
    back = np.zeros(scores.shape, dtype=np.intp)
    best = scores[0] + _FIRST
    for word in range(1, len(scores)):
        candidates = best[:, None] + _BARRED
        back[word] = candidates.argmax(axis=0)
        best = candidates.max(axis=0) + scores[word]
    tags = np.zeros(len(scores), dtype=np.intp)
    tags[-1] = best.argmax()
    for word in range(len(scores) - 1, 0, -1):
        tags[word - 1] = back[word, tags[word]]
    return tags


def spans(tags: NDArray[np.intp]) -> list[tuple[int, int, int]]:
    """Return (first word, word after the last, index in ``TYPES``) of each entity in a valid row of tags."""
    found: list[tuple[int, int, int]] = []
    for word in np.flatnonzero(tags):
        tag = int(tags[word])
        if tag % 2:
            found.append((int(word), int(word) + 1, tag // 2))
        else:
            first, _, kind = found[-1]
            found[-1] = (first, int(word) + 1, kind)
    return found


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logarithms of probabilities along the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    answer: NDArray[np.float32] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return answer


def log_odds(logarithm: float) -> float:
    """Return the log odds of a probability given as its logarithm, limited to the range of scores."""
    probability = min(max(float(np.exp(logarithm)), 1e-4), 1 - 1e-4)
    return float(np.log(probability / (1 - probability)))

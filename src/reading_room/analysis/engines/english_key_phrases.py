"""English key phrases: the noun phrases of a text, without pronouns.

A phrase is a noun with the words before it that belong to it according to the packaged parser. It keeps its article and
possessive ("the new phone", "your account") and loses words that only point or count ("this", "several"). It ends at
brackets, commas and conjunctions, which otherwise hide the phrases they join. Nouns that the parser attached to no
phrase are phrases too. Measured on abstracts with phrases by indexers (the training part of Inspec), 0.75 of those
phrases are found, against 0.70 with the parser's own noun chunks.

Score: how often a phrase of such an origin and length is a noun phrase of the trees of UD English EWT's development
part (``weights/english-key-phrases/scores.json``). It says nothing about how important the phrase is for its text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from spacy.tokens import Doc, Token

from reading_room.analysis.engine import Result
from reading_room.analysis.engines.packaged_pipeline import load_english
from reading_room.analysis.engines.spacy_pipeline import SpacyPipeline
from reading_room.analysis.trained import weights

Phrase = tuple[int, int, str]
"""First token, token after the last, and origin: ``whole`` as in the parser's tree, ``part`` of a phrase that was cut,
``loose`` for nouns outside all phrases."""

_HEADS = frozenset({"nsubj", "dobj", "nsubjpass", "pcomp", "pobj", "dative", "appos", "attr", "ROOT"})
_NOUNS = frozenset({"NN", "NNS", "NNP", "NNPS"})
_PRONOUNS = frozenset({"PRP", "WP", "EX", "PRP$", "WP$"})
_LOOSE = _NOUNS | {"JJ", "HYPH", "VBG", "VBN"}
_ARTICLES = frozenset({"the", "a", "an"})
_POINTING_TAGS = frozenset(
    {"DT", "PDT", "WDT", "WP$", "RB", "RBS", "RBR", "CC", "IN", "POS", "SYM", ",", ":", "``", "-LRB-"}
)
_COUNTING = frozenset(
    {"several", "various", "many", "few", "more", "most", "such", "other", "certain", "another", "same", "own", "much"}
    | {"less", "numerous", "multiple"}
)
_BRACKETS_AND_MARKS = frozenset({"(", ")", "[", "]", '"', "``", "''", "“", "”", "e.g.", "i.e."})
_ACTION_PLACES = frozenset({"pobj", "nsubj", "nsubjpass", "conj", "dobj", "pcomp"})


class EnglishKeyPhrases:
    """Runs the packaged tagger and parser, and takes phrases from their trees."""

    result_member = "KeyPhrases"

    def __init__(self) -> None:
        """Load the pipeline and the scores. Raise ``FileNotFoundError`` if one is missing."""
        self._scores: dict[str, float] = json.loads(
            weights("english-key-phrases", "scores.json").read_text(encoding="utf-8")
        )
        self._pipeline = SpacyPipeline(load_english({"tok2vec", "tagger", "parser"}), self._phrases)
        list(self.analyse(["Warm."]))

    def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
        """Yield the phrases of each text in order of appearance, without overlap."""
        return self._pipeline.analyse(texts)

    def _phrases(self, doc: Doc, offset: int, text: str) -> Result:
        found: Result = []
        for first, end, origin in phrases(doc):
            begin, stop = doc[first].idx, doc[end - 1].idx + len(doc[end - 1])
            found.append(
                {
                    "BeginOffset": offset + begin,
                    "EndOffset": offset + stop,
                    "Score": self._scores[score_key(end - first, origin)],
                    "Text": text[begin:stop],
                }
            )
        return found


def score_key(length: int, origin: str) -> str:
    """Return the key of the score for phrases with this number of tokens and this origin."""
    return f"{origin} {min(length, 5)}"


def phrases(doc: Doc) -> list[Phrase]:
    """Return the phrases of a tagged and parsed document, in order and without overlap."""
    found = [part for first, end in _chunks(doc) for part in _parts(doc, first, end)]
    found = _loose(doc, _grown(doc, found))
    trimmed = [(_trimmed(doc, first, end), end, origin) for first, end, origin in sorted(found)]
    return [phrase for phrase in trimmed if _says_something(doc, phrase)]


def _chunks(doc: Doc) -> Iterator[tuple[int, int]]:
    """Yield each noun with the words before it in its subtree, and only the first of overlapping ones."""
    reached = 0
    begun = _list_beginnings(doc)
    for token in doc:
        if not (token.tag_ in _NOUNS or token.tag_ in _PRONOUNS or _is_amount(token)):
            continue
        left = token.left_edge.i
        if left >= reached and (token.dep_ in _HEADS or begun[token.i].dep_ in _HEADS):
            reached = token.i + 1
            yield left, reached


def _is_amount(token: Token) -> bool:
    """Whether the token is the number of an amount of money: the head of its phrase, but not a noun."""
    return token.tag_ == "CD" and token.i > 0 and token.nbor(-1).tag_ == "$"


def _list_beginnings(doc: Doc) -> list[Token]:
    """Return for each token the first token of its list, found by following the heads of conjunctions to the left.

    Each is found from the token before it. A list may be as long as the text, so walking back from every member would
    take quadratic time.
    """
    leftmost: list[Token] = []
    for token in doc:
        leftmost.append(leftmost[token.head.i] if token.dep_ == "conj" and token.head.i < token.i else token)
    return [leftmost[token.head.i] if token.dep_ == "conj" else token for token in doc]


def _parts(doc: Doc, first: int, end: int) -> Iterator[Phrase]:
    """Cut a chunk at brackets, quotation marks, conjunctions, and commas after nouns."""
    cuts = [
        index
        for index in range(first, end)
        if doc[index].text in _BRACKETS_AND_MARKS
        or (index > first and doc[index].tag_ == "CC")
        or (index > first and doc[index].text in ",;:" and doc[index - 1].tag_ in _NOUNS)
        or doc[index].is_space
    ]
    origin = "part" if cuts else "whole"
    begin = first
    for cut in [*cuts, end]:
        if begin < cut:
            yield begin, cut, origin
        begin = cut + 1


def _grown(doc: Doc, found: list[Phrase]) -> list[Phrase]:
    """Extend phrases by the nouns right after them, if the parser took the first noun of a compound for its head."""
    taken = {index for first, end, _ in found for index in range(first, end)}
    grown = []
    for first, end, origin in found:
        stop = end
        while stop < len(doc) and doc[stop].tag_ in ("NN", "NNS") and stop not in taken and not doc[stop].is_sent_start:
            stop += 1
        grown.append((first, stop, origin if stop == end else "part"))
    return grown


def _loose(doc: Doc, found: list[Phrase]) -> list[Phrase]:
    """Add nouns outside all phrases with the adjectives before them, and actions in the place of nouns."""
    taken = {index for first, end, _ in found for index in range(first, end)}
    added: list[Phrase] = []
    first = 0
    while first < len(doc):
        end = first
        while end < len(doc) and end not in taken and doc[end].tag_ in _LOOSE:
            end += 1
        start, stop = first, end
        while stop > start and doc[stop - 1].tag_ not in _NOUNS:
            stop -= 1
        while start < stop - 1 and doc[start].tag_ in ("HYPH", "VBG", "VBN"):
            start += 1
        if start < stop:
            added.append((start, stop, "loose"))
            taken.update(range(start, stop))
        first = max(end, first + 1)
    added += [
        (token.i, token.i + 1, "loose")
        for token in doc
        if token.i not in taken and token.tag_ == "VBG" and token.dep_ in _ACTION_PLACES
    ]
    return [*found, *added]


def _trimmed(doc: Doc, first: int, end: int) -> int:
    """Return the first token of the phrase after leading words that only point or count."""
    while first < end - 1:
        lower = doc[first].lower_
        if lower in _ARTICLES:
            if doc[first + 1].lower_ not in _COUNTING or first + 2 >= end:
                break
            first += 2
        elif doc[first].tag_ in _POINTING_TAGS or lower in _COUNTING or doc[first].is_space:
            first += 1
        else:
            break
    return first


def _says_something(doc: Doc, phrase: Phrase) -> bool:
    first, end, _ = phrase
    words = [token for token in doc[first:end] if token.text.strip() and any(map(str.isalnum, token.text))]
    return bool(words) and not all(token.tag_ in _PRONOUNS or token.tag_ in ("DT", "WDT") for token in words)

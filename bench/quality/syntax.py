"""Syntax in English: parts of speech and tokens, on the test parts of UD English EWT and PUD."""

from __future__ import annotations

from dataclasses import dataclass

from bench.quality.corpora import Corpora
from bench.quality.rows import Row, calibration
from bench.quality.running import lists
from bench.quality.scoring import bootstrap, exact, f1, share
from bench.quality.tagged import places
from reading_room.analysis.engine import Engine, load_engine

TITLE = "Syntax, English (`syntax-en`)"
HOW = """\
UPOS on aligned tokens: of the tokens whose begin and end equal those of a gold word, the share with the gold tag. The
words are those of UD English EWT (web, the tagger's own corpus) and UD English PUD (news and encyclopedia, out of
domain); if a corpus writes several words as one token ("don't"), the positions of the words count. The corpus's CCONJ
and X are the API's CCONJ and O; SYM, PUNCT and the rest have the same names."""

TAGS = {"X": "O"}
"""UD's names that the API spells differently."""

Token = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A sentence and the tag of every gold word, by position."""

    text: str
    tags: dict[Token, str]


def measure(corpora: Corpora) -> list[Row]:
    """Score tags and tokens on both sets; only the first has bars on quality, only the second is out of domain."""
    web, other = (parse(corpora.text(name)) for name in ("syntax-ewt", "syntax-pud"))
    engine = load_engine("syntax-en")
    rows = scored("web", engine, web, floor=0.960, aim=0.97)
    return [*rows, *scored("news and encyclopedia", engine, other)]


def scored(
    name: str, engine: Engine, documents: list[Parsed], floor: float | None = None, aim: float | None = None
) -> list[Row]:
    """Score one set."""
    aligned, tokens, both = [], [], []
    scores: list[float] = []
    right: list[bool] = []
    for document, found in zip(documents, lists(engine, (each.text for each in documents)), strict=True):
        answers = {(each["BeginOffset"], each["EndOffset"]): each["PartOfSpeech"] for each in found}
        shared = [place for place in answers if place in document.tags]
        marks = [answers[place]["Tag"] == document.tags[place] for place in shared]
        aligned.append((sum(marks), len(marks)))
        tokens.append(exact(answers, document.tags))
        both.append((sum(marks), len(answers), len(document.tags)))
        scores += [float(answers[place]["Score"]) for place in shared]
        right += marks
    size = f"{len(documents):,} sentences, {sum(len(each.tags) for each in documents):,} words"
    return [
        Row(f"UPOS on aligned tokens, {name}", bootstrap(aligned, share), size, floor=floor, aim=aim),
        Row(f"token F1, {name}", bootstrap(tokens, f1), size),
        Row(f"token and tag F1, {name}", bootstrap(both, f1), size),
        *calibration(f"tags, {name}", scores, right, f"{len(scores):,} tokens"),
    ]


def parse(text: str) -> list[Parsed]:
    """Read CoNLL-U: words with their positions in "# text"; empty nodes are left out."""
    documents = []
    for block in text.split("\n\n"):
        written, words = "", []
        for line in block.splitlines():
            fields = line.split("\t")
            if line.startswith("# text = "):
                written = line.removeprefix("# text = ")
            elif len(fields) == 10 and fields[0].isdigit():
                words.append((fields[1], fields[3]))
        if words:
            found = places(written, [word for word, _ in words])
            tags = {place: TAGS.get(tag, tag) for place, (_, tag) in zip(found, words, strict=True)}
            documents.append(Parsed(written, tags))
    return documents

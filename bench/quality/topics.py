"""Topics: how well ten topics separate ten news groups, and whether each topic's terms belong together."""

from __future__ import annotations

import csv
import io
import re
import time

import numpy as np

from bench.quality.corpora import Corpora
from bench.quality.programs import one_a_line, run_program
from bench.quality.rows import Row
from bench.quality.scoring import Estimate, bootstrap_rows, coherence, mutual_information, purity

TITLE = "Topics (`topics`)"
HOW = """\
The test part of ten of the 20 newsgroups (by date), one post per line, without headers, quoted lines, attributions
and signatures; posts of fewer than 100 characters are left out. Ten topics from the program that
StartTopicsDetectionJob runs. *NMI*: normalised mutual information of the groups and each post's topic with the
highest proportion (arithmetic mean of the entropies). *Purity*: the share of posts whose group is the most frequent
of their topic. *Coherence*: mean NPMI over pairs of each topic's ten terms, where a post has a term if it is one of
its words in lower case. The ten groups that the floors were measured on are not known. Plain MiniLM with KMeans has
an NMI of 0.66 here and had 0.70 there, NMF 0.55 and 0.53: the floors are about as hard here, if anything harder. The
interval of the coherence is over posts; resampled posts lose rare pairs, so it is slightly too low."""

GROUPS = (
    "comp.graphics",
    "misc.forsale",
    "rec.autos",
    "rec.sport.hockey",
    "sci.crypt",
    "sci.electronics",
    "sci.med",
    "sci.space",
    "soc.religion.christian",
    "talk.politics.mideast",
)
TOPICS = 10
LEAST_CHARACTERS = 100

_QUOTED = re.compile(r"^\s*(?:[>|:}]|[A-Za-z]{1,4}>)")
_ATTRIBUTION = re.compile(
    r"(?:writes|wrote|says|said):?\s*$|^In article\b|^Archive-name:|^Quoted from\b", re.IGNORECASE
)
_WORD = re.compile(r"[a-z][a-z0-9'-]*")


def measure(corpora: Corpora) -> list[Row]:
    """Find topics with the default engine and with the two others, and score them."""
    texts, groups = posts(corpora)
    words = [frozenset(_WORD.findall(text.lower())) for text in texts]
    size = f"{len(texts):,} posts of {len(GROUPS)} groups"
    rows = []
    for engine, name, floors in (
        ("embedding", "default", (0.70, 0.72, 0.24, 0.30)),
        ("nmf", "NMF, by setting", (None, None, None, None)),
        ("lda", "LDA, by setting", (None, None, None, None)),
    ):
        began = time.process_time()
        terms, topic = found_topics(texts, engine)
        note = f"{time.process_time() - began:.0f} CPU s"
        labels = np.asarray(topic)
        gold = np.asarray(groups)
        floor, aim, coherence_floor, coherence_aim = floors
        rows += [
            Row(
                f"NMI, {name}",
                bootstrap_rows(len(texts), lambda chosen: mutual_information(gold[chosen], labels[chosen])),  # noqa: B023
                size,
                floor=floor,
                aim=aim,
                note=note,
            ),
            Row(
                f"coherence, {name}",
                coherent(terms, words),
                size,
                floor=coherence_floor,
                aim=coherence_aim,
            ),
            Row(
                f"purity, {name}",
                bootstrap_rows(len(texts), lambda chosen: purity(gold[chosen], labels[chosen])),  # noqa: B023
                size,
            ),
        ]
    return rows


def coherent(terms: list[list[str]], words: list[frozenset[str]]) -> Estimate:
    """Return the coherence of topics over the words of posts."""
    return bootstrap_rows(len(words), lambda chosen: coherence(terms, [words[row] for row in chosen]), resamples=50)


def found_topics(texts: list[str], engine: str) -> tuple[list[list[str]], list[str]]:
    """Return each topic's terms, and each text's topic with the highest proportion, or ""."""
    request = {"NumberOfTopics": TOPICS, "Engine": engine}
    _, output, _ = run_program("topics", "topics", {"input/posts": one_a_line(texts)}, request)
    terms: dict[str, list[str]] = {}
    for row in csv.DictReader(io.StringIO(output["topic-terms.csv"].decode())):
        terms.setdefault(row["topic"], []).append(row["term"])
    best: dict[int, tuple[float, str]] = {}
    for row in csv.DictReader(io.StringIO(output["doc-topics.csv"].decode())):
        line = int(row["docname"].rpartition(":")[2])
        best[line] = max(best.get(line, (-1.0, "")), (float(row["proportion"]), row["topic"]))
    return list(terms.values()), [best.get(line, (0.0, ""))[1] for line in range(len(texts))]


def posts(corpora: Corpora) -> tuple[list[str], list[str]]:
    """Return the posts' texts and groups."""
    texts, groups = [], []
    for group in GROUPS:
        for content in corpora.folder(f"posts-{group}").values():
            text = body(content.decode("latin-1"))
            if len(text) >= LEAST_CHARACTERS:
                texts.append(text)
                groups.append(group)
    return texts, groups


def body(post: str) -> str:
    """Return the author's own text of a post, without headers, quoted lines, attributions and the signature."""
    _, _, rest = post.replace("\r\n", "\n").partition("\n\n")
    kept = []
    for line in rest.split("\n"):
        if line.rstrip() == "--":
            break
        if not _QUOTED.search(line) and not _ATTRIBUTION.search(line):
            kept.append(line.strip())
    return " ".join(" ".join(kept).split())

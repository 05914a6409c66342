"""Toxic content of English texts: each type by AUC and calibration, and texts that only look bad."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.quality.corpora import FOLDER_VARIABLE, Corpora
from bench.quality.rows import Row
from bench.quality.running import members
from bench.quality.scoring import bootstrap, bootstrap_rows, calibration_error, ranking, share
from models import safety_tests
from models.safety_corpora import TOXICITY, Sample
from reading_room.analysis.engine import load_engine

TITLE = "Toxic content, English (`toxicity-en`)"
HOW = """\
AUC: how often a text with the label has a higher score than one without. The floor of a row is the AUC of
alt-profanity-check 1.9.1, a package that a user could install today, which has one score for everything (`python -m
models.safety_baselines`). *Talk pages*: a sample of Jigsaw's comments on Wikipedia's talk pages; the package was
trained on Jigsaw's comments, and has probably seen these. *Social media*: Surge AI's. *Prompts of users*: half of
OpenAI's moderation set, of which the other half trains. *Forum of racists*: sentences from Stormfront, test. *Users
to chatbots*: ConvAbuse, test. *Sexist posts*: EDOS, test; only threats and incitement against other sexism.
*HateCheck*: cases written to find weaknesses, of which nothing trains.

*Texts that only look bad*: the share of texts whose score is below 0.5: of HateCheck's cases that are not hateful the
score of HATE_SPEECH, of medical texts (answers and questions about cancer, MedQuAD) that of all labels. *Expected
calibration error*: the mean distance between the score and the share of texts that have the label."""

FLOORS = {
    ("HATE_SPEECH", safety_tests.TALK): 0.948,
    ("INSULT", safety_tests.TALK): 0.968,
    ("PROFANITY", safety_tests.TALK): 0.980,
    ("TOXICITY", safety_tests.TALK): 0.968,
    ("TOXICITY", safety_tests.SOCIAL_MEDIA): 0.843,
    ("GRAPHIC", safety_tests.PROMPTS): 0.607,
    ("HARASSMENT_OR_ABUSE", safety_tests.PROMPTS): 0.846,
    ("HATE_SPEECH", safety_tests.PROMPTS): 0.649,
    ("SEXUAL", safety_tests.PROMPTS): 0.810,
    ("TOXICITY", safety_tests.PROMPTS): 0.798,
    ("VIOLENCE_OR_THREAT", safety_tests.PROMPTS): 0.732,
    ("HATE_SPEECH", safety_tests.FORUM_SENTENCES): 0.710,
    ("HARASSMENT_OR_ABUSE", safety_tests.CONVERSATION): 0.954,
    ("HATE_SPEECH", safety_tests.CONVERSATION): 0.909,
    ("INSULT", safety_tests.CONVERSATION): 0.927,
    ("SEXUAL", safety_tests.CONVERSATION): 0.895,
    ("TOXICITY", safety_tests.CONVERSATION): 0.954,
    ("VIOLENCE_OR_THREAT", safety_tests.SEXISM): 0.512,
    ("HATE_SPEECH", "HateCheck"): 0.5,
}
"""The AUC of alt-profanity-check, by label and set; 0.5 where it has less."""
BELOW = frozenset((label, safety_tests.TALK) for label in ("INSULT", "PROFANITY", "TOXICITY"))
"""The rows that do not reach the package's figure yet."""
LOOKS = {
    "slur_reclaimed_nh": "slurs reclaimed by their targets",
    "slur_homonym_nh": "words that are slurs elsewhere",
    "counter_quote_nh": "quotations of hate that denounce it",
    "counter_ref_nh": "references to hate that denounce it",
    "profanity_nh": "swearing without hate",
    "ident_neutral_nh": "neutral statements about a group",
    "ident_pos_nh": "positive statements about a group",
    "negate_neg_nh": "negated hate",
    "target_obj_nh": "abuse of things",
    "target_indiv_nh": "abuse of a person, not of a group",
    "target_group_nh": "abuse of a group that is not protected",
}
LEAST = 5
"""A row needs so many texts with the label."""


def measure(corpora: Corpora) -> list[Row]:
    """Score the engine on every set."""
    for repository in safety_tests.REPOSITORIES:
        corpora.require(repository)
    os.environ[FOLDER_VARIABLE] = str(corpora.place)
    engine = load_engine("toxicity-en")

    def scores(texts: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        answers = list(members(engine, texts))
        named = [{each["Name"]: each["Score"] for each in answer["Labels"]} for answer in answers]
        of_labels = {label: np.array([each[label] for each in named]) for label in named[0]}
        return of_labels | {TOXICITY: np.array([answer["Toxicity"] for answer in answers])}

    rows: list[Row] = []
    for kind, samples in safety_tests.comments().items():
        found = scores([sample.text for sample in samples])
        for label in found:
            rows += of_label(label, kind, samples, found[label])
    cases = list(safety_tests.hatecheck())
    hate = scores([text for _, text, _ in cases])["HATE_SPEECH"]
    rows += figures("HATE_SPEECH", "HateCheck", hate, np.array([hateful for _, _, hateful in cases]))
    for part, says in LOOKS.items():
        of_part = hate[[number for number, case in enumerate(cases) if case[0] == part]]
        rows.append(below(f"only looks bad: {says}", of_part))
    medical = scores(safety_tests.medical_texts())
    rows.append(below("only looks bad: medical texts", np.max(list(medical.values()), axis=0)))
    return rows


def of_label(label: str, kind: str, samples: Sequence[Sample], scores: NDArray[np.float64]) -> list[Row]:
    """Return the rows of a label on a set, none if the set says too little about it."""
    known = np.array([label in sample.labels for sample in samples])
    gold = np.array([sample.labels.get(label, 0.0) > 0.5 for sample in samples])[known]
    return figures(label, kind, scores[known], gold) if LEAST <= gold.sum() < len(gold) else []


def figures(label: str, kind: str, scores: NDArray[np.float64], gold: NDArray[np.bool_]) -> list[Row]:
    """Return AUC and calibration error of a label on a set."""
    size = f"{int(gold.sum())} of {len(gold):,} texts"
    area = bootstrap_rows(len(gold), lambda rows: ranking(scores[rows], gold[rows]))
    error = bootstrap_rows(len(gold), lambda rows: calibration_error(scores[rows], gold[rows]))
    floor, missed = FLOORS.get((label, kind)), (label, kind) in BELOW
    note = f"below the {floor:.3f} of alt-profanity-check" if missed else ""
    return [
        Row(f"AUC, {label}, {kind}", area, size, floor=None if missed else floor, note=note),
        Row(f"expected calibration error, {label}, {kind}", error, size),
    ]


def below(what: str, scores: NDArray[np.float64]) -> Row:
    """Return the share of texts whose score is below 0.5."""
    return Row(what, bootstrap([(int(score < 0.5), 1) for score in scores], share), f"{len(scores)} texts")

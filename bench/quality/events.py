"""Events in English: triggers and arguments in company reports and press releases that we labelled before any rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.quality.corpora import Corpora
from bench.quality.events_set import Labelled, Trigger, documents
from bench.quality.rows import Row
from bench.quality.running import lists
from bench.quality.scoring import bootstrap, exact, f1, precision, recall
from reading_room.analysis.engine import load_engine
from reading_room.analysis.event_types import EVENT_TYPES

TITLE = "Events, English (`events-en`)"
HOW = """\
104 current reports of companies to the SEC and 96 press releases (`bench/quality/events_set.py`), which one reader
labelled before any rule was written. The same reader wrote the rules, on other documents, so the figures are rather
too high than too low. *Triggers*: an answer is right if place, words and type are the label's. *By overlap*: one place
in common and the type are enough. *Arguments*: of the documents with labelled arguments, an answer is right if type and
role are the label's and one of the entity's mentions has the label's words, or a part of them of four letters or more.
*Self-agreement*: the labels of a second reading of forty documents by the same reader, half an hour later, against
those of the first. No set says which mentions belong together, so groups are not measured."""
FLOOR = 0.55
LEAST = 10
"""How many labelled triggers a type needs for a row of its own."""


def measure(corpora: Corpora) -> list[Row]:
    """Score triggers, arguments and the labels themselves."""
    labelled = documents(corpora)
    answers: list[Any] = list(lists(load_engine("events-en"), (each.text for each in labelled)))
    found = [[_trigger(trigger) for event in answer["Events"] for trigger in event["Triggers"]] for answer in answers]
    rows = _triggers(labelled, found)
    rows += _arguments(labelled, answers)
    twice = [each for each in labelled if each.again is not None]
    agreed = [exact(each.again or (), each.triggers) for each in twice]
    size = f"{len(twice)} documents, {sum(len(each.triggers) for each in twice)} triggers"
    return [*rows, Row("self-agreement of the labels, F1", bootstrap(agreed, f1), size)]


def _trigger(trigger: Any) -> Trigger:
    return trigger["BeginOffset"], trigger["Text"], trigger["Type"]


def _triggers(labelled: Sequence[Labelled], found: Sequence[Sequence[Trigger]]) -> list[Row]:
    pairs = list(zip(found, labelled, strict=True))
    tally = [exact(answer, each.triggers) for answer, each in pairs]
    size = f"{len(labelled)} documents, {sum(len(each.triggers) for each in labelled)} triggers"
    rows = [
        Row("triggers, F1", bootstrap(tally, f1), size, floor=FLOOR),
        Row("triggers, precision", bootstrap(tally, precision), size),
        Row("triggers, recall", bootstrap(tally, recall), size),
        Row("triggers by overlap, F1", bootstrap([_overlapping(*each) for each in pairs], f1), size),
    ]
    for source in ("filings", "releases"):
        part = [row for row, each in zip(tally, labelled, strict=True) if each.source == source]
        rows.append(Row(f"triggers in {source}, F1", bootstrap(part, f1), f"{len(part)} documents"))
    for kind in EVENT_TYPES:
        of_kind = [exact(_of(answer, kind), _of(each.triggers, kind)) for answer, each in pairs]
        count = sum(expected for _, _, expected in of_kind)
        note = f"fewer than {LEAST} labels" if count < LEAST else ""
        rows.append(Row(f"triggers of {kind}, F1", bootstrap(of_kind, f1), f"{count} triggers", note=note))
    return rows


def _of(triggers: Sequence[Trigger], kind: str) -> list[Trigger]:
    return [each for each in triggers if each[2] == kind]


def _overlapping(answer: Sequence[Trigger], document: Labelled) -> tuple[int, int, int]:
    """Count (right, answered, expected), each label met once."""
    left = list(document.triggers)
    right = 0
    for begin, words, kind in answer:
        met = next(
            (one for one in left if one[2] == kind and one[0] < begin + len(words) and begin < one[0] + len(one[1])),
            None,
        )
        if met is not None:
            left.remove(met)
            right += 1
    return right, len(answer), len(document.triggers)


def _arguments(labelled: Sequence[Labelled], answers: Sequence[Any]) -> list[Row]:
    tally = []
    for each, answer in zip(labelled, answers, strict=True):
        if each.arguments is None:
            continue
        found = {
            (event["Type"], argument["Role"], argument["EntityIndex"])
            for event in answer["Events"]
            for argument in event["Arguments"]
        }
        left = list(found)
        right = 0
        for kind, role, words in each.arguments:
            met = next(
                (
                    one
                    for one in left
                    if one[:2] == (kind, role) and _named(answer["Entities"][one[2]]["Mentions"], words)
                ),
                None,
            )
            if met is not None:
                left.remove(met)
                right += 1
        tally.append((right, len(found), len(each.arguments)))
    size = f"{len(tally)} documents, {sum(expected for _, _, expected in tally)} arguments"
    return [
        Row("arguments, F1", bootstrap(tally, f1), size),
        Row("arguments, precision", bootstrap(tally, precision), size),
        Row("arguments, recall", bootstrap(tally, recall), size),
    ]


def _named(mentions: Sequence[Any], words: str) -> bool:
    """Whether one of an entity's mentions has the words, or one has a part of the other of four letters or more."""
    texts = [mention["Text"] for mention in mentions]
    return any(
        each == words or (len(min(each, words, key=len)) > 3 and (each in words or words in each)) for each in texts
    )

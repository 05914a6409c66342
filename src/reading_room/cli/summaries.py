"""Tables of what a job found, for people: the most frequent answers, by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeVar

from reading_room.analysis.kind import Layout, Results
from reading_room.analysis.kinds import ANALYSES
from reading_room.cli import reading

SENTIMENTS = ("POSITIVE", "NEGATIVE", "NEUTRAL", "MIXED")

Line = Mapping[str, Any]
T = TypeVar("T", bound=tuple[str, ...])


@dataclass(frozen=True, slots=True)
class Summary:
    """A table: the names of its columns, its rows, and what to say when it has none."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    nothing: str


def summary(account: reading.Account, kind: str, properties: dict[str, Any], lines: Sequence[Line]) -> Summary:
    """Return the table of a finished job; ``lines`` are its results, except for topics, which have their own tables."""
    if ANALYSES[kind].results.layout == "topics":
        return topics_found(*reading.topics(account, properties))
    return found(kind, lines)


def found(kind: str, lines: Sequence[Line]) -> Summary:
    """Return the table of the results of any kind but topics."""
    results = ANALYSES[kind].results
    return _LAYOUTS[results.layout](results, lines)


def documents_of_topics(
    terms: Mapping[str, list[str]], rows: Iterable[Mapping[str, str]], per_line: bool
) -> Iterator[dict[str, Any]]:
    """Yield a line for each document of a topics job, in the form of other kinds' results, with its topics' terms."""
    for document, of_it in groupby(rows, key=lambda row: row["docname"]):
        file, _, line = document.rpartition(":") if per_line else (document, "", "")
        place = {"File": file, "Line": int(line)} if per_line else {"File": file}
        yield place | {
            "Topics": [
                {
                    "Topic": row["topic"],
                    "Proportion": float(row["proportion"]),
                    "Terms": terms.get(row["topic"], []),
                }
                for row in of_it
            ]
        }


def _spans(results: Results, lines: Sequence[Line]) -> Summary:
    each = [found for line in lines for member in results.members for found in line.get(member, ())]
    if results.type_member is None:
        # The same phrase at the beginning of a sentence is the same phrase.
        return _counted((results.one, "times"), Counter((_one_line(found["Text"]).lower(),) for found in each))
    typed = Counter((_one_line(found["Text"]), found[results.type_member]) for found in each)
    return _counted((results.one, "type", "times"), typed)


def _offsets(results: Results, lines: Sequence[Line]) -> Summary:
    """Count places by type: a table must not repeat the text of personal data."""
    each = [found for line in lines for member in results.members for found in line.get(member, ())]
    counted = Counter((str(found[results.type_member]),) for found in each)
    return _counted((results.type.lower(), "times"), counted)


def _tokens(results: Results, lines: Sequence[Line]) -> Summary:
    (member,) = results.members
    parts = Counter((token[results.type_member]["Tag"],) for line in lines for token in line.get(member, ()))
    return _counted((results.type.lower(), "times"), parts)


def _types(results: Results, lines: Sequence[Line]) -> Summary:
    likeliest, *all_that_apply = results.members
    judged = [each for line in lines for each in line.get(likeliest, ())[:1]]
    judged += [each for line in lines for member in all_that_apply for each in line.get(member, ())]
    return _counted((results.one, "documents"), Counter((each[results.type_member],) for each in judged))


def _tone(results: Results, lines: Sequence[Line]) -> Summary:
    found = Counter((line["Sentiment"],) for line in lines if "Sentiment" in line)
    return _counted((results.one, "documents"), found)


def _mentions(results: Results, lines: Sequence[Line]) -> Summary:
    mentions: Counter[tuple[str, str]] = Counter()
    spelled: dict[str, str] = {}
    for line in lines:
        for entity in line.get("Entities", ()):
            named = entity["Mentions"][entity["DescriptiveMentionIndex"][0]]
            # The same name at the beginning of a sentence is the same name.
            name = spelled.setdefault(_one_line(named["Text"]).lower(), _one_line(named["Text"]))
            for mention in entity["Mentions"]:
                mentions[name, mention["MentionSentiment"]["Sentiment"]] += 1
    totals: Counter[str] = Counter()
    for (name, sentiment), times in mentions.items():
        # Most mentions are neutral, but readers look for opinions.
        totals[name] += 0 if sentiment == "NEUTRAL" else times
    rows = [
        (name, *(str(mentions[name, sentiment]) for sentiment in SENTIMENTS))
        for name, times in totals.most_common()
        if times
    ]
    columns = (results.one, *(sentiment.lower() for sentiment in SENTIMENTS))
    return Summary(columns, rows, "No mention with a sentiment was found.")


def _events(results: Results, lines: Sequence[Line]) -> Summary:
    """Count events by type, with the words that tell them."""
    each = [event for line in lines for member in results.members for event in line.get(member, ())]
    times = Counter(event[results.type_member] for event in each)
    words: dict[str, Counter[str]] = {}
    for event in each:
        words.setdefault(event[results.type_member], Counter()).update(
            _one_line(trigger["Text"]).lower() for trigger in event["Triggers"]
        )
    rows = [
        (kind, ", ".join(word for word, _ in words[kind].most_common(3)), str(count))
        for kind, count in times.most_common()
    ]
    return Summary((results.one, "words", "times"), rows, f"No {results.one} was found.")


def topics_found(terms: Mapping[str, list[str]], rows: Sequence[Mapping[str, str]]) -> Summary:
    """Return the table of a topics job: each topic's terms, and in how many documents it comes first."""
    first: dict[str, tuple[float, str]] = {}
    for row in rows:
        first[row["docname"]] = max(first.get(row["docname"], (0.0, "")), (float(row["proportion"]), row["topic"]))
    documents = Counter(topic for _, topic in first.values())
    return Summary(
        ("topic", "terms", "documents"),
        [(topic, ", ".join(words), str(documents[topic])) for topic, words in sorted(terms.items())],
        "No topic was found.",
    )


def _counted(columns: tuple[str, ...], found: Counter[T]) -> Summary:
    rows = [(*values, str(times)) for values, times in found.most_common()]
    return Summary(columns, rows, f"No {columns[0]} was found.")


_LAYOUTS: Mapping[Layout, Callable[[Results, Sequence[Line]], Summary]] = {
    "spans": _spans,
    "offsets": _offsets,
    "tokens": _tokens,
    "mentions": _mentions,
    "events": _events,
    "types": _types,
    "tone": _tone,
}


def _one_line(text: str) -> str:
    return " ".join(text.split())

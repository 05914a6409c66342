"""Which jobs a run of ``jobs run`` takes: one for each kind, and for each language where the kind is told it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reading_room.analysis.kinds import ANALYSES, CLASSIFICATION, SYNTAX
from reading_room.cli.reading import JobCalls

NAMES = (*JobCalls.KINDS, SYNTAX.name, CLASSIFICATION.name)
"""Every kind that may be asked for."""
ALL = "all"


class KindError(Exception):
    """What was asked for cannot be; the message names it and says what can."""


@dataclass(frozen=True, slots=True)
class Work:
    """One job, or for syntax what takes its place: a kind, a language if the kind is told one, and its texts."""

    kind: str
    language: str | None
    names: Sequence[str]

    @property
    def title(self) -> str:
        """What is said of it: ``entities (de)``."""
        return self.kind if self.language is None else f"{self.kind} ({self.language})"

    @property
    def folder(self) -> str:
        """Where its texts are, below the folder of the run's input."""
        return "" if self.language is None else f"{self.language}/"


@dataclass(frozen=True, slots=True)
class Plan:
    """The work of a run, and what no engine can read: texts by their language, by kind."""

    work: Sequence[Work]
    unread: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)


def kinds_of(given: Sequence[str], classifier: str | None) -> tuple[str, ...]:
    """Return the kinds that are asked for, each once. Raises ``KindError``.

    ``all`` is every kind that needs no custom model, and classification where a classifier is named.
    """
    asked = [name for each in given for part in each.split(",") if (name := part.strip())]
    for name in asked:
        if name not in (*NAMES, ALL):
            raise KindError(f"--kind {name}: expected {ALL}, or some of {', '.join(NAMES)}")
    classification = CLASSIFICATION.name
    if ALL in asked:
        asked = [name for name in NAMES if name != classification or classifier is not None]
    if classification in asked and classifier is None:
        raise KindError(
            "--kind classification: name a custom classifier with --classifier ARN "
            "(`aws comprehend list-document-classifiers` lists those there are)"
        )
    if classifier is not None and classification not in asked:
        raise KindError("--classifier: is for --kind classification, which is not asked for")
    return tuple(dict.fromkeys(asked))


def languages_of(kind: str) -> tuple[str, ...]:
    """Return the languages that a kind has engines for; nothing for one that is told none."""
    return ANALYSES[kind].languages


def check_language(kinds: Sequence[str], language: str) -> None:
    """Raise ``KindError`` where none of the kinds could read anything in a language."""
    told = {kind: known for kind in kinds if (known := languages_of(kind))}
    if told and len(told) == len(kinds) and not any(language in known for known in told.values()):
        says = "; ".join(f"{kind} knows {', '.join(known)}" for kind, known in told.items())
        raise KindError(f"--language {language}: {says}")


def plan(kinds: Sequence[str], languages: Mapping[str, str]) -> Plan:
    """Return the work for texts, given with their languages; the most frequent language first."""
    work: list[Work] = []
    unread: dict[str, dict[str, list[str]]] = {}
    for kind in kinds:
        known = languages_of(kind)
        if not known:
            work.append(Work(kind, None, list(languages)))
            continue
        for language, _ in Counter(languages.values()).most_common():
            names = [name for name, each in languages.items() if each == language]
            if language in known:
                work.append(Work(kind, language, names))
            else:
                unread.setdefault(kind, {})[language] = names
    return Plan(work, unread)


def names_in_results(work: Work, languages: Mapping[str, str]) -> dict[str, str]:
    """Return the names of the texts by what results call them: the last part, or all of it where that is ambiguous."""
    keys = {name: f"{languages[name]}/{name}"[len(work.folder) :] for name in work.names}
    times = Counter(key.rpartition("/")[2] for key in keys.values())
    return {last if times[last := key.rpartition("/")[2]] == 1 else key: name for name, key in keys.items()}

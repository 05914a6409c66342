"""The jobs that ``jobs run`` needs: one for each kind, and for each language if the kind takes one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reading_room.analysis.kinds import ANALYSES, CLASSIFICATION, SYNTAX
from reading_room.cli.reading import JobCalls

NAMES = (*JobCalls.KINDS, SYNTAX.name, CLASSIFICATION.name)
"""Every kind that can be requested."""
ALL = "all"


class KindError(Exception):
    """The request is not possible; the message names the option and says what is possible."""


@dataclass(frozen=True, slots=True)
class Work:
    """One job, or the calls that replace it for syntax: a kind, a language if the kind takes one, and the texts."""

    kind: str
    language: str | None
    names: Sequence[str]

    @property
    def title(self) -> str:
        """Its name in messages, such as ``entities (de)``."""
        return self.kind if self.language is None else f"{self.kind} ({self.language})"

    @property
    def folder(self) -> str:
        """The folder of its texts, inside the folder of the run's input."""
        return "" if self.language is None else f"{self.language}/"


@dataclass(frozen=True, slots=True)
class Plan:
    """The work of a run, and the texts that no engine can read, by kind and language."""

    work: Sequence[Work]
    unread: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)


def kinds_of(given: Sequence[str], classifier: str | None) -> tuple[str, ...]:
    """Return the requested kinds, each once. Raises ``KindError``.

    ``all`` stands for every kind that needs no custom model, and for classification if a classifier is named.
    """
    requested = [name for each in given for part in each.split(",") if (name := part.strip())]
    for name in requested:
        if name not in (*NAMES, ALL):
            raise KindError(f"--kind {name}: expected {ALL}, or some of {', '.join(NAMES)}")
    classification = CLASSIFICATION.name
    if ALL in requested:
        requested = [name for name in NAMES if name != classification or classifier is not None]
    if classification in requested and classifier is None:
        raise KindError(
            "--kind classification: name a custom classifier with --classifier ARN "
            "(`aws comprehend list-document-classifiers` lists the existing ones)"
        )
    if classifier is not None and classification not in requested:
        raise KindError("--classifier: is only for --kind classification, which was not requested")
    return tuple(dict.fromkeys(requested))


def languages_of(kind: str) -> tuple[str, ...]:
    """Return the languages that a kind has engines for; none if the kind takes no language."""
    return ANALYSES[kind].languages


def check_language(kinds: Sequence[str], language: str) -> None:
    """Raise ``KindError`` if none of the kinds can read a language."""
    taking = {kind: known for kind in kinds if (known := languages_of(kind))}
    if taking and len(taking) == len(kinds) and not any(language in known for known in taking.values()):
        says = "; ".join(f"{kind} knows {', '.join(known)}" for kind, known in taking.items())
        raise KindError(f"--language {language}: {says}")


def plan(kinds: Sequence[str], languages: Mapping[str, str]) -> Plan:
    """Return the work for texts and their languages, the most frequent language first."""
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
    """Return the texts' names by their names in results: the last part of the key, or all of it if ambiguous."""
    keys = {name: f"{languages[name]}/{name}"[len(work.folder) :] for name in work.names}
    times = Counter(key.rpartition("/")[2] for key in keys.values())
    return {last if times[last := key.rpartition("/")[2]] == 1 else key: name for name, key in keys.items()}

"""``reading-room pii``: thresholds for personal data that keep a promised recall, as a profile."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from reading_room.analysis.recall import CONFIDENCE, Promise, promises
from reading_room.analysis.recall_profile import LANGUAGES, RecallProfile, engine_version
from reading_room.cli import pii_profiles
from reading_room.cli.screen import fail, output, say
from reading_room.clock import system_clock

app = typer.Typer(help="Find and redact personal data with a promised recall.", no_args_is_help=True)
app.add_typer(pii_profiles.app, name="profile")


@app.callback()
def group() -> None:
    """Find and redact personal data with a promised recall."""


@app.command("calibrate")
def calibrate(
    sample: Annotated[
        Path,
        typer.Argument(
            metavar="SAMPLE",
            help='JSON Lines, each {"Text": …, "Entities": [{"BeginOffset": …, "EndOffset": …, "Type": …}]}.',
        ),
    ],
    recall: Annotated[float, typer.Option(help="The share of each type's items to find, such as 0.98.")],
    language: Annotated[str, typer.Option(help=f"Language of the sample: {', '.join(LANGUAGES)}.")] = "en",
    to: Annotated[
        Path | None, typer.Option("--output", help="The profile; SAMPLE with .profile.json by default.")
    ] = None,
) -> None:
    """Compute a threshold for each type that keeps a promised recall, from a sample with its personal data marked.

    The sample must be drawn at random from the documents that you want to analyse. With the probability 0.95 over that
    draw, the expected share of items found in such a document is at least the recall, for each type of the sample.
    """
    if language not in LANGUAGES:
        raise fail(f"no personal data in the language {language!r}: give {' or '.join(LANGUAGES)}")
    if not 0 < recall < 1:
        raise fail(f"a recall of {recall} cannot be promised: give one between 0 and 1, such as 0.98")
    try:
        content = sample.read_bytes()
    except OSError as error:
        raise fail(f"{sample} cannot be read: {error.strerror}") from error
    ended = subprocess.run(
        [sys.executable, "-m", "reading_room.analysis.marked_sample", "--engine", f"pii-{language}"],
        input=content,
        capture_output=True,
        check=False,
    )
    if ended.returncode != 0:
        raise fail(f"{sample} was not analysed: {ended.stderr.decode(errors='replace').strip()}")
    evidence = json.loads(ended.stdout)
    found = promises(evidence["Scores"], recall)
    if not found:
        raise fail(f"{sample} has no marked item, so nothing can be promised")
    output.print(_table(found))
    refused = {kind: promise for kind, promise in found.items() if promise.threshold is None}
    if refused:
        highest = min(promise.highest for promise in refused.values())
        worst = ", ".join(f"{kind} {_down(promise.highest)}" for kind, promise in sorted(refused.items()))
        raise fail(
            f"this sample cannot promise a recall of {recall}; the highest for all its types is {_down(highest)} "
            f"({worst}). More documents allow more, up to what the engine finds"
        )
    path = to or sample.with_name(f"{sample.name}.profile.json")
    profile = RecallProfile(
        language=language,
        recall=recall,
        confidence=CONFIDENCE,
        thresholds={kind: each.threshold for kind, each in found.items() if each.threshold is not None},
        documents={kind: each.documents for kind, each in found.items()},
        sample_documents=evidence["Documents"],
        sample_sha256=hashlib.sha256(content).hexdigest(),
        created_at=f"{system_clock():%Y-%m-%dT%H:%M:%SZ}",
        engine=engine_version(language),
    )
    try:
        path.write_text(json.dumps(profile.members(), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise fail(f"the profile {path} cannot be written: {error.strerror}") from error
    say(f"wrote {path}: a recall of at least {recall} for {len(found)} types, with probability {CONFIDENCE}")


def _table(found: dict[str, Promise]) -> Table:
    table = Table("type", "documents", "threshold", "highest recall")
    for kind, promise in sorted(found.items()):
        threshold = "none" if promise.threshold is None else f"{promise.threshold:.3f}"
        table.add_row(kind, str(promise.documents), threshold, _down(promise.highest))
    return table


def _down(recall: float) -> str:
    """Return a recall with three decimals, rounded down so that it can be promised."""
    return f"{int(max(recall - 1e-6, 0) * 1_000) / 1_000:.3f}"

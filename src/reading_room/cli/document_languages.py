"""The language of each document of another format than text, detected by a job: only its container reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reading_room.analysis.formats import ANY, DOCUMENTS_TAG
from reading_room.analysis.kinds import DOMINANT_LANGUAGE
from reading_room.cli import once_made, reading
from reading_room.cli.texts import upload

TAGS = [{"Key": DOCUMENTS_TAG, "Value": ANY}]
"""The tags of a job that reads documents of every kind."""


def detect(
    account: reading.Account,
    place: once_made.Place,
    where: str,
    files: Mapping[str, Path],
    follow: Callable[[str], Mapping[str, Any]],
) -> dict[str, str]:
    """Return the languages of the files in which one was recognised, without those that change meanwhile.

    ``where`` is a prefix of the bucket for them. ``follow`` waits for the end of a job, and returns its properties.
    """
    if not [name for name, path in files.items() if upload(account, path, place.bucket, f"{where}/{name}")]:
        return {}
    job = reading.JobCalls(account, DOMINANT_LANGUAGE.name, account.patient).start(
        InputDataConfig={"S3Uri": f"s3://{place.bucket}/{where}/", "InputFormat": "ONE_DOC_PER_FILE"},
        OutputDataConfig={"S3Uri": f"s3://{place.bucket}/{where}-languages/"},
        DataAccessRoleArn=place.role,
        VpcConfig=place.network.config(),
        Tags=TAGS,
    )
    properties = follow(job)
    if properties["JobStatus"] != "COMPLETED":
        return {}
    names = names_in_results(list(files))
    found: dict[str, str] = {}
    for line in reading.results(account, dict(properties)):
        name, _ = _divided(line["File"], names)
        # The first document of a file, such as the message with its attachments, comes first.
        if line.get("Languages"):
            found.setdefault(name, line["Languages"][0]["LanguageCode"])
    return found


def names_in_results(keys: Sequence[str]) -> dict[str, str]:
    """Return the keys below an input's folder by their names in results: the last part, or all of it if ambiguous."""
    last = [key.rpartition("/")[2] for key in keys]
    times = Counter(last)
    return {each if times[each] == 1 else key: key for key, each in zip(keys, last, strict=True)}


def name_of(file: str, names: Mapping[str, str]) -> str:
    """Return the name of a file by its name in results. An attachment keeps its own name after that of its file."""
    name, inner = _divided(file, names)
    return f"{name}/{inner}" if inner else name


def named(
    lines: Iterable[Mapping[str, Any]], names: Mapping[str, str], language: str | None
) -> Iterator[dict[str, Any]]:
    """Yield result lines with the texts' names in the folder, and their language."""
    for line in lines:
        spoken = {} if language is None else {"Language": language}
        yield {**line, "File": name_of(line["File"], names), **spoken}


def _divided(file: str, names: Mapping[str, str]) -> tuple[str, str]:
    """Return the name of a file by its name in results, and the rest, which names an attachment of it."""
    at = len(file)
    while at > 0:
        if file[:at] in names:
            return names[file[:at]], file[at + 1 :]
        at = file.rfind("/", 0, at)
    return file, ""

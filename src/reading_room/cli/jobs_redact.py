"""``reading-room jobs run --redact``: from what the jobs wrote to a folder of redacted copies with a report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reading_room.analysis.formats import REPORT_MEMBER
from reading_room.analysis.kinds import PII
from reading_room.analysis.redaction import ALL, REPLACE
from reading_room.cli import job_plan, reading
from reading_room.cli.document_languages import TAGS
from reading_room.cli.findings import Read
from reading_room.cli.job_plan import KindError, Plan, Work
from reading_room.cli.redacted_folder import REPORT, RedactedFile, RedactedFolder, check, number_of, objects_of
from reading_room.cli.texts import FolderError

REQUEST = {"Mode": "ONLY_REDACTION", "RedactionConfig": {"PiiEntityTypes": [ALL], "MaskMode": REPLACE}}
"""The members of the request of a job that redacts: each place becomes its type in brackets."""
JOBS = 50
"""How many jobs one DescribeJobRuns request may name."""
NO_JOB = "NOT_REDACTED: the job for its language failed or was stopped"
NO_OBJECT = "NOT_REDACTED: the job wrote nothing for it"


@dataclass(frozen=True, slots=True)
class Done:
    """What a run has redacted: a line for each document, the languages of the files, and a sentence about the folder.

    A file whose name has something that was found is called by its number.
    """

    read: Read
    languages: Mapping[str, str]
    saved: str


def check_options(
    redact: Path | None,
    folder: Path | None,
    kinds: Sequence[str],
    per_line: bool,
    output: Path | None,
    profiles: Sequence[str] = (),
) -> None:
    """Raise ``KindError`` or ``FolderError`` if a run cannot redact with these options."""
    if redact is None:
        if profiles:
            raise KindError("--pii-profile: is only for --redact")
        return
    if tuple(kinds) != (PII.name,):
        raise KindError(f"--redact: is only for --kind {PII.name} alone")
    if per_line:
        raise KindError("--redact: makes a copy of each file, so leave out --per-line")
    if output is not None:
        raise KindError("--redact: writes a report into its folder, so leave out --output")
    if folder is not None:
        check(redact, folder)


def profiles_by_language(account: reading.Account, names: Sequence[str]) -> dict[str, str]:
    """Return recall profiles of the account by their languages. Raise ``KindError`` if one cannot be used."""
    found: dict[str, str] = {}
    for name in names:
        client = account.client("reading-room")
        try:
            profile = client.describe_pii_profile(Name=name)["PiiProfile"]
        except client.exceptions.PiiProfileNotFoundException as error:
            raise KindError(f"--pii-profile {name}: {error.response['Error']['Message']}") from None
        language = profile["LanguageCode"]
        if profile["Stale"]:
            raise KindError(f"--pii-profile {name}: it is stale; run `reading-room pii calibrate` again")
        if language in found:
            raise KindError(f"--pii-profile {name}: {found[language]} is for {language} as well; name one")
        found[language] = name
    return found


def tags(profiles: Mapping[str, str], work: Work) -> list[dict[str, str]]:
    """Return the tags of a job that redacts; ``profiles`` are names of recall profiles by language."""
    # Imported only now: it loads the database.
    from reading_room.comprehend.pii_profiles import PROFILE_TAG

    name = profiles.get(work.language or "")
    return [*TAGS, *([] if name is None else [{"Key": PROFILE_TAG, "Value": name}])]


def write(
    account: reading.Account,
    out: Path,
    names: Sequence[str],
    ended: Mapping[str, tuple[Work, dict[str, Any]]],
    plan: Plan,
    languages: Mapping[str, str],
    left_out: Mapping[str, Sequence[str]],
) -> Done:
    """Write the redacted copies of files. Raise ``FolderError``.

    ``names`` are those of all files of the run, in order; ``ended`` has the completed jobs by their ids.
    """
    unread = {name for each in plan.unread.values() for names in each.values() for name in names}
    unread |= {name for each in left_out.values() for name in each}
    numbers = {name: number for number, name in enumerate(names, 1)}
    files = {name: RedactedFile(numbers[name], name, languages.get(name)) for name in names if name not in unread}
    bucket = ""
    for work, properties in ended.values():
        bucket = properties["OutputDataConfig"]["S3Uri"].removeprefix("s3://").partition("/")[0]
        uploaded = replace(work, names=[name for name in work.names if name in files])
        _take(account, bucket, uploaded, properties, files, languages)
    finished = {name for work, _ in ended.values() for name in work.names}
    for name, each in files.items():
        if not each.objects:
            each.errors.append(NO_OBJECT if name in finished else NO_JOB)
    done = list(files.values())
    reasons = {name: reason for reason, each in left_out.items() for name in each}
    reasons |= {name: f"no engine for {languages[name]}" for name in sorted(unread - reasons.keys())}
    bounds = _bounds(account, list(ended))
    report = {
        "Jobs": [{"JobId": job, "LanguageCode": work.language, **bounds[job]} for job, (work, _) in ended.items()],
        "NotRead": [{"File": name, "Reason": reason} for name, reason in reasons.items()],
    }

    def fetch(key: str) -> Iterator[bytes]:
        yield from account.s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(1 << 20)

    RedactedFolder(out, fetch).write(done, report)
    lines = [line for each in done for line in each.lines()]
    spoken = {each.shown: each.language or "" for each in done}
    return Done(Read(PII.name, lines), spoken, f"Redacted copies and {REPORT} are in {out}")


def _bounds(account: reading.Account, jobs: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return for each job the recall profile that it kept to, with what it promises, if it had one."""
    found: dict[str, dict[str, Any]] = {job: {} for job in jobs}
    client = account.client("reading-room")
    for at in range(0, len(jobs), JOBS):
        for run in client.describe_job_runs(JobIds=list(jobs[at : at + JOBS]))["JobRuns"]:
            if (profile := run.get("PiiProfile")) is not None:
                found[run["JobId"]] = {"PiiProfile": profile | {"CreatedAt": profile["CreatedAt"].isoformat()}}
    return found


def _take(
    account: reading.Account,
    bucket: str,
    work: Work,
    properties: Mapping[str, Any],
    files: Mapping[str, RedactedFile],
    languages: Mapping[str, str],
) -> None:
    """Add the objects of a job to its files."""
    names = job_plan.names_in_results(work, languages)
    # A job numbers its files in the order of their keys.
    in_order = sorted(work.names, key=str.encode)
    for name, last, key in objects_of(account, properties):
        number = number_of(name, names)
        if name not in names and (number is None or not 1 <= number <= len(in_order)):
            raise FolderError(f"{key} is of no file of this run")
        each = files[names[name] if number is None else in_order[number - 1]]
        if number is not None:
            each.name = ""
        each.objects[last] = key
        if last == REPORT_MEMBER:
            each.take(map(json.loads, account.s3.get_object(Bucket=bucket, Key=key)["Body"].iter_lines()))

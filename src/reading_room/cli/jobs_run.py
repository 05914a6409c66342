"""``reading-room jobs run``: analyse a folder of texts with jobs, from reading the folder to printing the results."""

from __future__ import annotations

import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any

import typer
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from reading_room.analysis.kinds import DOMINANT_LANGUAGE, SYNTAX
from reading_room.cli import (
    document_languages,
    following,
    job_plan,
    jobs_redact,
    once_made,
    reading,
    result_files,
    summaries,
    syntax,
    text_languages,
)
from reading_room.cli.answers import not_answered, plain_message
from reading_room.cli.findings import Documents, Read, by_document
from reading_room.cli.folder import StartError
from reading_room.cli.job_plan import KindError, Plan, Work
from reading_room.cli.options import DataOption, PortOption, command, read_settings
from reading_room.cli.running import Endpoint, endpoint_of, listening, require_weights, started
from reading_room.cli.screen import fail, plain
from reading_room.cli.screen import output as console
from reading_room.cli.tables import SHOWN, print_summary
from reading_room.cli.text_languages import Languages, in_words
from reading_room.cli.texts import CHANGED, FolderError, Texts, counted, described, some, texts_of, upload
from reading_room.settings import Settings

AUTO = "auto"
INTERRUPTED = 130
"""The exit code that shells use for a program that Ctrl-C ended."""
SOME_FAILED = 3
"""The exit code of a finished run in which documents had errors."""
MENDS = {
    "DOCUMENT_SIZE_EXCEEDED": " Split the file, or analyse each line by itself with --per-line.",
    "UNSUPPORTED_ENCODING": " Save its text in UTF-8.",
}
"""What the user can do about a document's error, if its message does not say so."""
_LEFT_OUT = re.compile(r"; Left out: (.*?)(?: \[\w+\])?$")
"""The line of a topics job's story that names the documents without topics."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of a run."""

    kinds: Sequence[str]
    language: str
    topics: int
    per_line: bool
    classifier: str | None
    output: Path | None
    redact: Path | None = None
    pii_profiles: Sequence[str] = ()

    def members(self, work: Work) -> dict[str, Any]:
        """Return the members of a Start request that only some kinds have."""
        if work.language is not None:
            return {"LanguageCode": work.language} | (jobs_redact.REQUEST if self.redact is not None else {})
        if work.kind == "topics":
            return {"NumberOfTopics": self.topics}
        return {"DocumentClassifierArn": self.classifier} if work.kind == "classification" else {}


def run(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Folder of texts and documents in any format, subfolders included.", show_default=False),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            help=f"What to find, repeated or separated by commas: {', '.join(job_plan.NAMES)}; or all.",
            show_default="entities",
        ),
    ] = None,
    language: Annotated[
        str, typer.Option(help="Language of all texts, such as de; auto detects it for each file.")
    ] = AUTO,
    topics: Annotated[int, typer.Option(help="How many topics to find.", min=1, max=100)] = 10,
    classifier: Annotated[
        str | None, typer.Option(help="ARN of the custom classifier for --kind classification.")
    ] = None,
    per_line: Annotated[
        bool, typer.Option("--per-line", help="Make each line a document, instead of each file.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(help="File for all results: .xlsx, .csv, or .jsonl with an object on each line.")
    ] = None,
    redact: Annotated[
        Path | None,
        typer.Option(help="With --kind pii: folder for redacted copies of all files, with a report.", metavar="OUT"),
    ] = None,
    pii_profile: Annotated[
        list[str] | None,
        typer.Option(help="With --redact: recall profile that the jobs keep to; once for each language."),
    ] = None,
    clean: Annotated[
        bool,
        typer.Option(
            "--clean",
            help="At the end, delete the bucket, the role and the network that runs share, with the texts and results "
            "of all runs. Without a folder, do only that.",
        ),
    ] = False,
    data: DataOption = None,
    port: PortOption = None,
) -> None:
    """Analyse a folder of documents: find names, phrases, sentiment and more, and print what was found.

    Creates what the jobs need (a bucket, a private network, a role) once, and uses the running product, or starts it
    until the jobs have ended. Exits with 3 if documents had errors, and with 1 if a job failed.
    """
    settings = read_settings(data, port)
    try:
        kinds, profiles = job_plan.kinds_of(kind or ["entities"], classifier), pii_profile or ()
        options = RunOptions(kinds, language, topics, per_line, classifier, output, redact, profiles)
        jobs_redact.check_options(redact, folder, kinds, per_line, output, profiles)
        if language != AUTO:
            job_plan.check_language(options.kinds, language)
        if folder is None and not clean:
            raise FolderError("name a folder of documents")
        texts = None if folder is None else texts_of(folder, per_line)
        result_files.check(output)
        if texts is not None:
            require_weights()
            for line in described(texts):
                console.print(line, soft_wrap=True)
        with ExitStack() as stack:
            running = listening(settings)
            account = reading.Account(endpoint_of(settings) if running else _started(stack, settings))
            try:
                code = 0 if texts is None else Run(account, settings, texts, options, running).to_the_end()
            except result_files.NotWritten:
                raise  # With --clean, too, the results stay.
            except Exception as error:
                if clean:
                    _clean_anyway(account, error)
                raise
            if clean and code != INTERRUPTED:
                _say_cleaned(once_made.clean(account))
    except (StartError, FolderError, KindError, once_made.NotOurs, TimeoutError) as error:
        raise fail(plain_message(error)) from None
    except (ClientError, BotoCoreError, ResponseParserError, S3UploadFailedError) as error:
        raise fail("\n".join([not_answered(error, settings), *getattr(error, "__notes__", ())])) from None
    raise typer.Exit(code)


def _started(stack: ExitStack, settings: Settings) -> Endpoint:
    console.print("[dim]Reading Room is not running: it is started for this run and stopped afterwards[/]")
    scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    return stack.enter_context(started(settings.data, settings.port, scratch / "log"))


def _say_cleaned(gone: Sequence[str]) -> None:
    console.print(f"\nDeleted: {', '.join(gone)}" if gone else "\nThere was nothing to delete", soft_wrap=True)


def _clean_anyway(account: reading.Account, error: Exception) -> None:
    """Delete what runs share after a failed run, whose error is what is finally reported."""
    try:
        _say_cleaned(once_made.clean(account))
    except (ClientError, BotoCoreError, once_made.NotOurs) as another:
        error.add_note(f"what runs share could not be deleted: {another}")


class Run:
    """One run over the texts of a folder."""

    def __init__(
        self, account: reading.Account, settings: Settings, texts: Texts, options: RunOptions, running: bool
    ) -> None:
        """``running`` says whether the product keeps running afterwards."""
        self._account = account
        self._running = running
        self._settings = settings
        self._profiles = jobs_redact.profiles_by_language(account, options.pii_profiles)
        self._files = texts.files
        self._left_out = texts.left_out
        self._options = options
        self._sources: dict[str, Path | str] = dict(self._files)
        self._where = f"runs/{secrets.token_hex(4)}"
        self._not_utf8 = frozenset(
            name
            for name, path in self._files.items()
            if name not in texts.documents and not text_languages.is_utf8(path)
        )
        self._by_jobs = frozenset() if options.per_line else texts.documents | self._not_utf8
        """The files that only the readers of jobs can read."""
        self._changed: list[str] = []
        """Files that could not be uploaded as they were."""
        self._failed: list[str] = []
        self._unsaved: result_files.NotWritten | None = None
        self._going: list[str] = []

    def to_the_end(self) -> int:
        """Do the whole run, print the results, and return the exit code."""
        try:
            return self._do()
        except KeyboardInterrupt:
            self._say_going_on(self._going)
            return INTERRUPTED

    def _do(self) -> int:
        languages = self._languages()
        plan = job_plan.plan(self._options.kinds, languages.of)
        self._say_languages(languages, plan)
        if not plan.work:
            raise FolderError("nothing is left to analyse: choose another --kind, or set the --language")
        jobs = self._start(plan, languages.of) if any(work.kind != SYNTAX.name for work in plan.work) else {}
        ended = self._follow(jobs)
        if self._options.redact is not None:
            return self._redact(self._options.redact, plan, ended, languages)
        reads = self._reads(plan, ended, languages.of)
        shown = languages.known if any(map(job_plan.languages_of, self._options.kinds)) else {}
        shown |= self._attach([read for read, _ in reads], ended, languages.of)
        saved = self._save([read for read, _ in reads], shown)
        self._print(reads, shown, [properties for _, properties in ended.values()], saved)
        self._print_hints(jobs)
        if self._unsaved is not None:
            raise self._unsaved
        if self._failed:
            raise FolderError("\n".join(self._failed))
        wrong = (
            self._changed or any(read.errors for read, _ in reads) or any(p.get("Message") for _, p in ended.values())
        )
        return SOME_FAILED if wrong else 0

    def _redact(
        self, out: Path, plan: Plan, ended: Mapping[str, tuple[Work, dict[str, Any]]], languages: Languages
    ) -> int:
        """Write the redacted copies, print what was replaced by type, and return the exit code."""
        reasons = {**self._left_out, **({CHANGED: self._changed} if self._changed else {})}
        done = jobs_redact.write(self._account, out, list(self._files), ended, plan, languages.of, reasons)
        self._sources = dict.fromkeys(done.languages, "")
        found = summaries.found(done.read.kind, done.read.lines)
        self._print([(done.read, found)], done.languages, [], plain(done.saved))
        self._print_hints({job: work for job, (work, _) in ended.items()})
        if self._failed:
            raise FolderError("\n".join(self._failed))
        return SOME_FAILED if done.read.errors or plan.unread or self._changed else 0

    def _save(self, reads: Sequence[Read], languages: Mapping[str, str]) -> str:
        """Write the results to the files that were asked for, and return a sentence about them."""
        output = self._options.output
        if output is None or not reads:
            return ""
        try:
            result_files.write(output, reads, self._sources, languages)
        except result_files.NotWritten as error:
            self._unsaved = error
            return ""
        return f"All results are in {plain(' and '.join(map(str, result_files.written(output))))}"

    def _attach(
        self, reads: Sequence[Read], ended: Mapping[str, tuple[Work, dict[str, Any]]], languages: Mapping[str, str]
    ) -> dict[str, str]:
        """Add the documents inside of files, such as attachments, and the texts that jobs extracted, to the sources.

        Return the languages of the former, which are those of their files.
        """
        spoken: dict[str, str] = {}
        for read in reads:
            for line in read.lines:
                if self._sources.setdefault(line["File"], "") == "" and "Language" in line:
                    spoken[line["File"]] = line["Language"]
        if self._by_jobs and self._options.output is not None:
            for work, properties in ended.values():
                if work.kind != "topics":
                    names = job_plan.names_in_results(work, languages)
                    for file, text in reading.extracted(self._account, properties):
                        self._sources[document_languages.name_of(file, names)] = text
        return spoken

    def _languages(self) -> Languages:
        if self._options.language != AUTO:
            return Languages(dict.fromkeys(self._files, self._options.language))
        if not any(map(job_plan.languages_of, self._options.kinds)):
            # No kind needs it.
            return Languages(dict.fromkeys(self._files, text_languages.DEFAULT))
        with console.status("Detecting the language of each file"):
            plain = {name: path for name, path in self._files.items() if name not in self._by_jobs}
            found = text_languages.detect(self._account, plain)
        if self._by_jobs:
            others = {name: path for name, path in self._files.items() if name in self._by_jobs}
            where = f"{self._where}/documents"
            found |= document_languages.detect(self._account, self._place, where, others, self._language_job)
        return text_languages.with_assumed(list(self._files), found, self._not_utf8 - self._by_jobs)

    def _language_job(self, job: str) -> Mapping[str, Any]:
        describe = partial(reading.JobCalls(self._account, DOMINANT_LANGUAGE.name).describe, job)
        with following.shown("Job, to detect the languages of documents", states=False) as show:
            return following.Follower(self._account.logs, job, describe).to_the_end(show).properties

    @cached_property
    def _place(self) -> once_made.Place:
        with console.status("Preparing a private network, a bucket and a role"):
            return once_made.place(self._account)

    def _say_languages(self, languages: Languages, plan: Plan) -> None:
        if self._options.language == AUTO and any(map(job_plan.languages_of, self._options.kinds)):
            spoken = "; ".join(
                f"{', '.join(map(in_words, codes))} in {counted(times, 'file')}{' each' * (len(codes) > 1)}"
                for times, codes in languages.counted()
            )
            console.print(f"Languages detected: {spoken or 'none'}", soft_wrap=True)
        if languages.not_utf8:
            names = [name for name in self._files if name in languages.not_utf8]
            what = "[yellow]Not text in UTF-8[/], so documents in them will have errors"
            console.print(f"{what}: {some(names)}", soft_wrap=True)
        if names := [name for name in self._files if name in languages.assumed - languages.not_utf8]:
            what = f"[yellow]No language was recognised[/] in {some(names)}"
            console.print(f"{what}: read as {in_words(languages.of[names[0]])}", soft_wrap=True)
        for kind, unread in plan.unread.items():
            what = f"[yellow]{kind} has no engine for {', '.join(map(in_words, unread))}[/]"
            names = [name for each in unread.values() for name in each]
            console.print(f"{what}, and does not read {some(names)}", soft_wrap=True)

    def _start(self, plan: Plan, languages: Mapping[str, str]) -> dict[str, Work]:
        """Upload the texts and start every job; return the work of each by its id."""
        place, where = self._place, self._where
        with console.status("Uploading"):
            for name, path in self._files.items():
                if not upload(self._account, path, place.bucket, f"{where}/input/{languages[name]}/{name}"):
                    self._changed.append(name)
        uploaded = f"{counted(len(self._files) - len(self._changed), 'file')} in s3://{place.bucket}/{where}/input"
        console.print(f"{uploaded}; network {place.network.vpc}; role {once_made.NAME}", soft_wrap=True)
        jobs = {}
        for work in plan.work:
            if work.kind == SYNTAX.name:
                continue
            job = reading.JobCalls(self._account, work.kind, self._account.patient).start(
                InputDataConfig={
                    "S3Uri": f"s3://{place.bucket}/{where}/input/{work.folder}",
                    "InputFormat": "ONE_DOC_PER_LINE" if self._options.per_line else "ONE_DOC_PER_FILE",
                },
                OutputDataConfig={"S3Uri": f"s3://{place.bucket}/{where}/output/"},
                DataAccessRoleArn=place.role,
                VpcConfig=place.network.config(),
                Tags=self._tags(work),
                **self._options.members(work),
            )
            jobs[job] = work
            self._going.append(job)
        console.print(f"Started: {', '.join(work.title for work in jobs.values())}", soft_wrap=True)
        return jobs

    def _tags(self, work: Work) -> list[dict[str, str]]:
        if self._options.redact is not None:
            return jobs_redact.tags(self._profiles, work)
        return document_languages.TAGS if self._by_jobs else []

    def _follow(self, jobs: Mapping[str, Work]) -> dict[str, tuple[Work, dict[str, Any]]]:
        """Follow each job to its end; return the completed ones, and remember why the others failed."""
        ended: dict[str, tuple[Work, dict[str, Any]]] = {}
        for number, (job, work) in enumerate(jobs.items(), 1):
            describe = partial(reading.JobCalls(self._account, work.kind).describe, job)
            follower = following.Follower(self._account.logs, job, describe)
            of = f" {number} of {len(jobs)}" if len(jobs) > 1 else ""
            with following.shown(f"Job{of}, {work.title}", states=False) as show:
                properties = follower.to_the_end(show).properties
            self._going.remove(job)
            if properties["JobStatus"] == "COMPLETED":
                ended[job] = work, properties
            else:
                why = properties.get("Message") or "it was stopped"
                self._failed.append(f"the job for {work.title}, {job}, is {properties['JobStatus']}: {why}")
        return ended

    def _say_going_on(self, jobs: Sequence[str]) -> None:
        if not jobs:
            return
        when = "" if self._running else f", once Reading Room runs again ({command(self._settings, 'up')})"
        console.print(
            f"\n{'The job continues' if len(jobs) == 1 else 'The jobs continue'}{when}:", soft_wrap=True, markup=False
        )
        for job in jobs:
            console.print(f"  {command(self._settings, 'jobs', 'watch', job)}", soft_wrap=True, markup=False)

    def _reads(
        self, plan: Plan, ended: Mapping[str, tuple[Work, dict[str, Any]]], languages: Mapping[str, str]
    ) -> list[tuple[Read, summaries.Summary]]:
        """Return the results of each kind from all its jobs, and their table."""
        lines: dict[str, list[dict[str, Any]]] = {}
        topics: summaries.Summary | None = None
        for work, properties in ended.values():
            names = job_plan.names_in_results(work, languages)
            if work.kind == "topics":
                terms, rows = reading.topics(self._account, properties)
                topics = summaries.topics_found(terms, rows)
                found = summaries.documents_of_topics(terms, rows, self._options.per_line)
            else:
                found = reading.results(self._account, properties)
            lines.setdefault(work.kind, []).extend(document_languages.named(found, names, work.language))
        for work in plan.work:
            if work.kind == SYNTAX.name:
                with console.status(f"Detecting syntax in {counted(len(work.names), 'file')}"):
                    tokens = syntax.lines_of(self._account, str(work.language), self._documents(work.names))
                    lines.setdefault(work.kind, []).extend(document_languages.named(tokens, {}, work.language))
        read = [Read(kind, lines[kind]) for kind in self._options.kinds if kind in lines]
        return [
            (each, topics if topics is not None and each.kind == "topics" else summaries.found(each.kind, each.lines))
            for each in read
        ]

    def _documents(self, names: Sequence[str]) -> Iterator[tuple[str, int | None, str | None]]:
        documents = Documents(self._files)
        for name in names:
            # Synchronous calls take text, and only jobs read other documents.
            if name not in self._by_jobs:
                yield from documents.each(name, self._options.per_line)

    def _print(
        self,
        reads: Sequence[tuple[Read, summaries.Summary]],
        languages: Mapping[str, str],
        properties: Sequence[Mapping[str, Any]],
        saved: str,
    ) -> None:
        for read, found in reads:
            if len(reads) > 1:
                console.print(f"\n[bold]{read.kind}[/]")
            print_summary(found, more=not saved)
        columns, rows = by_document([read for read, _ in reads], list(self._sources), languages)
        if len(rows) > 1 and reads:
            console.print("\n[bold]by document[/]")
            print_summary(summaries.Summary(tuple(columns), [tuple(map(str, row)) for row in rows], ""), more=False)
        self._print_errors(reads, properties)
        if saved:
            console.print(f"\n{saved}", soft_wrap=True)

    def _print_errors(
        self, reads: Sequence[tuple[Read, summaries.Summary]], properties: Sequence[Mapping[str, Any]]
    ) -> None:
        # The kinds that failed and the message of the first: others may say the same in fewer words.
        errors: dict[tuple[str, int | None, str], tuple[str, list[str]]] = {}
        for read, _ in reads:
            for line in read.errors:
                number = None if line.get("Line") is None else int(line["Line"]) + 1
                code = line["ErrorCode"]
                says = plain(f"{code}: {line['ErrorMessage']}") + MENDS.get(code, "")
                errors.setdefault((line["File"], number, code), (says, []))[1].append(read.kind)
        # The tables of topics have no room for errors: the job's story names the documents.
        stories = [each for each in properties if each.get("Message") and "NumberOfTopics" in each]
        if self._changed:
            console.print(f"\n[bold yellow]{CHANGED}[/]: {some(self._changed)}", soft_wrap=True)
        if not errors and not stories:
            return
        console.print("\n[bold yellow]Documents with errors[/]")
        for (name, number, _), (says, kinds) in list(errors.items())[:SHOWN]:
            where = "" if number is None else f" line {number}"
            what = f" ({', '.join(kinds)})" if len(reads) > 1 else ""
            console.print(f"  [yellow]{plain(name)}{where}[/]{what}: {says}", soft_wrap=True)
        if (left := len(errors) - SHOWN) > 0:
            console.print(
                f"  and {left:,} more" + ("" if self._options.output else "; --output FILE writes all of them")
            )
        for each in stories:
            for _, text in reading.story(self._account, each["JobId"]):
                if found := _LEFT_OUT.search(text):
                    console.print(f"  (topics) {plain(found[1])}", soft_wrap=True)

    def _print_hints(self, jobs: Mapping[str, Work]) -> None:
        if not jobs:
            return
        console.print("\nWhat happened to a job, step by step:" if len(jobs) > 1 else "\nWhat happened, step by step:")
        for job, work in jobs.items():
            hint = command(self._settings, "jobs", "explain", job)
            console.print(f"  {hint}" + (f"   # {work.title}" if len(jobs) > 1 else ""), soft_wrap=True, markup=False)
        if not self._running:
            up = command(self._settings, "up")
            console.print(f"while Reading Room runs: {up}", soft_wrap=True, markup=False)

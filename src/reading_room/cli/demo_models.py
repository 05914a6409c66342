"""The demo's trainings: a classifier and a recognizer on the speeches, and a job with each on unread ones."""

from __future__ import annotations

import csv
import io
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.table import Table

from reading_room.cli import reading
from reading_room.cli.screen import plain

PERIODS = {"1789 to 1829": ("17", "180", "181", "182"), "1845 to 1881": ("184", "185", "186", "187", "188")}
"""The classes, by the beginnings of their file names; any other file is of the last class."""
LAST_PERIOD = "1897 to 1921"
UNREAD = ("1801", "1873", "1921")
"""One speech of each period is not used for training."""
TERMS = {
    "INSTITUTION": ("Government", "Congress", "Senate", "House of Representatives", "Supreme Court", "Constitution"),
    "COUNTRY": ("United States", "Union", "America", "Republic", "Nation", "States"),
}
"""The entity list. The recognizer should find similar terms in sentences that it has not seen."""
CLASSIFIED, RECOGNIZED = 600, 300
"""Code points of a paragraph that each training gets: enough to learn from, in a demo of one minute."""
READY = ("TRAINED", "TRAINED_WITH_WARNING")
ENDED = (*READY, "IN_ERROR", "STOPPED")


class Models:
    """Two trainings and two jobs. ``request`` makes the members that every job has from a prefix and a format."""

    def __init__(
        self, account: reading.Account, bucket: str, texts: Path, request: Callable[[str, str], dict[str, Any]]
    ) -> None:
        self._comprehend = account.comprehend
        self._account = account
        self._bucket = bucket
        self._texts = texts
        self._request = request
        self._classifier = ""
        self._recognizer = ""

    def start(self) -> None:
        """Upload the training data and start both trainings."""
        rows, documents = io.StringIO(), []
        writer = csv.writer(rows, lineterminator="\n")
        unread: dict[str, list[str]] = {}
        for path in sorted(self._texts.glob("*.txt")):
            paragraphs = [line[:CLASSIFIED] for line in path.read_text().splitlines() if len(line) > 100]
            if path.name.startswith(UNREAD):
                unread[path.name] = paragraphs
                continue
            documents += [paragraph[:RECOGNIZED] for paragraph in paragraphs]
            writer.writerows((period_of(path.name), paragraph) for paragraph in paragraphs)
        self._put("training/periods.csv", rows.getvalue())
        self._put("training/speeches.txt", "\n".join(documents))
        terms = "".join(f"{term},{kind}\n" for kind, words in TERMS.items() for term in words)
        self._put("training/terms.csv", f"Text,Type\n{terms}")
        for name, paragraphs in unread.items():
            self._put(f"unread/{name}", "\n".join(paragraphs))
        common = self._request("unread/", "ONE_DOC_PER_LINE")
        shared = {"LanguageCode": "en", **{name: common[name] for name in ("DataAccessRoleArn", "VpcConfig")}}
        self._classifier = self._comprehend.create_document_classifier(
            DocumentClassifierName="periods",
            InputDataConfig={"S3Uri": f"s3://{self._bucket}/training/periods.csv"},
            **shared,
        )["DocumentClassifierArn"]
        self._recognizer = self._comprehend.create_entity_recognizer(
            RecognizerName="institutions",
            InputDataConfig={
                "EntityTypes": [{"Type": kind} for kind in TERMS],
                "Documents": {"S3Uri": f"s3://{self._bucket}/training/speeches.txt"},
                "EntityList": {"S3Uri": f"s3://{self._bucket}/training/terms.csv"},
            },
            **shared,
        )["EntityRecognizerArn"]

    def wait(self, seconds: float) -> list[dict[str, Any]]:
        """Wait for the end of both trainings and return their properties. Raises ``TimeoutError``."""
        deadline = time.monotonic() + seconds
        while True:
            ended = [self._describe_classifier(), self._describe_recognizer()]
            if all(each["Status"] in ENDED for each in ended):
                return ended
            if time.monotonic() > deadline:
                raise TimeoutError(f"the trainings did not end within {seconds:.0f} s")
            time.sleep(0.2)

    def use(self, seconds: float) -> list[dict[str, Any]]:
        """Run a job with each model on the unread speeches and return the properties of both."""
        request = self._request("unread/", "ONE_DOC_PER_LINE")
        entities = reading.JobCalls(self._account, "entities")
        found = entities.start(**request, EntityRecognizerArn=self._recognizer)
        answer = self._comprehend.start_document_classification_job(**request, DocumentClassifierArn=self._classifier)
        deadline = time.monotonic() + seconds
        while True:
            classified: dict[str, Any] = dict(
                self._comprehend.describe_document_classification_job(JobId=answer["JobId"])[
                    "DocumentClassificationJobProperties"
                ]
            )
            if classified["JobStatus"] in reading.OVER:
                return [classified, entities.wait(found, seconds)]
            if time.monotonic() > deadline:
                raise TimeoutError(f"job {answer['JobId']} did not end within {seconds:.0f} s")
            time.sleep(0.2)

    def table(self, trained: list[dict[str, Any]], jobs: list[dict[str, Any]]) -> Table:
        """Return a table of the trainings' durations, and of what the jobs found in speeches that no training saw."""
        table = Table(box=None, padding=(0, 2, 0, 0))
        for column in ("model", "seconds", "on paragraphs that it never saw"):
            table.add_column(column)
        said = (self._classes(jobs[0]), self._entities(jobs[1]))
        for name, model, says in zip(("classifier", "recognizer"), trained, said, strict=True):
            took = (model["EndTime"] - model["SubmitTime"]).total_seconds()
            table.add_row(name, f"{took:.1f}", plain(says))
        return table

    def _classes(self, job: dict[str, Any]) -> str:
        lines = [line for line in reading.results(self._account, job) if "Classes" in line]
        right = sum(line["Classes"][0]["Name"] == period_of(line["File"]) for line in lines)
        return f"{right} of {len(lines)} put into the right one of three periods"

    def _entities(self, job: dict[str, Any]) -> str:
        lines = reading.results(self._account, job)
        found = Counter((e["Text"], e["Type"]) for line in lines for e in line.get("Entities", ()))
        return ", ".join(f"{text} ({kind.lower()}) {times}" for (text, kind), times in found.most_common(4))

    def _describe_classifier(self) -> dict[str, Any]:
        answer = self._comprehend.describe_document_classifier(DocumentClassifierArn=self._classifier)
        return dict(answer["DocumentClassifierProperties"])

    def _describe_recognizer(self) -> dict[str, Any]:
        answer = self._comprehend.describe_entity_recognizer(EntityRecognizerArn=self._recognizer)
        return dict(answer["EntityRecognizerProperties"])

    def _put(self, key: str, text: str) -> None:
        self._account.s3.put_object(Bucket=self._bucket, Key=key, Body=text.encode())


def period_of(file: str) -> str:
    """Return the class of a speech by the year that its file's name begins with."""
    return next((period for period, years in PERIODS.items() if file.startswith(years)), LAST_PERIOD)

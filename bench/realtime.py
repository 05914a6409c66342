"""Batches of 25 short texts through the synchronous operations, warm, and the first call to a cold engine.

Personal data, toxic content and prompt safety have no batches: there it is one text of 1 KB.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from botocore import xform_name

from bench.report import Row, record, spread
from reading_room.cli import reading
from reading_room.cli.running import free_port, started
from reading_room.comprehend.operations.prompt_safety import prompt_safety_arn
from reading_room.comprehend.operations.realtime import BATCH_TEXTS, REALTIME_KINDS

ROUNDS = int(os.environ.get("BENCH_REALTIME_ROUNDS", "40"))
SINGLES = int(os.environ.get("BENCH_REALTIME_SINGLES", "100"))
BARS = {
    "DetectPiiEntities": "25 ms",
    "DetectEntities": "60 ms",
    "DetectSentiment": "80 ms",
    "DetectDominantLanguage": "10 ms",
    "DetectToxicContent": "30 ms",
    "ClassifyDocument, prompt safety": "30 ms",
}
TEXTS = (
    "Marie Curie was born in Warsaw in 1867 and moved to Paris to study physics.",
    "The staff were friendly, but the room was cold and the breakfast arrived late.",
    "Please send the invoice to our office in Hamburg before the end of the month.",
    "I have never seen a better performance of this opera, and the hall is splendid.",
    "The committee will meet again on Monday to discuss the budget of the new bridge.",
)


def main() -> None:
    """Measure and record."""
    rows: list[Row] = []
    # Containers started ahead for jobs would only compete for memory here.
    os.environ["READING_ROOM_STANDBY"] = "0"
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        with started(data, free_port(), Path(folder) / "log") as endpoint:
            client = reading.Account(endpoint).comprehend
            for kind in REALTIME_KINDS:
                language = {} if None in kind.engines else {"LanguageCode": "en"}
                if kind.batch is None:
                    call = getattr(client, xform_name(kind.detect))
                    rows.append(_single(kind.detect, partial(_of_text, call, language)))
                    continue
                call = getattr(client, xform_name(kind.batch))
                rows.extend(_measured(kind.detect, kind.batch, call, language))
            rows.append(_single("DetectToxicContent", partial(_of_segment, client)))
            rows.append(_single("ClassifyDocument, prompt safety", partial(_of_prompt, client)))
    record("Synchronous calls", rows)


def _measured(detect: str, batch: str, call: Callable[..., dict[str, Any]], language: dict[str, str]) -> Iterator[Row]:
    began = time.perf_counter()
    call(TextList=texts(0), **language)
    cold = time.perf_counter() - began
    times = []
    for number in range(1, ROUNDS + 1):
        # Other texts each time, because an engine may cache results.
        batch_of = texts(number)
        began = time.perf_counter()
        answer = call(TextList=batch_of, **language)
        times.append(time.perf_counter() - began)
        if len(answer["ResultList"]) != BATCH_TEXTS:
            raise RuntimeError(f"{batch} answered {answer['ErrorList']}")
    yield Row(
        f"{batch}, {BATCH_TEXTS} texts of 80 characters, warm",
        spread(times),
        BARS.get(detect, "reported"),
        f"boto3 to answer, {ROUNDS} calls one after the other",
    )
    yield Row(f"{batch}, first call", f"{cold:.2f} s", "reported", "the container starts and loads its engine, once")


def _of_text(call: Callable[..., object], language: dict[str, str], text: str) -> None:
    call(Text=text, **language)


def _of_segment(client: Any, text: str) -> None:
    client.detect_toxic_content(TextSegments=[{"Text": text}], LanguageCode="en")


def _of_prompt(client: Any, text: str) -> None:
    client.classify_document(EndpointArn=prompt_safety_arn(client.meta.region_name), Text=text)


def _single(detect: str, call: Callable[[str], object]) -> Row:
    call("A first call, which starts the container.")
    times = []
    for number in range(SINGLES):
        text = letter(number)
        began = time.perf_counter()
        call(text)
        times.append(time.perf_counter() - began)
    return Row(
        f"{detect}, one text of 1 KB, warm",
        spread(times),
        BARS.get(detect, "reported"),
        f"boto3 to answer, {SINGLES} calls one after the other, p50 first",
    )


def letter(number: int) -> str:
    """Return a text of 1 KB that differs for each number, and has some personal data."""
    sentences = [*TEXTS, "Her card is 4111 1111 1111 1111, and she lives at 12 Oak Street, Springfield, IL 62704."]
    text = " ".join(f"{sentences[(number + at) % len(sentences)]} ({number}-{at})" for at in range(16))
    return text[:1_024]


def texts(number: int) -> Sequence[str]:
    """Return a batch of texts that differs for each number."""
    return [f"{TEXTS[index % len(TEXTS)]} ({number}-{index})" for index in range(BATCH_TEXTS)]


if __name__ == "__main__":
    main()

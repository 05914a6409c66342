"""An iteration of a flywheel against the bare training of the same rows, alternating on one installation."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.jobs import library
from bench.kinds import classes, until_trained
from bench.report import Row, record

ROWS = int(os.environ.get("BENCH_FLYWHEEL_ROWS", "10000"))
ROUNDS = int(os.environ.get("BENCH_FLYWHEEL_ROUNDS", "3"))


def main() -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory() as folder:
        record("Flywheels", [*_rows(Path(folder))])


def _rows(folder: Path) -> Iterator[Row]:
    with library(folder, 0) as (account, bucket, request):
        request = {key: value for key, value in request.items() if key != "OutputDataConfig"}
        account.s3.put_object(Bucket=bucket, Key="train/classes.csv", Body=classes(ROWS, 77))
        client: Any = account.comprehend
        uri = f"s3://{bucket}/train/classes.csv"
        bare, iterated = [], []
        flywheel = ""
        for number in range(ROUNDS):
            model, spent = _trained(client, uri, request, number)
            bare.append(spent)
            flywheel = flywheel or _flywheel(client, bucket, request, model)
            iterated.append(_iterated(client, flywheel))
        ratio = statistics.median(one / other for one, other in zip(iterated, bare, strict=True))
        said = f"iteration {statistics.median(iterated):.1f} s, training {statistics.median(bare):.1f} s"
        yield Row(
            f"flywheel iteration on {ROWS:,} rows of 77 classes, against the bare training",
            f"{ratio:.2f} × ({said})",
            "1.2 ×",
            f"{ROUNDS} alternating rounds, median of their ratios",
        )


def _flywheel(client: Any, bucket: str, request: dict[str, Any], model: str) -> str:
    """Create a flywheel that begins with a model and its data, and return its ARN."""
    arn = client.create_flywheel(
        FlywheelName="bench",
        ActiveModelArn=model,
        DataLakeS3Uri=f"s3://{bucket}/lake",
        DataAccessRoleArn=request["DataAccessRoleArn"],
        DataSecurityConfig={"VpcConfig": request["VpcConfig"]},
    )["FlywheelArn"]
    _until(lambda: client.describe_flywheel(FlywheelArn=arn)["FlywheelProperties"], "ACTIVE")
    _until(lambda: client.list_datasets(FlywheelArn=arn)["DatasetPropertiesList"][0], "COMPLETED")
    return str(arn)


def _trained(client: Any, uri: str, request: dict[str, Any], number: int) -> tuple[str, float]:
    """Train a model; return its ARN and the seconds from the submission to the end."""
    began = time.perf_counter()
    arn = client.create_document_classifier(
        DocumentClassifierName=f"bare-{number}", InputDataConfig={"S3Uri": uri}, LanguageCode="en", **request
    )["DocumentClassifierArn"]

    def described() -> Any:
        return client.describe_document_classifier(DocumentClassifierArn=arn)["DocumentClassifierProperties"]

    return str(arn), until_trained(described, began)


def _iterated(client: Any, flywheel: str) -> float:
    """Return the seconds of an iteration, which evaluates the model of the first training and the new one."""
    began = time.perf_counter()
    started = client.start_flywheel_iteration(FlywheelArn=flywheel)["FlywheelIterationId"]
    named = {"FlywheelArn": flywheel, "FlywheelIterationId": started}
    _until(lambda: client.describe_flywheel_iteration(**named)["FlywheelIterationProperties"], "COMPLETED")
    return time.perf_counter() - began


def _until(describe: Callable[[], dict[str, Any]], status: str) -> dict[str, Any]:
    """Wait for a status and return what has it."""
    while (found := describe())["Status"] != status:
        assert found["Status"] not in ("FAILED", "STOPPED"), found
        time.sleep(0.1)
    return found


if __name__ == "__main__":
    main()

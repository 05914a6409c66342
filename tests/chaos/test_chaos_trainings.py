"""``kill -9`` at every phase of a training: a whole model or none, and a reason."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import nullcontext
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.jobs.job import Phase
from tests.worlds.place import Place
from tests.worlds.product import Product
from tests.worlds.waiting import eventually, settled

ENDED = ("TRAINED", "TRAINED_WITH_WARNING", "IN_ERROR", "STOPPED")
PHASES = (Phase.PREPARING, Phase.RUNNING, Phase.STOPPING, Phase.FINISHING)
VICTIMS = ("serve", "agent", "worker", "services", "everything")
TEXTS = {"billing": "The invoice {} is wrong.", "delivery": "My parcel {} has not arrived."}


@pytest.mark.chaos
@pytest.mark.timeout(400)
@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("phase", PHASES)
def test_a_kill_during_a_training_leaves_a_whole_model_or_none(
    product: Product, place: Place, phase: Phase, victim: str
) -> None:
    account = product.await_answer()
    rows = "".join(f'{label},"{text.format(n)}"\n' for n in range(30) for label, text in TEXTS.items())
    account.s3.put_object(Bucket=place.bucket, Key="training/rows.csv", Body=rows.encode())
    network: Any = place.network.config()
    arn = account.comprehend.create_document_classifier(
        DocumentClassifierName=f"{victim}-{phase.value}",
        LanguageCode="en",
        DataAccessRoleArn=place.role,
        InputDataConfig={"S3Uri": f"s3://{place.bucket}/training/rows.csv"},
        VpcConfig=network,
    )["DocumentClassifierArn"]
    job = place.training(arn)
    with place.holding(job) if phase is Phase.STOPPING else nullcontext():
        if phase is Phase.STOPPING:
            # The request has no effect while the worker is frozen; a worker that is still alive afterwards acts on it.
            place.stop(job)
        place.kill_at(job, phase, victim)
    account = product.await_answer()

    def shown() -> dict[str, Any]:
        try:
            answer = account.comprehend.describe_document_classifier(DocumentClassifierArn=arn)
        except ClientError as error:
            return {"Status": error.response["Error"]["Code"]}
        return dict(answer["DocumentClassifierProperties"])

    model = eventually(lambda: found if (found := shown())["Status"] in ENDED else None, 300, f"the end of {arn}")
    assert model is not None
    kept = _artifact(product, arn)
    if model["Status"].startswith("TRAINED"):
        assert kept is not None
        assert kept[0] == kept[1]
    else:
        assert kept is None
        assert model["Status"] == "STOPPED" or re.match(r"[A-Z_]+: .+", model["Message"])
    # Kills may cost another attempt, but not the model.
    assert model["Status"] != "IN_ERROR", f"{model}\n{place.story(job)}\n{product.tail(80)}"
    account.comprehend.delete_document_classifier(DocumentClassifierArn=arn)
    eventually(lambda: shown()["Status"] == "ResourceNotFoundException", 60, "the end of the deletion")
    settled(product.leftovers)


def _artifact(product: Product, arn: str) -> tuple[str, str] | None:
    """Return the digest that a model must have and that of its stored bytes, or ``None`` without bytes."""
    with product.database() as database:
        query = "SELECT m.artifact_uri, j.artifact_sha256 FROM models m JOIN jobs j ON j.job_id = m.model_id"
        uri, wanted = database.execute(f"{query} WHERE m.arn = ?", (arn,)).fetchone()
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        row = database.execute(
            "SELECT segments, content FROM s3_objects WHERE bucket = ? AND key = ?", (bucket, key.encode())
        ).fetchone()
    if row is None:
        return None
    # A small object is stored in its row.
    digest = hashlib.sha256(row[1] or b"")
    for blob in filter(None, (blob for blob, _size in json.loads(row[0]))):
        (path,) = (product.data / "objects" / "objects").glob(f"*/{blob}")
        digest.update(path.read_bytes())
    return str(wanted), digest.hexdigest()

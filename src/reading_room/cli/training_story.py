"""The training of a custom model, found by the model's ARN: only its story in the log names the job."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from botocore import xform_name

from reading_room.cli.reading import Account, NoTrainingError, model_describer

STORY_SECONDS, STORY_PAUSE_SECONDS = 10.0, 0.2
"""How long the story of a new training may take to reach the log, and how often that is checked."""


def find_training(
    account: Account, arn: str, pause: Callable[[float], None] = time.sleep
) -> tuple[dict[str, Any], str]:
    """Return the properties of a custom model, and the id of the job that trained it.

    If the training was just submitted, wait until its story has begun; ``pause`` waits for some seconds. Raises
    ``NoTrainingError`` if there is no such model, or no story of its training.
    """
    from reading_room.comprehend.models.models import MODEL_KINDS
    from reading_room.jobs.progress import LOG_GROUP

    describe = model_describer(account, arn)
    lists = " and ".join(f"`aws comprehend {xform_name(each.list, '-')}`" for each in MODEL_KINDS.values())
    try:
        properties = describe()
    except account.comprehend.exceptions.ResourceNotFoundException:
        raise NoTrainingError(f"no model {arn}: {lists} list the existing ones") from None
    if source := properties.get("SourceModelArn"):
        raise NoTrainingError(f"{arn} was imported, so no job trained it: it is a copy of {source}")
    submitted = int(properties["SubmitTime"].timestamp() * 1000)
    pauses = int(STORY_SECONDS / STORY_PAUSE_SECONDS) if properties["Status"] in ("SUBMITTED", "TRAINING") else 0
    for number in range(1 + pauses):
        if number:
            pause(STORY_PAUSE_SECONDS)
        if (job := _training_in_log(account, arn, submitted)) is not None:
            return properties, job
    raise NoTrainingError(f"the log group {LOG_GROUP} has no training of {arn}: its streams may have been deleted")


def _training_in_log(account: Account, arn: str, submitted: int) -> str | None:
    """Return the id of the job that trains a model, by its story, and the time of its submission in milliseconds."""
    from reading_room.jobs.progress import LOG_GROUP

    # The story's first line has the ARN and the model's time of submission. The name may have been used before.
    events = account.logs.get_paginator("filter_log_events").paginate(
        logGroupName=LOG_GROUP, filterPattern=f'"{arn}"', startTime=submitted - 1000, endTime=submitted + 1000
    )
    try:
        for page in events:
            for event in page["events"]:
                if event["message"].endswith(f" {arn}"):
                    return str(event["logStreamName"])
    except account.logs.exceptions.ResourceNotFoundException:
        pass  # No job of this account has had a story yet.
    return None

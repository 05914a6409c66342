"""botocore's waiters for what Comprehend does in the background, which botocore itself has none for."""

from __future__ import annotations

import json
from typing import Any

from botocore import xform_name
from botocore.waiter import Waiter, WaiterModel, create_waiter_with_client

from reading_room import service_models

FILE = service_models.FOLDER / "comprehend" / "2017-11-27" / "waiters-2.json"
"""The waiters as data. botocore finds the file itself if ``AWS_DATA_PATH`` names ``service_models.FOLDER``."""


def waiters(client: Any) -> dict[str, Waiter]:
    """Return the waiters for a Comprehend client, by name, such as ``entities_detection_job_completed``.

    ``waiters(client)[NAME].wait(JobId=…)`` raises ``botocore.exceptions.WaiterError`` if the job fails or is stopped.
    """
    model = WaiterModel(json.loads(FILE.read_text()))
    return {xform_name(name): create_waiter_with_client(name, model, client) for name in model.waiter_names}

"""What the service's own bucket is called, and who owns it: nothing that needs a database."""

from __future__ import annotations

OWNER = "amazon-comprehend"
"""The account of the service itself; not a number, so that no account can have it."""


def bucket_name(region: str) -> str:
    """Return the name of the bucket of a region."""
    return f"reading-room-models-{region}"


def artifact_uri(region: str, account: str, model_id: str) -> str:
    """Return where the artifact of a model is."""
    return f"s3://{bucket_name(region)}/{account}/{model_id}/model"

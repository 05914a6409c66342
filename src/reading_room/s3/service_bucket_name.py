"""The name and the owner of the service's own bucket, without anything that needs a database."""

from __future__ import annotations

OWNER = "amazon-comprehend"
"""The account of the service itself. It is not a number, so no other account can have it."""


def bucket_name(region: str) -> str:
    """Return the name of the bucket of a region."""
    return f"reading-room-models-{region}"


def artifact_uri(region: str, account: str, model_id: str) -> str:
    """Return the S3 URI of the artifact of a model."""
    return f"s3://{bucket_name(region)}/{account}/{model_id}/model"

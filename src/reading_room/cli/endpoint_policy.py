"""``reading-room network endpoint-policy``: an endpoint policy for a private VPC, in the form that EC2 takes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from reading_room.arns import bucket_arn
from reading_room.cli.options import read_settings
from reading_room.cli.screen import fail
from reading_room.s3 import service_bucket_name

_MODEL_ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload")


def endpoint_policy(
    bucket: Annotated[list[str], typer.Option(help="A bucket that jobs read or write. May be repeated.")],
    account: Annotated[
        str | None, typer.Option(help="The account of the jobs; by default the one in the settings.")
    ] = None,
) -> None:
    """Print an endpoint policy that lets one account reach these buckets and no others."""
    settings = read_settings()
    owner = account or settings.account
    if not (owner.isdecimal() and len(owner) == 12):
        raise fail(f"--account {owner}: expected the twelve digits of an account")
    print(json.dumps(private_policy(owner, bucket, settings.region), indent=2))


def private_policy(account: str, buckets: Sequence[str], region: str) -> dict[str, Any]:
    """Return the policy: the guide's seven actions on the buckets, and the service's own bucket for custom models.

    Each statement names the account that may use it: the jobs' own, or that of the service.
    """
    from reading_room.cli.reading import ENDPOINT_ACTIONS

    objects = [arn for bucket in buckets for arn in (bucket_arn(bucket), bucket_arn(bucket, "*"))]
    models = [bucket_arn(service_bucket_name.bucket_name(region), "*")]
    return {
        "Version": "2012-10-17",
        "Statement": [
            _statement("OurAccountToOurBuckets", ENDPOINT_ACTIONS, objects, account),
            _statement("CustomModelsOfTheService", _MODEL_ACTIONS, models, service_bucket_name.OWNER),
        ],
    }


def _statement(sid: str, actions: Sequence[str], resources: Sequence[str], account: str) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": "*",
        "Action": list(actions),
        "Resource": list(resources),
        "Condition": {"StringEquals": {"aws:PrincipalAccount": account}},
    }

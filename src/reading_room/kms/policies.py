"""Key policies: the default, the one of AWS managed keys, and the checks of a new one."""

from __future__ import annotations

import json

from sqlalchemy.orm import Session

from reading_room.iam.policy.document import PolicyDocumentError, parse
from reading_room.iam.principals import pin_principals, principal_exists
from reading_room.kms.errors import LimitExceededException, MalformedPolicyDocumentException
from reading_room.kms.tables import KeyRow

MOST_BYTES = 32_768
"""AWS KMS quotas, "Key policy document size"."""
NAME = "default"
"""The only name that a key policy can have."""


def default_policy(account: str) -> str:
    """Return the policy of a key that is made without one: the account's identity policies decide."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Id": "key-default-1",
            "Statement": [
                {
                    "Sid": "Enable IAM User Permissions",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                    "Action": "kms:*",
                    "Resource": "*",
                }
            ],
        },
        indent=2,
    )


def managed_policy(account: str, region: str, service: str) -> str:
    """Return the policy of an AWS managed key: everybody in the account may use it, through the service only."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Id": f"auto-{service}-2",
            "Statement": [
                {
                    "Sid": f"Allow access through {service} for all principals in the account that are authorized "
                    f"to use {service}",
                    "Effect": "Allow",
                    "Principal": {"AWS": "*"},
                    "Action": [
                        *("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey")
                    ],
                    "Resource": "*",
                    "Condition": {
                        "StringEquals": {
                            "kms:CallerAccount": account,
                            "kms:ViaService": f"{service}.{region}.amazonaws.com",
                        }
                    },
                },
                {
                    "Sid": "Allow direct access to key metadata to the account",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                    "Action": ["kms:Describe*", "kms:Get*", "kms:List*"],
                    "Resource": "*",
                },
            ],
        },
        indent=2,
    )


def checked(session: Session, text: str) -> str:
    """Return a new key policy with its principals pinned to their unique ids (``pin_principals``).

    Raises ``MalformedPolicyDocumentException``, ``LimitExceededException``.
    """
    if len(text.encode()) > MOST_BYTES:
        raise LimitExceededException("The size of the key policy in bytes", MOST_BYTES)
    try:
        # All policies of resources have the same grammar.
        policy = parse(text.strip(), "bucket")
    except PolicyDocumentError as error:
        raise MalformedPolicyDocumentException(str(error)) from error
    for statement in policy.statements:
        principals = statement.principals
        assert principals is not None
        missing = [arn for arn in principals.arns if ":assumed-role/" not in arn and ":federated-user/" not in arn]
        if principals.canonical_users or not all(principal_exists(session, arn) for arn in missing):
            raise MalformedPolicyDocumentException("Policy contains a statement with one or more invalid principals.")
    return pin_principals(session, text)


def put(row: KeyRow, text: str, pinned: str) -> None:
    """Replace the policy of a key with one that was ``checked``."""
    row.policy, row.pinned_policy = text, pinned

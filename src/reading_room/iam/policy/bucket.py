"""The checks of bucket policies beyond the grammar: the bucket itself, S3 actions, known keys, existing principals.

The checks and messages are those of PutBucketPolicy (Amazon S3 API Reference; messages from recorded responses).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from reading_room.iam.policy.document import Policy, PolicyDocumentError, Statement, parse
from reading_room.iam.policy.patterns import Template

S3Target = Literal["bucket", "object", "*"]
"""The kind of resource that an S3 action is authorized on; ``*`` for actions without a bucket."""

_GLOBAL_KEYS = frozenset(
    [
        "aws:assumedroot",
        "aws:calledvia",
        "aws:calledviafirst",
        "aws:calledvialast",
        "aws:chatbotsourcearn",
        "aws:currenttime",
        "aws:ec2instancesourceprivateipv4",
        "aws:ec2instancesourcevpc",
        "aws:epochtime",
        "aws:federatedprovider",
        "aws:multifactorauthage",
        "aws:multifactorauthpresent",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalisawsservice",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principalservicename",
        "aws:principalservicenameslist",
        "aws:principaltype",
        "aws:referer",
        "aws:requestedregion",
        "aws:resourceaccount",
        "aws:resourceorgid",
        "aws:resourceorgpaths",
        "aws:securetransport",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceidentity",
        "aws:sourceip",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourcevpc",
        "aws:sourcevpcarn",
        "aws:sourcevpce",
        "aws:tagkeys",
        "aws:tokenissuetime",
        "aws:useragent",
        "aws:userid",
        "aws:username",
        "aws:viaawsservice",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "aws:vpceorgpaths",
        "aws:vpcsourceip",
    ]
)
_S3_KEYS = frozenset(
    [
        "s3:accesspointnetworkorigin",
        "s3:authtype",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
        "s3:delimiter",
        "s3:if-match",
        "s3:if-none-match",
        "s3:inventoryaccessibleoptionalfields",
        "s3:objectcreationoperation",
        "s3:locationconstraint",
        "s3:max-keys",
        "s3:object-lock-legal-hold",
        "s3:object-lock-mode",
        "s3:object-lock-remaining-retention-days",
        "s3:object-lock-retain-until-date",
        "s3:objectcreationoperation",
        "s3:prefix",
        "s3:resourceaccount",
        "s3:signatureage",
        "s3:signatureversion",
        "s3:tlsversion",
        "s3:versionid",
        "s3:x-amz-acl",
        "s3:x-amz-content-sha256",
        "s3:x-amz-copy-source",
        "s3:x-amz-grant-full-control",
        "s3:x-amz-grant-read",
        "s3:x-amz-grant-read-acp",
        "s3:x-amz-grant-write",
        "s3:x-amz-grant-write-acp",
        "s3:x-amz-metadata-directive",
        "s3:x-amz-object-ownership",
        "s3:x-amz-server-side-encryption",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "s3:x-amz-server-side-encryption-customer-algorithm",
        "s3:x-amz-storage-class",
        "s3:x-amz-website-redirect-location",
        "s3:requestobjecttagkeys",
    ]
)
_KEY_FAMILIES = (
    "aws:principaltag/", "aws:requesttag/", "aws:resourcetag/", "s3:existingobjecttag/", "s3:requestobjecttag/",
)  # fmt: skip


def parse_bucket_policy(
    text: str,
    bucket: str,
    actions: Mapping[str, S3Target],
    principal_exists: Callable[[str], bool],
) -> Policy:
    """Parse the policy of ``bucket``.

    ``actions`` maps the IAM actions of S3 (``s3:GetObject``) to what each is authorized on. ``principal_exists`` is
    called with the ARN of each user and role, and with a role's ARN in place of its session's. Raises
    ``PolicyDocumentError`` with S3's message.
    """
    policy = parse(text, "bucket")
    known = {action.lower(): target for action, target in actions.items()}
    for statement in policy.statements:
        targets = _resource_targets(statement, bucket)
        _check_actions(statement, known, targets)
        _check_keys(statement)
        _check_principals(statement, principal_exists)
    return policy


def _resource_targets(statement: Statement, bucket: str) -> set[S3Target]:
    targets: set[S3Target] = set()
    own = f"arn:aws:s3:::{bucket}"
    for text in statement.resource_texts:
        rest = text.removeprefix(own)
        if rest == text or (rest and rest[0] not in "/*?"):
            raise PolicyDocumentError("Policy has invalid resource")
        if not rest or rest[0] in "*?":
            targets.add("bucket")
        if "/" in rest or "*" in rest:
            targets.add("object")
    return targets


def _check_actions(statement: Statement, known: Mapping[str, S3Target], targets: set[S3Target]) -> None:
    for text in statement.action_texts:
        template = Template.parse(text.lower())
        matching_targets = {target for action, target in known.items() if template.matches(action, {})}
        if not matching_targets:
            raise PolicyDocumentError("Policy has invalid action")
        if not statement.not_action and not matching_targets & targets:
            raise PolicyDocumentError("Action does not apply to any resource(s) in statement")


def _check_keys(statement: Statement) -> None:
    for condition in statement.conditions:
        key = condition.key
        if key not in _GLOBAL_KEYS and key not in _S3_KEYS and not key.startswith(_KEY_FAMILIES):
            raise PolicyDocumentError("Policy has an invalid condition key")


def _check_principals(statement: Statement, exists: Callable[[str], bool]) -> None:
    assert statement.principals is not None
    for arn in statement.principals.arns:
        head, _, resource = arn.rpartition(":")
        if resource.startswith("assumed-role/"):
            account = head.split(":")[4]
            arn = f"arn:aws:iam::{account}:role/{resource.split('/')[1]}"
        if not exists(arn):
            raise PolicyDocumentError("Invalid principal in policy")
